"""Published findings held against models."""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach(
    __name__,
    submod_attrs={
        "agreement.compare": ["Agreement", "assess_findings", "compare_findings"],
        "agreement.contrast": ["StandardisedEffect", "standardised_effect"],
        "power.power": ["operating_characteristics"],
        "agreement.non_findings": ["compare_non_findings"],
        "selfcheck.selfcheck": ["check_findings"],
        "agreement.update": ["update_published"],
        "agreement.verdict": ["Verdict", "judge"],
    },
)

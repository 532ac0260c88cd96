"""Published findings held against models."""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach(
    __name__,
    submod_attrs={
        "compare": ["Agreement", "assess_findings", "compare_findings"],
        "contrast": ["StandardisedEffect", "standardised_effect"],
        "power": ["operating_characteristics"],
        "non_findings": ["compare_non_findings"],
        "selfcheck": ["check_findings"],
        "update": ["update_published"],
        "verdict": ["Verdict", "judge"],
    },
)

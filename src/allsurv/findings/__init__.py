"""Published findings held against models."""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach(
    __name__,
    submod_attrs={
        "compare": ["compare_findings"],
        "contrast": ["standardised_log_hazard_ratio"],
        "selfcheck": ["check_findings"],
        "verdict": ["Verdict", "judge"],
    },
)

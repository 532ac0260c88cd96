"""Exact explanations of predictions in the clinician's variables."""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach(
    __name__,
    submod_attrs={
        "ranking": ["directions", "effects_over_time", "importance"],
        "explanation": ["Explanation"],
        "values": ["shap_values"],
    },
)

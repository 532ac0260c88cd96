"""Honest internal validation: every number comes from patients the model has not seen."""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach(
    __name__,
    submod_attrs={
        "bands": ["measure_instability"],
        "catalogue": ["MEASURES", "Measure", "find_measure", "register_measure"],
        "choice": ["Choice", "choose"],
        "importance": ["importance_limits"],
        "report": ["validate", "validate_all"],
        "stability": ["InstabilityReport", "instability"],
        "validated": ["Validation"],
        "plans": ["Bootstrap", "External", "InternalExternal", "Plan"],
    },
)

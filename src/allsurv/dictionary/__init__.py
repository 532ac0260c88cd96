"""One column, one table, read as its data dictionary says."""

import lazy_loader as lazy

__getattr__, __dir__, __all__ = lazy.attach(
    __name__,
    submod_attrs={
        "checks": ["check_columns", "check_frame"],
        "derive": ["derive", "derived_order"],
        "filters": ["matches"],
        "readonly": ["FrozenDict", "plain"],
        "units": ["unit_ratio"],
        "values": ["read_values"],
        "variable": ["Derivation", "Filter", "Variable"],
    },
)

"""Patients held against their study: read, checked, derived, cut into intervals."""

import lazy_loader as lazy

__getattr__, __dir__, __all__ = lazy.attach(
    __name__,
    submod_attrs={
        "checks": ["check_frame"],
        "doors": ["load_cohort", "make_cohort", "read_cohort"],
        "filters": ["matches"],
        "intervals": ["Intervals", "make_intervals"],
        "simulate": ["make_simulator", "simulate_cohort", "simulate_truth", "write_cohort"],
        "table": ["Cohort", "Source"],
    },
)

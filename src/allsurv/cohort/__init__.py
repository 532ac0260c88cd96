"""Patients held against their study: read, checked, derived, cut into intervals."""

import lazy_loader as lazy

__getattr__, __dir__, __all__ = lazy.attach(
    __name__,
    submod_attrs={
        "causes": ["CompetingOutcome"],
        "histories": ["state_histories"],
        "reading": ["load_cohort", "make_cohort", "read_cohort"],
        "intervals": ["Intervals", "make_intervals"],
        "table": ["Cohort", "Source"],
        "writing": ["write_cohort"],
    },
)

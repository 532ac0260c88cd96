"""The rules of disclosure applied to tables, and the search of everything before it leaves."""

import lazy_loader as lazy

__getattr__, __dir__, __all__ = lazy.attach(
    __name__,
    submod_attrs={
        "cox": ["safe_hazard_ratios"],
        "dominance": ["dominated_summaries"],
        "scanner": ["Scanner", "check_artefacts"],
        "tables": ["safe_curve", "suppress_small"],
        "validated": ["safe_net_benefit", "safe_risk_groups", "safe_subgroups"],
    },
)

"""The rules of disclosure applied to tables, and the search of everything before it leaves."""

import lazy_loader as lazy

__getattr__, __dir__, __all__ = lazy.attach(
    __name__,
    submod_attrs={
        "characteristics": ["safe_characteristics", "safe_missing"],
        "cox": ["safe_hazard_ratios"],
        "curves": ["safe_curve"],
        "dominance": ["dominated_summaries"],
        "evidence": ["safe_non_findings"],
        "incidence": ["safe_competing", "safe_incidence", "safe_incidence_table"],
        "scanner": ["Scanner", "check_artefacts"],
        "survival": ["medians_on_grid", "safe_survival"],
        "validated": ["safe_measures", "safe_net_benefit", "safe_risk_groups", "safe_subgroups"],
    },
)

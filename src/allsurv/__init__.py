"""Prognostic survival models, held against published findings.

>>> import allsurv as als
>>> study = als.load_study("rr-all")
>>> cohort = als.load_cohort("rr-all")
>>> cohort.n
110

Research use only. The cohort that comes with ``rr-all`` is reconstructed from published summaries;
``cohort.source`` says so, and so does everything made from it.
"""

import lazy_loader as _lazy

__version__ = "0.1.0"

__getattr__, __dir__, __all__ = _lazy.attach(
    __name__,
    submodules=[
        "cards",
        "describe",
        "explain",
        "findings",
        "plots",
        "reproduction",
        "stats",
        "study",
    ],
    submod_attrs={
        "study": ["Study", "load_study"],
        "cohort": ["Cohort", "load_cohort", "read_cohort", "write_cohort"],
        "simulate": ["simulate_cohort"],
        "describe": [
            "analysis_table",
            "competing_table",
            "cox_table",
            "cumulative_incidence",
            "incidence_table",
            "kaplan_meier",
            "landmark",
            "landmark_incidence",
            "response_table",
            "state_table",
            "table_one",
            "toxicity_table",
            "transition_table",
        ],
        "models": ["make_model"],
        "validation": ["validate"],
        "findings": ["compare_findings"],
        "scoring": ["RiskScorer"],
        "experiment": ["run_experiment"],
    },
)

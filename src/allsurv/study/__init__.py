"""A study: what a cohort looks like and what was published about it, read from YAML and frozen."""

import lazy_loader as lazy

__getattr__, __dir__, __all__ = lazy.attach(
    __name__,
    submod_attrs={
        "build": ["build_variable"],
        "ledger": [
            "Compared",
            "Ledger",
            "LedgerEntry",
            "ledger_schema",
            "load_ledger",
            "read_ledger",
        ],
        "reader": ["bundled_studies", "load_study"],
        "schema": ["study_schema"],
        "spec": [
            "Analysis",
            "Between",
            "Cause",
            "CohortFile",
            "Comparison",
            "Contrast",
            "Derivation",
            "Endpoint",
            "Event",
            "Filter",
            "Finding",
            "NonFinding",
            "Prediction",
            "Rule",
            "Scale",
            "Screening",
            "State",
            "Study",
            "TableRow",
            "Tabulation",
            "TimeScale",
            "Variable",
        ],
    },
)

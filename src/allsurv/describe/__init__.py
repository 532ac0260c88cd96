"""Description of a cohort in tidy tables: characteristics, survival curves, Cox analyses."""

import lazy_loader as lazy

__getattr__, __dir__, __all__ = lazy.attach(
    __name__,
    submod_attrs={
        "at_risk": ["numbers_at_risk"],
        "cox.imputed": ["impute_missing"],
        "cox.pooled": ["pooled_cox_table"],
        "cox.screening": ["screened_table", "univariable_table"],
        "competing.at_risk": ["competing_numbers_at_risk"],
        "competing.comparisons": [
            "comparison_gray_tests",
            "comparison_incidence",
            "comparison_incidence_table",
            "landmark_incidence",
        ],
        "competing.incidence": ["cumulative_incidence", "incidence_table"],
        "competing.regression": ["competing_analysis_table", "competing_table"],
        "states.probabilities": ["state_curves", "state_table"],
        "states.transitions": ["transition_counts", "transition_table"],
        "support": ["support_sentence"],
        "cox.immortal_time": ["immortal_time_table"],
        "cox.tables": ["analysis_table", "cox_table", "landmark_cox_table"],
        "rates": ["rate_table", "rate_tables", "response_table", "toxicity_table"],
        "comparisons": ["comparison_curves", "comparison_summary", "comparison_test", "landmark"],
        "survival": ["kaplan_meier", "survival_summary"],
        "characteristics": ["table_one"],
    },
)

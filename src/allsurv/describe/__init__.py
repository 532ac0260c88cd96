"""Description of a cohort in tidy tables: characteristics, survival curves, Cox analyses."""

import lazy_loader as lazy

__getattr__, __dir__, __all__ = lazy.attach(
    __name__,
    submod_attrs={
        "at_risk": ["numbers_at_risk"],
        "imputed": ["impute_markers", "imputed_cox_table"],
        "pooled_cox": ["pooled_cox_table"],
        "screening": ["screened_table", "univariable_table"],
        "support": ["support_sentence"],
        "immortal_time": ["immortal_time_table"],
        "cox_tables": ["analysis_table", "cox_table", "landmark_cox_table"],
        "rates": ["rate_table", "rate_tables", "response_table", "toxicity_table"],
        "disclosure": ["POLICIES", "DisclosurePolicy", "disclosure_policy"],
        "dominance": ["dominated_summaries"],
        "safe_cox": ["safe_hazard_ratios"],
        "safe_tables": ["safe_curve", "suppress_small"],
        "journal": ["count_text", "number_text", "p_text", "percent", "round_half_up"],
        "comparisons": [
            "comparison_curves",
            "comparison_summary",
            "comparison_test",
            "landmark",
        ],
        "survival": ["kaplan_meier", "survival_summary"],
        "characteristics": ["table_one"],
    },
)

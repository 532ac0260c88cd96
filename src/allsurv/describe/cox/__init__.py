"""Cox analyses of a cohort in tidy tables."""

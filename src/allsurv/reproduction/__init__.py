"""A paper's whole analysis on any cohort of its study, and its numbers printed against recomputed."""

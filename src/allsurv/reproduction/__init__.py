"""A paper's whole analysis on any cohort of its study: its numbers, printed and recomputed."""

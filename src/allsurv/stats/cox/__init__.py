"""Cox regression: one likelihood, one maximiser, what follows from a fit."""

"""The twelve patients of ``twelve_patients``, as fixtures."""

from twelve_patients import cohort, frame, study

__all__ = ["cohort", "frame", "study"]

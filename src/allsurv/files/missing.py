"""Texts in files that mean "no value"."""

from __future__ import annotations

__all__ = ["MISSING_WORDS"]

MISSING_WORDS = frozenset(
    {"", "NA", "N/A", "NaN", "nan", "None", "NULL", "null", "<NA>", "#N/A", "n/a", "na", "."}
)
"""Texts that mean "no value", unless the dictionary has a level of that name.

``#N/A`` is Excel's, ``.`` that of SAS and Stata, the others those of R, Python and databases.
"""

"""Sentences that may hold a count of patients, such as the message of an error."""

from __future__ import annotations

import re

import pandas as pd

from allsurv.policy.rules import DisclosurePolicy

__all__ = ["safe_reasons", "safe_sentence"]

_COUNT = re.compile(r"\b\d+(?=(?: of \d+)? (?:rows?|patients?|events?)\b)")
REASONS = ("reason", "failures", "note")
"""Columns that hold sentences of why something is missing."""


def safe_sentence(text: str, policy: DisclosurePolicy) -> str:
    """Hide the small counts of rows, patients and events in a sentence that goes into a result.

    Examples
    --------
    >>> from allsurv.policy import CMS
    >>> safe_sentence("'cns' has no event among its 4 rows by 6 months; 40 rows remain", CMS)
    "'cns' has no event among its <11 rows by 6 months; 40 rows remain"
    """

    def hidden(found: re.Match[str]) -> str:
        return f"<{policy.threshold}" if policy.is_small(int(found[0])) else found[0]

    return _COUNT.sub(hidden, text)


def safe_reasons(table: pd.DataFrame, policy: DisclosurePolicy) -> pd.DataFrame:
    """Hide the small counts in a table's sentences."""
    hidden = {
        name: [safe_sentence(v, policy) if isinstance(v, str) else v for v in table[name]]
        for name in REASONS
        if name in table.columns
    }
    return table.assign(**hidden) if hidden else table

"""The near miss: what a misspelt name was probably meant to be."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import SequenceMatcher

__all__ = ["did_you_mean"]

_LEAST_ALIKE = 0.6


def did_you_mean(name: str, candidates: Iterable[str]) -> str:
    """Suggest the closest of the allowed names.

    Examples
    --------
    >>> did_you_mean("rfs_month", ["os_months", "rfs_months"])
    " Did you mean 'rfs_months'?"
    >>> did_you_mean("lable", ["table", "label"])
    " Did you mean 'label'?"
    >>> did_you_mean("zzz", ["age"])
    ''
    """
    written = name.lower()
    matcher = SequenceMatcher(b=written)
    best, nearest = (_LEAST_ALIKE, False, False), ""
    for candidate in candidates:
        other = candidate.lower()
        matcher.set_seq1(other)
        if matcher.real_quick_ratio() < best[0] or matcher.quick_ratio() < best[0]:
            continue
        same_letters = sorted(other) == sorted(written)
        score = (matcher.ratio(), same_letters, other[:1] == written[:1])
        if score > best:
            best, nearest = score, candidate
    return f" Did you mean '{nearest}'?" if nearest else ""

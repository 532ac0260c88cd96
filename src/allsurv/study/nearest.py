"""The near miss: what a misspelt name was probably meant to be."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

__all__ = ["did_you_mean"]


def did_you_mean(name: str, candidates: Iterable[str]) -> str:
    """Suggest the closest of the allowed names.

    Parameters
    ----------
    name : str
        What was written.
    candidates : iterable of str
        What may be written.

    Returns
    -------
    str
        A sentence that starts with a blank, or nothing where no candidate is near.

    Examples
    --------
    >>> did_you_mean("rfs_month", ["os_months", "rfs_months"])
    " Did you mean 'rfs_months'?"
    >>> did_you_mean("zzz", ["age"])
    ''
    """
    lowered = {c.lower(): c for c in candidates}
    found = get_close_matches(name.lower(), list(lowered), n=1, cutoff=0.6)
    return f" Did you mean '{lowered[found[0]]}'?" if found else ""

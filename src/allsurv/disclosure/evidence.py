"""Published evidence held against a cohort, made safe to show."""

from __future__ import annotations

import pandas as pd

from allsurv.policy.rules import DisclosurePolicy

__all__ = ["safe_non_findings"]


def safe_non_findings(
    table: pd.DataFrame, n_patients: int, policy: DisclosurePolicy
) -> pd.DataFrame:
    """Hide the counts of an analysis of few patients, or of all patients but a few.

    Parameters
    ----------
    table : DataFrame
        From :func:`allsurv.findings.compare_non_findings`.
    n_patients : int
        Of the cohort, which readers can see.
    policy : DisclosurePolicy
        What may be shown.

    Returns
    -------
    DataFrame
        ``n`` and ``n_events`` missing where hidden.
    """
    left_out = n_patients - table["n"]
    shown = table["n"].ge(policy.threshold) & ~left_out.between(1, policy.threshold - 1)
    counts = table[["n", "n_events"]].where(shown)
    return table.assign(**dict(counts.items()))

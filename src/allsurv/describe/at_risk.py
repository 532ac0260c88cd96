"""Numbers under survival curves: at risk, censored so far, events so far."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from allsurv.errors import OutcomeError

__all__ = ["numbers_at_risk"]

COLUMNS = ("group", "group_label", "time", "n_at_risk", "n_censored", "n_events")


def numbers_at_risk(curves: pd.DataFrame, times: ArrayLike) -> pd.DataFrame:
    """Count under each curve who is at risk, who was censored and who had the event before.

    Parameters
    ----------
    curves : DataFrame
        From ``kaplan_meier`` or ``comparison_curves``, at every time of follow-up.
    times : array-like of shape (n_times,)
        Rising times, in the study's unit.

    Returns
    -------
    DataFrame
        One row per group and time: ``group``, ``group_label``, ``time``, ``n_at_risk`` (under
        observation just before and followed at least to then), ``n_censored`` and ``n_events``
        (before then). The three add up to the group, unless entry is delayed.

    Raises
    ------
    OutcomeError
        If the times do not rise, or the curves were thinned.

    Notes
    -----
    The table that Morris and colleagues propose [1]_.

    References
    ----------
    .. [1] Morris TP, et al. BMJ Open. 2019;9(9):e030215. doi:10.1136/bmjopen-2019-030215
    """
    wanted = np.asarray(times, dtype=float)
    if wanted.ndim != 1 or not np.all(np.isfinite(wanted)) or np.any(np.diff(wanted) <= 0):
        raise OutcomeError("numbers_at_risk: times are not rising numbers; give such.")
    if not {"n_events", "n_censored"} <= set(curves.columns):
        raise OutcomeError(
            "numbers_at_risk: curves without n_events and n_censored; give those of kaplan_meier "
            "at every time of follow-up."
        )
    parts = []
    for (group, label), part in curves.groupby(["group", "group_label"], sort=False):
        before = np.searchsorted(part["time"].to_numpy(dtype=float), wanted, side="left")
        events, censored = (
            np.concatenate([[0], np.cumsum(part[name].to_numpy(dtype=int))])[before]
            for name in ("n_events", "n_censored")
        )
        at_risk = np.append(part["n_at_risk"].to_numpy(dtype=int), 0)[before]
        values = (group, label, wanted, at_risk, censored, events)
        parts.append(pd.DataFrame(dict(zip(COLUMNS, values, strict=True))))
    table = pd.concat(parts, ignore_index=True)
    table.attrs.update(curves.attrs)
    return table

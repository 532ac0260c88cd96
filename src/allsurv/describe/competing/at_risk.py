"""Numbers under curves of incidence: at risk, censored so far, and had each event so far."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from allsurv.errors import OutcomeError

__all__ = ["competing_numbers_at_risk"]


def competing_numbers_at_risk(curves: pd.DataFrame, times: ArrayLike) -> pd.DataFrame:
    """Count in each group who is at risk, who was censored and who had each event before.

    Parameters
    ----------
    curves : DataFrame
        From ``cumulative_incidence`` or ``comparison_incidence``, at every time of follow-up.
    times : array-like of shape (n_times,)
        Rising times, in the study's unit.

    Returns
    -------
    DataFrame
        One row per group and time: ``group``, ``group_label``, ``time``, ``n_at_risk`` (free of
        every event and followed at least to then), ``n_censored`` and, for each cause,
        ``n_<cause>`` (before then). They add up to the group.

    Raises
    ------
    OutcomeError
        If the times do not rise, or the curves were thinned.
    """
    wanted = np.asarray(times, dtype=float)
    if wanted.ndim != 1 or not np.all(np.isfinite(wanted)) or np.any(np.diff(wanted) <= 0):
        raise OutcomeError("competing_numbers_at_risk: times are not rising numbers; give such.")
    if not {"n_events", "n_censored"} <= set(curves.columns):
        raise OutcomeError(
            "competing_numbers_at_risk: curves without n_events and n_censored; give those of "
            "cumulative_incidence at every time of follow-up."
        )
    parts = []
    for (group, label), part in curves.groupby(["group", "group_label"], sort=False):
        causes = dict(list(part.groupby("cause", sort=False)))
        first = next(iter(causes.values()))
        columns = {"n_censored": _before(first, "n_censored", wanted)}
        columns |= {f"n_{cause}": _before(p, "n_events", wanted) for cause, p in causes.items()}
        at_risk = int(first["n_at_risk"].iloc[0]) - sum(columns.values())
        stated = {"group": group, "group_label": label, "time": wanted, "n_at_risk": at_risk}
        parts.append(pd.DataFrame(stated | columns))
    table = pd.concat(parts, ignore_index=True)
    table.attrs.update(curves.attrs)
    return table


def _before(part: pd.DataFrame, column: str, times: np.ndarray) -> np.ndarray:
    place = np.searchsorted(part["time"].to_numpy(dtype=float), times, side="left")
    counted: np.ndarray = np.concatenate([[0], np.cumsum(part[column].to_numpy(dtype=int))])
    return counted[place]

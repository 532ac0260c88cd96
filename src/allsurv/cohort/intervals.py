"""``(start, stop]`` rows: each patient's follow-up, cut where an event switches on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from allsurv.errors import OutcomeError

__all__ = ["Intervals", "make_intervals"]


@dataclass(frozen=True, eq=False)
class Intervals:
    """Follow-up as ``(start, stop]`` rows, in the study's time unit.

    Parameters
    ----------
    patient : ndarray of int of shape (n_rows,)
        Position of the patient in the cohort, from 0.
    start, stop : ndarray of float of shape (n_rows,)
        A row is at risk after ``start`` up to and including ``stop``.
    event : ndarray of bool of shape (n_rows,)
        Whether the outcome happened at ``stop``.
    X : DataFrame of shape (n_rows, n_variables)
        Baseline variables, then one column of 0 and 1 per time-dependent event.
    """

    patient: NDArray[np.intp]
    start: NDArray[np.float64]
    stop: NDArray[np.float64]
    event: NDArray[np.bool_]
    X: pd.DataFrame

    def __len__(self) -> int:
        """Count the rows."""
        return int(self.start.size)


def make_intervals(
    time: ArrayLike,
    event: ArrayLike,
    switches: Mapping[str, ArrayLike],
    X: pd.DataFrame,
    *,
    start: ArrayLike | None = None,
) -> Intervals:
    """Cut each patient's follow-up where a time-dependent event switches on.

    Parameters
    ----------
    time : array-like of shape (n_patients,)
        Follow-up; positive.
    event : array-like of shape (n_patients,)
        Whether the outcome happened then.
    switches : mapping from str to array-like of shape (n_patients,)
        Time at which each time-dependent event happened; NaN or infinite where it did not.
    X : DataFrame of shape (n_patients, n_variables)
        Variables that stay as they were at baseline.
    start : array-like of shape (n_patients,), optional
        When each patient came under observation (delayed entry), below ``time``; 0 where not given.

    Returns
    -------
    Intervals
        A switch at time t, entry < t < follow-up, makes the rows (start, t] with 0 and (t, stop]
        with 1. At or before entry the event is on from the start; on the last day it changes
        nothing, since a row is at risk with the value it had just before [1]_.

    Raises
    ------
    OutcomeError
        If a time-dependent event bears the name of a baseline variable.

    References
    ----------
    .. [1] Therneau TM, Grambsch PM. Modeling Survival Data: Extending the Cox Model. Springer;
       2000. doi:10.1007/978-1-4757-3294-8

    Examples
    --------
    Transplant at month 4 of 12: not transplanted in (0, 4], transplanted in (4, 12].

    >>> rows = make_intervals([12.0], [True], {"sct": [4.0]}, pd.DataFrame({"age": [34.0]}))
    >>> rows.start.tolist(), rows.stop.tolist(), rows.event.tolist(), rows.X["sct"].tolist()
    ([0.0, 4.0], [4.0, 12.0], [False, True], [0.0, 1.0])
    """
    clash = set(switches) & set(X.columns)
    if clash:
        raise OutcomeError(
            f"intervals: {sorted(clash)[0]!r} is both a baseline variable and a time-dependent "
            "event; leave one out."
        )
    stop_at = np.asarray(time, dtype=float)
    n = stop_at.size
    begun = np.zeros(n) if start is None else np.asarray(start, dtype=float)
    on = np.column_stack([np.asarray(t, dtype=float) for t in switches.values()] or [np.empty(n)])
    on = on[:, : len(switches)].reshape(n, len(switches))
    on = np.where(np.isnan(on), np.inf, on)
    inside = (on > begun[:, None]) & (on < stop_at[:, None])
    cuts = np.sort(np.where(inside, on, np.inf), axis=1)
    keep = np.isfinite(cuts)
    if cuts.shape[1] > 1:
        keep[:, 1:] &= cuts[:, 1:] > cuts[:, :-1]
    patient = np.repeat(np.arange(n), keep.sum(axis=1) + 1)
    first = np.append(True, patient[1:] != patient[:-1])[: patient.size]
    last = np.append(patient[1:] != patient[:-1], True)[-patient.size :] if n else first
    opens = np.empty(patient.size)
    stop = np.empty(patient.size)
    opens[first] = begun
    opens[~first] = cuts[keep]
    stop[~last] = cuts[keep]
    stop[last] = stop_at
    happened = np.zeros(patient.size, dtype=bool)
    happened[last] = np.asarray(event, dtype=bool)
    rows = X.iloc[patient].reset_index(drop=True)
    values = (on[patient] <= opens[:, None]).astype(float)
    return Intervals(
        patient, opens, stop, happened, rows.assign(**dict(zip(switches, values.T, strict=True)))
    )

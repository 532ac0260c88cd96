"""Variances that sum squared influences of rows: right for sampling weights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from allsurv.errors import OutcomeError
from allsurv.stats.risk_sets import rank_times

__all__ = ["RowInfluence", "VarianceKind", "row_influence", "variance_kind"]

Floats = NDArray[np.float64]
Integers = NDArray[np.intp]
VarianceKind = Literal["greenwood", "robust"]


@dataclass(frozen=True, eq=False)
class RowInfluence:
    """Each row's place in the risk sets, for variances that sum squared influences of rows.

    Attributes
    ----------
    rank, first : ndarray of shape (n_rows,)
        First and last distinct time at which a row is at risk, as from ``rank_times``.
    event : ndarray of shape (n_rows,)
        Whether the row ends in an event.
    weights : ndarray of shape (n_rows,)
        Case weights.
    """

    rank: Integers
    first: Integers
    event: NDArray[np.bool_]
    weights: Floats

    def variance(self, while_at_risk: Floats, at_event: Floats) -> Floats:
        """Sum the squared weighted influences of all rows up to each time.

        Parameters
        ----------
        while_at_risk : ndarray of shape (n_times,)
            What one more patient at risk adds to the statistic at each time.
        at_event : ndarray of shape (n_times,)
            What one more event adds beyond that.

        Returns
        -------
        ndarray of shape (n_times,)
            Infinitesimal-jackknife variance of the statistic accumulated to each time.
        """
        size = while_at_risk.size
        path = np.concatenate([[0.0], np.cumsum(while_at_risk)])
        before = path[self.first]
        squared = self.weights**2
        gone = path[self.rank + 1] - before + np.where(self.event, at_event[self.rank], 0.0)
        finished = np.cumsum(np.bincount(self.rank, squared * gone**2, size))

        def _active(values: Floats) -> Floats:
            entered = np.bincount(self.first, values, size)
            return np.cumsum(entered - np.bincount(self.rank, values, size))

        so_far = path[1:]
        running = (
            so_far**2 * _active(squared)
            - 2 * so_far * _active(squared * before)
            + _active(squared * before**2)
        )
        return np.asarray(finished + np.maximum(running, 0.0), dtype=float)


def variance_kind(asked: VarianceKind | None, weights: Floats | None, where: str) -> VarianceKind:
    """Settle which variance to use: robust where a weight is not a whole number, unless told.

    Parameters
    ----------
    asked : {"greenwood", "robust"} or None
        What the user said.
    weights : ndarray of shape (n_rows,) or None
        Case weights.
    where : str
        Function to name in the message.

    Returns
    -------
    {"greenwood", "robust"}
        The kind.

    Raises
    ------
    OutcomeError
        If ``asked`` is something else.
    """
    if asked is None:
        whole = weights is None or bool(np.all(weights == np.floor(weights)))
        return "greenwood" if whole else "robust"
    if asked not in ("greenwood", "robust"):
        raise OutcomeError(f"{where}: variance is {asked!r}; choose 'greenwood' or 'robust'.")
    return asked


def row_influence(
    time: Floats, event: NDArray[np.bool_], start: Floats | None, weights: Floats | None
) -> RowInfluence:
    """Place each row of positive weight among the risk sets.

    Parameters
    ----------
    time, event : ndarray of shape (n_rows,)
        As from ``check_outcome``.
    start, weights : ndarray of shape (n_rows,) or None
        Entry and case weights.

    Returns
    -------
    RowInfluence
        Ready to make variances on the distinct times of ``count_risk_sets``.
    """
    w = np.ones(time.size) if weights is None else weights
    kept = w > 0
    _, rank, first = rank_times(time[kept], None if start is None else start[kept])
    first = np.zeros_like(rank) if first is None else first
    return RowInfluence(rank, first, event[kept], w[kept])

"""Variances that sum squared influences of rows: right for sampling weights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from allsurv.errors import OutcomeError
from allsurv.stats.curves.counts import rank_times

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
        one = (while_at_risk, np.where(self.event, at_event[self.rank], 0.0))
        return np.maximum(self.covariance(one, one), 0.0)

    def covariance(self, one: tuple[Floats, Floats], other: tuple[Floats, Floats]) -> Floats:
        """Sum the products of the influences of all rows on two statistics, up to each time.

        Parameters
        ----------
        one, other : tuple of ndarray
            What one more patient at risk adds to the statistic at each time, of shape
            ``(n_times,)``; what each row's own end adds beyond that, of shape ``(n_rows,)``.

        Returns
        -------
        ndarray of shape (n_times,)
            Infinitesimal-jackknife covariance of the statistics accumulated to each time.
        """
        size = one[0].size
        squared = self.weights**2

        def _active(values: Floats) -> Floats:
            entered = np.bincount(self.first, values, size)
            return np.cumsum(entered - np.bincount(self.rank, values, size))

        paths, before, gone = [], [], []
        for while_at_risk, at_end in (one, other):
            path = np.concatenate([[0.0], np.cumsum(while_at_risk)])
            paths.append(path[1:])
            before.append(path[self.first])
            gone.append(path[self.rank + 1] - path[self.first] + at_end)
        finished = np.cumsum(np.bincount(self.rank, squared * gone[0] * gone[1], size))
        running = paths[0] * paths[1] * _active(squared)
        if self.first.any():
            running = running + (
                _active(squared * before[0] * before[1])
                - paths[0] * _active(squared * before[1])
                - paths[1] * _active(squared * before[0])
            )
        return np.asarray(finished + running, dtype=float)


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

"""Who is at risk at each event time, on rows that are sorted once."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

__all__ = ["RiskSets", "make_risk_sets"]

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class RiskSets:
    """Who is at risk at each event time; event times ascend within each stratum.

    Attributes
    ----------
    n_rows : int
        Number of rows given, at risk or not.
    times : ndarray of shape (n_times,)
        Event times, stratum after stratum.
    bounds : ndarray of shape (n_strata + 1,)
        Where each stratum begins and ends in ``times``.
    rows : ndarray of shape (n_used,)
        Rows at risk at some event time, sorted by the last event time at which they are.
    last : ndarray of shape (n_used,)
        That last event time, as an index of ``times``.
    first : ndarray of shape (n_used,) or None
        First event time at which the row is at risk; ``None`` where all are from the beginning.
    deaths : ndarray of shape (n_events,)
        Positions in ``rows`` of the events, in order of their times.
    n_deaths : ndarray of shape (n_times,)
        Number of events at each time.
    """

    n_rows: int
    times: Floats
    bounds: Ints
    rows: Ints
    last: Ints
    first: Ints | None
    deaths: Ints
    n_deaths: Ints

    def at_risk_sum(self, per_time: NDArray) -> NDArray:
        """Sum backwards in time within each stratum, in place.

        Parameters
        ----------
        per_time : ndarray of shape (n_times, ...)
            What enters, less what leaves, going back from each event time to the one before.

        Returns
        -------
        ndarray of shape (n_times, ...)
            Sums over the risk sets.
        """
        for begin, end in self._strata():
            part = per_time[begin:end][::-1]
            np.cumsum(part, axis=0, out=part)
        return per_time

    def history_sum(self, per_time: NDArray) -> NDArray:
        """Sum forwards in time within each stratum.

        Parameters
        ----------
        per_time : ndarray of shape (n_times, ...)
            Increments.

        Returns
        -------
        ndarray of shape (n_times, ...)
            Cumulative sums.
        """
        out = np.empty_like(per_time)
        for begin, end in self._strata():
            np.cumsum(per_time[begin:end], axis=0, out=out[begin:end])
        return out

    def over_rows(self, cumulative: NDArray) -> NDArray:
        """Increase of a cumulative sum while each used row is at risk.

        Parameters
        ----------
        cumulative : ndarray of shape (n_times, ...)
            As from :meth:`history_sum`.

        Returns
        -------
        ndarray of shape (n_used, ...)
            One value per used row.
        """
        out = cumulative[self.last]
        if self.first is not None:
            late = self.first > self.bounds[self.stratum_of(self.first)]
            out[late] -= cumulative[self.first[late] - 1]
        return out

    def stratum_of(self, index: Ints) -> Ints:
        """Stratum to which event times belong.

        Parameters
        ----------
        index : ndarray of int
            Indices of ``times``.

        Returns
        -------
        ndarray of int
            Indices of strata.
        """
        return np.searchsorted(self.bounds, index, side="right") - 1

    def _strata(self) -> list[tuple[int, int]]:
        if self.bounds.size == 2:
            return [(0, self.times.size)]
        return [(b, e) for b, e in pairwise(self.bounds.tolist()) if e > b]


def make_risk_sets(
    time: Floats,
    event: NDArray[np.bool_],
    *,
    start: Floats | None = None,
    stratum: Ints | None = None,
    n_strata: int = 1,
) -> RiskSets:
    """Sort rows once, by the last event time at which each is at risk.

    Parameters
    ----------
    time, event, start : ndarray of shape (n_rows,)
        Checked ``(start, time]`` rows with at least one event.
    stratum : ndarray of shape (n_rows,), optional
        Number of each row's stratum.
    n_strata : int, default=1
        How many strata there are.

    Returns
    -------
    RiskSets
        A row is at risk at event time ``t`` of its stratum if ``start < t <= time``.

    Examples
    --------
    >>> sets = make_risk_sets(np.array([3.0, 1.0, 2.0]), np.array([True, False, True]))
    >>> sets.times.tolist(), sets.rows.tolist(), sets.last.tolist()
    ([2.0, 3.0], [2, 0], [0, 1])
    """
    times = np.unique(time[event])
    last = np.searchsorted(times, time, side="right") - 1
    first = None if start is None else np.searchsorted(times, start, side="right")
    bounds = np.array([0, times.size])
    lowest: Ints | int = 0
    if stratum is not None:
        key = stratum * times.size
        pairs = np.unique((key + last)[event])
        bounds = np.searchsorted(pairs, np.arange(n_strata + 1) * times.size)
        last = np.searchsorted(pairs, key + last, side="right") - 1
        first = None if first is None else np.searchsorted(pairs, key + first)
        times, lowest = times[pairs % times.size], bounds[stratum]
    rows = np.flatnonzero(last >= (lowest if first is None else first))
    small = last[rows].astype(np.uint16 if times.size < 65_536 else np.intp)
    rows = rows[np.argsort(small, kind="stable")]
    last = last[rows]
    deaths = np.flatnonzero(event[rows])
    return RiskSets(
        n_rows=time.size,
        times=times,
        bounds=bounds,
        rows=rows,
        last=last,
        first=None if first is None else first[rows],
        deaths=deaths,
        n_deaths=np.bincount(last[deaths], minlength=times.size),
    )

"""Who is at risk at each event time, on rows that are sorted once."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from allsurv.stats.outcome import distinct_times
from allsurv.stats.sorting import FEW, sort_rows

__all__ = ["RiskSets", "TiedEvents", "grouping_matrix", "make_risk_sets"]

Floats = NDArray[np.float64]
Ints = NDArray[np.integer]


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
        Rows at risk at some event time, sorted by the last event time at which they are, and at
        each of them events before others.
    last : ndarray of shape (n_used,)
        That last event time, as an index of ``times``.
    first : ndarray of shape (n_used,) or None
        First event time at which the row is at risk; ``None`` where all are from the beginning.
    deaths : ndarray of shape (n_events,)
        Positions in ``rows`` of the events, in order of their times.
    n_deaths, n_last : ndarray of shape (n_times,)
        Number of events at each time, and of rows whose last event time it is.
    """

    n_rows: int
    times: Floats
    bounds: Ints
    rows: Ints
    last: Ints
    first: Ints | None
    deaths: Ints
    n_deaths: Ints
    n_last: Ints

    def at_risk_sum(self, per_time: NDArray[Any]) -> NDArray[Any]:
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
            part.cumsum(axis=0, out=part)
        return per_time

    def history_sum(self, per_time: NDArray[Any]) -> NDArray[Any]:
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
            per_time[begin:end].cumsum(axis=0, out=out[begin:end])
        return out

    def over_rows(self, cumulative: NDArray[Any]) -> NDArray[Any]:
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
        if self.first is None:
            return cumulative.repeat(self.n_last, axis=0)
        out = cumulative[self.last]
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


@dataclass(frozen=True, eq=False)
class TiedEvents:
    """Event times with several events, each event a term of Efron's approximation.

    Attributes
    ----------
    times : ndarray of shape (n_tied,)
        Indices of event times with more than one event.
    events : ndarray of shape (n_tied_events,)
        Which events of all those are, in order of time.
    rows : ndarray of shape (n_tied_events,)
        Positions of those events among the used rows.
    counts : ndarray of shape (n_tied,)
        Number of events at each of them.
    fraction : ndarray of shape (n_tied_events,)
        k / d for the k-th of d events, k from 0.
    begins : ndarray of shape (n_tied,)
        Where each time's events begin.
    """

    times: Ints
    events: Ints
    rows: Ints
    counts: Ints
    fraction: Floats
    begins: Ints

    @classmethod
    def of(cls, sets: RiskSets, ties: str) -> TiedEvents:
        """Find the ties that the method of ties acts on; none for Breslow.

        Parameters
        ----------
        sets : RiskSets
            Risk sets.
        ties : str
            "efron" or "breslow".

        Returns
        -------
        TiedEvents
            Empty where nothing is tied.
        """
        several = sets.n_deaths > 1 if ties == "efron" else np.zeros(sets.times.size, dtype=bool)
        times = several.nonzero()[0]
        counts = sets.n_deaths[times]
        begins = counts.cumsum() - counts
        events = several.repeat(sets.n_deaths).nonzero()[0]
        fraction = np.arange(events.size, dtype=float)
        fraction -= begins.repeat(counts)
        fraction /= counts.repeat(counts)
        return cls(times, events, sets.deaths[events], counts, fraction, begins)

    def spread(self, per_time: NDArray[Any]) -> NDArray[Any]:
        """Repeat values of the tied times for each of their events.

        Parameters
        ----------
        per_time : ndarray of shape (n_tied, ...)
            One value per tied time.

        Returns
        -------
        ndarray of shape (n_tied_events, ...)
            One value per event.
        """
        return per_time.repeat(self.counts, axis=0)

    def summed(self, per_event: Floats) -> Floats:
        """Sum over the events of each tied time.

        Parameters
        ----------
        per_event : ndarray of shape (n_tied_events, ...)
            One value per term.

        Returns
        -------
        ndarray of shape (n_tied, ...)
            One value per tied time.
        """
        return np.add.reduceat(per_event, self.begins, axis=0)


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
    times = distinct_times(time[event])
    last = _last_event_time(times, time)
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
    n_times = times.size
    key = 2 * (last + 1) - event
    if first is not None or stratum is not None:
        key *= last >= (lowest if first is None else first)
    counts = np.bincount(key, minlength=2 * n_times + 1)
    rows = sort_rows(key)[0][counts[0] :].astype(_index_type(time.size))
    n_deaths, n_last = counts[1::2], counts[1::2] + counts[2::2]
    return RiskSets(
        n_rows=time.size,
        times=times,
        bounds=bounds,
        rows=rows,
        last=np.arange(n_times, dtype=_index_type(n_times)).repeat(n_last),
        first=None if first is None else first[rows],
        deaths=event[rows].nonzero()[0],
        n_deaths=n_deaths,
        n_last=n_last,
    )


def _last_event_time(times: Floats, time: Floats) -> Ints:
    """Index of the last event time not after each time, -1 if none; days are looked up."""
    if time.size > FEW and (longest := time.max()) < time.size:
        day = time.astype(np.intp)
        if np.array_equal(day, time):
            return (np.searchsorted(times, np.arange(longest + 1), side="right") - 1)[day]
    return np.searchsorted(times, time, side="right") - 1


def _index_type(size: int) -> type[np.integer]:
    return np.int32 if size < 2**31 else np.int64


def grouping_matrix(sets: RiskSets, tied: TiedEvents) -> tuple[csr_array, Floats | None]:
    """Give who enters (1) and leaves (-1) the risk sets going back in time; below, tied events.

    Parameters
    ----------
    sets : RiskSets
        Risk sets.
    tied : TiedEvents
        Tied events.

    Returns
    -------
    matrix : csr_array of shape (n_times + n_tied, n_used)
        Its product with weighted rows holds the sums over those who enter and leave at each event
        time, and below them those over tied events, which enter at the time of their tie.
    sign : ndarray or None
        Signs of its entries; ``None`` where all are 1.

    Notes
    -----
    A row is at risk at event times ``first`` to ``last``. Going back in time it enters at ``last``
    and leaves at ``first - 1``, so the sums over risk sets are those of the entries of a row (1)
    and of its exit (-1), cumulated from the last time to the first: one pass, whatever the sizes of
    the risk sets. Tied events come in rows of their own, as Efron's method needs their sums apart.

    Example: at event times 0, 1, 2 row a is at risk at 0 to 2, b at 0 and 1, c at 1 and 2. The
    entries are (0: -c), (1: b), (2: a + c); cumulated backwards they give the risk sets
    (0: a + b), (1: a + b + c), (2: a + c).
    """
    n, m = sets.rows.size, sets.times.size
    index = _index_type(2 * n + tied.rows.size)
    untied = np.ones(n, dtype=bool)
    untied[tied.rows] = False
    others = np.flatnonzero(untied)
    if sets.first is None:
        columns, sign = np.concatenate([others, tied.rows], dtype=index), None
        counts = sets.n_last.copy()
        counts[tied.times] -= tied.counts
    else:
        leaves = np.flatnonzero(sets.first > sets.bounds[sets.stratum_of(sets.first)])
        entries = np.concatenate([sets.last[others], sets.first[leaves] - 1])
        order = sort_rows(entries)[0]
        columns = np.concatenate([others, leaves])[order]
        columns = np.concatenate([columns, tied.rows], dtype=index)
        sign = np.ones(columns.size)
        sign[: order.size][order >= others.size] = -1.0
        counts = np.bincount(entries, minlength=m)
    indptr = np.concatenate([[0], np.cumsum(np.concatenate([counts, tied.counts]))]).astype(index)
    shape = (m + tied.times.size, n)
    return csr_array((np.ones(columns.size), columns, indptr), shape=shape), sign

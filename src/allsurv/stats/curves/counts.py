"""Who is at risk, fails and leaves at each distinct time: the table under every curve here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from allsurv.errors import OutcomeError
from allsurv.stats.outcome import close_times

__all__ = ["RiskSets", "count_groups", "count_risk_sets", "rank_times"]

Floats = NDArray[np.float64]
Integers = NDArray[np.intp]

LATEST = 1e100
WEIGHTS = (1e-50, 1e50)  # so that squares of sums stay finite


@dataclass(frozen=True, eq=False)
class RiskSets:
    """Numbers at risk, failing and leaving at each distinct follow-up time.

    Attributes
    ----------
    time : ndarray of shape (n_times,)
        Distinct ends of follow-up, rising.
    n_at_risk : ndarray of shape (n_times,)
        Patients (sum of weights) with ``start < time`` and not yet gone.
    n_events, n_censored : ndarray of shape (n_times,)
        Patients (sum of weights) whose row ends at that time, by kind of end.
    entry_time, n_entered : ndarray of shape (n_entries,)
        Distinct entries and patients (sum of weights) coming under observation there; both empty
        where everyone is observed from time zero.
    """

    time: Floats
    n_at_risk: Floats
    n_events: Floats
    n_censored: Floats
    entry_time: Floats
    n_entered: Floats


def rank_times(time: Floats, start: Floats | None) -> tuple[Floats, Integers, Integers | None]:
    """Rank times and entries among the distinct times, floating-point near-ties being ties.

    Parameters
    ----------
    time : ndarray of shape (n_rows,)
        End of each row.
    start : ndarray of shape (n_rows,) or None
        Entry of each row.

    Returns
    -------
    distinct : ndarray of shape (n_times,)
        Distinct ends, rising.
    rank : ndarray of shape (n_rows,)
        Index of each row's end in ``distinct``.
    first : ndarray of shape (n_rows,) or None
        Index of the first distinct time at which the row is at risk.

    Raises
    ------
    OutcomeError
        If a row has no length once near-ties are merged.
    """
    distinct, rank = np.unique(time, return_inverse=True)
    everything = distinct if start is None else np.unique(np.concatenate([distinct, start]))
    cuts = _without_near_ties(everything)
    if cuts is not everything:
        snapped = cuts[np.searchsorted(cuts, distinct, side="right") - 1]
        time = snapped[rank]
        distinct, merged = np.unique(snapped, return_inverse=True)
        rank = merged[rank]
        start = None if start is None else cuts[np.searchsorted(cuts, start, side="right") - 1]
    if start is None:
        return distinct, rank, None
    _require_length(start, time)
    return distinct, rank, np.searchsorted(distinct, start, side="right")


def _without_near_ties(distinct: Floats) -> Floats:
    top = max(abs(distinct[0]), abs(distinct[-1]))
    if top > LATEST:
        raise OutcomeError(f"outcome: a time is beyond {LATEST:g}; check the unit of time.")
    if distinct.size < 2 or top == 0:
        return distinct
    tied = close_times(distinct)
    return distinct[np.concatenate([[True], ~tied])] if tied.any() else distinct


def count_risk_sets(
    time: Floats,
    event: NDArray[np.bool_],
    *,
    start: Floats | None = None,
    weights: Floats | None = None,
) -> RiskSets:
    """Count patients at risk, failing and leaving at each distinct time.

    Parameters
    ----------
    time, event : ndarray of shape (n_rows,)
        As from ``check_outcome``.
    start, weights : ndarray of shape (n_rows,), optional
        Entry and case weight. A row of weight zero counts nowhere, not even for its time.

    Returns
    -------
    RiskSets
        One entry per distinct time.

    Raises
    ------
    OutcomeError
        If times or weights are too large or small to compute with.
    """
    if weights is not None and not np.all(weights):
        kept = weights > 0
        time, event, weights = time[kept], event[kept], weights[kept]
        start = None if start is None else start[kept]
    if weights is not None and not WEIGHTS[0] <= weights.min() <= weights.max() <= WEIGHTS[1]:
        raise OutcomeError(
            f"outcome: weights go beyond {WEIGHTS[0]:g} to {WEIGHTS[1]:g}; scale them to a mean "
            "near 1."
        )
    if weights is None:
        return _count_whole_patients(time, event, start)
    return _count_weights(time, event, start, weights)


def _count_weights(
    time: Floats, event: NDArray[np.bool_], start: Floats | None, weights: Floats
) -> RiskSets:
    distinct, rank, first = rank_times(time, start)

    def _sum(rows: NDArray[np.bool_]) -> Floats:
        sums = np.bincount(rank[rows], weights[rows], distinct.size)
        return np.asarray(sums, dtype=float)

    n_events, n_censored = _sum(event), _sum(~event)
    total = n_events + n_censored
    n_at_risk = np.asarray(np.cumsum(total[::-1])[::-1], dtype=float)
    entries, n_entered = np.empty(0), np.empty(0)
    if first is not None and start is not None:
        everyone = n_at_risk[0]
        entering = np.bincount(first, weights, distinct.size)
        n_at_risk = n_at_risk - (np.cumsum(entering[::-1])[::-1] - entering)
        alone = n_at_risk - total <= 1e-12 * everyone  # nobody else at risk, but for rounding
        n_at_risk = np.where(alone, total, n_at_risk)
        entries, which = np.unique(start, return_inverse=True)
        n_entered = np.asarray(np.bincount(which, weights, entries.size), dtype=float)
    return RiskSets(distinct, n_at_risk, n_events, n_censored, entries, n_entered)


def _count_whole_patients(time: Floats, event: NDArray[np.bool_], start: Floats | None) -> RiskSets:
    ends, failures = np.sort(time), np.sort(time[event])
    distinct = _cut_times(time, start, ends)
    gone = ends.searchsorted(distinct)
    n_gone = _steps(gone, ends.size)
    n_events = _steps(failures.searchsorted(distinct), failures.size)
    n_at_risk = np.asarray(ends.size - gone, dtype=float)
    entries, n_entered = np.empty(0), np.empty(0)
    if start is not None:
        begun = np.sort(start)
        n_at_risk = np.asarray(begun.searchsorted(distinct) - gone, dtype=float)
        entries, counts = np.unique(begun, return_counts=True)
        n_entered = counts.astype(float)
        kept = n_gone > 0
        distinct, n_at_risk, n_events, n_gone = (
            column[kept] for column in (distinct, n_at_risk, n_events, n_gone)
        )
    return RiskSets(distinct, n_at_risk, n_events, n_gone - n_events, entries, n_entered)


def count_groups(
    time: Floats,
    event: NDArray[np.bool_],
    group: Integers,
    n_groups: int,
    *,
    start: Floats | None = None,
) -> tuple[Floats, Floats]:
    """Count the patients of each group failing and at risk at each time at which anybody fails.

    Parameters
    ----------
    time, event : ndarray of shape (n_rows,)
        As from ``check_outcome``.
    group : ndarray of shape (n_rows,)
        Index of each row's group.
    n_groups : int
        Number of groups.
    start : ndarray of shape (n_rows,), optional
        Entry.

    Returns
    -------
    failing, at_risk : ndarray of shape (n_groups, n_event_times)
        Rising in time.
    """
    distinct = _cut_times(time, start, np.sort(time))
    failing = np.empty((n_groups, distinct.size))
    for g in range(n_groups):
        failures = np.sort(time[event & (group == g)])
        failing[g] = _steps(failures.searchsorted(distinct), failures.size)
    used = failing.any(axis=0)
    failing, distinct = failing[:, used], distinct[used]
    at_risk = np.empty_like(failing)
    for g in range(n_groups):
        member = group == g
        ends = np.sort(time[member])
        begun = ends.size if start is None else np.sort(start[member]).searchsorted(distinct)
        at_risk[g] = begun - ends.searchsorted(distinct)
    return failing, at_risk


def _steps(before: Integers, total: int) -> Floats:
    out = np.empty(before.size)
    out[:-1] = before[1:] - before[:-1]
    out[-1] = total - before[-1]
    return out


def _cut_times(time: Floats, start: Floats | None, ends: Floats) -> Floats:
    # A row of any end is at risk at a cut exactly when its end is no earlier and its start is
    # earlier than the cut, whether or not near-ties were merged into it: counting needs no ranks.
    # And sorting values is several times faster than sorting indices.
    values = ends if start is None else np.sort(np.concatenate([time, start]))
    new = np.empty(values.size, dtype=bool)
    new[0] = True
    np.not_equal(values[1:], values[:-1], out=new[1:])
    distinct = values[new]
    cuts = _without_near_ties(distinct)
    if start is not None and cuts is not distinct:
        begun, ended = (np.searchsorted(cuts, column, side="right") for column in (start, time))
        _require_length(begun, ended)
    return cuts


def _require_length(begun: NDArray[Any], ended: NDArray[Any]) -> None:
    if np.any(begun >= ended):
        raise OutcomeError(
            "outcome: some rows start and end at the same time but for rounding; "
            "a row is (start, stop]. Remove them or correct their times."
        )

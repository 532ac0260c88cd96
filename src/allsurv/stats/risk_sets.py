"""Who is at risk, fails and leaves at each distinct time: the table under every curve here."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from allsurv.errors import OutcomeError

__all__ = ["RiskSets", "count_risk_sets", "label_codes", "rank_times"]

Floats = NDArray[np.float64]
Integers = NDArray[np.intp]

TIE_TOLERANCE = 1.5e-8  # relative to the mean time, as in R's aeqSurv
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
    if np.any(start >= time):
        raise OutcomeError(
            "outcome: some rows start and end at the same time but for rounding; "
            "a row is (start, stop]. Remove them or correct their times."
        )
    return distinct, rank, np.searchsorted(distinct, start, side="right")


def _without_near_ties(distinct: Floats) -> Floats:
    top = max(abs(distinct[0]), abs(distinct[-1]))
    if top > LATEST:
        raise OutcomeError(f"outcome: a time is beyond {LATEST:g}; check the unit of time.")
    if distinct.size < 2 or top == 0:
        return distinct
    scaled = distinct / top
    tied = scaled[1:] - scaled[:-1] <= TIE_TOLERANCE * np.abs(scaled).mean()
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
    if start is None and weights is None:
        return _count_whole_patients(time, event)
    distinct, rank, first = rank_times(time, start)
    size = distinct.size
    total = np.bincount(rank, weights, size).astype(float)
    if weights is None:
        n_events = np.bincount(rank[event], minlength=size).astype(float)
        n_censored = total - n_events
    else:
        n_events = np.bincount(rank[event], weights[event], size)
        n_censored = np.bincount(rank[~event], weights[~event], size)
        total = n_events + n_censored
    n_at_risk = np.cumsum(total[::-1])[::-1]
    if first is None or start is None:
        none = np.empty(0)
        return RiskSets(distinct, n_at_risk, n_events, n_censored, none, none)
    everyone = n_at_risk[0]
    late = np.cumsum(np.bincount(first, weights, size)[::-1])[::-1] - np.bincount(
        first, weights, size
    )
    n_at_risk = n_at_risk - late
    alone = n_at_risk - total <= 1e-12 * everyone
    n_at_risk = np.where(alone, total, n_at_risk)
    entries, which = np.unique(start, return_inverse=True)
    n_entered = np.bincount(which, weights, entries.size).astype(float)
    return RiskSets(distinct, n_at_risk, n_events, n_censored, entries, n_entered)


def _count_whole_patients(time: Floats, event: NDArray[np.bool_]) -> RiskSets:
    # Sorting values is several times faster than sorting indices.
    ends = np.sort(time)
    distinct = _without_near_ties(ends[np.concatenate([[True], ends[1:] != ends[:-1]])])
    gone = np.searchsorted(ends, distinct)
    n_at_risk = (ends.size - gone).astype(float)
    failures = np.sort(time[event])
    failed = np.searchsorted(failures, distinct)
    n_events = np.diff(failed, append=failures.size).astype(float)
    n_gone = np.diff(gone, append=ends.size)
    none = np.empty(0)
    return RiskSets(distinct, n_at_risk, n_events, n_gone - n_events, none, none)


def label_codes(labels: ArrayLike, n_rows: int, name: str, where: str) -> tuple[NDArray, Integers]:
    """Turn labels into numbers, refusing missing ones.

    Parameters
    ----------
    labels : array-like of shape (n_rows,)
        Group of each row: numbers, strings or booleans.
    n_rows : int
        Rows expected.
    name, where : str
        What to call the grouping and the function in a message.

    Returns
    -------
    levels : ndarray of shape (n_levels,)
        Distinct labels, sorted.
    codes : ndarray of shape (n_rows,)
        Index of each row's label in ``levels``.

    Raises
    ------
    OutcomeError
        If labels are missing, cannot be sorted, or are not one per row.
    """
    try:
        array = np.asarray(labels)
    except (TypeError, ValueError):
        raise OutcomeError(f"{where}: {name} is not a vector; give one label per row.") from None
    if array.ndim != 1 or array.size != n_rows:
        raise OutcomeError(
            f"{where}: {name} has shape {array.shape} for {n_rows} rows; give one label per row."
        )
    if _has_missing(array):
        raise OutcomeError(
            f"{where}: {name} has missing labels; remove those rows or give them a label."
        )
    try:
        levels, codes = np.unique(array, return_inverse=True)
    except TypeError:
        raise OutcomeError(
            f"{where}: {name} mixes labels that have no order; give all numbers or all strings."
        ) from None
    return levels, codes


def _has_missing(array: NDArray) -> bool:
    if array.dtype.kind in "fc":
        return bool(np.isnan(array).any())
    if array.dtype.kind in "mM":
        return bool(np.isnat(array).any())
    if array.dtype.kind == "O":
        return any(label is None or label != label for label in array.tolist())
    return False

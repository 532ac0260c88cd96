"""Counts of comparable and concordant pairs of patients, in n log n steps."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["PairCounts", "count_pairs", "weighted_concordance"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]

FEW = 200  # patients up to which comparing all pairs is quicker
GROUP = 32  # neighbouring ranks that are compared all with all in the end
BLOCK = 1 << 15  # ranks whose arrays stay in cache together
COLUMNS = 256  # columns of scores taken at once, for the same reason


@dataclass(frozen=True, eq=False)
class PairCounts:
    """Weighted pairs each patient takes part in, as the earlier event or as the one compared.

    Every pair stands with both of its patients, so totals are half the sums.

    Attributes
    ----------
    concordant : ndarray of shape (n_patients,)
        Pairs in which the earlier event has the higher score; a tied score counts one half.
    comparable : ndarray of shape (n_patients,)
        Pairs in which it is known who had the event first.
    """

    concordant: Floats
    comparable: Floats

    @property
    def concordance(self) -> float:
        """Concordant share of the comparable pairs.

        Returns
        -------
        float
            NaN without a pair.
        """
        pairs = float(self.comparable.sum())
        return float(self.concordant.sum()) / pairs if pairs > 0 else float("nan")

    @property
    def influence(self) -> Floats:
        """Derivative of the concordance by the case weight of each patient.

        Returns
        -------
        ndarray of shape (n_patients,)
            Its norm is the infinitesimal jackknife standard error.
        """
        pairs = float(self.comparable.sum()) / 2
        return (self.concordant - self.concordance * self.comparable) / pairs


def count_pairs(
    time: Floats, event: NDArray[np.bool_], score: Floats, event_weight: Floats
) -> PairCounts:
    """Count, for each patient, the comparable and the concordant pairs.

    A pair is comparable when the earlier time is an event; of an event and a censoring at one
    time the event is the earlier; two events at one time are not comparable.

    Parameters
    ----------
    time : ndarray of shape (n_patients,)
        Follow-up.
    event : ndarray of shape (n_patients,)
        Event indicators.
    score : ndarray of shape (n_patients,)
        Higher is worse.
    event_weight : ndarray of shape (n_patients,)
        Weight of a pair, by its earlier event; not read where there is no event.

    Returns
    -------
    PairCounts
        In the order of the patients given.

    Notes
    -----
    Patients in order of time, ranks of their scores as a permutation (ties in the order of time,
    so that a tie never looks concordant). Going down the bits of the rank, each pair out of order
    is met once, at the highest bit in which its ranks differ, and is counted by cumulative sums.
    """
    n = time.size
    if n <= FEW:
        return _all_pairs(time, event, score, event_weight)
    place = np.arange(n)
    score_order = np.argsort(score)
    rank = _back(score_order, place)
    order = _time_order(time, event, rank)
    time, event, rank = time[order], event[order], rank[order]
    weight = np.where(event, event_weight[order], 0.0)
    first, last = _tied_events(time, event)
    summed = np.concatenate(([0.0], np.cumsum(weight)))
    comparable = weight * (n - last) + summed[first]

    ordered = score[score_order]
    rises = np.concatenate(([True], ordered[1:] != ordered[:-1]))
    is_tied = not rises.all()
    by_score = _back(rank, place)
    if is_tied:
        distinct = np.cumsum(rises)
        by_score = np.argsort(distinct[rank] * n + place)
    concordant = np.empty(n)
    concordant[by_score] = _out_of_order(by_score, weight)
    if is_tied:
        concordant[by_score] += 0.5 * _tied_scores(
            rises[1:], time[by_score], event[by_score], weight[by_score]
        )
    return PairCounts(_back(order, concordant), _back(order, comparable))


def weighted_concordance(
    time: Floats, event: NDArray[np.bool_], scores: Floats, weights: Floats
) -> Floats:
    """Concordance of each column of scores under its own case weights.

    Parameters
    ----------
    time : ndarray of shape (n_patients,)
        Follow-up.
    event : ndarray of shape (n_patients,)
        Event indicators.
    scores : ndarray of shape (n_patients, n_scores)
        Higher is worse.
    weights : ndarray of shape (n_patients, n_scores)
        Not negative.

    Returns
    -------
    ndarray of shape (n_scores,)
        NaN without a comparable pair.
    """
    order = np.lexsort((~event, time))
    time, event = time[order], event[order]
    last = _tied_events(time, event)[1]
    out = np.empty(scores.shape[1])
    for start in range(0, out.size, COLUMNS):
        block = slice(start, start + COLUMNS)
        score, weight = scores[order, block], weights[order, block]
        weight = weight / np.maximum(weight.max(axis=0), np.finfo(float).tiny)
        agreed, pairs = np.zeros(score.shape[1]), np.zeros(score.shape[1])
        for row in np.flatnonzero(event):
            later, mass = score[last[row] :], weight[last[row] :]
            higher = np.add(score[row] > later, score[row] >= later, dtype=np.int8)
            agreed += weight[row] * np.einsum("jb,jb->b", higher, mass)
            pairs += weight[row] * mass.sum(axis=0)
        np.divide(0.5 * agreed, pairs, out=out[block], where=pairs > 0)
        out[block][pairs <= 0] = np.nan
    return out


def _all_pairs(
    time: Floats, event: NDArray[np.bool_], score: Floats, event_weight: Floats
) -> PairCounts:
    """Compare every event with every patient: quicker while patients are few."""
    at, mark, weight = time[event, None], score[event, None], event_weight[event]
    later = ((at < time) | ((at == time) & ~event)).astype(float)
    agreed = later * np.add(mark > score, mark >= score, dtype=np.int8) * 0.5
    concordant, comparable = weight @ agreed, weight @ later
    concordant[event] += weight * agreed.sum(axis=1)
    comparable[event] += weight * later.sum(axis=1)
    return PairCounts(concordant, comparable)


def _back(order: NDArray[np.intp], values: NDArray) -> NDArray:
    out = np.empty_like(values)
    out[order] = values
    return out


def _time_order(time: Floats, event: NDArray[np.bool_], rank: NDArray[np.intp]) -> NDArray[np.intp]:
    """Sort by time, events before censorings, tied events by rising rank of the score."""
    order = np.argsort(time)
    t = time[order]
    rises = t[1:] != t[:-1]
    if np.all(rises):
        return order
    n = time.size
    key = _back(order, np.concatenate(([0], np.cumsum(rises)))) * 2 + ~event
    return np.argsort(key * n + rank)


def _tied_events(time: Floats, event: NDArray[np.bool_]) -> tuple[NDArray, NDArray]:
    """Find, in order of time, the run of tied events each row belongs to; alone if censored."""
    return _runs((time[1:] != time[:-1]) | ~event[1:] | ~event[:-1])


def _runs(starts: NDArray[np.bool_]) -> tuple[NDArray, NDArray]:
    """First row, and one past the last row, of the run each row is in."""
    n = starts.size + 1
    edges = np.concatenate(([0], np.flatnonzero(starts) + 1, [n]))
    lengths = np.diff(edges)
    return np.repeat(edges[:-1], lengths), np.repeat(edges[1:], lengths)


def _out_of_order(by_score: NDArray[np.intp], weight: Floats) -> Floats:
    """Sum, by rank, the weighted pairs whose earlier row has the higher rank."""
    n = by_score.size
    padded = -(-n // GROUP) * GROUP
    rank, weight = np.arange(padded, dtype=np.int32), np.append(weight, np.zeros(padded - n))
    rank[by_score] = np.arange(n)
    found = np.zeros(padded)
    bits = range((padded - 1).bit_length() - 1, GROUP.bit_length() - 2, -1)
    whole = max(len(bits) - BLOCK.bit_length() + GROUP.bit_length(), 0)
    for bit in bits[:whole]:
        rank, weight, found = _split_by_bit(bit, rank, weight, found)
    for start in range(0, padded, BLOCK):
        block = slice(start, start + BLOCK)
        part = rank[block], weight[block], found[block]
        for bit in bits[whole:]:
            part = _split_by_bit(bit, *part)
        found[block] = _within_groups(*part)
    return found[:n]


def _within_groups(rank: Ints, weight: Floats, found: Floats) -> Floats:
    """Count the pairs that are left, inside groups of ``GROUP`` neighbouring ranks."""
    place = (rank % GROUP).astype(np.int8).reshape(-1, GROUP).T.copy()
    weight = weight.reshape(-1, GROUP).T.copy()
    pairs = np.zeros_like(weight)
    for row in range(GROUP - 1):
        later = (place[row] > place[row + 1 :]) * weight[row]
        pairs[row] += later.sum(axis=0)
        pairs[row + 1 :] += later
    out = found + pairs.T.ravel()
    sorted_found = np.empty_like(out)
    sorted_found[rank - rank.min()] = out
    return sorted_found


def _split_by_bit(
    bit: int, rank: Ints, weight: Floats, found: Floats
) -> tuple[Ints, Floats, Floats]:
    """Order each group of equal higher bits by one more bit, counting the pairs this parts."""
    half = 1 << bit
    is_high = (rank & half) != 0
    high, low = np.flatnonzero(is_high), np.flatnonzero(~is_high)
    high_group, low_group = (rows >> (bit + 1) << bit for rows in (high, low))
    high_target = np.arange(half, half + high.size) + high_group
    low_target = np.arange(low.size) + low_group
    high_weight = weight[high]
    summed = np.zeros(high.size + 1)
    np.cumsum(high_weight, out=summed[1:])
    before = summed.take(low - low_target + low_group, mode="clip")
    before -= summed.take(low_group, mode="clip")
    moved = np.empty_like(found)
    moved[high_target] = found.take(high, mode="clip") + high_weight * (high_target - high)
    moved[low_target] = found.take(low, mode="clip") + before
    source = np.empty(rank.size, dtype=np.intp)
    source[high_target], source[low_target] = high, low
    return rank.take(source, mode="clip"), weight.take(source, mode="clip"), moved


def _tied_scores(
    new_score: NDArray[np.bool_], time: Floats, event: NDArray[np.bool_], weight: Floats
) -> Floats:
    """Sum the weighted comparable pairs of equal score; rows in order of score, then of time."""
    score_first, score_last = _runs(new_score)
    first, last = _runs(new_score | (time[1:] != time[:-1]) | ~event[1:] | ~event[:-1])
    summed = np.concatenate(([0.0], np.cumsum(weight)))
    return weight * (score_last - last) + summed[first] - summed[score_first]

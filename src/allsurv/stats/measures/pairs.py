"""Counts of comparable and concordant pairs of patients, in n log n steps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from allsurv.stats.measures.follow_up import FollowUp
from allsurv.stats.sorting import sort_rows

__all__ = ["PairCounts", "count_pairs", "weighted_concordance"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]
Weights = NDArray[np.float64] | NDArray[np.uint8]

FEW = 200  # patients up to which comparing all pairs is quicker
GROUP = 32  # neighbours in time that are compared all with all
BLOCK = 1 << 16  # ranks whose arrays stay in cache together
LARGEST = 64  # base of the digits of a rank
COLUMNS = 256  # columns of scores taken at once, so that they stay in cache


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

    @cached_property
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
    followed: FollowUp, score: Floats, event_weight: Floats | None = None
) -> PairCounts:
    """Count, for each patient, the comparable and the concordant pairs.

    A pair is comparable when the earlier time is an event; of an event and a censoring at one
    time the event is the earlier; two events at one time are not comparable.

    Parameters
    ----------
    followed : FollowUp
        Of the patients.
    score : ndarray of shape (n_patients,)
        Higher is worse.
    event_weight : ndarray of shape (n_patients,), optional
        Weight of a pair, by its earlier event; not read where there is no event. One if not given.

    Returns
    -------
    PairCounts
        In the order of the patients given.

    Notes
    -----
    Patients in order of time, ranks of their scores as a permutation (tied events in the order of
    the scores, tied scores in the order of time, so that a tie never looks concordant). Going down
    the digits of the rank, each pair out of order is met once, at the highest digit in which its
    ranks differ: in a table of digits by groups of neighbours in time, or inside such a group.
    """
    n, place, event = score.size, followed.place, followed.event
    weight: Weights = event.view(np.uint8)
    if event_weight is not None:
        weight = np.where(event, event_weight, 0.0)
    if n <= FEW:
        return PairCounts(*_all_pairs(place, event, score, weight))

    score_order, ordered = sort_rows(score)
    rank, by_time = sort_rows(place[score_order])
    order = score_order[rank]
    weight = weight[order]
    concordant, comparable = np.empty((2, n))
    comparable[order] = _comparable(by_time, weight)
    rises = ordered[1:] != ordered[:-1]
    is_tied = not rises.all()
    if is_tied:
        level = np.concatenate(([0], np.cumsum(rises, dtype=np.int32)))
        by_score = sort_rows(level[rank])[0]
        rank[by_score] = np.arange(n)
    before, summed = _higher_before(rank.astype(np.int32), weight)
    agreed = summed + weight * (rank - np.arange(n) + before)
    if is_tied:
        agreed[by_score] += 0.5 * _tied_scores(rises, by_time[by_score], weight[by_score])
    concordant[order] = agreed
    return PairCounts(concordant, comparable)


def weighted_concordance(followed: FollowUp, scores: Floats, weights: Floats) -> Floats:
    """Concordance of each column of scores under its own case weights.

    Parameters
    ----------
    followed : FollowUp
        Of the patients.
    scores : ndarray of shape (n_patients, n_scores)
        Higher is worse.
    weights : ndarray of shape (n_patients, n_scores)
        Not negative.

    Returns
    -------
    ndarray of shape (n_scores,)
        NaN without a comparable pair.

    Notes
    -----
    Checked against R ``survival::concordance(weights=)``.
    """
    order, place = sort_rows(followed.place)
    event = followed.event[order]
    last = np.searchsorted(place, place, side="right")
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
    place: Ints, event: NDArray[np.bool_], score: Floats, weight: Weights
) -> tuple[Floats, Floats]:
    """Sum the concordant and the comparable pairs one by one: quicker while patients are few."""
    rows = event.nonzero()[0]
    mark, own = score[rows, None], 0.5 * weight[rows]
    is_later = (place[rows, None] < place).view(np.int8)
    halves = (mark > score).view(np.int8) + (mark >= score).view(np.int8)
    halves *= is_later
    sums = []
    for pairs in (halves.astype(float), 2.0 * is_later):
        summed = own @ pairs
        summed[rows] += own * pairs.sum(axis=1)
        sums.append(summed)
    return sums[0], sums[1]


def _comparable(place: NDArray[np.int64], weight: Weights) -> Floats:
    """Sum the weights of the pairs each patient takes part in; rows in order of their places."""
    first, last = _runs(place[1:] != place[:-1])
    summed = np.concatenate(([0.0], np.cumsum(weight, dtype=float)))
    found: Floats = weight * (place.size - last) + summed[first]
    return found


def _radix(n: int) -> tuple[int, int]:
    """Smallest base, at most ``LARGEST``, and number of digits that tell n groups apart."""
    digits = 0
    while LARGEST**digits < n:
        digits += 1
    base = 1
    while base**digits < n:
        base += 1
    return base, digits


def _higher_before(rank: Ints, weight: Weights) -> tuple[Floats, Floats]:
    """Count, and sum by weight, the rows before each row that have a higher rank."""
    n = rank.size
    base, digits = _radix(-(-n // GROUP))
    span = GROUP * base**digits
    order = np.arange(span)
    rank = np.concatenate((rank, order[n:].astype(np.int32)))
    weight = np.concatenate((weight, np.zeros(span - n, weight.dtype)))
    rows = _Rows(order, rank, weight, *np.zeros((2, span)))
    while span > BLOCK:
        rows, span = rows.split(span, base), span // base
    count, summed = np.empty((2, order.size))
    size = max(BLOCK // span, 1) * span
    for start in range(0, order.size, size):
        block, width = rows.part(slice(start, start + size)), span
        while width > GROUP:
            block, width = block.split(width, base), width // base
        block.compare_neighbours(block.rank.astype(np.uint8))
        count[block.order], summed[block.order] = block.count, block.summed
    return count[:n], summed[:n]


@dataclass(frozen=True, eq=False)
class _Rows:
    """Rows in spans of neighbouring ranks, each in order of time, and what is found of them."""

    order: NDArray[np.intp]
    rank: Ints  # from the start of the span
    weight: Weights
    count: Floats
    summed: Floats

    def part(self, rows: slice | NDArray[np.intp]) -> _Rows:
        return _Rows(*(v[rows] for v in vars(self).values()))

    def split(self, span: int, base: int) -> _Rows:
        """Part each span by one digit of the rank, adding the pairs this parts."""
        width = span // base
        digit = (self.rank // width).astype(np.uint8)
        count, summed = _across_groups(digit, base, span, (np.ones(digit.size), self.weight))
        self.count[:] += count
        self.summed[:] += summed
        self.compare_neighbours(digit)
        self.rank[:] -= digit * np.int32(width)
        rows = np.argsort(digit.reshape(-1, span), axis=1, kind="stable")
        rows += np.arange(0, digit.size, span)[:, None]
        return self.part(rows.ravel())

    def compare_neighbours(self, digit: NDArray[np.uint8]) -> None:
        """Add the rows of higher digit that come before each row in its own group."""
        digits, weights = (v.reshape(-1, GROUP).T.copy() for v in (digit, self.weight))
        counts, sums = np.zeros_like(digits), np.zeros_like(weights)
        for row in range(1, GROUP):
            is_higher = (digits[:row] > digits[row]).view(np.uint8)
            np.add.reduce(is_higher, axis=0, out=counts[row])
            np.einsum("ij,ij->j", is_higher, weights[:row], out=sums[row])
        self.count[:] += counts.T.ravel()
        self.summed[:] += sums.T.ravel()


def _across_groups(
    digit: NDArray[np.uint8], base: int, span: int, weights: Sequence[Weights]
) -> list[Floats]:
    """Sum each weight over the rows of higher digit in earlier groups of the span of each row."""
    groups = np.arange(0, digit.size // GROUP * base, base)
    cell = (groups[:, None] + digit.reshape(-1, GROUP)).ravel()
    next_group = cell + base
    is_higher = np.tri(base, k=-1)
    sums = []
    for weight in weights:
        table = np.bincount(next_group, weight, minlength=groups.size * base + base)
        before = table[:-base].reshape(-1, span // GROUP, base)
        before[:, 0] = 0.0
        np.cumsum(before, axis=1, out=before)
        sums.append((before.reshape(-1, base) @ is_higher).ravel().take(cell))
    return sums


def _tied_scores(new_score: NDArray[np.bool_], place: NDArray[np.int64], weight: Weights) -> Floats:
    """Sum the weighted comparable pairs of equal score; rows in order of score, then of time."""
    score_first, score_last = _runs(new_score)
    first, last = _runs(new_score | (place[1:] != place[:-1]))
    summed = np.concatenate(([0.0], np.cumsum(weight, dtype=float)))
    found: Floats = weight * (score_last - last) + summed[first] - summed[score_first]
    return found


def _runs(starts: NDArray[np.bool_]) -> tuple[NDArray[Any], NDArray[Any]]:
    """First row, and one past the last row, of the run each row is in."""
    n = starts.size + 1
    edges = np.concatenate(([0], np.flatnonzero(starts) + 1, [n]))
    lengths = np.diff(edges)
    return np.repeat(edges[:-1], lengths), np.repeat(edges[1:], lengths)

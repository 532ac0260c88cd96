"""The partial likelihood of a subdistribution: who failed from another cause stays at risk."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from allsurv.stats.cox.design import CoxData
from allsurv.stats.cox.evaluation import Terms
from allsurv.stats.cox.likelihood import PartialLikelihood
from allsurv.stats.cox.risk_sets import RiskSets, TiedEvents
from allsurv.stats.cox.sums import SortedTerms
from allsurv.stats.outcome import distinct_times
from allsurv.stats.sorting import sort_rows

__all__ = ["Competing", "SubdistributionLikelihood", "SubdistributionSets"]

Floats = NDArray[np.float64]
Ints = NDArray[np.integer]


@dataclass(frozen=True, eq=False)
class Competing:
    """Rows that failed from another cause, as data of a subdistribution give them.

    Attributes
    ----------
    rows : ndarray of shape (n_competing,)
        Which rows.
    group : ndarray of shape (n_competing,)
        Number of each one's group of censoring.
    own : ndarray of shape (n_competing,)
        Probability of being followed up to just before each one's failure.
    at_events : ndarray of shape (n_groups, n_times)
        The same up to just before each event time.
    """

    rows: Ints
    group: Ints
    own: Floats
    at_events: Floats


@dataclass(frozen=True, eq=False)
class SubdistributionSets(RiskSets):
    """Who is at risk at each event time, those who failed from another cause in part.

    Attributes
    ----------
    n_rows, times, bounds, rows, last, first, deaths, n_deaths, n_last
        As of :class:`~allsurv.stats.cox.risk_sets.RiskSets`.
    later : ndarray of shape (n_later,)
        Positions in ``rows`` of those who failed from another cause.
    later_first : ndarray of shape (n_later,)
        First event time after that failure.
    later_group : ndarray of shape (n_later,)
        Group of censoring.
    later_own : ndarray of shape (n_later,)
        Probability of being followed up to that failure.
    share : ndarray of shape (n_groups, n_times)
        Probability of being followed up to each event time: weights are ``share / later_own``.
    """

    later: Ints
    later_first: Ints
    later_group: Ints
    later_own: Floats
    share: Floats

    def over_rows(self, cumulative: NDArray[Any]) -> NDArray[Any]:
        """Increase of a cumulative sum while each used row is at risk, weighted after its failure.

        Parameters
        ----------
        cumulative : ndarray of shape (n_times, ...)
            As from :meth:`history_sum`.

        Returns
        -------
        ndarray of shape (n_used, ...)
            One value per used row.
        """
        from_zero = np.concatenate([np.zeros((1, *cumulative.shape[1:])), cumulative])
        out = from_zero[self.last + 1]
        if self.first is not None:
            out -= from_zero[self.first]
        rise = np.diff(from_zero, axis=0).reshape(self.times.size, -1)
        flat = out.reshape(self.rows.size, -1)
        for group, share in enumerate(self.share):
            to_come = np.zeros_like(from_zero).reshape(self.times.size + 1, -1)
            to_come[:-1] = np.cumsum((rise * share[:, None])[::-1], axis=0)[::-1]
            of = self.later_group == group
            flat[self.later[of]] += to_come[self.later_first[of]] / self.later_own[of, None]
        return out


class SubdistributionTerms(SortedTerms):
    """Terms of the partial likelihood of Fine and Gray.

    Rows of another cause never leave: after their failure each counts with the probability of still
    being followed. The weight factors into one part of the event time and one of the row, so sums
    over risk sets remain two cumulative sums, backwards over those at risk and forwards over those
    who failed before.

    Parameters
    ----------
    sets : SubdistributionSets
        Risk sets.
    tied : TiedEvents
        Ties whose events are a term each.
    weight : ndarray of shape (n_times,)
        Weight of each term of each event time.
    """

    def __init__(self, sets: SubdistributionSets, tied: TiedEvents, weight: Floats) -> None:
        super().__init__(sets, tied, weight)
        self._share = sets.share
        self._matrix, self._factor = _summing_matrix(sets, tied)

    def weighted_sums(self, risk: Floats, columns: Floats) -> tuple[Floats, Floats]:
        """Sum weighted columns over risk sets, and over tied events.

        Parameters
        ----------
        risk : ndarray of shape (n_used,)
            Weight of each used row while it is at risk.
        columns : ndarray of shape (n_used, n_sums)
            What to sum.

        Returns
        -------
        at_risk : ndarray of shape (n_times, n_sums)
            Sums over the risk set of each event time.
        tied : ndarray of shape (n_tied, n_sums)
            Sums over the events of each tied time.
        """
        matrix, n_times, n_tied = self._matrix, self.sets.times.size, self.tied.times.size
        risk.take(matrix.indices, out=matrix.data, mode="clip")
        matrix.data *= self._factor
        grouped = matrix @ columns
        entering, tied = grouped[:n_times], grouped[n_times : n_times + n_tied]
        if n_tied:
            entering[self.tied.times] += tied
        at_risk = self.sets.at_risk_sum(entering)
        later = grouped[n_times + n_tied :].reshape(len(self._share), n_times, -1)
        for share, part in zip(self._share, later, strict=True):
            np.cumsum(part, axis=0, out=part)
            part *= share[:, None]
            at_risk += part
        return at_risk, tied


class SubdistributionLikelihood(PartialLikelihood):
    """The weighted partial likelihood of Fine and Gray, ready to be evaluated.

    Parameters
    ----------
    data : CoxData
        Checked rows; the events are those of the cause of interest.
    ties : str
        "efron" or "breslow".
    competing : Competing
        Rows that failed from another cause.
    """

    def __init__(self, data: CoxData, ties: str, competing: Competing) -> None:
        sets = _make_sets(data, competing)
        super().__init__(data, ties, sets)
        self.sets: SubdistributionSets = sets

    @cached_property
    def sorted_terms(self) -> SortedTerms:
        """Terms from sums over sorted rows, and over those who failed from another cause."""
        return SubdistributionTerms(self.sets, self.tied, self.term_weight)

    @cached_property
    def terms(self) -> Terms:
        """The same: there is one way to compute them."""
        return self.sorted_terms


def _make_sets(data: CoxData, competing: Competing) -> SubdistributionSets:
    time, event = data.time, data.counted_event
    times = distinct_times(time[event])
    last = np.searchsorted(times, time, side="right") - 1
    first = None if data.start is None else np.searchsorted(times, data.start, side="right")
    used = last >= (0 if first is None else first)
    used[competing.rows] |= last[competing.rows] + 1 < times.size
    order, _ = sort_rows((2 * (last + 1) + 1 - event) * used)
    rows = order[time.size - np.count_nonzero(used) :]
    place = np.full(time.size, -1)
    place[rows] = np.arange(rows.size)
    later = place[competing.rows]
    stays = (later >= 0) & (last[competing.rows] + 1 < times.size)
    return SubdistributionSets(
        n_rows=time.size,
        times=times,
        bounds=np.array([0, times.size]),
        rows=rows,
        last=last[rows],
        first=None if first is None else np.minimum(first, last + 1)[rows],
        deaths=np.flatnonzero(event[rows]),
        n_deaths=np.bincount(last[event], minlength=times.size),
        n_last=np.bincount(last[rows][last[rows] >= 0], minlength=times.size),
        later=later[stays],
        later_first=last[competing.rows][stays] + 1,
        later_group=competing.group[stays],
        later_own=competing.own[stays],
        share=competing.at_events,
    )


def _summing_matrix(sets: SubdistributionSets, tied: TiedEvents) -> tuple[csr_array, Floats]:
    """Give the matrix whose product with rows makes all sums, and the factors of its entries.

    Its rows are, in turn: who enters the risk set (1) and leaves it (-1) going back in time; tied
    events; for each group of censoring, who fails from another cause before each event time.
    """
    n_times, n_tied = sets.times.size, tied.times.size
    enters = sets.last >= (0 if sets.first is None else sets.first)
    enters[tied.rows] = False
    others = np.flatnonzero(enters)
    target = [sets.last[others], n_times + tied.spread(np.arange(n_tied))]
    source, factor = [others, tied.rows], [np.ones(others.size), np.ones(tied.rows.size)]
    if sets.first is not None:
        leaves = np.flatnonzero((sets.first > 0) & (sets.last >= sets.first))
        target.append(sets.first[leaves] - 1)
        source.append(leaves)
        factor.append(np.full(leaves.size, -1.0))
    target.append(n_times + n_tied + sets.later_group * n_times + sets.later_first)
    source.append(sets.later)
    factor.append(1.0 / sets.later_own)
    n_rows = n_times + n_tied + len(sets.share) * n_times
    order, ordered = sort_rows(np.concatenate(target))
    indices = np.concatenate(source)[order].astype(np.int32 if sets.n_rows < 2**31 else np.int64)
    indptr = np.searchsorted(ordered, np.arange(n_rows + 1)).astype(indices.dtype)
    matrix = csr_array((np.ones(indices.size), indices, indptr), shape=(n_rows, sets.rows.size))
    return matrix, np.concatenate(factor)[order]

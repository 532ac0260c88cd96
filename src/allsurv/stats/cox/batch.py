"""The partial likelihood of many sets of case weights, evaluated together."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from allsurv.stats.cox.design import CoxData
from allsurv.stats.cox.evaluation import Evaluations
from allsurv.stats.cox.likelihood import PartialLikelihood

__all__ = ["Batch", "BatchDesign"]

Floats = NDArray[np.float64]
_LARGEST_PRODUCTS = 8_000_000


class BatchDesign:
    """Everything that does not depend on the weights: sorted rows, and who enters when.

    Parameters
    ----------
    data : CoxData
        Checked rows, without weights.
    ties : str
        "efron" or "breslow".
    copies : bool
        Whether a weight counts copies of its row.
    """

    def __init__(self, data: CoxData, ties: str, *, copies: bool) -> None:
        likelihood = PartialLikelihood(data, ties)
        self.ties, self.copies = ties, copies
        self.sets = likelihood.sets
        self.X = np.ascontiguousarray(likelihood.X)
        self.scale, self.offset = likelihood.scale, likelihood.offset
        self.entering = likelihood.entering_matrix()
        n, p = self.X.shape
        deaths = self.sets.deaths
        self.death_time = self.sets.last[deaths]
        ends = np.concatenate([[0], np.cumsum(self.sets.n_deaths)])
        ones = np.ones(deaths.size)
        self.dying = csr_array((ones, deaths, ends), shape=(self.sets.times.size, n))
        self.upper = np.triu_indices(p)
        self.products: Floats | None = None
        if n * self.upper[0].size <= _LARGEST_PRODUCTS:
            self.products = self.X[:, self.upper[0]] * self.X[:, self.upper[1]]


class Batch:
    """A chunk of sets of weights on one design.

    Parameters
    ----------
    design : BatchDesign
        The sorted design.
    weights : ndarray of shape (n_sets, n_rows)
        Case weights, in the order of the rows as given.
    penalty : ndarray of shape (n_sets, n_columns)
        Ridge penalty of the scaled coefficients.
    """

    def __init__(self, design: BatchDesign, weights: Floats, penalty: Floats) -> None:
        self.design, self.penalty = design, penalty
        self.n_sets = weights.shape[0]
        sets = design.sets
        self.weights = np.ascontiguousarray(weights[:, sets.rows].T)
        at_death = self.weights[sets.deaths]
        self.death_weight = design.dying @ self.weights
        self.n_events = (at_death > 0).sum(axis=0)
        counts = self.death_weight
        if not design.copies:
            ones = np.zeros_like(self.weights)
            ones[sets.deaths] = at_death > 0
            counts = design.dying @ ones
        self.event_sum = at_death.T @ design.X[sets.deaths]
        several = counts.max(axis=1, initial=0) > 1
        if design.ties == "breslow":
            several[:] = False
        self.tied = np.flatnonzero(several)
        self.tied_counts = counts[self.tied]
        self.term_weight = self.death_weight.copy()
        self.term_weight[self.tied] /= np.maximum(self.tied_counts, 1)
        own = several[design.death_time]
        self.tied_rows = sets.deaths[own]
        self.tied_group = np.searchsorted(self.tied, design.death_time[own])
        self.grouping = csr_array(_stacked(design.entering, design.dying, self.tied))

    def penalty_of(self, beta: Floats, which: NDArray[np.intp]) -> Floats:
        """Penalty taken from the log-likelihood.

        Parameters
        ----------
        beta : ndarray of shape (n_which, n_columns)
            Scaled coefficients.
        which : ndarray of shape (n_which,)
            Sets they belong to.

        Returns
        -------
        ndarray of shape (n_which,)
            Half the penalised squares.
        """
        found: Floats = 0.5 * np.einsum("bp,bp->b", self.penalty[which], beta**2)
        return found

    def evaluate(self, beta: Floats, which: NDArray[np.intp]) -> Evaluations:
        """Value, gradient and information of some sets.

        Parameters
        ----------
        beta : ndarray of shape (n_which, n_columns)
            Scaled coefficients.
        which : ndarray of shape (n_which,)
            Sets they belong to.

        Returns
        -------
        Evaluations
            As :meth:`allsurv.stats.cox.likelihood.PartialLikelihood.evaluate`, less the penalty.
        """
        design, sets = self.design, self.design.sets
        n, p = design.X.shape
        n_times, b = sets.times.size, which.size
        whole = which.size == self.n_sets
        weights = self.weights if whole else self.weights[:, which]
        term_weight = self.term_weight if whole else self.term_weight[:, which]
        with np.errstate(all="ignore"):
            eta = design.X @ beta.T
            if design.offset is not None:
                eta += design.offset[:, None]
            eta -= eta.max(axis=0)
            risk = np.exp(eta) * weights
            total = self.grouping @ risk
            weighted = np.multiply(risk[:, :, None], design.X[:, None, :]).reshape(n, b * p)
            moment = (self.grouping @ weighted).reshape(total.shape[0], b, p)
            sets.at_risk_sum(total[:n_times])
            sets.at_risk_sum(moment[:n_times])
            terms = self._terms(total, term_weight, which)
            deaths = sets.deaths
            loglik = np.einsum("ib,ib->b", weights[deaths], eta[deaths]) - terms.log
            gradient = self.event_sum[which] - np.einsum("tb,tbp->bp", terms.first, moment)
            information = self._information(risk, moment, terms)
        pull = self.penalty[which] * beta
        diagonal = np.arange(p)
        information[:, diagonal, diagonal] += self.penalty[which]
        return Evaluations(loglik - self.penalty_of(beta, which), gradient - pull, information)

    def _terms(self, total: Floats, term_weight: Floats, which: NDArray[np.intp]) -> _Terms:
        """Weight the sums of each event time, then those of the tied events, stacked below."""
        n_times, tied = term_weight.shape[0], self.tied
        none = term_weight == 0
        at_risk = np.where(none, 1.0, total[:n_times])
        inverse = 1.0 / at_risk
        log = np.log(at_risk)
        first, square = inverse.copy(), inverse * inverse
        shape = (tied.size, which.size)
        down, down_square, down2_square = np.zeros(shape), np.zeros(shape), np.zeros(shape)
        if tied.size:
            counts = self.tied_counts[:, which]
            at_tie, dying = at_risk[tied], total[n_times:]
            log[tied], first[tied], square[tied] = 0.0, 0.0, 0.0
            most = counts.max(axis=1, initial=0)
            for k in range(int(most.max(initial=0))):
                go = np.flatnonzero(most > k)
                with_term = counts[go] > k
                fraction = k / np.maximum(counts[go], 1)
                denominator = np.where(with_term, at_tie[go] - fraction * dying[go], 1.0)
                one = with_term / denominator
                log[tied[go]] += np.log(denominator)
                first[tied[go]] += one
                square[tied[go]] += one * one
                down[go] += fraction * one
                down_square[go] += fraction * one * one
                down2_square[go] += (fraction * one) ** 2
        weight = term_weight[tied]
        return _Terms(
            log=np.einsum("tb,tb->b", term_weight, log),
            first=np.concatenate([term_weight * first, -weight * down]),
            square=np.concatenate([term_weight * square, weight * down2_square]),
            cross=weight * down_square,
        )

    def _information(self, risk: Floats, moment: Floats, terms: _Terms) -> Floats:
        sets, tied = self.design.sets, self.tied
        n_times = sets.times.size
        hazard = sets.over_rows(sets.history_sum(terms.first[:n_times]))
        hazard[self.tied_rows] += terms.first[n_times:][self.tied_group]
        hazard *= risk
        information = self._weighted_products(hazard)
        weighted = moment * terms.square[:, :, None]
        if tied.size:
            weighted[tied] -= moment[n_times:] * terms.cross[:, :, None]
            weighted[n_times:] -= moment[tied] * terms.cross[:, :, None]
        information -= np.matmul(moment.transpose(1, 2, 0), weighted.transpose(1, 0, 2))
        return information

    def _weighted_products(self, hazard: Floats) -> Floats:
        design = self.design
        p, b = design.X.shape[1], hazard.shape[1]
        out = np.empty((b, p, p))
        if design.products is not None:
            summed = hazard.T @ design.products
            rows, columns = design.upper
            out[:, rows, columns] = summed
            out[:, columns, rows] = summed
            return out
        for k in range(b):
            out[k] = design.X.T @ (design.X * hazard[:, k : k + 1])
        return out


class _Terms(NamedTuple):
    log: Floats
    first: Floats
    square: Floats
    cross: Floats


def _stacked(entering: csr_array, dying: csr_array, tied: NDArray[np.intp]) -> csr_array:
    below = dying[tied]
    return csr_array(
        (
            np.concatenate([entering.data, below.data]),
            np.concatenate([entering.indices, below.indices]),
            np.concatenate([entering.indptr, entering.indptr[-1] + below.indptr[1:]]),
        ),
        shape=(entering.shape[0] + tied.size, entering.shape[1]),
    )

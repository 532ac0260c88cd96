"""The partial likelihood on a design that is sorted once: value, gradient and information."""

from __future__ import annotations

from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from allsurv.stats.cox.dense import MOST_CELLS, DenseTerms
from allsurv.stats.cox.design import CoxData
from allsurv.stats.cox.risk_sets import TiedEvents, grouping_matrix, make_risk_sets
from allsurv.stats.cox.scaling import standardised, weighted_gram

__all__ = ["EfronTerms", "Evaluation", "PartialLikelihood", "RiskSums"]

Floats = NDArray[np.float64]


class Evaluation(NamedTuple):
    """The log partial likelihood and its derivatives, for scaled covariates.

    Attributes
    ----------
    loglik : float
        Log partial likelihood.
    gradient : ndarray of shape (n_columns,)
        Its gradient, the score.
    information : ndarray of shape (n_columns, n_columns)
        Its curvature, sign changed.
    """

    loglik: float
    gradient: Floats
    information: Floats


class RiskSums(NamedTuple):
    """Weighted sums of covariates, and in the last column of 1.

    Attributes
    ----------
    risk : ndarray of shape (n_used,)
        Case weight times exp(linear predictor) of each used row.
    at_risk : ndarray of shape (n_times, n_columns + 1)
        Sums over the risk set of each event time.
    tied : ndarray of shape (n_tied, n_columns + 1)
        Sums over the events of each tied time.
    """

    risk: Floats
    at_risk: Floats
    tied: Floats

    @property
    def total(self) -> Floats:
        """Sums of risks over risk sets."""
        return self.at_risk[:, -1]

    @property
    def moment(self) -> Floats:
        """Sums of risks times covariates over risk sets."""
        return self.at_risk[:, :-1]

    @property
    def tied_total(self) -> Floats:
        """Sums of risks over tied events."""
        return self.tied[:, -1]

    @property
    def tied_moment(self) -> Floats:
        """Sums of risks times covariates over tied events."""
        return self.tied[:, :-1]


class EfronTerms(NamedTuple):
    """Sums over the events of one time, f being k / d and D the k-th event's denominator.

    Attributes
    ----------
    log, one, square : ndarray of shape (n_times,)
        Sums of log D, 1 / D and 1 / D**2 at each event time.
    down, down_square, down2_square : ndarray of shape (n_tied,)
        Sums of f / D, f / D**2 and (f / D)**2 at each tied time.
    """

    log: Floats
    one: Floats
    square: Floats
    down: Floats
    down_square: Floats
    down2_square: Floats


class PartialLikelihood:
    """The partial likelihood of one data set, ready to be evaluated at any coefficients.

    Covariates are centred and scaled; coefficients here are those of the scaled covariates, and
    ``coef = beta / scale`` those of the covariates as given.

    Parameters
    ----------
    data : CoxData
        Checked rows.
    ties : str
        "efron" or "breslow".
    """

    def __init__(self, data: CoxData, ties: str) -> None:
        event = data.counted_event
        n_strata = 1 if data.strata is None else data.strata.size
        self.data = data
        self.ties = ties
        self.sets = make_risk_sets(
            data.time, event, start=data.start, stratum=data.stratum, n_strata=n_strata
        )
        rows = self.sets.rows
        self._design, self.centre, self.scale = standardised(data, rows)
        self.X = self._design[:, :-1]
        self.weights = None if data.weights is None else data.weights[rows]
        self.offset = None if data.offset is None else data.offset[rows]
        self.tied = TiedEvents.of(self.sets, ties)
        deaths = self.sets.deaths
        self._event_weight = None if self.weights is None else self.weights[deaths]
        self.death_weight: Floats = np.bincount(
            self.sets.last[deaths], weights=self._event_weight, minlength=self.sets.times.size
        ).astype(float, copy=False)
        self.term_weight = self.death_weight.copy()
        self.term_weight[self.tied.times] /= self.sets.n_deaths[self.tied.times]
        at_event = np.zeros(rows.size)
        at_event[deaths] = 1.0 if self._event_weight is None else self._event_weight
        self._event_sum = (at_event @ self._design)[:-1]
        n_terms = self.sets.times.size + self.tied.rows.size
        self._dense = None
        if n_terms * rows.size <= MOST_CELLS:
            self._dense = DenseTerms.of(self.sets, self.tied, self.term_weight)

    @cached_property
    def _grouping(self) -> tuple[csr_array, Floats | None]:
        return grouping_matrix(self.sets, self.tied)

    def linear_predictor(self, beta: Floats) -> Floats:
        """Linear predictor of the used rows, largest 0.

        Parameters
        ----------
        beta : ndarray of shape (n_columns,)
            Coefficients of the scaled covariates.

        Returns
        -------
        ndarray of shape (n_used,)
            Shifted so that its exponential cannot overflow.
        """
        of_design = np.zeros(beta.size + 1)
        of_design[:-1] = beta
        eta = self._design @ of_design if beta.any() else np.zeros(self.X.shape[0])
        if self.offset is not None:
            eta += self.offset
        eta -= eta.max()
        return eta

    def risk_sums(self, eta: Floats) -> RiskSums:
        """Sum over risk sets, and over tied events.

        Parameters
        ----------
        eta : ndarray of shape (n_used,)
            Linear predictor.

        Returns
        -------
        RiskSums
            Weighted risks, their sums and their first moments; second moments are never formed.
        """
        risk = self._risk(eta)
        sums = RiskSums(risk, *self.weighted_sums(risk, self._design))
        if self.sets.first is not None and self.tied.times.size:
            times = self.tied.times
            sums.total[times] = np.maximum(sums.total[times], sums.tied_total)
        return sums

    def _risk(self, eta: Floats) -> Floats:
        risk = np.exp(eta)
        if self.weights is not None:
            risk *= self.weights
        return risk

    def entering_matrix(self) -> csr_array:
        """Give who enters (1) and leaves (-1) the risk sets, going back in time.

        Returns
        -------
        csr_array of shape (n_times, n_used)
            Its product with weighted rows, summed backwards, is the sum over risk sets.
        """
        matrix, sign = grouping_matrix(self.sets, TiedEvents.of(self.sets, "breslow"))
        if sign is not None:
            matrix.data = sign
        return matrix

    def weighted_sums(self, risk: Floats, columns: Floats) -> tuple[Floats, Floats]:
        """Sum weighted columns over risk sets, and over tied events.

        Parameters
        ----------
        risk : ndarray of shape (n_used,)
            Weight of each used row.
        columns : ndarray of shape (n_used, n_sums)
            What to sum.

        Returns
        -------
        at_risk : ndarray of shape (n_times, n_sums)
            Sums over the risk set of each event time.
        tied : ndarray of shape (n_tied, n_sums)
            Sums over the events of each tied time.
        """
        matrix, sign = self._grouping
        n_times = self.sets.times.size
        risk.take(matrix.indices, out=matrix.data, mode="clip")
        if sign is not None:
            matrix.data *= sign
        grouped = matrix @ columns
        entering, tied = grouped[:n_times], grouped[n_times:]
        if self.tied.times.size:
            entering[self.tied.times] += tied
        return self.sets.at_risk_sum(entering), tied

    def evaluate(self, beta: Floats) -> Evaluation:
        """Value, gradient and information at given coefficients.

        Parameters
        ----------
        beta : ndarray of shape (n_columns,)
            Coefficients of the scaled covariates.

        Returns
        -------
        Evaluation
            Not finite where the coefficients are too large to be evaluated.

        Notes
        -----
        Information is X' diag(risk * hazard) X less a quadratic form in the first moments of each
        event time, so that its cost is that of one product of matrices.
        """
        with np.errstate(all="ignore"):
            eta = self.linear_predictor(beta)
            at_events = eta[self.sets.deaths]
            weight = self._event_weight
            loglik = at_events.sum() if weight is None else weight @ at_events
            del at_events
            if self._dense is not None:
                value, slope, curvature = self._dense.evaluate(self._design, self._risk(eta))
                return Evaluation(
                    float(loglik) - value, self._event_sum - slope[:-1], curvature[:-1, :-1]
                )
            sums = self.risk_sums(eta)
            del eta
            terms = self.efron_terms(sums)
            loglik -= self.term_weight @ terms.log
            gradient = self._event_sum - (self.term_weight * terms.one) @ sums.moment
            if self.tied.times.size:
                weight = self.term_weight[self.tied.times]
                gradient += (weight * terms.down) @ sums.tied_moment
            information = self.information(sums, terms, self.term_weight)
        return Evaluation(float(loglik), gradient, information)

    def efron_terms(self, sums: RiskSums) -> EfronTerms:
        """Sum functions of each event's denominator over the events of each time.

        Parameters
        ----------
        sums : RiskSums
            Sums over risk sets.

        Returns
        -------
        EfronTerms
            For Breslow, and where nothing is tied, functions of the sum over the risk set itself.
        """
        log = np.log(sums.total)
        one = 1.0 / sums.total
        square = one * one
        if not self.tied.times.size:
            none = np.empty(0)
            return EfronTerms(log, one, square, none, none, none)
        fraction, spread, summed = self.tied.fraction, self.tied.spread, self.tied.summed
        denominator = spread(-sums.tied_total)
        denominator *= fraction
        denominator += spread(sums.total[self.tied.times])
        log[self.tied.times] = summed(np.log(denominator))
        inverse = np.reciprocal(denominator, out=denominator)
        down = fraction * inverse
        one[self.tied.times] = summed(inverse)
        square[self.tied.times] = summed(inverse * inverse)
        return EfronTerms(
            log, one, square, summed(down), summed(down * inverse), summed(down * down)
        )

    def information(self, sums: RiskSums, terms: EfronTerms, per_time: Floats) -> Floats:
        """Covariance of the covariates in the risk sets, summed over event times.

        Parameters
        ----------
        sums : RiskSums
            Sums over risk sets.
        terms : EfronTerms
            Of those sums.
        per_time : ndarray of shape (n_times,)
            Weight of each event time; ``term_weight`` for the information itself.

        Returns
        -------
        ndarray of shape (n_columns, n_columns)
            For scaled covariates.
        """
        hazard = self.sets.over_rows(self.sets.history_sum(per_time * terms.one))
        tied = self.tied.times
        if tied.size:
            weight = per_time[tied]
            hazard[self.tied.rows] -= self.tied.spread(weight * terms.down)
        hazard *= sums.risk
        information = weighted_gram(self._design, hazard)
        information -= weighted_gram(sums.at_risk, per_time * terms.square)
        if tied.size:
            cross = (sums.at_risk[tied] * (weight * terms.down_square)[:, None]).T @ sums.tied
            information += cross + cross.T
            information -= weighted_gram(sums.tied, weight * terms.down2_square)
        return information[:-1, :-1]

"""The partial likelihood on a design that is sorted once: value, gradient and information."""

from __future__ import annotations

from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from allsurv.stats.cox.dense import MOST_CELLS, DenseTerms
from allsurv.stats.cox.design import CoxData
from allsurv.stats.cox.evaluation import Evaluation, Terms
from allsurv.stats.cox.risk_sets import RiskSets, TiedEvents, grouping_matrix, make_risk_sets
from allsurv.stats.cox.scaling import standardised
from allsurv.stats.cox.sums import SortedTerms

__all__ = ["PartialLikelihood"]

Floats = NDArray[np.float64]


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
    sets : RiskSets, optional
        Who is at risk at each event time; of the rows themselves if not given.
    """

    def __init__(self, data: CoxData, ties: str, sets: RiskSets | None = None) -> None:
        self.data = data
        self.ties = ties
        self.sets = _risk_sets(data) if sets is None else sets
        rows, deaths = self.sets.rows, self.sets.deaths
        self.design, self.centre, self.scale = standardised(data, rows)
        self.X = self.design[:, :-1]
        self.weights = None if data.weights is None else data.weights[rows]
        self.offset = None if data.offset is None else data.offset[rows]
        self.tied = TiedEvents.of(self.sets, ties)
        self._at_event = np.zeros(rows.size)
        if self.weights is None:
            self.death_weight: Floats = self.sets.n_deaths.astype(float)
            self._at_event[deaths] = 1.0
        else:
            self.death_weight = np.bincount(
                self.sets.last[deaths], weights=self.weights[deaths], minlength=self.sets.times.size
            ).astype(float, copy=False)
            self._at_event[deaths] = self.weights[deaths]
        self.term_weight = self.death_weight
        if self.tied.times.size:
            self.term_weight = self.death_weight.copy()
            self.term_weight[self.tied.times] /= self.tied.counts
        self._event_sum = self._at_event @ self.X

    @cached_property
    def sorted_terms(self) -> SortedTerms:
        """Terms from sums over sorted rows: of any size, and with all that residuals need."""
        return SortedTerms(self.sets, self.tied, self.term_weight)

    @cached_property
    def terms(self) -> Terms:
        """Terms in the way that is quickest for as many rows."""
        n_terms = self.sets.times.size + self.tied.rows.size - self.tied.times.size
        if n_terms * self.sets.rows.size > MOST_CELLS:
            return self.sorted_terms
        return DenseTerms.of(self.sets, self.tied, self.term_weight)

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

    def linear_predictor(self, beta: Floats) -> tuple[Floats, float]:
        """Linear predictor of the used rows, shifted so that the largest is 0.

        Parameters
        ----------
        beta : ndarray of shape (n_columns,)
            Coefficients of the scaled covariates.

        Returns
        -------
        eta : ndarray of shape (n_used,)
            Of which no exponential can overflow.
        shift : float
            What was taken from it.
        """
        eta = self.X @ beta if np.count_nonzero(beta) else np.zeros(self.X.shape[0])
        if self.offset is not None:
            eta += self.offset
        shift = float(eta.max())
        eta -= shift
        return eta, shift

    def risk(self, eta: Floats) -> Floats:
        """Weigh the exponential of the linear predictor.

        Parameters
        ----------
        eta : ndarray of shape (n_used,)
            As from :meth:`linear_predictor`.

        Returns
        -------
        ndarray of shape (n_used,)
            Case weight times exp(eta).
        """
        risk: Floats = np.exp(eta)
        if self.weights is not None:
            risk *= self.weights
        return risk

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
        """
        with np.errstate(all="ignore"):
            eta, _ = self.linear_predictor(beta)
            at_events = float(self._at_event @ eta)
            risk = self.risk(eta)
            del eta  # memory at its highest counts where there are millions of rows
            terms = self.terms.evaluate(self.design, risk)
        return Evaluation(
            at_events + terms.loglik, self._event_sum + terms.gradient, terms.information
        )


def _risk_sets(data: CoxData) -> RiskSets:
    n_strata = 1 if data.strata is None else data.strata.size
    return make_risk_sets(
        data.time, data.counted_event, start=data.start, stratum=data.stratum, n_strata=n_strata
    )

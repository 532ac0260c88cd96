"""The terms of any number of rows: sums over risk sets, made by one pass over sorted rows."""

from __future__ import annotations

from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from allsurv.stats.cox.evaluation import Evaluation
from allsurv.stats.cox.risk_sets import RiskSets, TiedEvents, grouping_matrix
from allsurv.stats.cox.scaling import weighted_gram

__all__ = ["EfronTerms", "RiskSums", "SortedTerms"]

Floats = NDArray[np.float64]


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


class SortedTerms:
    """Terms of the log partial likelihood from sums over rows that are sorted once.

    Parameters
    ----------
    sets : RiskSets
        Risk sets.
    tied : TiedEvents
        Ties whose events are a term each; every other time is one term.
    weight : ndarray of shape (n_times,)
        Weight of each term of each event time.
    """

    def __init__(self, sets: RiskSets, tied: TiedEvents, weight: Floats) -> None:
        self.sets, self.tied, self.weight = sets, tied, weight

    @cached_property
    def _grouping(self) -> tuple[csr_array, Floats | None]:
        return grouping_matrix(self.sets, self.tied)

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
        # Weights go into the matrix, so that weighting and summing are one pass over the columns.
        risk.take(matrix.indices, out=matrix.data, mode="clip")
        if sign is not None:
            matrix.data *= sign
        grouped = matrix @ columns
        entering, tied = grouped[:n_times], grouped[n_times:]
        if self.tied.times.size:
            entering[self.tied.times] += tied
        return self.sets.at_risk_sum(entering), tied

    def sums(self, design: Floats, risk: Floats) -> RiskSums:
        """Sum risks and covariates over risk sets, and over tied events.

        Parameters
        ----------
        design : ndarray of shape (n_used, n_columns + 1)
            Scaled covariates; 1 in the last column.
        risk : ndarray of shape (n_used,)
            Case weight times exp(linear predictor).

        Returns
        -------
        RiskSums
            Sums and first moments; second moments are never formed.
        """
        sums = RiskSums(risk, *self.weighted_sums(risk, design))
        if self.sets.first is not None and self.tied.times.size:
            # Rows that left are subtracted again: rounding must not leave a risk set that is
            # smaller than the events in it.
            times = self.tied.times
            sums.total[times] = np.maximum(sums.total[times], sums.tied_total)
        return sums

    def efron(self, total: Floats, tied_total: Floats) -> EfronTerms:
        """Sum functions of each event's denominator over the events of each time.

        Parameters
        ----------
        total : ndarray of shape (n_times,)
            Sums of risks over risk sets.
        tied_total : ndarray of shape (n_tied,)
            Sums of risks over tied events.

        Returns
        -------
        EfronTerms
            For Breslow, and where nothing is tied, functions of the sum over the risk set itself.
        """
        log = np.log(total)
        one = 1.0 / total
        square = one * one
        if not self.tied.times.size:
            none = np.empty(0)
            return EfronTerms(log, one, square, none, none, none)
        fraction, spread, summed = self.tied.fraction, self.tied.spread, self.tied.summed
        denominator = spread(-tied_total)
        denominator *= fraction
        denominator += spread(total[self.tied.times])
        log[self.tied.times] = summed(np.log(denominator))
        inverse = np.reciprocal(denominator, out=denominator)
        down = fraction * inverse
        one[self.tied.times] = summed(inverse)
        square[self.tied.times] = summed(inverse * inverse)
        return EfronTerms(
            log, one, square, summed(down), summed(down * inverse), summed(down * down)
        )

    def information(
        self, design: Floats, sums: RiskSums, terms: EfronTerms, per_time: Floats
    ) -> Floats:
        """Covariance of the covariates in the risk sets, summed over event times.

        Parameters
        ----------
        design : ndarray of shape (n_used, n_columns + 1)
            Scaled covariates; 1 in the last column.
        sums : RiskSums
            Sums over risk sets.
        terms : EfronTerms
            Of those sums.
        per_time : ndarray of shape (n_times,)
            Weight of each event time; ``weight`` for the information itself.

        Returns
        -------
        ndarray of shape (n_columns, n_columns)
            For scaled covariates.

        Notes
        -----
        A term of risk set R with sum D takes sum_R(r x x')/D - (sum_R r x)(sum_R r x)'/D**2. Summed
        over terms the first part is X' diag(h) X, where h is the hazard that each row has met while
        at risk; the second is a quadratic form in the first moments. So the cost is that of one
        product of matrices, and the second moments of the risk sets are never formed.
        """
        hazard = self.sets.over_rows(self.sets.history_sum(per_time * terms.one))
        tied = self.tied.times
        if tied.size:
            weight = per_time[tied]
            hazard[self.tied.rows] -= self.tied.spread(weight * terms.down)
        hazard *= sums.risk
        information = weighted_gram(design, hazard)
        information -= weighted_gram(sums.at_risk, per_time * terms.square)
        if tied.size:
            cross = (sums.at_risk[tied] * (weight * terms.down_square)[:, None]).T @ sums.tied
            information += cross + cross.T
            information -= weighted_gram(sums.tied, weight * terms.down2_square)
        return information[:-1, :-1]

    def evaluate(self, design: Floats, risk: Floats) -> Evaluation:
        """Sum what the terms take from the log-likelihood, and its derivatives.

        Parameters
        ----------
        design : ndarray of shape (n_used, n_columns + 1)
            Scaled covariates; 1 in the last column.
        risk : ndarray of shape (n_used,)
            Case weight times exp(linear predictor).

        Returns
        -------
        Evaluation
            As :meth:`allsurv.stats.cox.evaluation.Terms.evaluate`.
        """
        sums = self.sums(design, risk)
        terms = self.efron(sums.total, sums.tied_total)
        gradient = -((self.weight * terms.one) @ sums.moment)
        if self.tied.times.size:
            gradient += (self.weight[self.tied.times] * terms.down) @ sums.tied_moment
        return Evaluation(
            -float(self.weight @ terms.log),
            gradient,
            self.information(design, sums, terms, self.weight),
        )

    def hazard(self, risk: Floats) -> Floats:
        """Increment of the cumulative hazard at each event time, for a patient whose risk is 1.

        Parameters
        ----------
        risk : ndarray of shape (n_used,)
            Case weight times exp(linear predictor).

        Returns
        -------
        ndarray of shape (n_times,)
            Breslow's or Efron's, as the terms are.
        """
        sums = self.sums(np.ones((risk.size, 1)), risk)
        return self.weight * self.efron(sums.total, sums.tied_total).one

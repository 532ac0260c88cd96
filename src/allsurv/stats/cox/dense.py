"""The partial likelihood of few rows, quickest with the risk set of every term written out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from allsurv.stats.cox.risk_sets import RiskSets, TiedEvents

__all__ = ["MOST_CELLS", "DenseTerms"]

Floats = NDArray[np.float64]
MOST_CELLS = 40_000  # terms times rows up to which this is quicker than sums over sorted rows


@dataclass(frozen=True, eq=False)
class DenseTerms:
    """Terms of the log partial likelihood, each the log of a weighted sum of risks.

    Attributes
    ----------
    share : ndarray of shape (n_terms, n_used)
        Share with which a row is in the sum: 1 if at risk, 1 - k / d for the d events tied at the
        time of Efron's k-th term, 0 else.
    weight : ndarray of shape (n_terms,)
        Weight of the term.
    """

    share: Floats
    weight: Floats

    @classmethod
    def of(cls, sets: RiskSets, tied: TiedEvents, term_weight: Floats) -> DenseTerms:
        """Write out the risk sets.

        Parameters
        ----------
        sets : RiskSets
            Risk sets.
        tied : TiedEvents
            Ties whose events are a term each; every other time is one term.
        term_weight : ndarray of shape (n_times,)
            Weight of each term of each event time.

        Returns
        -------
        DenseTerms
            In order of time.
        """
        n_terms = np.ones(sets.times.size, dtype=np.intp)
        n_terms[tied.times] = tied.counts
        time = np.arange(n_terms.size).repeat(n_terms)
        is_in = sets.last >= time[:, None]
        if sets.first is not None:
            is_in &= sets.first <= time[:, None]
        elif sets.bounds.size > 2:
            is_in &= sets.bounds[sets.stratum_of(sets.last)] <= time[:, None]
        share = is_in.astype(float)
        if tied.times.size:
            terms = np.flatnonzero(n_terms[time] > 1)
            share[np.ix_(terms, tied.rows)] -= tied.fraction[:, None] * (
                time[terms, None] == time[terms]
            )
        return cls(share, term_weight[time])

    def evaluate(self, design: Floats, risk: Floats) -> tuple[float, Floats, Floats]:
        """Sum the terms and their derivatives.

        Parameters
        ----------
        design : ndarray of shape (n_used, n_columns)
            Covariates; 1 in the last column.
        risk : ndarray of shape (n_used,)
            Case weight times exp(linear predictor).

        Returns
        -------
        value : float
            Weighted sum of the logs.
        gradient : ndarray of shape (n_columns,)
            Its first derivatives by the coefficients.
        information : ndarray of shape (n_columns, n_columns)
            Its second derivatives.
        """
        sums = self.share @ (design * risk[:, None])
        total = sums[:, -1]
        inverse = self.weight / total
        value = float(self.weight @ np.log(total))
        gradient = inverse @ sums
        hazard = inverse @ self.share
        hazard *= risk
        information = design.T @ (design * hazard[:, None])
        information -= sums.T @ (sums * (inverse / total)[:, None])
        return value, gradient, information

"""The terms of few rows, quickest with the risk set of every term written out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from allsurv.stats.cox.evaluation import Evaluation
from allsurv.stats.cox.risk_sets import Ints, RiskSets, TiedEvents

__all__ = ["MOST_CELLS", "DenseTerms"]

Floats = NDArray[np.float64]
MOST_CELLS = 60_000  # terms times rows up to which this is quicker than sums over sorted rows


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
    begins : ndarray of shape (n_times,)
        First term of each event time.
    """

    share: Floats
    weight: Floats
    begins: Ints

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
        begins: Ints = np.arange(sets.times.size, dtype=sets.last.dtype)
        time = begins
        if tied.times.size:  # Efron's method: each event is a term
            begins, time = sets.n_deaths.cumsum() - sets.n_deaths, sets.last[sets.deaths]
            term_weight = term_weight[time]
        is_in = sets.last >= time[:, None]
        if sets.first is not None:
            is_in &= sets.first <= time[:, None]
        elif sets.bounds.size > 2:
            is_in &= sets.bounds[sets.stratum_of(sets.last)] <= time[:, None]
        share = is_in.astype(float)
        if tied.times.size:
            when = time[tied.events]
            share[tied.events[:, None], tied.rows] -= tied.fraction[:, None] * (
                when[:, None] == when
            )
        return cls(share, term_weight, begins)

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

        Notes
        -----
        With S the shares, r the risks and w the weights of terms, the sums of risks are s = S r and
        the means of covariates in the risk sets M = diag(1/s) S diag(r) X. The value is -w'log s,
        the gradient -w'M, and the information X' diag(h) X - M' diag(w) M, where h = r * S'(w / s)
        is the hazard that each row has met: second moments of the risk sets are never formed.
        """
        sums = self.share @ (design * risk[:, None])
        total = sums[:, -1]
        mean = sums / total[:, None]
        met = (self.weight / total) @ self.share
        met *= risk
        information = design.T @ (design * met[:, None])
        information -= mean.T @ (mean * self.weight[:, None])
        gradient = self.weight @ mean
        return Evaluation(
            -float(self.weight @ np.log(total)), -gradient[:-1], information[:-1, :-1]
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
        hazard = self.weight / (self.share @ risk)
        is_single = self.begins.size == hazard.size
        return hazard if is_single else np.add.reduceat(hazard, self.begins)

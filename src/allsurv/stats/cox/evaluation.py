"""What an evaluation of the partial likelihood gives, whichever way it is computed."""

from __future__ import annotations

from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

__all__ = ["Evaluation", "Evaluations", "Terms"]

Floats = NDArray[np.float64]


class Evaluation(NamedTuple):
    """A log-likelihood and its derivatives, for scaled covariates.

    Attributes
    ----------
    loglik : float
        Log-likelihood.
    gradient : ndarray of shape (n_columns,)
        Its gradient, the score.
    information : ndarray of shape (n_columns, n_columns)
        Its curvature, sign changed.
    """

    loglik: float
    gradient: Floats
    information: Floats


class Evaluations(NamedTuple):
    """The same of many sets of case weights, one entry each.

    Attributes
    ----------
    loglik : ndarray of shape (n_sets,)
        Log-likelihoods.
    gradient : ndarray of shape (n_sets, n_columns)
        Their gradients.
    information : ndarray of shape (n_sets, n_columns, n_columns)
        Their curvatures, sign changed.
    """

    loglik: Floats
    gradient: Floats
    information: Floats


class Terms(Protocol):
    """The terms that the partial likelihood takes from the risk of the events, one per event.

    Each is the log of a weighted sum of risks. How the sums are made is the only thing in which the
    ways to compute the likelihood differ; see ``docs/decisions/0016-one-partial-likelihood.md``.
    """

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
            To be added to what the events themselves give: minus the sum of the logs, minus its
            gradient, and its curvature.
        """

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

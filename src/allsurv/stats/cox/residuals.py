"""Residuals of a Cox model and the robust covariance made of them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import xlogy

from allsurv.stats.cox.increments import Increments
from allsurv.stats.cox.likelihood import PartialLikelihood

__all__ = [
    "RESIDUALS",
    "deviance_residuals",
    "dfbeta_residuals",
    "martingale_residuals",
    "robust_covariance",
    "schoenfeld_residuals",
    "score_residuals",
]

Floats = NDArray[np.float64]
RESIDUALS = ("martingale", "deviance", "schoenfeld", "scaled-schoenfeld", "score", "dfbeta")


def martingale_residuals(likelihood: PartialLikelihood, steps: Increments) -> Floats:
    """Observed less expected events of each row.

    Parameters
    ----------
    likelihood : PartialLikelihood
        The sorted design.
    steps : Increments
        At the fitted coefficients.

    Returns
    -------
    ndarray of shape (n_rows,)
        Not weighted; NaN for rows of weight 0, which the fit has not seen. Checked against R
        ``residuals.coxph(type = "martingale")``.
    """
    return likelihood.data.event - _expected_events(likelihood, steps)


def deviance_residuals(likelihood: PartialLikelihood, steps: Increments) -> Floats:
    """Martingale residuals made symmetric.

    Parameters
    ----------
    likelihood : PartialLikelihood
        The sorted design.
    steps : Increments
        At the fitted coefficients.

    Returns
    -------
    ndarray of shape (n_rows,)
        NaN for rows of weight 0. Checked against R ``residuals.coxph(type = "deviance")``.
    """
    event = likelihood.data.event.astype(float)
    expected = _expected_events(likelihood, steps)
    inside = event - expected + xlogy(event, expected)
    found: Floats = np.sign(event - expected) * np.sqrt(np.maximum(-2 * inside, 0.0))
    return found


def _expected_events(likelihood: PartialLikelihood, steps: Increments) -> Floats:
    sets = likelihood.sets
    hazard = sets.over_rows(sets.history_sum(steps.hazard))
    hazard[likelihood.tied.rows] -= likelihood.tied.spread(steps.tied_hazard)
    expected = np.zeros(sets.n_rows)
    expected[sets.rows] = np.exp(steps.log_risk) * hazard
    if likelihood.data.weights is not None:
        expected[likelihood.data.weights == 0] = np.nan
    return expected


def schoenfeld_residuals(likelihood: PartialLikelihood, steps: Increments) -> Floats:
    """Covariates of each event less their mean in its risk set.

    Parameters
    ----------
    likelihood : PartialLikelihood
        The sorted design.
    steps : Increments
        At the fitted coefficients.

    Returns
    -------
    ndarray of shape (n_events, n_columns)
        In the units of the covariates, by stratum and time; not weighted. Checked against R
        ``residuals.coxph(type = "schoenfeld")``.
    """
    deaths = likelihood.sets.deaths
    scaled = likelihood.X[deaths] - steps.event_mean[likelihood.sets.last[deaths]]
    return scaled * likelihood.scale


def score_residuals(likelihood: PartialLikelihood, steps: Increments) -> Floats:
    """Contribution of each row to the score.

    Parameters
    ----------
    likelihood : PartialLikelihood
        The sorted design.
    steps : Increments
        At the fitted coefficients.

    Returns
    -------
    ndarray of shape (n_rows, n_columns)
        In the units of the covariates; not weighted. Checked against R
        ``residuals.coxph(type = "score")``.
    """
    sets, tied, X = likelihood.sets, likelihood.tied, likelihood.X
    expected = sets.over_rows(sets.history_sum(steps.hazard))
    expected[tied.rows] -= tied.spread(steps.tied_hazard)
    mean = sets.over_rows(sets.history_sum(steps.hazard_mean))
    mean[tied.rows] -= tied.spread(steps.tied_mean)
    mean -= X * expected[:, None]
    mean *= np.exp(steps.log_risk)[:, None]
    mean[sets.deaths] += X[sets.deaths] - steps.event_mean[sets.last[sets.deaths]]
    out = np.zeros((sets.n_rows, X.shape[1]))
    out[sets.rows] = mean * likelihood.scale
    return out


def dfbeta_residuals(
    likelihood: PartialLikelihood, steps: Increments, covariance: Floats
) -> Floats:
    """Approximate change of the coefficients when a row is left out.

    Parameters
    ----------
    likelihood : PartialLikelihood
        The sorted design.
    steps : Increments
        At the fitted coefficients.
    covariance : ndarray of shape (n_columns, n_columns)
        Inverse information.

    Returns
    -------
    ndarray of shape (n_rows, n_columns)
        Multiplied by case weights. Checked against R ``residuals.coxph(type = "dfbeta")``.
    """
    influence = score_residuals(likelihood, steps) @ covariance
    if likelihood.data.weights is not None:
        influence *= likelihood.data.weights[:, None]
    return influence


def robust_covariance(
    likelihood: PartialLikelihood, steps: Increments, covariance: Floats, cluster: NDArray[np.intp]
) -> Floats:
    """Sandwich covariance, rows of one cluster taken together.

    Parameters
    ----------
    likelihood : PartialLikelihood
        The sorted design.
    steps : Increments
        At the fitted coefficients.
    covariance : ndarray of shape (n_columns, n_columns)
        Inverse information.
    cluster : ndarray of shape (n_rows,)
        Number of each row's cluster.

    Returns
    -------
    ndarray of shape (n_columns, n_columns)
        Checked against R ``survival::coxph(cluster = )``.
    """
    influence = dfbeta_residuals(likelihood, steps, covariance)
    summed = np.zeros((int(cluster.max()) + 1, influence.shape[1]))
    np.add.at(summed, cluster, influence)
    return summed.T @ summed

"""What a fitted Cox model says of each event time: hazard, variance, mean covariates."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from allsurv.stats.cox.likelihood import PartialLikelihood

__all__ = ["Increments", "increments", "n_at_risk"]

Floats = NDArray[np.float64]


class Increments(NamedTuple):
    """What happens at each event time, for a patient whose log risk is 0.

    Attributes
    ----------
    hazard, variance : ndarray of shape (n_times,)
        Increments of the cumulative hazard and of its variance at known coefficients.
    hazard_mean : ndarray of shape (n_times, n_columns)
        Hazard times mean scaled covariates of those at risk.
    event_mean : ndarray of shape (n_times, n_columns)
        Mean scaled covariates from which Schoenfeld residuals are taken.
    tied_hazard : ndarray of shape (n_tied,)
        Hazard that Efron's method spares the tied events themselves.
    tied_mean : ndarray of shape (n_tied, n_columns)
        That hazard times mean scaled covariates.
    log_risk : ndarray of shape (n_used,)
        Linear predictor of the used rows, centred, less ``shift``.
    shift : float
        Largest centred linear predictor among the used rows.
    """

    hazard: Floats
    variance: Floats
    hazard_mean: Floats
    event_mean: Floats
    tied_hazard: Floats
    tied_mean: Floats
    log_risk: Floats
    shift: float


def increments(likelihood: PartialLikelihood, coef: Floats) -> Increments:
    """Evaluate everything that curves and residuals are made of.

    Parameters
    ----------
    likelihood : PartialLikelihood
        The sorted design.
    coef : ndarray of shape (n_columns,)
        Coefficients of the covariates as given.

    Returns
    -------
    Increments
        Breslow's or Efron's, as the model's ties. Checked against R ``survival:::agsurv``.
    """
    log_risk, shift = likelihood.linear_predictor(coef * likelihood.scale)
    sums = likelihood.sorted_terms.sums(likelihood.design, likelihood.risk(log_risk))
    terms = likelihood.sorted_terms.efron(sums.total, sums.tied_total)
    weight, tied = likelihood.term_weight, likelihood.tied
    hazard_mean = sums.moment * (weight * terms.square)[:, None]
    event_mean = sums.moment * terms.one[:, None]
    tied_mean = np.empty((0, coef.size))
    if tied.times.size:
        moment = sums.moment[tied.times]
        tied_weight = weight[tied.times]
        down_square = (tied_weight * terms.down_square)[:, None]
        hazard_mean[tied.times] -= down_square * sums.tied_moment
        event_mean[tied.times] -= terms.down[:, None] * sums.tied_moment
        event_mean[tied.times] /= likelihood.sets.n_deaths[tied.times][:, None]
        tied_mean = down_square * moment
        tied_mean -= (tied_weight * terms.down2_square)[:, None] * sums.tied_moment
    return Increments(
        hazard=weight * terms.one,
        variance=weight * terms.square,
        hazard_mean=hazard_mean,
        event_mean=event_mean,
        tied_hazard=weight[tied.times] * terms.down,
        tied_mean=tied_mean,
        log_risk=log_risk,
        shift=shift,
    )


def n_at_risk(likelihood: PartialLikelihood) -> Floats:
    """Sum the weights of those at risk at each event time.

    Parameters
    ----------
    likelihood : PartialLikelihood
        The sorted design.

    Returns
    -------
    ndarray of shape (n_times,)
        Numbers at risk where there are no weights.
    """
    sets = likelihood.sets
    weights = np.ones(sets.rows.size) if likelihood.weights is None else likelihood.weights
    change = np.bincount(sets.last, weights=weights, minlength=sets.times.size)
    if sets.first is not None:
        late = sets.first > sets.bounds[sets.stratum_of(sets.first)]
        change -= np.bincount(sets.first[late] - 1, weights[late], minlength=sets.times.size)
    return sets.at_risk_sum(change)

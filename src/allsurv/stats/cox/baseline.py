"""Baseline hazard and predicted survival of a Cox model, right under delayed entry."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtri

from allsurv.errors import ModelError
from allsurv.stats.cox.design import check_matrix
from allsurv.stats.cox.increments import Increments, n_at_risk
from allsurv.stats.cox.likelihood import PartialLikelihood

__all__ = [
    "Baseline",
    "PredictedSurvival",
    "baseline_hazard",
    "predicted_survival",
    "survival_along_path",
]

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Baseline:
    """Baseline hazard at the event times, stratum after stratum.

    Attributes
    ----------
    stratum : ndarray of shape (n_times,)
        Label of the stratum; 0 throughout without strata.
    time : ndarray of shape (n_times,)
        Event times, ascending within each stratum.
    n_at_risk, n_events : ndarray of shape (n_times,)
        Sums of case weights.
    hazard, cumulative_hazard, survival : ndarray of shape (n_times,)
        For a patient whose covariates are all 0.
    """

    stratum: NDArray[Any]
    time: Floats
    n_at_risk: Floats
    n_events: Floats
    hazard: Floats
    cumulative_hazard: Floats
    survival: Floats


@dataclass(frozen=True, eq=False)
class PredictedSurvival:
    """Predicted survival with log-log limits.

    Attributes
    ----------
    time : ndarray of shape (n_times,)
        Times, in the unit of the data.
    survival, lower, upper : ndarray of shape (..., n_times)
        One row per patient; NaN beyond the follow-up of the patient's stratum.
    std_error : ndarray of shape (..., n_times)
        Of the cumulative hazard, -log(survival).
    level : float
        Confidence level of the limits.
    """

    time: Floats
    survival: Floats
    lower: Floats
    upper: Floats
    std_error: Floats
    level: float


def baseline_hazard(likelihood: PartialLikelihood, coef: Floats) -> Baseline:
    """Breslow's or Efron's estimate of the hazard at covariates 0.

    Parameters
    ----------
    likelihood : PartialLikelihood
        The sorted design.
    coef : ndarray of shape (n_columns,)
        Fitted coefficients.

    Returns
    -------
    Baseline
        Checked against R ``survival::basehaz(centered = FALSE)``.

    Raises
    ------
    ModelError
        If covariates of 0 lie so far away that the hazard there cannot be computed.
    """
    sets, data = likelihood.sets, likelihood.data
    eta, shift = likelihood.linear_predictor(coef * likelihood.scale)
    of_largest = likelihood.terms.hazard(likelihood.risk(eta))
    with np.errstate(over="ignore", under="ignore"):
        hazard = of_largest * np.exp(-shift - likelihood.centre @ coef)
    is_plain = hazard.min() > 0 and hazard.max() < np.inf
    if not is_plain and (not np.isfinite(hazard).all() or np.any((hazard == 0) & (of_largest > 0))):
        raise ModelError(
            "CoxFit.baseline: covariates of 0 lie too far from the data to compute a hazard there; "
            "centre the covariates, or use CoxFit.survival."
        )
    cumulative = sets.history_sum(hazard)
    if data.strata is None:
        stratum = np.zeros(sets.times.size, dtype=np.intp)
    else:
        stratum = data.strata[sets.stratum_of(np.arange(sets.times.size))]
    return Baseline(
        stratum=stratum,
        time=sets.times,
        n_at_risk=n_at_risk(likelihood),
        n_events=likelihood.death_weight,
        hazard=hazard,
        cumulative_hazard=cumulative,
        survival=np.exp(-cumulative),
    )


def predicted_survival(
    likelihood: PartialLikelihood,
    coef: Floats,
    covariance: Floats,
    steps: Increments,
    X: ArrayLike,
    times: ArrayLike,
    *,
    strata: ArrayLike | None,
    level: float,
) -> PredictedSurvival:
    """Survival of patients with fixed covariates at given times.

    Parameters
    ----------
    likelihood : PartialLikelihood
        The sorted design.
    coef : ndarray of shape (n_columns,)
        Fitted coefficients.
    covariance : ndarray of shape (n_columns, n_columns)
        Of the coefficients.
    steps : Increments
        At the coefficients.
    X : array-like of shape (n_patients, n_columns)
        Covariates.
    times : array-like of shape (n_times,)
        Times.
    strata : array-like of shape (n_patients,) or None
        Each patient's stratum.
    level : float
        Confidence level.

    Returns
    -------
    PredictedSurvival
        Checked against R ``survival::survfit.coxph(conf.type = "log-log")``.

    Raises
    ------
    ModelError
        If covariates, times or strata do not fit the model.
    """
    where = "CoxFit.survival"
    matrix = check_matrix(X, where=where, n_columns=coef.size)
    grid = _check_times(times, where)
    stratum = _stratum_codes(likelihood, strata, matrix.shape[0], where)
    inner = covariance * np.outer(likelihood.scale, likelihood.scale)
    shape = (matrix.shape[0], grid.size)
    cumulative, std_error = np.zeros(shape), np.zeros(shape)
    for code in np.unique(stratum):
        rows = np.flatnonzero(stratum == code)
        hazard, variance, mean = _accumulated(likelihood, steps, code, grid)
        with np.errstate(all="ignore"):
            centred = matrix[rows] - likelihood.centre
            risk = np.exp(centred @ coef - steps.shift)[:, None]
            scaled = centred / likelihood.scale
            projected = scaled @ inner
            spread = np.einsum("np,np->n", projected, scaled)[:, None] * hazard**2
            spread += np.einsum("tp,pq,tq->t", mean, inner, mean)
            spread -= 2 * (projected @ mean.T) * hazard
            spread = variance + np.maximum(spread, 0.0)
            cumulative[rows] = np.where(hazard == 0, 0.0, risk * hazard)
            std_error[rows] = np.where(hazard == 0, 0.0, risk * np.sqrt(spread))
        beyond = grid > _end_of_follow_up(likelihood, code)
        cumulative[np.ix_(rows, beyond)] = np.nan
    return _with_limits(grid, cumulative, std_error, level)


def survival_along_path(
    likelihood: PartialLikelihood,
    coef: Floats,
    covariance: Floats,
    steps: Increments,
    X: ArrayLike,
    start: ArrayLike,
    stop: ArrayLike,
    *,
    stratum: str | float | None,
    level: float,
) -> PredictedSurvival:
    """Survival of one patient whose covariates change at given times.

    Parameters
    ----------
    likelihood : PartialLikelihood
        The sorted design.
    coef : ndarray of shape (n_columns,)
        Fitted coefficients.
    covariance : ndarray of shape (n_columns, n_columns)
        Of the coefficients.
    steps : Increments
        At the coefficients.
    X : array-like of shape (n_intervals, n_columns)
        Covariates in each interval.
    start, stop : array-like of shape (n_intervals,)
        Intervals ``(start, stop]``, one after the other without gap.
    stratum : label or None
        The patient's stratum.
    level : float
        Confidence level.

    Returns
    -------
    PredictedSurvival
        At ``start[0]`` and at each event time of the path; survival from ``start[0]``. The curve
        is checked against R ``survival::survfit.coxph(id = )``.

    Raises
    ------
    ModelError
        If covariates, intervals or stratum do not fit.
    """
    where = "CoxFit.survival_path"
    matrix = check_matrix(X, where=where, n_columns=coef.size)
    begin, end = _check_times(start, where), _check_times(stop, where)
    n = matrix.shape[0]
    if not (begin.size == end.size == n > 0):
        raise ModelError(f"{where}: {begin.size} starts and {end.size} stops for {n} rows.")
    if np.any(begin >= end) or np.any(begin[1:] != end[:-1]):
        raise ModelError(
            f"{where}: intervals do not follow each other; each begins at the last's end."
        )
    labels = None if stratum is None else [stratum]
    code = _stratum_codes(likelihood, labels, 1, where)[0]
    low, high = likelihood.sets.bounds[code : code + 2]
    times = likelihood.sets.times[low:high]
    within = np.flatnonzero((times > begin[0]) & (times <= end[-1])) + low
    times = likelihood.sets.times[within]
    interval = np.searchsorted(end, times, side="left")
    centred = (matrix - likelihood.centre)[interval]
    inner = covariance * np.outer(likelihood.scale, likelihood.scale)
    with np.errstate(all="ignore"):
        risk = np.exp(centred @ coef - steps.shift)
        hazard = risk * steps.hazard[within]
        distance = centred / likelihood.scale * hazard[:, None]
        distance -= steps.hazard_mean[within] * risk[:, None]
        distance = np.cumsum(distance, axis=0)
        variance = np.cumsum(steps.variance[within] * risk**2)
        variance += np.einsum("tp,pq,tq->t", distance, inner, distance)
        cumulative = np.concatenate([[0.0], np.cumsum(hazard)])
        std_error = np.concatenate([[0.0], np.sqrt(variance)])
    return _with_limits(np.concatenate([begin[:1], times]), cumulative, std_error, level)


def _accumulated(
    likelihood: PartialLikelihood, steps: Increments, code: int, grid: Floats
) -> tuple[Floats, Floats, Floats]:
    low, high = likelihood.sets.bounds[code : code + 2]
    upto = np.searchsorted(likelihood.sets.times[low:high], grid, side="right")

    def summed(values: Floats) -> Floats:
        start = np.zeros((1, *values.shape[1:]))
        return np.concatenate([start, np.cumsum(values[low:high], axis=0)])[upto]

    return summed(steps.hazard), summed(steps.variance), summed(steps.hazard_mean)


def _end_of_follow_up(likelihood: PartialLikelihood, code: int) -> float:
    data = likelihood.data
    time = data.time if data.stratum is None else data.time[data.stratum == code]
    return float(time.max())


def _with_limits(
    times: Floats, cumulative: Floats, std_error: Floats, level: float
) -> PredictedSurvival:
    with np.errstate(all="ignore"):
        width = ndtri(0.5 + level / 2) * std_error / cumulative
        width = np.where(cumulative == 0, 0.0, width)
        lower = np.exp(-cumulative * np.exp(width))
        upper = np.exp(-cumulative * np.exp(-width))
        survival = np.exp(-cumulative)
    return PredictedSurvival(
        times, survival, lower, upper, np.where(np.isnan(cumulative), np.nan, std_error), level
    )


def _check_times(values: ArrayLike, where: str) -> Floats:
    try:
        grid = np.atleast_1d(np.asarray(values, dtype=float))
    except (TypeError, ValueError):
        raise ModelError(f"{where}: times are not numeric; give numbers.") from None
    if grid.ndim != 1 or not np.isfinite(grid).all():
        raise ModelError(f"{where}: times are not a vector of finite numbers; give one.")
    return grid


def _stratum_codes(
    likelihood: PartialLikelihood, labels: ArrayLike | None, n: int, where: str
) -> NDArray[np.intp]:
    strata = likelihood.data.strata
    if strata is None:
        if labels is not None:
            raise ModelError(f"{where}: the model has no strata; leave strata out.")
        return np.zeros(n, dtype=np.intp)
    given = np.asarray(labels)
    if labels is None or given.shape != (n,):
        raise ModelError(f"{where}: the model is stratified; give one stratum per patient.")
    position = {label: k for k, label in enumerate(strata.tolist())}
    try:
        return np.array([position[label] for label in given.tolist()], dtype=np.intp)
    except (KeyError, TypeError):
        raise ModelError(
            f"{where}: a stratum was not seen in the fit; known are {strata.tolist()[:10]}."
        ) from None

"""Univariable Cox models of many cohorts at once, without ties."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["Slopes", "fit_one_by_one", "fit_switch"]

Floats = NDArray[np.float64]
_MOST_STEPS = 25
_LARGEST_STEP = 2.0
_AT_REST = 1e-9
_LARGEST_CHUNK = 1_000_000


class Slopes(NamedTuple):
    """Coefficients of univariable Cox models, each of a model of its own.

    Attributes
    ----------
    coef, std_error : ndarray
        Log hazard ratios and their standard errors; NaN where there is no estimate.
    """

    coef: Floats
    std_error: Floats


def fit_one_by_one(time: Floats, event: NDArray[np.bool_], X: Floats) -> Slopes:
    """Fit a Cox model to each covariate of each cohort, alone.

    Parameters
    ----------
    time : ndarray of shape (n_cohorts, n_patients)
        Follow-up, in any unit; no two alike within a cohort.
    event : ndarray of bool of shape (n_cohorts, n_patients)
        Whether the event ended it.
    X : ndarray of shape (n_cohorts, n_patients, n_covariates)
        Covariates; a patient whose value is NaN is left out of that model only.

    Returns
    -------
    Slopes
        Arrays of shape (n_cohorts, n_covariates).

    Notes
    -----
    Equals :func:`allsurv.stats.cox.fit.fit_cox` covariate by covariate; without ties the methods of
    Breslow and Efron are the same.

    Examples
    --------
    As in :func:`allsurv.stats.cox.fit.fit_cox`: the hazard ratio solves u * u - u - 4 = 0.

    >>> time, event = np.array([[1.0, 2, 3, 4]]), np.array([[True, True, True, False]])
    >>> fit_one_by_one(time, event, np.array([[[1.0], [0], [1], [0]]])).coef.round(4).tolist()
    [[0.9406]]
    """
    size = max(1, _LARGEST_CHUNK // max(1, X.shape[1] * X.shape[2]))
    parts = [
        _fit_chunk(time[at : at + size], event[at : at + size], X[at : at + size])
        for at in range(0, len(time), size)
    ]
    return Slopes(*(np.concatenate(part) for part in zip(*parts, strict=True)))


def _fit_chunk(time: Floats, event: NDArray[np.bool_], X: Floats) -> Slopes:
    order = np.argsort(-time, axis=1)  # the longest followed first: at risk are those so far
    X = np.take_along_axis(X, order[:, :, None], axis=1)
    known = ~np.isnan(X)
    counted = known & np.take_along_axis(event, order, axis=1)[:, :, None]
    weight = known.sum(axis=1, keepdims=True)
    with np.errstate(all="ignore"):
        centre = np.nansum(X, axis=1, keepdims=True) / weight
        x = np.where(known, X - centre, 0.0)
        scale = np.sqrt((x * x).sum(axis=1, keepdims=True) / weight)
        x = x / scale
        coef, information = _newton(x, known, counted)
        error = 1 / np.sqrt(information)
    usable = np.isfinite(coef) & np.isfinite(error)
    scale = scale[:, 0]
    return Slopes(*(np.where(usable, value / scale, np.nan) for value in (coef, error)))


def _newton(
    x: Floats, known: NDArray[np.bool_], counted: NDArray[np.bool_]
) -> tuple[Floats, Floats]:
    beta = np.zeros((x.shape[0], x.shape[2]))
    own = np.where(counted, x, 0.0).sum(axis=1)
    for _ in range(_MOST_STEPS):
        risk = np.exp(x * beta[:, None, :]) * known
        total = np.cumsum(risk, axis=1)
        risk *= x
        first = np.cumsum(risk, axis=1) / total
        risk *= x
        second = np.cumsum(risk, axis=1) / total
        gradient = own - np.where(counted, first, 0.0).sum(axis=1)
        information = np.where(counted, second - first**2, 0.0).sum(axis=1)
        step = np.clip(gradient / information, -_LARGEST_STEP, _LARGEST_STEP)
        beta = beta + step
        if not (np.abs(step) > _AT_REST).any():
            break
    return np.where(np.abs(step) > _AT_REST, np.nan, beta), information


def fit_switch(time: Floats, event: NDArray[np.bool_], switch: Floats) -> Slopes:
    """Fit a Cox model to one time-dependent event of each cohort, alone.

    Parameters
    ----------
    time : ndarray of shape (n_cohorts, n_patients)
        Follow-up, in any unit; no two alike within a cohort.
    event : ndarray of bool of shape (n_cohorts, n_patients)
        Whether the outcome ended it.
    switch : ndarray of shape (n_cohorts, n_patients)
        When the covariate turned from 0 to 1; infinite where it never did.

    Returns
    -------
    Slopes
        Arrays of shape (n_cohorts,).

    Notes
    -----
    Equals :func:`allsurv.stats.cox.fit.fit_cox` on ``(start, stop]`` rows that are 0 before the
    switch and 1 after it. A covariate of 0 and 1 needs only the two numbers at risk at each
    outcome.

    Examples
    --------
    The second patient has switched at both deaths, of which the second is its own, with one more
    patient at risk: u / (u + 1) * ... has its maximum where 1 = u / (u + 2) + u / (u + 1).

    >>> time, event = np.array([[1.0, 2.0, 3.0]]), np.array([[True, True, False]])
    >>> switch = np.array([[np.inf, 0.5, np.inf]])
    >>> round(float(np.exp(fit_switch(time, event, switch).coef[0])), 4)
    1.4142
    """
    fits = [_fit_counts(*cohort) for cohort in zip(time, event, switch, strict=True)]
    return Slopes(*(np.array(values) for values in zip(*fits, strict=True)))


def _fit_counts(time: Floats, event: NDArray[np.bool_], switch: Floats) -> tuple[float, float]:
    at = np.sort(time[event])
    switched = np.isfinite(switch) & (switch < time)
    left = np.searchsorted(np.sort(time[switched]), at, side="left")
    after = np.searchsorted(np.sort(switch[switched]), at, side="left") - left
    everybody = time.size - np.searchsorted(np.sort(time), at, side="left")
    before = everybody - after
    own = int((switched & event).sum())
    beta = 0.0
    for _ in range(_MOST_STEPS):
        share = after * np.exp(beta) / (before + after * np.exp(beta))
        information = float((share * (1 - share)).sum())
        if information < _AT_REST:
            break
        step = float(np.clip((own - share.sum()) / information, -_LARGEST_STEP, _LARGEST_STEP))
        beta += step
        if abs(step) < _AT_REST:
            return beta, information**-0.5
    return np.nan, np.nan

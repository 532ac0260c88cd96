"""Agreement of predicted risks with what happened: on average, in spread, and along the scale."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import brentq

from allsurv.errors import ModelError
from allsurv.stats.cox.fit import fit_cox
from allsurv.stats.levels import check_level, normal_quantile
from allsurv.stats.measures.calibration_curve import (
    CalibrationCurve,
    CalibrationErrors,
    calibration_curve,
    calibration_errors,
)
from allsurv.stats.measures.censoring import CensoringWeights
from allsurv.stats.measures.observed import cut_follow_up, observed_risk, weighted_risk
from allsurv.stats.measures.patient_censoring import PatientCensoring
from allsurv.stats.measures.prediction import check_horizon, check_risk, check_score, cloglog, wald
from allsurv.stats.outcome import Estimate, check_y

__all__ = [
    "CalibrationCurve",
    "CalibrationErrors",
    "calibration_curve",
    "calibration_errors",
    "calibration_in_the_large",
    "calibration_slope",
    "observed_expected_ratio",
]

Floats = NDArray[np.float64]


def observed_expected_ratio(
    y: NDArray[np.void],
    risk: ArrayLike,
    horizon: float,
    *,
    censoring: PatientCensoring | None = None,
    level: float = 0.95,
) -> Estimate:
    r"""Ratio of observed to expected event probability at one horizon.

    Calibration in the large: 1 is right on average; above 1 the model predicts too few events.

    Parameters
    ----------
    y : structured ndarray of shape (n_patients,)
        Fields ``event`` (bool) and ``time`` (float, study unit), as from ``Cohort.y``.
    risk : array-like of shape (n_patients,)
        Predicted probability, in [0, 1], of the event by ``horizon``.
    horizon : float
        In the unit of ``time``; follow-up must reach it.
    censoring : PatientCensoring, optional
        As from ``fit_censoring``, where follow-up depends on the patient.
    level : float, default=0.95
        Confidence level, in (0, 1).

    Returns
    -------
    Estimate
        ``value``, ``lower``, ``upper``; dimensionless; ``std_error`` is that of the logarithm.
        Missing, with the reason, if there is no event by ``horizon``, follow-up ends before it, or
        no event is expected.

    Raises
    ------
    OutcomeError
        If ``level`` is not between 0 and 1, or ``y`` is malformed.
    ModelError
        If ``risk`` or ``horizon`` is malformed.

    Notes
    -----
    :math:`O/E = F(t) / \bar p(t)`, :math:`F = 1 - S` from Kaplan-Meier; log-scale interval with
    Greenwood's variance; ``risk`` is taken as fixed [1]_. Checked against R ``survival::survfit``.
    With ``censoring`` F is the share of events among patients weighted by the inverse of their
    probability of being followed, with the standard error of its influence function.

    References
    ----------
    .. [1] McLernon DJ, et al. Ann Intern Med. 2023;176(1):105-114. doi:10.7326/M22-0844

    Examples
    --------
    Three events by month 24: S(24) = 5/6 * 3/4 * 2/3 = 5/12, so O/E = (7/12) / 0.5 = 7/6.

    >>> y = np.array([(1, 6), (0, 12), (1, 18), (1, 24), (0, 30), (0, 36)],
    ...              dtype=[("event", bool), ("time", float)])
    >>> ratio = observed_expected_ratio(y, risk=[0.9, 0.5, 0.7, 0.6, 0.2, 0.1], horizon=24)
    >>> [round(x, 2) for x in ratio]
    [1.17, 0.55, 2.46]
    """
    time, event = check_y(y)
    risk = check_risk(risk, time.size)
    horizon = check_horizon(horizon)
    z = normal_quantile(check_level(level, "observed_expected_ratio"))
    if time.max() < horizon:
        return Estimate.missing(f"follow-up ends before {horizon:g}", level=level)
    if censoring is None:
        observed, std_error = observed_risk(time, event, horizon)
    else:
        weights = CensoringWeights(time, event, censoring)
        weighted = weighted_risk(weights, horizon)
        if isinstance(weighted, str):
            return Estimate.missing(weighted, level=level)
        observed, std_error = weighted
    expected = float(risk.mean())
    if observed == 0:
        return Estimate.missing(f"no event by {horizon:g}", level=level)
    if expected == 0:
        return Estimate.missing("no event is expected: all risks are 0", level=level)
    ratio, log_error = observed / expected, std_error / observed
    factor = math.exp(z * log_error)
    return Estimate(ratio, ratio / factor, ratio * factor, log_error, level)


def calibration_in_the_large(
    y: NDArray[np.void], risk: ArrayLike, horizon: float, *, level: float = 0.95
) -> Estimate:
    r"""Shift of the predictions that would make them right on average.

    On the scale of the log cumulative hazard: 0 is right, above 0 the model predicts too few
    events; its exponential is the factor by which every predicted cumulative hazard is too small.

    Parameters
    ----------
    y : structured ndarray of shape (n_patients,)
        Fields ``event`` (bool) and ``time`` (float), as from ``make_y``.
    risk : array-like of shape (n_patients,)
        Predicted probability, in [0, 1], of the event by ``horizon``.
    horizon : float
        In the unit of ``time``; follow-up must reach it.
    level : float, default=0.95
        Confidence level, in (0, 1).

    Returns
    -------
    Estimate
        Missing, with the reason, where follow-up ends before ``horizon`` or the observed risk is
        0 or 1.

    Raises
    ------
    OutcomeError
        If ``level`` is not between 0 and 1, or ``y`` is malformed.
    ModelError
        If ``risk`` or ``horizon`` is malformed.

    Notes
    -----
    Checked against R ``survival::survfit`` and ``uniroot``: the a at which the mean of
    :math:`1 - (1 - r_i)^{\exp(a)}` is 1 - S(t) from Kaplan-Meier, as the intercept of a logistic
    recalibration makes expected equal observed events [1]_. Greenwood's variance by the delta
    method, ``risk`` taken as fixed. Risks of 0 and 1 are moved to 1e-10 and 1 - 1e-10.

    References
    ----------
    .. [1] Van Calster B, et al. J Clin Epidemiol. 2016;74:167-176.
       doi:10.1016/j.jclinepi.2015.12.005

    Examples
    --------
    Half have the event where each was given 1 - 1/sqrt(2): the cumulative hazard is twice as
    large, and log 2 = 0.6931.

    >>> y = np.array([(1, 6), (0, 18)], dtype=[("event", bool), ("time", float)])
    >>> round(calibration_in_the_large(y, [1 - 0.5**0.5] * 2, 12).value, 4)
    0.6931
    """
    time, event = check_y(y)
    scale = cloglog(check_risk(risk, time.size))
    horizon = check_horizon(horizon)
    check_level(level, "calibration_in_the_large")
    if time.max() < horizon:
        return Estimate.missing(f"follow-up ends before {horizon:g}", level=level)
    observed, std_error = observed_risk(time, event, horizon)
    if not 0 < observed < 1:
        return Estimate.missing(f"observed risk by {horizon:g} is {observed:g}", level=level)
    target = math.log(-math.log1p(-observed))
    shift = float(
        brentq(
            lambda a: -np.expm1(-np.exp(a + scale)).mean() - observed,
            target - scale.max() - 1e-9,
            target - scale.min() + 1e-9,
            xtol=1e-14,
        )
    )
    hazard = np.exp(shift + scale)
    return wald(shift, std_error / float((hazard * np.exp(-hazard)).mean()), level)


def calibration_slope(
    y: NDArray[np.void],
    risk: ArrayLike,
    horizon: float | None = None,
    *,
    level: float = 0.95,
) -> Estimate:
    r"""Spread of the predictions against the spread of what happened.

    1 is right; below 1 the predictions are too extreme, as after overfitting, above 1 too alike.

    Parameters
    ----------
    y : structured ndarray of shape (n_patients,)
        Fields ``event`` (bool) and ``time`` (float), as from ``make_y``.
    risk : array-like of shape (n_patients,)
        With ``horizon``, the predicted probability of the event by it; without, a linear predictor
        (log relative hazard).
    horizon : float, optional
        In the unit of ``time``; later follow-up is not used. Without it all of it is.
    level : float, default=0.95
        Confidence level, in (0, 1).

    Returns
    -------
    Estimate
        Coefficient of the prediction. Missing, with the reason, where Cox regression has no finite
        answer or follow-up ends before ``horizon``.

    Raises
    ------
    OutcomeError
        If ``level`` is not between 0 and 1, or ``y`` is malformed.
    ModelError
        If ``risk`` or ``horizon`` is malformed.

    Notes
    -----
    Checked against R ``survival::coxph(y ~ log(-log(1 - risk)))``: Cox regression with the
    linear predictor, or the complementary log-log of the risk, as its one covariate [1]_. Risks
    of 0 and 1 are moved to 1e-10 and 1 - 1e-10.

    References
    ----------
    .. [1] McLernon DJ, et al. Ann Intern Med. 2023;176(1):105-114. doi:10.7326/M22-0844

    Examples
    --------
    With x = 1, 0, 1, 0, events at 1, 2, 3 and u = exp(b), the partial likelihood is
    u / (2u + 2) * 1 / (u + 2) * u / (u + 1); it is largest where u * u - u - 4 = 0.

    >>> y = np.array([(1, 1), (1, 2), (1, 3), (0, 4)], dtype=[("event", bool), ("time", float)])
    >>> slope = calibration_slope(y, [1, 0, 1, 0])
    >>> round(slope.value, 6), round(math.log((1 + 17**0.5) / 2), 6)
    (0.940614, 0.940614)
    """
    time, event = check_y(y)
    check_level(level, "calibration_slope")
    if horizon is None:
        predictor = check_score(risk, time.size, where="risk")
    else:
        horizon = check_horizon(horizon)
        predictor = cloglog(check_risk(risk, time.size))
        if time.max() < horizon:
            return Estimate.missing(f"follow-up ends before {horizon:g}", level=level)
        time, event = cut_follow_up(time, event, horizon)
    if not event.any():
        return Estimate.missing("no event in the follow-up used", level=level)
    if np.all(predictor == predictor[0]):
        return Estimate.missing("all predictions are equal", level=level)
    try:
        fit = fit_cox(time, event, predictor[:, None], names=["prediction"])
    except ModelError as error:
        return Estimate.missing(str(error), level=level)
    return wald(float(fit.coef[0]), float(fit.std_error[0]), level)

"""Smooth calibration: observed against predicted risk, and how far they lie apart."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from allsurv.errors import ModelError
from allsurv.stats.cox.fit import CoxFit, fit_cox
from allsurv.stats.levels import check_level
from allsurv.stats.measures.censoring import CensoringWeights
from allsurv.stats.measures.observed import cut_follow_up
from allsurv.stats.measures.patient_censoring import PatientCensoring
from allsurv.stats.measures.prediction import check_horizon, check_risk, cloglog
from allsurv.stats.outcome import check_y
from allsurv.stats.splines import restricted_cubic_spline

__all__ = [
    "CalibrationCurve",
    "CalibrationErrors",
    "calibration_curve",
    "calibration_errors",
    "check_knots",
    "curve_points",
    "errors_of",
    "harrell_knots",
]

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

OUTER_QUANTILE = {3: 0.1, 4: 0.05, 5: 0.05, 6: 0.05, 7: 0.025}


@dataclass(frozen=True, eq=False)
class CalibrationCurve:
    """Observed risk by a horizon as a smooth function of predicted risk.

    Attributes
    ----------
    horizon : float
        In the unit of the outcome.
    predicted : ndarray of shape (n_points,)
        Predicted risks, rising.
    observed, lower, upper : ndarray of shape (n_points,)
        Observed risk and its pointwise confidence limits; NaN where missing.
    level : float
        Confidence level of the limits.
    reason : str
        Why there is no curve; empty otherwise.
    """

    horizon: float
    predicted: Floats
    observed: Floats
    lower: Floats
    upper: Floats
    level: float
    reason: str = ""


@dataclass(frozen=True)
class CalibrationErrors:
    """How far predicted lie from observed risks, over the patients.

    Attributes
    ----------
    ici : float
        Integrated calibration index: mean absolute difference.
    e50, e90, emax : float
        Median, 90th percentile and largest absolute difference.
    reason : str
        Why they are missing; empty otherwise.
    """

    ici: float
    e50: float
    e90: float
    emax: float
    reason: str = ""


def calibration_curve(
    y: NDArray[np.void],
    risk: ArrayLike,
    horizon: float,
    *,
    n_knots: int = 3,
    at: ArrayLike | None = None,
    censoring: PatientCensoring | None = None,
    level: float = 0.95,
) -> CalibrationCurve:
    r"""Observed against predicted risk at one horizon, smoothed.

    On the diagonal the predictions are right; above it they are too low.

    Parameters
    ----------
    y : structured ndarray of shape (n_patients,)
        Fields ``event`` (bool) and ``time`` (float), as from ``make_y``.
    risk : array-like of shape (n_patients,)
        Predicted probability, in [0, 1], of the event by ``horizon``.
    horizon : float
        In the unit of ``time``; later follow-up is not used.
    n_knots : int, default=3
        Knots of the spline, 3 to 7.
    at : array-like of shape (n_points,), optional
        Predicted risks at which to show the curve; 101 evenly spaced between the smallest and the
        largest if not given.
    censoring : PatientCensoring, optional
        As from ``fit_censoring``, where follow-up depends on the patient.
    level : float, default=0.95
        Confidence level, in (0, 1).

    Returns
    -------
    CalibrationCurve
        With pointwise limits, ``risk`` taken as fixed. Missing, with the reason, where follow-up
        ends before ``horizon``, or predictions or events are too few for the spline.

    Raises
    ------
    OutcomeError
        If ``level`` is not between 0 and 1, or ``y`` is malformed.
    ModelError
        If ``risk``, ``horizon``, ``n_knots`` or ``at`` is malformed.

    Notes
    -----
    Checked against R ``survival::coxph(y ~ rms::rcs(log(-log(1 - risk)), n_knots))`` and its
    ``survfit(conf.type = "log-log")``: Cox regression on a restricted cubic spline of the
    complementary log-log of the risk [1]_, knots at Harrell's quantiles, follow-up cut at the
    horizon. With ``censoring`` those censored before the horizon are left out, the others weighted
    by the inverse of their probability of being followed, and the limits are robust ones.

    References
    ----------
    .. [1] Austin PC, Harrell FE, van Klaveren D. Stat Med. 2020;39:2714-2742.
       doi:10.1002/sim.8570

    Examples
    --------
    >>> y = np.array([(1, 6), (0, 18)], dtype=[("event", bool), ("time", float)])
    >>> calibration_curve(y, [0.6, 0.4], 24).reason
    'follow-up ends before 24'
    """
    time, event = check_y(y)
    risk = check_risk(risk, time.size)
    horizon = check_horizon(horizon)
    check_level(level, "calibration_curve")
    points = curve_points(risk, at)
    weights = None if censoring is None else CensoringWeights(time, event, censoring)
    smooth = _fit(time, event, risk, horizon, check_knots(n_knots), level, weights)
    if isinstance(smooth, str):
        nothing = np.full(points.size, np.nan)
        return CalibrationCurve(horizon, points, nothing, nothing, nothing, level, smooth)
    predicted = smooth.model.survival(smooth.basis(points), [horizon])
    return CalibrationCurve(
        horizon,
        points,
        1 - predicted.survival[:, 0],
        1 - predicted.upper[:, 0],
        1 - predicted.lower[:, 0],
        level,
    )


def calibration_errors(
    y: NDArray[np.void],
    risk: ArrayLike,
    horizon: float,
    *,
    n_knots: int = 3,
    censoring: PatientCensoring | None = None,
) -> CalibrationErrors:
    """Mean, median, 90th percentile and maximum of the calibration error over patients.

    Parameters
    ----------
    y : structured ndarray of shape (n_patients,)
        Fields ``event`` (bool) and ``time`` (float), as from ``make_y``.
    risk : array-like of shape (n_patients,)
        Predicted probability, in [0, 1], of the event by ``horizon``.
    horizon : float
        In the unit of ``time``; later follow-up is not used.
    n_knots : int, default=3
        Knots of the spline, 3 to 7.
    censoring : PatientCensoring, optional
        As from ``fit_censoring``, where follow-up depends on the patient.

    Returns
    -------
    CalibrationErrors
        ICI, E50, E90 and Emax, on the scale of the risk whatever the unit of time. Missing, with
        the reason, where there is no :func:`calibration_curve`.

    Raises
    ------
    OutcomeError
        If ``y`` is malformed.
    ModelError
        If ``risk``, ``horizon`` or ``n_knots`` is malformed.

    Notes
    -----
    Checked against R ``survival::coxph`` with ``rms::rcs``, as :func:`calibration_curve` [1]_.

    References
    ----------
    .. [1] Austin PC, Harrell FE, van Klaveren D. Stat Med. 2020;39:2714-2742.
       doi:10.1002/sim.8570

    Examples
    --------
    >>> y = np.array([(1, 6), (0, 18)], dtype=[("event", bool), ("time", float)])
    >>> calibration_errors(y, [0.6, 0.4], 12).reason
    'predictions take too few values for 3 knots'
    """
    time, event = check_y(y)
    risk = check_risk(risk, time.size)
    horizon = check_horizon(horizon)
    weights = None if censoring is None else CensoringWeights(time, event, censoring)
    smooth = _fit(time, event, risk, horizon, check_knots(n_knots), 0.95, weights)
    if isinstance(smooth, str):
        return CalibrationErrors(math.nan, math.nan, math.nan, math.nan, smooth)
    model, basis = smooth.model, smooth.basis
    return errors_of(risk, lambda r: 1 - model.survival(basis(r), [horizon]).survival[:, 0])


def errors_of(risk: Floats, observed: Callable[[Floats], Floats]) -> CalibrationErrors:
    """Summarise over patients how far a smooth curve lies from the diagonal.

    Parameters
    ----------
    risk : ndarray of shape (n_patients,)
        Predicted risks.
    observed : callable
        From distinct predicted risks to observed ones.

    Returns
    -------
    CalibrationErrors
        Mean, median, 90th percentile and maximum of the absolute difference.
    """
    distinct, where = np.unique(risk, return_inverse=True)
    error = np.abs(observed(distinct) - distinct)[where]
    e50, e90 = np.quantile(error, [0.5, 0.9])
    return CalibrationErrors(float(error.mean()), float(e50), float(e90), float(error.max()))


@dataclass(frozen=True, eq=False)
class _Smooth:
    model: CoxFit
    knots: Floats

    def basis(self, risk: Floats) -> Floats:
        return restricted_cubic_spline(cloglog(risk), self.knots)


def _fit(
    time: Floats,
    event: Bools,
    risk: Floats,
    horizon: float,
    n_knots: int,
    level: float,
    censoring: CensoringWeights | None,
) -> _Smooth | str:
    """Fit the spline, or say why it cannot be."""
    if time.max() < horizon:
        return f"follow-up ends before {horizon:g}"
    weights = None
    if censoring is not None and (weights := censoring.at(horizon)) is None:
        return f"some patients cannot be followed to {horizon:g}"
    time, event = cut_follow_up(time, event, horizon)
    if not event.any():
        return f"no event by {horizon:g}"
    scale = cloglog(risk)
    knots = harrell_knots(scale, n_knots)
    if knots.size < n_knots:
        return f"predictions take too few values for {n_knots} knots"
    names = [f"spline {k + 1}" for k in range(n_knots - 1)]
    basis = restricted_cubic_spline(scale, knots)
    try:
        # Clusters of one patient: the limits of a weighted fit are those of the sandwich.
        alone = None if weights is None else np.arange(time.size)
        fit = fit_cox(time, event, basis, names=names, level=level, weights=weights, cluster=alone)
        return _Smooth(fit, knots)
    except ModelError as error:
        return str(error)


def harrell_knots(values: Floats, n_knots: int) -> Floats:
    """Place knots at Harrell's quantiles.

    Parameters
    ----------
    values : ndarray of shape (n_patients,)
        What the spline is of.
    n_knots : int
        How many, 3 to 7.

    Returns
    -------
    ndarray of shape (n_knots,)
        Rising; of fewer than 100 values the outermost are the fifth from each end. A single number
        where the values are too few for so many knots.
    """
    if np.unique(values).size < n_knots + 3:
        return values[:1]
    outer = OUTER_QUANTILE[n_knots]
    knots = np.quantile(values, np.linspace(outer, 1 - outer, n_knots))
    if 10 <= values.size < 100:
        knots[0], knots[-1] = np.sort(values)[[4, -5]]
    knots = np.unique(knots)
    return knots if np.all(np.diff(knots) > 1e-8) else knots[:1]


def curve_points(risk: Floats, at: ArrayLike | None) -> Floats:
    """Settle at which predicted risks a curve is shown.

    Parameters
    ----------
    risk : ndarray of shape (n_patients,)
        Predicted risks.
    at : array-like of shape (n_points,) or None
        Asked for; 101 evenly spaced between the smallest and the largest risk where ``None``.

    Returns
    -------
    ndarray of shape (n_points,)
        Rising.

    Raises
    ------
    ModelError
        If ``at`` holds what is no probability.
    """
    if at is None:
        return np.linspace(risk.min(), risk.max(), 101)
    values = np.atleast_1d(np.asarray(at, dtype=object))
    return np.sort(check_risk(at, values.shape[0], where="at"))


def check_knots(n_knots: int) -> int:
    """Check a number of knots.

    Parameters
    ----------
    n_knots : int
        Of a restricted cubic spline.

    Returns
    -------
    int
        The same.

    Raises
    ------
    ModelError
        If it is none of 3 to 7.
    """
    if isinstance(n_knots, bool) or n_knots not in OUTER_QUANTILE:
        raise ModelError(f"n_knots: {n_knots!r}; allowed are 3 to 7.")
    return int(n_knots)

"""Do predicted risks of one cause agree with its incidence: average, spread, scale."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from allsurv.errors import ModelError
from allsurv.stats.competing.causes import CausedOutcome
from allsurv.stats.competing.fine_gray import FineGrayFit, fit_fine_gray
from allsurv.stats.competing.measures.checked import Failures, check_failures
from allsurv.stats.competing.steps import incidence_steps
from allsurv.stats.levels import check_level, normal_quantile
from allsurv.stats.measures.calibration_curve import (
    CalibrationCurve,
    CalibrationErrors,
    check_knots,
    curve_points,
    errors_of,
    harrell_knots,
)
from allsurv.stats.measures.prediction import check_horizon, check_risk, cloglog, wald
from allsurv.stats.outcome import Estimate
from allsurv.stats.splines import restricted_cubic_spline

__all__ = [
    "calibration_curve_of_cause",
    "calibration_errors_of_cause",
    "calibration_slope_of_cause",
    "observed_expected_of_cause",
]

Floats = NDArray[np.float64]


def observed_expected_of_cause(
    time: ArrayLike,
    cause: ArrayLike,
    risk: ArrayLike,
    horizon: float,
    *,
    of: int = 1,
    level: float = 0.95,
) -> Estimate:
    r"""Ratio of the observed incidence of a cause to the mean predicted risk.

    Calibration in the large: 1 is right on average; above 1 the model predicts too few failures.

    Parameters
    ----------
    time : array-like of shape (n_patients,)
        End of follow-up, in any one unit; positive.
    cause : array-like of shape (n_patients,)
        Whole numbers: 0 where censored, 1, 2, ... for the cause of failure.
    risk : array-like of shape (n_patients,)
        Predicted probability, in [0, 1], of failing from the cause by ``horizon``.
    horizon : float
        In the unit of ``time``; follow-up must reach it.
    of : int, default=1
        Cause whose risk is judged.
    level : float, default=0.95
        Confidence level, in (0, 1).

    Returns
    -------
    Estimate
        Dimensionless; ``std_error`` is that of the logarithm. Missing, with the reason, if nobody
        fails from the cause by ``horizon``, follow-up ends before it, or nothing is expected.

    Raises
    ------
    OutcomeError
        If times, causes or level are malformed.
    ModelError
        If ``risk`` or ``horizon`` is malformed.

    Notes
    -----
    :math:`O/E = F_k(t) / \bar p(t)`, :math:`F_k` by Aalen and Johansen with the infinitesimal
    jackknife; log-scale interval, ``risk`` taken as fixed [1]_. Checked against R
    ``survival::survfit``.

    References
    ----------
    .. [1] van Geloven N, et al. BMJ. 2022;377:e069249. doi:10.1136/bmj-2021-069249

    Examples
    --------
    Cause 1 takes one of four, then, half of them event-free, one of two: F(3) = 1/2.

    >>> risk = [0.4, 0.4, 0.4, 0.4]
    >>> round(observed_expected_of_cause([1, 2, 3, 4], [1, 2, 1, 0], risk, 3).value, 6)
    1.25
    """
    where = "observed_expected_of_cause"
    outcome = check_failures(time, cause, of, where)
    checked = check_risk(risk, outcome.time.size)
    horizon = check_horizon(horizon)
    z = normal_quantile(check_level(level, where))
    if outcome.time.max() < horizon:
        return Estimate.missing(f"follow-up ends before {horizon:g}", level=level)
    expected = float(checked.mean())
    if not np.any(outcome.case & (outcome.time <= horizon)):
        return Estimate.missing(f"no event by {horizon:g}", level=level)
    if expected == 0:
        return Estimate.missing("no event is expected: all risks are 0", level=level)
    steps = incidence_steps(CausedOutcome(outcome.time, outcome.cause, None, None), where)
    observed, influence = steps.value_at(steps.causes.index(of), horizon)
    ratio, log_error = observed / expected, math.sqrt(influence @ influence) / observed
    factor = math.exp(z * log_error)
    return Estimate(ratio, ratio / factor, ratio * factor, log_error, level)


def calibration_slope_of_cause(
    time: ArrayLike,
    cause: ArrayLike,
    risk: ArrayLike,
    horizon: float,
    *,
    of: int = 1,
    fold: ArrayLike | None = None,
    level: float = 0.95,
) -> Estimate:
    r"""Spread of the predicted risks of a cause against the spread of what happened.

    1 is right; below 1 the predictions are too extreme, as after overfitting, above 1 too alike.

    Parameters
    ----------
    time : array-like of shape (n_patients,)
        End of follow-up, in any one unit; positive.
    cause : array-like of shape (n_patients,)
        Whole numbers: 0 where censored, 1, 2, ... for the cause of failure.
    risk : array-like of shape (n_patients,)
        Predicted probability, in [0, 1], of failing from the cause by ``horizon``.
    horizon : float
        In the unit of ``time``; later follow-up is not used.
    of : int, default=1
        Cause whose risk is judged.
    fold : array-like of shape (n_patients,), optional
        Labels of groups predicted by different models, each of which then has a level of its own.
    level : float, default=0.95
        Confidence level, in (0, 1).

    Returns
    -------
    Estimate
        Coefficient of the prediction. Missing, with the reason, where the regression has no finite
        answer or follow-up ends before ``horizon``.

    Raises
    ------
    OutcomeError
        If times, causes or level are malformed.
    ModelError
        If ``risk`` or ``horizon`` is malformed.

    Notes
    -----
    Fine-Gray regression on the complementary log-log of the risk, follow-up cut at the horizon
    [1]_. Checked against R ``cmprsk::crr``. Risks of 0 and 1 are moved to 1e-10 and 1 - 1e-10.

    References
    ----------
    .. [1] Austin PC, et al. Diagn Progn Res. 2022;6:2. doi:10.1186/s41512-021-00114-6

    Examples
    --------
    >>> calibration_slope_of_cause([1, 2, 3, 4], [1, 2, 1, 0], [0.3] * 4, 3).reason
    'all predictions are equal'
    """
    where = "calibration_slope_of_cause"
    outcome = check_failures(time, cause, of, where)
    predictor = cloglog(check_risk(risk, outcome.time.size))
    horizon = check_horizon(horizon)
    check_level(level, where)
    reason = _unusable(outcome, horizon)
    if not reason and np.all(predictor == predictor[0]):
        reason = "all predictions are equal"
    if reason:
        return Estimate.missing(reason, level=level)
    columns = [predictor]
    if fold is not None:
        labels = np.asarray(fold)
        columns += [(labels == name).astype(float) for name in np.unique(labels)[1:]]
    try:
        fit = fit_fine_gray(*outcome.cut_at(horizon), np.column_stack(columns), of=of)
    except ModelError as error:
        return Estimate.missing(str(error), level=level)
    return wald(float(fit.coef[0]), float(fit.std_error[0]), level)


def calibration_curve_of_cause(
    time: ArrayLike,
    cause: ArrayLike,
    risk: ArrayLike,
    horizon: float,
    *,
    of: int = 1,
    n_knots: int = 3,
    at: ArrayLike | None = None,
) -> CalibrationCurve:
    r"""Observed incidence of a cause against its predicted risk, smoothed.

    On the diagonal the predictions are right; above it they are too low.

    Parameters
    ----------
    time : array-like of shape (n_patients,)
        End of follow-up, in any one unit; positive.
    cause : array-like of shape (n_patients,)
        Whole numbers: 0 where censored, 1, 2, ... for the cause of failure.
    risk : array-like of shape (n_patients,)
        Predicted probability, in [0, 1], of failing from the cause by ``horizon``.
    horizon : float
        In the unit of ``time``; later follow-up is not used.
    of : int, default=1
        Cause whose risk is judged.
    n_knots : int, default=3
        Knots of the spline, 3 to 7.
    at : array-like of shape (n_points,), optional
        Predicted risks at which to show the curve; 101 evenly spaced between the smallest and the
        largest if not given.

    Returns
    -------
    CalibrationCurve
        Without limits (NaN). Missing, with the reason, where follow-up ends before ``horizon``, or
        predictions or failures are too few for the spline.

    Raises
    ------
    OutcomeError
        If times or causes are malformed.
    ModelError
        If ``risk``, ``horizon``, ``n_knots`` or ``at`` is malformed.

    Notes
    -----
    Fine-Gray regression on a restricted cubic spline of the complementary log-log of the risk [1]_,
    knots at Harrell's quantiles, follow-up cut at the horizon. Checked against R ``cmprsk::crr``
    with ``rms::rcs``.

    References
    ----------
    .. [1] Austin PC, et al. Diagn Progn Res. 2022;6:2. doi:10.1186/s41512-021-00114-6

    Examples
    --------
    >>> calibration_curve_of_cause([6, 7, 18], [1, 2, 0], [0.6, 0.5, 0.4], 24).reason
    'follow-up ends before 24'
    """
    outcome = check_failures(time, cause, of, "calibration_curve_of_cause")
    checked = check_risk(risk, outcome.time.size)
    horizon = check_horizon(horizon)
    points = curve_points(checked, at)
    smooth = _fit(outcome, checked, horizon, of, check_knots(n_knots))
    nothing = np.full(points.size, np.nan)
    if isinstance(smooth, str):
        return CalibrationCurve(horizon, points, nothing, nothing, nothing, math.nan, smooth)
    return CalibrationCurve(horizon, points, smooth.observed(points), nothing, nothing, math.nan)


def calibration_errors_of_cause(
    time: ArrayLike,
    cause: ArrayLike,
    risk: ArrayLike,
    horizon: float,
    *,
    of: int = 1,
    n_knots: int = 3,
) -> CalibrationErrors:
    """Mean, median, 90th percentile and maximum of the calibration error over patients.

    Parameters
    ----------
    time : array-like of shape (n_patients,)
        End of follow-up, in any one unit; positive.
    cause : array-like of shape (n_patients,)
        Whole numbers: 0 where censored, 1, 2, ... for the cause of failure.
    risk : array-like of shape (n_patients,)
        Predicted probability, in [0, 1], of failing from the cause by ``horizon``.
    horizon : float
        In the unit of ``time``; later follow-up is not used.
    of : int, default=1
        Cause whose risk is judged.
    n_knots : int, default=3
        Knots of the spline, 3 to 7.

    Returns
    -------
    CalibrationErrors
        ICI, E50, E90 and Emax on the scale of the risk. Missing, with the reason, where there is no
        :func:`calibration_curve_of_cause`.

    Raises
    ------
    OutcomeError
        If times or causes are malformed.
    ModelError
        If ``risk``, ``horizon`` or ``n_knots`` is malformed.

    Notes
    -----
    Checked against R ``cmprsk::crr`` with ``rms::rcs``, as :func:`calibration_curve_of_cause`.

    Examples
    --------
    >>> calibration_errors_of_cause([6, 7, 18], [1, 2, 0], [0.6, 0.5, 0.4], 12).reason
    'predictions take too few values for 3 knots'
    """
    outcome = check_failures(time, cause, of, "calibration_errors_of_cause")
    checked = check_risk(risk, outcome.time.size)
    horizon = check_horizon(horizon)
    smooth = _fit(outcome, checked, horizon, of, check_knots(n_knots))
    if isinstance(smooth, str):
        return CalibrationErrors(math.nan, math.nan, math.nan, math.nan, smooth)
    return errors_of(checked, smooth.observed)


@dataclass(frozen=True, eq=False)
class _Smooth:
    model: FineGrayFit
    knots: Floats
    horizon: float

    def observed(self, risk: Floats) -> Floats:
        basis = restricted_cubic_spline(cloglog(risk), self.knots)
        found: Floats = self.model.incidence(basis, [self.horizon])[:, 0]
        return found


def _fit(outcome: Failures, risk: Floats, horizon: float, of: int, n_knots: int) -> _Smooth | str:
    """Fit the spline, or say why it cannot be."""
    reason = _unusable(outcome, horizon)
    if reason:
        return reason
    scale = cloglog(risk)
    knots = harrell_knots(scale, n_knots)
    if knots.size < n_knots:
        return f"predictions take too few values for {n_knots} knots"
    basis = restricted_cubic_spline(scale, knots)
    names = [f"spline {k + 1}" for k in range(n_knots - 1)]
    try:
        fit = fit_fine_gray(*outcome.cut_at(horizon), basis, of=of, names=names)
    except ModelError as error:
        return str(error)
    return _Smooth(fit, knots, horizon)


def _unusable(outcome: Failures, horizon: float) -> str:
    if outcome.time.max() < horizon:
        return f"follow-up ends before {horizon:g}"
    if not np.any(outcome.case & (outcome.time <= horizon)):
        return f"no event by {horizon:g}"
    return ""

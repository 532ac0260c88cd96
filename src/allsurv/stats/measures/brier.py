"""Accuracy of predicted risks: Brier score, its scaled form, and its average over time."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from allsurv.stats.levels import check_level
from allsurv.stats.measures.censoring import AnyCensoring, CensoringWeights
from allsurv.stats.measures.prediction import (
    MeasureCurve,
    check_grid,
    check_horizon,
    check_risk,
    check_risk_matrix,
    mean_influence,
    wald,
)
from allsurv.stats.outcome import Estimate, check_y

__all__ = [
    "WeightedScore",
    "averaged_score",
    "brier",
    "brier_curve",
    "integrated_brier",
    "ipa",
    "scaled_score",
    "score_estimate",
    "weighted_score",
]

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


def brier(
    y: NDArray[np.void],
    risk: ArrayLike,
    horizon: float,
    *,
    censoring: AnyCensoring | None = None,
    level: float = 0.95,
) -> Estimate:
    r"""Mean squared distance between predicted risk and what happened by one horizon.

    0 is perfect; a coin scores 0.25, a model that gives everyone the overall risk F scores
    F (1 - F).

    Parameters
    ----------
    y : structured ndarray of shape (n_patients,)
        Fields ``event`` (bool) and ``time`` (float), as from ``make_y``.
    risk : array-like of shape (n_patients,)
        Predicted probability, in [0, 1], of the event by ``horizon``.
    horizon : float
        In the unit of ``time``.
    censoring : CensoringDistribution or PatientCensoring, optional
        Of the population, as from the training cohort; estimated from ``y`` if not given.
    level : float, default=0.95
        Confidence level, in (0, 1).

    Returns
    -------
    Estimate
        With the standard error of its influence function, ``risk`` taken as fixed; a given
        ``censoring`` is taken as known. Missing, with the reason, where nobody is followed
        beyond ``horizon``.

    Raises
    ------
    OutcomeError
        If ``level`` is not between 0 and 1, or ``y`` is malformed.
    ModelError
        If ``risk`` or ``horizon`` is malformed.

    Notes
    -----
    Checked against R ``riskRegression::Score(metrics = "brier")``. The mean of
    :math:`w_i (D_i - r_i)^2`, where an event by the horizon (:math:`D_i = 1`) weighs
    :math:`1 / G(T_i-)`, a patient followed beyond it :math:`1 / G(t)`, and one censored by then
    0 [1]_.

    References
    ----------
    .. [1] Graf E, et al. Stat Med. 1999;18:2529-2545.
       doi:10.1002/(SICI)1097-0258(19990915/30)18:17/18<2529::AID-SIM274>3.0.CO;2-5

    Examples
    --------
    Nobody is censored by 15: (0.1^2 + 0.5^2 + 0.3^2 + 0.2^2) / 4 = 0.0975.

    >>> y = np.array([(1, 6), (1, 12), (0, 18), (1, 24)],
    ...              dtype=[("event", bool), ("time", float)])
    >>> round(brier(y, [0.9, 0.5, 0.3, 0.2], 15).value, 4)
    0.0975
    """
    time, event = check_y(y)
    risk = check_risk(risk, time.size)
    horizon = check_horizon(horizon)
    check_level(level, "brier")
    weights = CensoringWeights(time, event, censoring)
    return score_estimate(weighted_score(weights, event, risk, horizon), level)


def ipa(
    y: NDArray[np.void],
    risk: ArrayLike,
    horizon: float,
    *,
    censoring: AnyCensoring | None = None,
    level: float = 0.95,
) -> Estimate:
    r"""Index of prediction accuracy: share of the Brier score of no model that the model removes.

    The scaled Brier score: 1 is perfect, 0 no better than giving everyone the overall risk by
    Kaplan-Meier, below 0 harmful. It falls with poor discrimination and with poor calibration.

    Parameters
    ----------
    y : structured ndarray of shape (n_patients,)
        Fields ``event`` (bool) and ``time`` (float), as from ``make_y``.
    risk : array-like of shape (n_patients,)
        Predicted probability, in [0, 1], of the event by ``horizon``.
    horizon : float
        In the unit of ``time``.
    censoring : CensoringDistribution or PatientCensoring, optional
        Of the population; estimated from ``y`` if not given.
    level : float, default=0.95
        Confidence level, in (0, 1).

    Returns
    -------
    Estimate
        With the standard error of its influence function, that of the reference included. Missing,
        with the reason, where nobody is followed beyond ``horizon``, or the overall risk is 0 or 1.

    Raises
    ------
    OutcomeError
        If ``level`` is not between 0 and 1, or ``y`` is malformed.
    ModelError
        If ``risk`` or ``horizon`` is malformed.

    Notes
    -----
    Checked against R ``riskRegression::Score(summary = "ipa")``.
    :math:`1 - \mathrm{BS}(t) / \mathrm{BS}_0(t)`, the reference being the weighted share of
    events by the horizon, which is Kaplan-Meier's where the weights come from ``y`` alone [1]_.
    Where ``censoring`` depends on the patient R takes Kaplan-Meier's all the same.

    References
    ----------
    .. [1] Kattan MW, Gerds TA. Diagn Progn Res. 2018;2:7. doi:10.1186/s41512-018-0029-2

    Examples
    --------
    Brier score 0.0975 (see :func:`brier`), overall risk 1/2: 1 - 0.0975 / 0.25 = 0.61.

    >>> y = np.array([(1, 6), (1, 12), (0, 18), (1, 24)],
    ...              dtype=[("event", bool), ("time", float)])
    >>> round(ipa(y, [0.9, 0.5, 0.3, 0.2], 15).value, 4)
    0.61
    """
    time, event = check_y(y)
    risk = check_risk(risk, time.size)
    horizon = check_horizon(horizon)
    check_level(level, "ipa")
    weights = CensoringWeights(time, event, censoring)
    return scaled_score(weights, event, risk, horizon, level)


def brier_curve(
    y: NDArray[np.void],
    risk: ArrayLike,
    times: ArrayLike,
    *,
    censoring: AnyCensoring | None = None,
    level: float = 0.95,
) -> MeasureCurve:
    """Brier score at several times.

    Parameters
    ----------
    y : structured ndarray of shape (n_patients,)
        Fields ``event`` (bool) and ``time`` (float), as from ``make_y``.
    risk : array-like of shape (n_patients, n_times)
        Predicted probability of the event by each time.
    times : array-like of shape (n_times,)
        Rising, in the unit of ``time``.
    censoring : CensoringDistribution or PatientCensoring, optional
        Of the population; estimated from ``y`` if not given.
    level : float, default=0.95
        Confidence level, in (0, 1).

    Returns
    -------
    MeasureCurve
        One :class:`Estimate` for each time, as from :func:`brier`.

    Raises
    ------
    OutcomeError
        If ``level`` is not between 0 and 1, or ``y`` is malformed.
    ModelError
        If ``risk`` or ``times`` is malformed.

    Notes
    -----
    Checked against R ``riskRegression::Score(metrics = "brier")``.

    Examples
    --------
    >>> y = np.array([(1, 6), (0, 18)], dtype=[("event", bool), ("time", float)])
    >>> brier_curve(y, [[0.5, 1.0], [0.5, 0.0]], [3, 9]).value.tolist()
    [0.25, 0.0]
    """
    time, event = check_y(y)
    grid = check_grid(times)
    risks = check_risk_matrix(risk, time.size, grid.size)
    check_level(level, "brier_curve")
    weights = CensoringWeights(time, event, censoring)
    scores = [weighted_score(weights, event, risks[:, k], float(at)) for k, at in enumerate(grid)]
    return MeasureCurve(grid, tuple(score_estimate(score, level) for score in scores))


def integrated_brier(
    y: NDArray[np.void],
    risk: ArrayLike,
    times: ArrayLike,
    *,
    censoring: AnyCensoring | None = None,
    level: float = 0.95,
) -> Estimate:
    r"""Brier score averaged over a span of time.

    Parameters
    ----------
    y : structured ndarray of shape (n_patients,)
        Fields ``event`` (bool) and ``time`` (float), as from ``make_y``.
    risk : array-like of shape (n_patients, n_times)
        Predicted probability of the event by each time.
    times : array-like of shape (n_times,)
        At least two, rising, in the unit of ``time``.
    censoring : CensoringDistribution or PatientCensoring, optional
        Of the population; estimated from ``y`` if not given.
    level : float, default=0.95
        Confidence level, in (0, 1).

    Returns
    -------
    Estimate
        With the standard error of its influence function. Missing, with the reason, where the
        Brier score at one of the times is.

    Raises
    ------
    OutcomeError
        If ``level`` is not between 0 and 1, or ``y`` is malformed.
    ModelError
        If ``risk`` or ``times`` is malformed.

    Notes
    -----
    Checked against ``sksurv.metrics.integrated_brier_score``: trapezoids over ``times``, divided
    by their span [1]_.

    References
    ----------
    .. [1] Graf E, et al. Stat Med. 1999;18:2529-2545.
       doi:10.1002/(SICI)1097-0258(19990915/30)18:17/18<2529::AID-SIM274>3.0.CO;2-5

    Examples
    --------
    Brier scores 0.25 at 3 and 0 at 9: their mean.

    >>> y = np.array([(1, 6), (0, 18)], dtype=[("event", bool), ("time", float)])
    >>> integrated_brier(y, [[0.5, 1.0], [0.5, 0.0]], [3, 9]).value
    0.125
    """
    time, event = check_y(y)
    grid = check_grid(times)
    risks = check_risk_matrix(risk, time.size, grid.size)
    check_level(level, "integrated_brier")
    if grid.size < 2:
        return Estimate.missing("an average over time needs at least two times", level=level)
    weights = CensoringWeights(time, event, censoring)
    return averaged_score(weights, event, risks, grid, level)


@dataclass(frozen=True, eq=False)
class WeightedScore:
    """Brier score at a horizon, with its influence function.

    Attributes
    ----------
    value : float
        Weighted mean of the squared distances.
    influence : ndarray of shape (n_patients,)
        Influence function at each patient.
    reason : str
        Why there is none; empty otherwise.
    """

    value: float
    influence: Floats
    reason: str = ""


def weighted_score(
    weights: CensoringWeights, case: Bools, risk: Floats, horizon: float
) -> WeightedScore:
    """Weighted mean squared distance between risk and what happened.

    Parameters
    ----------
    weights : CensoringWeights
        Their events are those of any cause.
    case : ndarray of shape (n_patients,)
        Whether follow-up ended with the event of interest.
    risk : ndarray of shape (n_patients,)
        Predicted probability of that event by the horizon.
    horizon : float
        In the unit of the outcome.

    Returns
    -------
    WeightedScore
        With a reason where nobody is followed beyond the horizon.
    """
    if not np.any(weights.time > horizon):
        return WeightedScore(math.nan, np.empty(0), f"nobody is followed beyond {horizon:g}")
    weight = weights.at(horizon)
    if weight is None:
        return WeightedScore(
            math.nan, np.empty(0), f"the censoring distribution given is 0 before {horizon:g}"
        )
    terms = weight * ((case & (weights.time <= horizon)) - risk) ** 2
    value = float(terms.mean())
    return WeightedScore(value, terms - value + weights.influence(horizon, terms))


def scaled_score(
    weights: CensoringWeights, case: Bools, risk: Floats, horizon: float, level: float
) -> Estimate:
    """Share of the Brier score of the overall risk that predictions remove.

    Parameters
    ----------
    weights : CensoringWeights
        Their events are those of any cause.
    case : ndarray of shape (n_patients,)
        Whether follow-up ended with the event of interest.
    risk : ndarray of shape (n_patients,)
        Predicted probability of that event by the horizon.
    horizon : float
        In the unit of the outcome.
    level : float
        Confidence level.

    Returns
    -------
    Estimate
        With the error of the reference included.
    """
    model = weighted_score(weights, case, risk, horizon)
    if model.reason:
        return Estimate.missing(model.reason, level=level)
    overall = np.full(risk.size, _overall_risk(weights, case, horizon))
    null = weighted_score(weights, case, overall, horizon)
    if not null.value > 1e-12:
        return Estimate.missing(f"overall risk by {horizon:g} is 0 or 1", level=level)
    ratio = model.value / null.value
    influence = (ratio * null.influence - model.influence) / null.value
    return score_estimate(WeightedScore(1 - ratio, influence), level, bounds=(-math.inf, 1.0))


def averaged_score(
    weights: CensoringWeights, case: Bools, risks: Floats, grid: Floats, level: float
) -> Estimate:
    """Brier score averaged over a grid of times by trapezoids.

    Parameters
    ----------
    weights : CensoringWeights
        Their events are those of any cause.
    case : ndarray of shape (n_patients,)
        Whether follow-up ended with the event of interest.
    risks : ndarray of shape (n_patients, n_times)
        Predicted probability of that event by each time.
    grid : ndarray of shape (n_times,)
        At least two times, rising.
    level : float
        Confidence level.

    Returns
    -------
    Estimate
        Missing, with the reason, where the score at one of the times is.
    """
    scores = [weighted_score(weights, case, risks[:, k], float(at)) for k, at in enumerate(grid)]
    for at, score in zip(grid, scores, strict=True):
        if score.reason:
            return Estimate.missing(f"at {at:g}: {score.reason}", level=level)
    steps = np.diff(grid / (grid[-1] - grid[0]))
    share = np.concatenate((steps, [0.0])) / 2 + np.concatenate(([0.0], steps)) / 2
    value = sum(s * score.value for s, score in zip(share, scores, strict=True))
    influence = sum(s * score.influence for s, score in zip(share, scores, strict=True))
    return score_estimate(WeightedScore(float(value), np.asarray(influence)), level)


def score_estimate(
    score: WeightedScore, level: float, bounds: tuple[float, float] = (0.0, 1.0)
) -> Estimate:
    """Set limits about a score.

    Parameters
    ----------
    score : WeightedScore
        Value and influence function.
    level : float
        Confidence level.
    bounds : tuple of float, default=(0, 1)
        Limits beyond these are drawn back to them.

    Returns
    -------
    Estimate
        Missing where the score is.
    """
    if score.reason:
        return Estimate.missing(score.reason, level=level)
    n = score.influence.size
    if n < 2:
        return wald(score.value, math.nan, level, reason="one patient has no standard error")
    influence = mean_influence(score.influence)
    std_error = math.sqrt(influence @ influence)
    return wald(score.value, std_error, level, bounds=bounds, influence=influence)


def _overall_risk(weights: CensoringWeights, case: Bools, horizon: float) -> float:
    """Weighted share of the events of interest by the horizon."""
    weight = weights.at(horizon)
    if weight is None:
        return math.nan
    return float(weight[case & (weights.time <= horizon)].sum() / weight.sum())

"""Accuracy of predicted risks of one cause: Brier score, its scaled form, its average over time."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from allsurv.stats.competing.measures.checked import check_failures
from allsurv.stats.levels import check_level
from allsurv.stats.measures.brier import (
    averaged_score,
    scaled_score,
    score_estimate,
    weighted_score,
)
from allsurv.stats.measures.censoring import CensoringDistribution, CensoringWeights
from allsurv.stats.measures.prediction import (
    MeasureCurve,
    check_grid,
    check_horizon,
    check_risk,
    check_risk_matrix,
)
from allsurv.stats.outcome import Estimate

__all__ = ["brier_curve_of_cause", "brier_of_cause", "integrated_brier_of_cause", "ipa_of_cause"]


def brier_of_cause(
    time: ArrayLike,
    cause: ArrayLike,
    risk: ArrayLike,
    horizon: float,
    *,
    of: int = 1,
    censoring: CensoringDistribution | None = None,
    level: float = 0.95,
) -> Estimate:
    r"""Mean squared distance between the predicted risk of a cause and what happened.

    0 is perfect; a model that gives everyone the overall incidence F scores F (1 - F). Who fails
    from another cause has certainly not had the event by the horizon, and counts as such.

    Parameters
    ----------
    time : array-like of shape (n_patients,)
        End of follow-up, in any one unit; positive.
    cause : array-like of shape (n_patients,)
        Whole numbers: 0 where censored, 1, 2, ... for the cause of failure.
    risk : array-like of shape (n_patients,)
        Predicted probability, in [0, 1], of failing from the cause by ``horizon``.
    horizon : float
        In the unit of ``time``.
    of : int, default=1
        Cause whose risk is judged.
    censoring : CensoringDistribution, optional
        Of the population; estimated from the outcome if not given.
    level : float, default=0.95
        Confidence level, in (0, 1).

    Returns
    -------
    Estimate
        With the standard error of its influence function, ``risk`` taken as fixed. Missing, with
        the reason, where nobody is followed beyond ``horizon``.

    Raises
    ------
    OutcomeError
        If times, causes or level are malformed.
    ModelError
        If ``risk`` or ``horizon`` is malformed.

    Notes
    -----
    Checked against R ``riskRegression::Score(Hist(time, cause) ~ 1, metrics = "brier")``. The mean
    of :math:`w_i (D_i - r_i)^2`, :math:`D_i = 1` for a failure from the cause by the horizon; a
    failure from any cause weighs :math:`1 / G(T_i-)`, a patient followed beyond the horizon
    :math:`1 / G(t)`, one censored by then 0 [1]_.

    References
    ----------
    .. [1] Schoop R, et al. Biom J. 2011;53(1):88-112. doi:10.1002/bimj.201000073

    Examples
    --------
    Nobody is censored by 15: (0.1^2 + 0.5^2 + 0.3^2 + 0.2^2) / 4 = 0.0975.

    >>> round(brier_of_cause([6, 12, 18, 24], [1, 2, 0, 1], [0.9, 0.5, 0.3, 0.2], 15).value, 4)
    0.0975
    """
    where = "brier_of_cause"
    outcome = check_failures(time, cause, of, where)
    checked = check_risk(risk, outcome.time.size)
    horizon = check_horizon(horizon)
    check_level(level, where)
    weights = CensoringWeights(outcome.time, outcome.failed, censoring)
    return score_estimate(weighted_score(weights, outcome.case, checked, horizon), level)


def ipa_of_cause(
    time: ArrayLike,
    cause: ArrayLike,
    risk: ArrayLike,
    horizon: float,
    *,
    of: int = 1,
    censoring: CensoringDistribution | None = None,
    level: float = 0.95,
) -> Estimate:
    r"""Index of prediction accuracy: share of the Brier score of no model that a model removes.

    1 is perfect, 0 no better than giving everyone the incidence by Aalen and Johansen, below 0
    harmful.

    Parameters
    ----------
    time : array-like of shape (n_patients,)
        End of follow-up, in any one unit; positive.
    cause : array-like of shape (n_patients,)
        Whole numbers: 0 where censored, 1, 2, ... for the cause of failure.
    risk : array-like of shape (n_patients,)
        Predicted probability, in [0, 1], of failing from the cause by ``horizon``.
    horizon : float
        In the unit of ``time``.
    of : int, default=1
        Cause whose risk is judged.
    censoring : CensoringDistribution, optional
        Of the population; estimated from the outcome if not given.
    level : float, default=0.95
        Confidence level, in (0, 1).

    Returns
    -------
    Estimate
        With the standard error of its influence function, that of the reference included. Missing,
        with the reason, where nobody is followed beyond ``horizon``, or the incidence is 0 or 1.

    Raises
    ------
    OutcomeError
        If times, causes or level are malformed.
    ModelError
        If ``risk`` or ``horizon`` is malformed.

    Notes
    -----
    Checked against R ``riskRegression::Score(summary = "ipa")`` [1]_. The limits have no
    counterpart there; they are those of a ratio of two averages by their influence functions.

    References
    ----------
    .. [1] Kattan MW, Gerds TA. Diagn Progn Res. 2018;2:7. doi:10.1186/s41512-018-0029-2

    Examples
    --------
    Brier score 0.0975 (see :func:`brier_of_cause`), incidence 1/4: 1 - 0.0975 / 0.1875 = 0.48.

    >>> round(ipa_of_cause([6, 12, 18, 24], [1, 2, 0, 1], [0.9, 0.5, 0.3, 0.2], 15).value, 4)
    0.48
    """
    where = "ipa_of_cause"
    outcome = check_failures(time, cause, of, where)
    checked = check_risk(risk, outcome.time.size)
    horizon = check_horizon(horizon)
    check_level(level, where)
    weights = CensoringWeights(outcome.time, outcome.failed, censoring)
    return scaled_score(weights, outcome.case, checked, horizon, level)


def brier_curve_of_cause(
    time: ArrayLike,
    cause: ArrayLike,
    risk: ArrayLike,
    times: ArrayLike,
    *,
    of: int = 1,
    censoring: CensoringDistribution | None = None,
    level: float = 0.95,
) -> MeasureCurve:
    """Brier score of the risk of a cause at several times.

    Parameters
    ----------
    time : array-like of shape (n_patients,)
        End of follow-up, in any one unit; positive.
    cause : array-like of shape (n_patients,)
        Whole numbers: 0 where censored, 1, 2, ... for the cause of failure.
    risk : array-like of shape (n_patients, n_times)
        Predicted probability of failing from the cause by each time.
    times : array-like of shape (n_times,)
        Rising, in the unit of ``time``.
    of : int, default=1
        Cause whose risk is judged.
    censoring : CensoringDistribution, optional
        Of the population; estimated from the outcome if not given.
    level : float, default=0.95
        Confidence level, in (0, 1).

    Returns
    -------
    MeasureCurve
        One ``Estimate`` for each time, as from :func:`brier_of_cause`.

    Raises
    ------
    OutcomeError
        If times, causes or level are malformed.
    ModelError
        If ``risk`` or ``times`` is malformed.

    Examples
    --------
    >>> risk = [[0.5, 1.0], [0.5, 0.0], [0.5, 0.0]]
    >>> brier_curve_of_cause([6, 7, 18], [1, 2, 0], risk, [3, 9]).value.tolist()
    [0.25, 0.0]
    """
    where = "brier_curve_of_cause"
    outcome = check_failures(time, cause, of, where)
    grid = check_grid(times)
    risks = check_risk_matrix(risk, outcome.time.size, grid.size)
    check_level(level, where)
    weights = CensoringWeights(outcome.time, outcome.failed, censoring)
    scores = [
        weighted_score(weights, outcome.case, r, float(t))
        for r, t in zip(risks.T, grid, strict=True)
    ]
    return MeasureCurve(grid, tuple(score_estimate(score, level) for score in scores))


def integrated_brier_of_cause(
    time: ArrayLike,
    cause: ArrayLike,
    risk: ArrayLike,
    times: ArrayLike,
    *,
    of: int = 1,
    censoring: CensoringDistribution | None = None,
    level: float = 0.95,
) -> Estimate:
    """Brier score of the risk of a cause, averaged over a span of time.

    Parameters
    ----------
    time : array-like of shape (n_patients,)
        End of follow-up, in any one unit; positive.
    cause : array-like of shape (n_patients,)
        Whole numbers: 0 where censored, 1, 2, ... for the cause of failure.
    risk : array-like of shape (n_patients, n_times)
        Predicted probability of failing from the cause by each time.
    times : array-like of shape (n_times,)
        At least two, rising, in the unit of ``time``.
    of : int, default=1
        Cause whose risk is judged.
    censoring : CensoringDistribution, optional
        Of the population; estimated from the outcome if not given.
    level : float, default=0.95
        Confidence level, in (0, 1).

    Returns
    -------
    Estimate
        With the standard error of its influence function. Missing, with the reason, where the
        score at one of the times is.

    Raises
    ------
    OutcomeError
        If times, causes or level are malformed.
    ModelError
        If ``risk`` or ``times`` is malformed.

    Notes
    -----
    Trapezoids over ``times``, divided by their span.

    Examples
    --------
    Brier scores 0.25 at 3 and 0 at 9: their mean.

    >>> risk = [[0.5, 1.0], [0.5, 0.0], [0.5, 0.0]]
    >>> integrated_brier_of_cause([6, 7, 18], [1, 2, 0], risk, [3, 9]).value
    0.125
    """
    where = "integrated_brier_of_cause"
    outcome = check_failures(time, cause, of, where)
    grid = check_grid(times)
    risks = check_risk_matrix(risk, outcome.time.size, grid.size)
    check_level(level, where)
    if grid.size < 2:
        return Estimate.missing("an average over time needs at least two times", level=level)
    weights = CensoringWeights(outcome.time, outcome.failed, censoring)
    return averaged_score(weights, outcome.case, np.asarray(risks), grid, level)

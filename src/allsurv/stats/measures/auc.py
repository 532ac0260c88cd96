"""Discrimination at a horizon: cumulative/dynamic area under the ROC curve."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from allsurv.errors import ModelError
from allsurv.stats.levels import check_level
from allsurv.stats.measures.censoring import AnyCensoring, CensoringWeights
from allsurv.stats.measures.prediction import (
    MeasureCurve,
    check_grid,
    check_horizon,
    check_score,
    mean_influence,
    wald,
)
from allsurv.stats.outcome import Estimate, check_y
from allsurv.stats.sorting import sort_rows

__all__ = ["RankedCases", "auc", "auc_curve", "columns_of", "ranked_auc"]

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


def auc(
    y: NDArray[np.void],
    risk: ArrayLike,
    horizon: float,
    *,
    censoring: AnyCensoring | None = None,
    level: float = 0.95,
) -> Estimate:
    r"""Probability that who has the event by the horizon was given the higher risk.

    Of a random patient with the event by ``horizon`` and a random one still free of it then:
    1 is perfect, 0.5 a coin.

    Parameters
    ----------
    y : structured ndarray of shape (n_patients,)
        Fields ``event`` (bool) and ``time`` (float), as from ``make_y``.
    risk : array-like of shape (n_patients,)
        Predicted risk by ``horizon``, or any score that rises with it.
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
        ``censoring`` is taken as known. Missing, with the reason, without a case or a control.

    Raises
    ------
    OutcomeError
        If ``level`` is not between 0 and 1, or ``y`` is malformed.
    ModelError
        If ``risk`` or ``horizon`` is malformed.

    Notes
    -----
    Checked against R ``riskRegression::Score(metrics = "auc")``. Cases weigh
    :math:`1 / G(T_i-)`; controls are those followed beyond the horizon, whose common weight
    :math:`1 / G(t)` cancels unless ``censoring`` depends on the patient; a tied risk counts one
    half [1]_.

    References
    ----------
    .. [1] Blanche P, Dartigues JF, Jacqmin-Gadda H. Stat Med. 2013;32:5381-5397.
       doi:10.1002/sim.5958

    Examples
    --------
    Cases by 15 have risks 0.9 and 0.4, controls 0.5 and 0.2: three of four pairs agree.

    >>> y = np.array([(1, 6), (1, 12), (0, 18), (1, 24)],
    ...              dtype=[("event", bool), ("time", float)])
    >>> auc(y, [0.9, 0.4, 0.5, 0.2], 15).value
    0.75
    """
    time, event = check_y(y)
    score = check_score(risk, time.size, where="risk")
    horizon = check_horizon(horizon)
    check_level(level, "auc")
    weights = CensoringWeights(time, event, censoring)
    return ranked_auc(RankedCases(score, weights, event), horizon, level)


def auc_curve(
    y: NDArray[np.void],
    risk: ArrayLike,
    times: ArrayLike,
    *,
    censoring: AnyCensoring | None = None,
    level: float = 0.95,
) -> MeasureCurve:
    """Discrimination at several horizons.

    Parameters
    ----------
    y : structured ndarray of shape (n_patients,)
        Fields ``event`` (bool) and ``time`` (float), as from ``make_y``.
    risk : array-like of shape (n_patients,) or (n_patients, n_times)
        One score for all times, or the predicted risk by each time.
    times : array-like of shape (n_times,)
        Rising, in the unit of ``time``.
    censoring : CensoringDistribution or PatientCensoring, optional
        Of the population; estimated from ``y`` if not given.
    level : float, default=0.95
        Confidence level, in (0, 1).

    Returns
    -------
    MeasureCurve
        One :class:`Estimate` for each time, as from :func:`auc`.

    Raises
    ------
    OutcomeError
        If ``level`` is not between 0 and 1, or ``y`` is malformed.
    ModelError
        If ``risk`` or ``times`` is malformed.

    Notes
    -----
    Checked against R ``riskRegression::Score(metrics = "auc")``.

    Examples
    --------
    >>> y = np.array([(1, 6), (1, 12), (0, 18), (1, 24)],
    ...              dtype=[("event", bool), ("time", float)])
    >>> auc_curve(y, [0.9, 0.4, 0.5, 0.2], [9, 15]).value.tolist()
    [1.0, 0.75]
    """
    time, event = check_y(y)
    grid = check_grid(times)
    columns = columns_of(risk, time.size, grid.size)
    check_level(level, "auc_curve")
    weights = CensoringWeights(time, event, censoring)
    ranked = [RankedCases(column, weights, event) for column in columns]
    estimates = [ranked_auc(ranked[k % len(ranked)], float(at), level) for k, at in enumerate(grid)]
    return MeasureCurve(grid, tuple(estimates))


def columns_of(risk: ArrayLike, n: int, n_times: int) -> list[Floats]:
    """Check one score for all times, or one for each.

    Parameters
    ----------
    risk : array-like of shape (n_patients,) or (n_patients, n_times)
        Scores that rise with the risk.
    n : int
        Number of patients in the outcome.
    n_times : int
        Number of times.

    Returns
    -------
    list of ndarray of shape (n_patients,)
        One, or one per time.

    Raises
    ------
    ModelError
        If ``risk`` has another shape, or holds what is no finite number.
    """
    try:
        matrix = np.asarray(risk, dtype=float)
    except (TypeError, ValueError):
        raise ModelError("risk: not numeric; give numbers.") from None
    if matrix.ndim == 2 and matrix.shape[1] == n_times:
        return [check_score(column, n, where="risk") for column in matrix.T]
    if matrix.ndim == 1:
        return [check_score(matrix, n, where="risk")]
    raise ModelError(
        f"risk: shape {matrix.shape}; give ({n},) or ({n}, {n_times}), one column per time."
    )


class RankedCases:
    """Patients in order of their score, with the block of equal scores each of them is in.

    Parameters
    ----------
    score : ndarray of shape (n_patients,)
        Rises with the risk.
    weights : CensoringWeights
        Of the same patients; their events are those of any cause.
    case : ndarray of shape (n_patients,)
        Whether follow-up ended with the event of interest. An event of another cause makes a
        control of the patient.
    """

    def __init__(self, score: Floats, weights: CensoringWeights, case: Bools) -> None:
        order, ordered = sort_rows(score)
        self.order = order
        self.weights = weights.rearranged(order)
        self.case = case[order]
        self.has_competing = not np.array_equal(case, weights.event)
        starts = ordered[1:] != ordered[:-1]
        edges = np.concatenate(([0], np.flatnonzero(starts) + 1, [score.size]))
        lengths = np.diff(edges)
        self.block: tuple[NDArray[Any], NDArray[Any]] | None = None
        if not np.all(starts):
            self.block = np.repeat(edges[:-1], lengths), np.repeat(edges[1:], lengths)

    def below(self, weight: NDArray[Any]) -> Floats:
        """Weight of the patients with a lower score, plus half of those with the same.

        Parameters
        ----------
        weight : ndarray of shape (n_patients,)
            In the order of the scores.

        Returns
        -------
        ndarray of shape (n_patients,)
            In the same order.
        """
        summed = np.zeros(weight.size + 1)
        np.cumsum(weight, out=summed[1:])
        if self.block is None:
            return 0.5 * (summed[:-1] + summed[1:])
        found: Floats = 0.5 * (summed[self.block[0]] + summed[self.block[1]])
        return found


def ranked_auc(ranked: RankedCases, horizon: float, level: float) -> Estimate:
    """Area under the ROC curve at a horizon, with limits from its influence function.

    Parameters
    ----------
    ranked : RankedCases
        Patients in order of their score.
    horizon : float
        In the unit of the outcome.
    level : float
        Confidence level.

    Returns
    -------
    Estimate
        Missing, with the reason, without a case or a control.

    Notes
    -----
    The estimate solves the weighted mean over pairs of 1{case above control} less itself: each
    patient adds a term as a case or as a control, and what he adds to the weights of others. The
    common weight 1 / G(t) of those followed beyond the horizon cancels where nobody has an event
    of another cause, and is then left out.
    """
    weights = ranked.weights
    beyond = weights.time > horizon
    if not np.any(ranked.case & ~beyond):
        return Estimate.missing(f"nobody has the event by {horizon:g}", level=level)
    competing = weights.event & ~ranked.case & ~beyond
    if not (beyond.any() or competing.any()):
        return Estimate.missing(f"nobody is followed beyond {horizon:g}", level=level)
    if weights.undefined_from <= horizon:
        return Estimate.missing(
            f"the censoring distribution given is 0 before {horizon:g}", level=level
        )
    case, against = weights.of_event * (ranked.case & ~beyond), weights.of_controls(horizon)
    if ranked.has_competing:
        # An event of another cause makes a control of the patient, at a weight that differs from
        # that of those followed beyond the horizon.
        whole = weights.at(horizon)
        if whole is None:
            return Estimate.missing(
                f"the censoring distribution given is 0 by {horizon:g}", level=level
            )
        against = np.where(beyond | competing, whole, 0.0)
    n, cases, controls = case.size, case.sum(), against.sum()
    lower_controls = ranked.below(against) / controls
    value = float(case @ lower_controls / cases)
    lower_cases = ranked.below(case) / cases
    terms = case * (lower_controls - value) * (n / cases)
    terms += against * (1 - lower_cases - value) * (n / controls)
    # Back in the order of the patients: differences between models pair them.
    influence = np.empty(n)
    influence[ranked.order] = mean_influence(terms + weights.influence(horizon, terms))
    std_error = math.sqrt(influence @ influence)
    return wald(value, std_error, level, bounds=(0.0, 1.0), influence=influence)

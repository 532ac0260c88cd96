"""Groups compared by the incidence of a cause at a time, and by the time lost to it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from allsurv.errors import OutcomeError
from allsurv.stats.competing.causes import CausedOutcome, check_causes, require_cause
from allsurv.stats.competing.steps import IncidenceSteps, incidence_steps
from allsurv.stats.curves.intervals import check_times, probability_limits
from allsurv.stats.labels import label_codes
from allsurv.stats.levels import check_level, normal_quantile
from allsurv.stats.outcome import Estimate

__all__ = ["GroupContrast", "incidence_contrast", "time_lost", "time_lost_contrast"]

Floats = NDArray[np.float64]
Reading = Callable[[IncidenceSteps, int, float], tuple[float, Floats]]


@dataclass(frozen=True, eq=False)
class GroupContrast:
    """A quantity in each group, and how far each group is from the reference.

    Attributes
    ----------
    cause : int
        Cause of failure.
    horizon : float
        In the unit of time.
    groups : tuple
        Labels, sorted.
    reference : label
        Group the others are compared with.
    value : tuple of Estimate
        Per group.
    difference : tuple of Estimate
        Per group: its value less that of the reference; 0 for the reference itself.
    ratio : tuple of Estimate
        Per group: its value over that of the reference; 1 for the reference itself.
    p_value : tuple of float
        Per group: two-sided test that the difference is 0; NaN for the reference.
    """

    cause: int
    horizon: float
    groups: tuple[Any, ...]
    reference: Any
    value: tuple[Estimate, ...]
    difference: tuple[Estimate, ...]
    ratio: tuple[Estimate, ...]
    p_value: tuple[float, ...]


def incidence_contrast(
    time: ArrayLike,
    cause: ArrayLike,
    group: ArrayLike,
    horizon: float,
    *,
    of: int = 1,
    reference: str | float | None = None,
    start: ArrayLike | None = None,
    weights: ArrayLike | None = None,
    level: float = 0.95,
) -> GroupContrast:
    r"""Compare groups by the cumulative incidence of one cause at a horizon.

    Parameters
    ----------
    time : array-like of shape (n_rows,)
        End of follow-up, in any one unit; positive.
    cause : array-like of shape (n_rows,)
        Whole numbers: 0 where censored, 1, 2, ... for the cause of failure.
    group : array-like of shape (n_rows,)
        Labels of at least two groups.
    horizon : float
        In the unit of ``time``; positive.
    of : int, default=1
        Cause of interest.
    reference : label, optional
        Group the others are compared with; the first in order if not given.
    start : array-like of shape (n_rows,), optional
        Delayed entry.
    weights : array-like of shape (n_rows,), optional
        Case or sampling weights, not negative.
    level : float, default=0.95
        Confidence level, in (0, 1).

    Returns
    -------
    GroupContrast
        Incidences with log-log limits, differences with symmetric limits within [-1, 1], ratios
        with limits symmetric on the log scale. Missing, with the reason, where a group is not
        followed to the horizon.

    Raises
    ------
    OutcomeError
        If outcome, labels or horizon are malformed, there is one group only, or nobody failed from
        ``of``.

    Notes
    -----
    Groups are independent, so variances add: :math:`v_1 + v_0` for the difference and
    :math:`v_1 / F_1^2 + v_0 / F_0^2` for the log ratio, v being the infinitesimal jackknife's.
    Checked against R ``survival::survfit``.

    Examples
    --------
    One of two against none of two by 2: the difference is 1/2 with error sqrt(1/2 * 1/2 / 2).

    >>> found = incidence_contrast([1, 3, 3, 3], [1, 1, 1, 2], ["b", "b", "a", "a"], 2)
    >>> round(found.difference[1].value, 4), round(found.difference[1].std_error, 4)
    (0.5, 0.3536)
    """

    def limits(value: float, error: float, at: float) -> tuple[float, float]:
        lower, upper = probability_limits(
            np.array([value]), np.array([error]), conf_type="log-log", level=level,
            where="incidence_contrast",
        )  # fmt: skip
        return (0.0, 0.0) if value == 0 else (float(lower[0]), float(upper[0]))

    return _contrast(
        "incidence_contrast", IncidenceSteps.value_at, limits, lambda horizon: 1.0,
        time, cause, group, horizon, of=of, reference=reference, start=start, weights=weights,
        level=level,
    )  # fmt: skip


def time_lost_contrast(
    time: ArrayLike,
    cause: ArrayLike,
    group: ArrayLike,
    horizon: float,
    *,
    of: int = 1,
    reference: str | float | None = None,
    start: ArrayLike | None = None,
    weights: ArrayLike | None = None,
    level: float = 0.95,
) -> GroupContrast:
    r"""Compare groups by the mean time lost to one cause up to a horizon.

    Parameters
    ----------
    time : array-like of shape (n_rows,)
        End of follow-up, in any one unit; positive.
    cause : array-like of shape (n_rows,)
        Whole numbers: 0 where censored, 1, 2, ... for the cause of failure.
    group : array-like of shape (n_rows,)
        Labels of at least two groups.
    horizon : float
        In the unit of ``time``; positive.
    of : int, default=1
        Cause of interest.
    reference : label, optional
        Group the others are compared with; the first in order if not given.
    start : array-like of shape (n_rows,), optional
        Delayed entry.
    weights : array-like of shape (n_rows,), optional
        Case or sampling weights, not negative.
    level : float, default=0.95
        Confidence level, in (0, 1).

    Returns
    -------
    GroupContrast
        Times in the unit given, with symmetric limits between 0 and the horizon; ratios with
        limits symmetric on the log scale. Missing, with the reason, where a group is not followed
        to the horizon.

    Raises
    ------
    OutcomeError
        If outcome, labels or horizon are malformed, there is one group only, or nobody failed from
        ``of``.

    Notes
    -----
    :math:`L_k = \int_0^h F_k(t) \, dt` [1]_, with the error of the infinitesimal jackknife.
    Checked against R ``summary(survival::survfit(influence = TRUE), rmean = )``.

    References
    ----------
    .. [1] Andersen PK. Stat Med. 2013;32(30):5278-5285. doi:10.1002/sim.5903

    Examples
    --------
    By 3 one of two loses 2, the other none: a mean of 1, against none in the reference.

    >>> found = time_lost_contrast([1, 3, 3, 3], [1, 1, 1, 2], ["b", "b", "a", "a"], 3)
    >>> found.difference[1].value
    1.0
    """
    return _contrast(
        "time_lost_contrast", IncidenceSteps.time_lost_by, _within(level), float,
        time, cause, group, horizon, of=of, reference=reference, start=start, weights=weights,
        level=level,
    )  # fmt: skip


def time_lost(
    time: ArrayLike,
    cause: ArrayLike,
    horizon: float,
    *,
    of: int = 1,
    start: ArrayLike | None = None,
    weights: ArrayLike | None = None,
    level: float = 0.95,
) -> Estimate:
    r"""Mean time lost to one cause up to a horizon.

    Parameters
    ----------
    time : array-like of shape (n_rows,)
        End of follow-up, in any one unit; positive.
    cause : array-like of shape (n_rows,)
        Whole numbers: 0 where censored, 1, 2, ... for the cause of failure.
    horizon : float
        In the unit of ``time``; positive.
    of : int, default=1
        Cause of interest.
    start : array-like of shape (n_rows,), optional
        Delayed entry.
    weights : array-like of shape (n_rows,), optional
        Case or sampling weights, not negative.
    level : float, default=0.95
        Confidence level, in (0, 1).

    Returns
    -------
    Estimate
        In the unit given, with symmetric limits between 0 and the horizon; ``influence`` per row of
        positive weight. Missing, with the reason, where follow-up ends before the horizon.

    Raises
    ------
    OutcomeError
        If outcome or horizon are malformed, or nobody failed from ``of``.

    Notes
    -----
    :math:`\int_0^h F_k(t) \, dt`; over all causes, with the restricted mean of the time free of
    them, it sums to the horizon (Andersen 2013, doi:10.1002/sim.5903). Checked against R
    ``summary(survival::survfit(influence = TRUE), rmean = )``.

    Examples
    --------
    Of four, one fails from cause 1 at 1 and one at 3: (4 - 1 + 4 - 3) / 4 = 1.

    >>> time_lost([1, 2, 3, 4], [1, 2, 1, 0], 4).value
    1.0
    """
    where = "time_lost"
    level = check_level(level, where)
    outcome = check_causes(time, cause, start=start, weights=weights, where=where)
    of = require_cause(outcome, of, where)
    at = _check_horizon(horizon, where)
    return _estimate(outcome, of, at, IncidenceSteps.time_lost_by, _within(level), level, where)


def _within(level: float) -> Callable[[float, float, float], tuple[float, float]]:
    def limits(value: float, error: float, at: float) -> tuple[float, float]:
        half = normal_quantile(level) * error
        return max(value - half, 0.0), min(value + half, at)

    return limits


def _check_horizon(horizon: float, where: str) -> float:
    at = check_times(horizon, where)
    if at.size != 1 or at[0] <= 0:
        raise OutcomeError(f"{where}: the horizon is not one positive time; give one.")
    return float(at[0])


def _estimate(
    outcome: CausedOutcome,
    of: int,
    horizon: float,
    reading: Reading,
    limits: Callable[[float, float, float], tuple[float, float]],
    level: float,
    where: str,
) -> Estimate:
    end = float(outcome.time.max())
    if not np.any(outcome.failed):  # nobody failed from anything: incidences are 0 while followed
        if end < horizon:
            return Estimate.missing(f"follow-up ends before {horizon:g}", level=level)
        return Estimate(0.0, 0.0, 0.0, 0.0, level, influence=np.zeros(outcome.time.size))
    steps = incidence_steps(outcome, where)
    if end < horizon and steps.free[-1] > 0:
        return Estimate.missing(f"follow-up ends before {horizon:g}", level=level)
    if of not in steps.causes:
        return Estimate(0.0, 0.0, 0.0, 0.0, level, influence=np.zeros(outcome.time.size))
    value, influence = reading(steps, steps.causes.index(of), horizon)
    error = math.sqrt(float(influence @ influence))
    lower, upper = limits(value, error, horizon)
    return Estimate(value, lower, upper, error, level, influence=influence)


def _contrast(
    where: str,
    reading: Reading,
    limits: Callable[[float, float, float], tuple[float, float]],
    largest: Callable[[float], float],
    time: ArrayLike,
    cause: ArrayLike,
    group: ArrayLike,
    horizon: float,
    *,
    of: int,
    reference: str | float | None,
    start: ArrayLike | None,
    weights: ArrayLike | None,
    level: float,
) -> GroupContrast:
    level = check_level(level, where)
    outcome = check_causes(time, cause, start=start, weights=weights, where=where)
    of = require_cause(outcome, of, where)
    at = _check_horizon(horizon, where)
    levels, codes = label_codes(group, np.size(time), "group", where)
    if weights is not None:
        codes = codes[np.asarray(weights, dtype=float) > 0]
    names = levels.tolist()
    if np.unique(codes).size < 2:
        raise OutcomeError(f"{where}: there is only one group; give at least two.")
    if reference is not None and reference not in names:
        raise OutcomeError(f"{where}: reference is {reference!r}; choose one of {names[:20]}.")
    base = 0 if reference is None else names.index(reference)
    values = [
        _estimate(_part(outcome, codes == k), of, at, reading, limits, level, where)
        for k in range(len(names))
    ]
    bound = largest(at)
    differences = [
        _difference(v, values[base], bound, level, k == base) for k, v in enumerate(values)
    ]
    return GroupContrast(
        cause=of,
        horizon=at,
        groups=tuple(names),
        reference=names[base],
        value=tuple(values),
        difference=tuple(differences),
        ratio=tuple(_ratio(v, values[base], level, k == base) for k, v in enumerate(values)),
        p_value=tuple(_p_value(d) for d in differences),
    )


def _part(outcome: CausedOutcome, rows: NDArray[np.bool_]) -> CausedOutcome:
    return CausedOutcome(
        outcome.time[rows],
        outcome.cause[rows],
        None if outcome.start is None else outcome.start[rows],
        None if outcome.weights is None else outcome.weights[rows],
    )


def _difference(
    one: Estimate, base: Estimate, bound: float, level: float, is_base: bool
) -> Estimate:
    if one.reason or base.reason:
        return Estimate.missing(one.reason or base.reason, level=level)
    if is_base:
        return Estimate(0.0, 0.0, 0.0, 0.0, level)
    value, error = one.value - base.value, math.hypot(one.std_error, base.std_error)
    half = normal_quantile(level) * error
    return Estimate(value, max(value - half, -bound), min(value + half, bound), error, level)


def _ratio(one: Estimate, base: Estimate, level: float, is_base: bool) -> Estimate:
    if one.reason or base.reason:
        return Estimate.missing(one.reason or base.reason, level=level)
    if one.value == 0 or base.value == 0:
        return Estimate.missing("nobody failed from the cause in one of the groups", level=level)
    if is_base:
        return Estimate(1.0, 1.0, 1.0, 0.0, level)
    error = math.hypot(one.std_error / one.value, base.std_error / base.value)
    value = one.value / base.value
    factor = math.exp(normal_quantile(level) * error)
    return Estimate(value, value / factor, value * factor, error, level)


def _p_value(difference: Estimate) -> float:
    if not difference.std_error > 0:
        return float("nan")
    return math.erfc(abs(difference.value / difference.std_error) / math.sqrt(2))

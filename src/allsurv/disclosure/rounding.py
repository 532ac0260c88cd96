"""Numbers rounded so far that no small count, and no patient's value, follows from them."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from allsurv.policy.rules import DisclosurePolicy, coarse_step
from allsurv.study.spec import Study

__all__ = ["round_amount", "round_incidence", "round_survival", "round_to", "shown_step"]

Floats = NDArray[np.float64]

CURVE_PARTS = 4
"""Points of a curve from the start to the first horizon, at most."""
MEDIAN_PARTS = 12
"""Steps of a median of times from the start to the first horizon, at most."""
_PATIENTS = 5
"""Unit of the number of patients that limits rest on."""
_Z = 1.959963984540054
_FINEST = 50
"""Steps of a summary of amounts between its 5th and its 95th centile, about."""


def round_to(values: ArrayLike, unit: ArrayLike) -> Floats:
    """Round to multiples of a unit, free of digits that only arithmetic makes; 0 leaves as it is.

    Examples
    --------
    >>> round_to([0.6256, 0.44], 0.02).tolist(), round_to([0.6256], 0).tolist()
    ([0.62, 0.44], [0.6256])
    """
    given = np.asarray(values, dtype=float)
    units = np.broadcast_to(np.asarray(unit, dtype=float), given.shape)
    safe = np.where(units > 0, units, 1.0)
    return np.where(units > 0, np.round(np.round(given / safe) * safe, 12), given)


def round_survival(
    survival: ArrayLike,
    lower: ArrayLike,
    upper: ArrayLike,
    n_at_risk: ArrayLike,
    policy: DisclosurePolicy,
    event_free: ArrayLike | None = None,
) -> tuple[Floats, Floats, Floats]:
    r"""Round survival probabilities in the order of time, and their limits.

    Parameters
    ----------
    survival, lower, upper : array-like of shape (n_times,)
        Estimates of one group and their limits.
    n_at_risk : array-like of shape (n_times,)
        Patients still at risk at each.
    policy : DisclosurePolicy
        Gives the unit of each time.
    event_free : array-like of shape (n_times,), optional
        Share who are free of every event, where there are others: one event is a step of this
        share over the number at risk. ``survival`` itself unless given.

    Returns
    -------
    survival, lower, upper : ndarray of shape (n_times,)
        Survival never rises. Limits are those of the rounded survival, with an error that the exact
        limits give as an effective number of patients, rounded down to a multiple of five. Where
        survival rounds to 0 or 1 limits are missing, for their width tells no event from one.

    Notes
    -----
    Log-log limits of S have a width of :math:`z \sqrt{G} / |\log S|` with Greenwood's sum G.
    Without censoring :math:`G = (1 - S) / (S n)`; in general this n is the effective number. It
    hardly depends on how many had the event, so limits made of it tell no more than survival as
    shown; limits rounded by themselves would narrow down what the estimate leaves open.

    Examples
    --------
    66 at risk at month 12: one event is a step of 0.0094, two are 0.019.

    >>> from allsurv.policy import CMS
    >>> [x.tolist() for x in round_survival([0.6256], [0.5278], [0.7088], [66], CMS)]
    [[0.62], [0.52], [0.7]]
    """
    exact, low, high = (np.asarray(x, dtype=float) for x in (survival, lower, upper))
    at_risk = np.asarray(n_at_risk, dtype=float)
    known = np.isfinite(exact) & (at_risk > 0)
    unit = np.zeros(exact.shape)
    free = exact if event_free is None else np.asarray(event_free, dtype=float)
    unit[known] = [policy.unit(n, s) for n, s in zip(at_risk[known], free[known], strict=True)]
    if not unit.any():
        return exact, low, high
    rounded = round_to(exact, unit)
    rounded[known] = np.minimum.accumulate(rounded[known])
    inner = known & (rounded > 0) & (rounded < 1)
    limits = np.full((2, *exact.shape), np.nan)
    width = _log_log_width(exact[inner], low[inner], high[inner])
    powers = np.exp(_coarse_width(exact[inner], width, rounded[inner]) * [[1.0], [-1.0]])
    limits[:, inner] = round_to(rounded[inner] ** powers, unit[inner])
    return rounded, limits[0], limits[1]


def round_incidence(
    incidence: ArrayLike,
    lower: ArrayLike,
    upper: ArrayLike,
    n_at_risk: ArrayLike,
    event_free: ArrayLike,
    policy: DisclosurePolicy,
) -> tuple[Floats, Floats, Floats]:
    """Round cumulative incidences of one cause in the order of time, and their limits.

    They are rounded as one minus the survival of :func:`round_survival`, so they never fall.
    """
    free, low, high = (1 - np.asarray(x, dtype=float) for x in (incidence, upper, lower))
    survival, below, above = round_survival(free, low, high, n_at_risk, policy, event_free)
    rounded = [np.round(1 - x, 12) for x in (survival, above, below)]
    return rounded[0], rounded[1], rounded[2]


def _log_log_width(survival: Floats, lower: Floats, upper: Floats) -> Floats:
    """Give the half width of limits on the scale of log(-log S); missing where there is none."""
    with np.errstate(divide="ignore", invalid="ignore"):
        below = np.log(np.log(lower) / np.log(survival))
        above = np.log(np.log(survival) / np.log(upper))
    width = np.where(np.isfinite(below), below, above)
    return np.where(np.isfinite(width) & (width > 0), width, np.nan)


def _coarse_width(survival: Floats, width: Floats, rounded: Floats) -> Floats:
    """Give the half width at rounded survival, of as many patients as make up the exact one."""
    with np.errstate(divide="ignore", invalid="ignore"):
        effective = (1 - survival) / survival * (_Z / (width * np.log(survival))) ** 2
    fewer = np.maximum(np.floor(effective / _PATIENTS + 1e-6) * _PATIENTS, _PATIENTS)
    coarse: Floats = _Z * np.sqrt((1 - rounded) / (rounded * fewer)) / np.abs(np.log(rounded))
    return coarse


def round_amount(value: float, spread: float, step: float = 0.0) -> float:
    """Round a median or a centile: to two digits, or finer where its group spreads less.

    Parameters
    ----------
    value : float
        Of a laboratory value, an age, a year...
    spread : float
        From the 5th to the 95th centile of its group.
    step : float, default=0.0
        Unit of a time, whatever its digits; 0 for what is no time.

    Returns
    -------
    float
        A number that no measurement of a single patient is known by.

    Examples
    --------
    >>> [round_amount(v, s) for v, s in ((3.72962, 28.5), (80.5, 62.5), (2005.3, 12.0))]
    [3.7, 80.0, 2005.5]
    """
    if step > 0 or not math.isfinite(value) or value == 0:
        return float(round_to(value, step))
    digits = 10.0 ** (math.floor(math.log10(abs(value))) - 1)
    finest = coarse_step(spread / _FINEST) if spread > 0 else digits
    return float(round_to(value, min(digits, finest)))


def shown_step(study: Study, parts: int) -> float:
    """Give the step of the times shown: that of the study, or coarser, about a part of a horizon.

    Examples
    --------
    >>> from allsurv.study import load_study
    >>> [shown_step(load_study("rr-all"), parts) for parts in (CURVE_PARTS, MEDIAN_PARTS)]
    [3.0, 1.0]
    """
    grid, horizons = study.time.grid, study.prediction.horizons
    wanted = min(horizons) / parts if horizons else grid
    return grid * max(1, math.floor(wanted / grid + 1e-9))

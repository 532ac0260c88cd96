"""One measure in several groups of patients: its mean, and what a further group may show."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import t as student

from allsurv.errors import OutcomeError

__all__ = ["RandomEffects", "random_effects"]

Floats = NDArray[np.float64]

_STEPS = 1000
_CONVERGED = 1e-12


class RandomEffects(NamedTuple):
    """Mean of a measure over groups, with two intervals that answer two questions.

    Attributes
    ----------
    value : float
        Mean over the groups that might be seen, in the unit of the measure.
    lower, upper : float
        Confidence limits of that mean; NaN for fewer than two groups.
    prediction_lower, prediction_upper : float
        Interval for the true value in one further group; NaN for fewer than three groups.
    tau : float
        Standard deviation of the true values between groups, in the unit of the measure.
    n_groups : int
        Groups summarised.
    """

    value: float
    lower: float
    upper: float
    prediction_lower: float
    prediction_upper: float
    tau: float
    n_groups: int


def random_effects(
    estimate: ArrayLike, std_error: ArrayLike, *, level: float = 0.95
) -> RandomEffects:
    r"""Summarise one measure over groups of patients, such as centres left out in turn.

    The prediction interval says what to expect in one further centre. It is the one to read: the
    mean over centres is what no single centre need show.

    Parameters
    ----------
    estimate : array-like of shape (n_groups,)
        The measure in each group.
    std_error : array-like of shape (n_groups,)
        Its standard error within the group, above 0, in the same unit.
    level : float, default=0.95
        Level of both intervals, in (0, 1).

    Returns
    -------
    RandomEffects
        Mean, confidence and prediction limits, ``tau``; in the unit of the measure.

    Raises
    ------
    OutcomeError
        If there is no group, a value is missing, a standard error is not above 0, or the
        between-group variance cannot be found.

    Notes
    -----
    True values vary between groups with variance :math:`\tau^2`, estimated by restricted maximum
    likelihood. With weights :math:`w_i = 1 / (s_i^2 + \hat\tau^2)` and k groups the variance of
    the mean is Hartung and Knapp's, :math:`v = q / \sum w_i` with
    :math:`q = \sum w_i (y_i - \bar y)^2 / (k - 1)`, and Student's t of k - 1 degrees [1]_. Groups
    that agree more than their standard errors allow would make it too small, so that q counts as
    1 at least [2]_. The prediction interval is
    :math:`\bar y \pm t_{k - 2} \sqrt{\hat\tau^2 + v}` [3]_. Both take :math:`\hat\tau` as known,
    and with few groups it hardly is.

    References
    ----------
    .. [1] Hartung J, Knapp G. Stat Med. 2001;20(24):3875-3889. doi:10.1002/sim.1009
    .. [2] Röver C, Knapp G, Friede T. BMC Med Res Methodol. 2015;15:99.
       doi:10.1186/s12874-015-0091-1
    .. [3] Riley RD, Higgins JPT, Deeks JJ. BMJ. 2011;342:d549. doi:10.1136/bmj.d549

    Examples
    --------
    Three equal standard errors, with values that spread by their own standard deviation 0.1: the
    variance between groups is 0.01 - 0.0036.

    >>> found = random_effects([0.6, 0.7, 0.8], [0.06, 0.06, 0.06])
    >>> round(found.value, 3), round(found.tau, 3)
    (0.7, 0.08)
    >>> round(found.lower, 3), round(found.upper, 3)
    (0.452, 0.948)
    """
    y, s = np.asarray(estimate, dtype=float), np.asarray(std_error, dtype=float)
    _check(y, s, level)
    k = y.size
    tau2 = _between(y, s**2) if k > 1 else 0.0
    weight = 1 / (s**2 + tau2)
    mean = float(np.average(y, weights=weight))
    nan = float("nan")
    if k == 1:
        return RandomEffects(mean, nan, nan, nan, nan, nan, 1)
    spread = float((weight * (y - mean) ** 2).sum() / (k - 1))
    variance = max(1.0, spread) / float(weight.sum())
    half = float(student.ppf(0.5 + level / 2, k - 1)) * math.sqrt(variance)
    wide = nan
    if k > 2:
        wide = float(student.ppf(0.5 + level / 2, k - 2)) * math.sqrt(tau2 + variance)
    tau = math.sqrt(tau2)
    return RandomEffects(mean, mean - half, mean + half, mean - wide, mean + wide, tau, k)


def _check(y: Floats, s: Floats, level: float) -> None:
    if y.ndim != 1 or y.shape != s.shape or y.size == 0:
        raise OutcomeError(
            f"random_effects: estimates of shape {y.shape} with standard errors of shape "
            f"{s.shape}; give one of each per group, for at least one group."
        )
    if not np.isfinite(y).all() or not np.all(np.isfinite(s) & (s > 0)):
        raise OutcomeError(
            "random_effects: an estimate is missing, or a standard error is not above 0; leave "
            "out the groups that could not be measured."
        )
    if not 0 < level < 1:
        raise OutcomeError(f"random_effects: level {level} must lie between 0 and 1.")


def _between(y: Floats, v: Floats) -> float:
    """Find the variance between groups by Fisher scoring of the restricted likelihood.

    With weights w at the present variance, its score is that of y'PPy - tr P and its information
    that of tr PP, P being the projection that takes out the weighted mean.
    """
    tau2 = max(0.0, float(y.var(ddof=1) - v.mean()))
    for _ in range(_STEPS):
        w = 1 / (v + tau2)
        total, squares, cubes = w.sum(), (w**2).sum(), (w**3).sum()
        mean = (w * y).sum() / total
        trace = total - squares / total
        information = squares - 2 * cubes / total + (squares / total) ** 2
        step = float(((w * (y - mean)) ** 2).sum() - trace) / information
        new = max(0.0, tau2 + step)
        if abs(new - tau2) <= _CONVERGED * (new + v.min()):
            return float(new)
        tau2 = new
    raise OutcomeError(
        "random_effects: the variance between groups did not converge; merge small groups."
    )

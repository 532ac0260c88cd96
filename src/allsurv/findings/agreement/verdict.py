"""What two estimates of one effect allow to be said of their agreement."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr, ndtri

__all__ = ["Verdict", "judge"]


@dataclass(frozen=True)
class Verdict:
    """What two estimates of one effect, with their uncertainty, allow to be said.

    Attributes
    ----------
    same_sign : bool or None
        Whether both point to the same side; ``None`` where one is missing or exactly 1.
    ratio, ratio_lower, ratio_upper : float
        Ours divided by the published one, with limits.
    heterogeneity_p : float
        P of the test that the two are the same effect (Cochran's Q with two studies).
    published_inside : bool or None
        Whether the published hazard ratio lies inside our interval.
    prediction_lower, prediction_upper : float
        Where an estimate as precise as ours was to be expected, were the published effect ours.
    inside_prediction : bool or None
        Whether ours lies there.
    equivalence_p : float
        Larger P of the two one-sided tests that the ratio is beyond the margin.
    equivalent : bool or None
        Whether both are below one minus the confidence level.
    verdict : {"consistent", "inconsistent", "cannot say"}
        In a word.
    reason : str
        The comparison behind the word.
    """

    same_sign: bool | None = None
    ratio: float = math.nan
    ratio_lower: float = math.nan
    ratio_upper: float = math.nan
    heterogeneity_p: float = math.nan
    published_inside: bool | None = None
    prediction_lower: float = math.nan
    prediction_upper: float = math.nan
    inside_prediction: bool | None = None
    equivalence_p: float = math.nan
    equivalent: bool | None = None
    verdict: str = "cannot say"
    reason: str = "no estimate with limits"


def judge(
    ours: tuple[float, float, float],
    published: tuple[float, float, float],
    *,
    level: float = 0.95,
    published_level: float = 0.95,
    margin: float = 1.5,
) -> Verdict:
    r"""Say whether two hazard ratios agree, as far as their limits allow it to be said.

    * *inconsistent*: the interval of the ratio of the two excludes 1 - they differ.
    * *consistent*: it includes 1, both point the same way, and our own interval excludes 1 - we see
      an effect ourselves, and cannot tell it from the published one.
    * *cannot say*: anything else. That the interval of the ratio includes 1 is no agreement when
      our own includes no effect as well.

    Parameters
    ----------
    ours, published : tuple of float
        Hazard ratio, lower and upper limit; all positive. Missing numbers are NaN.
    level, published_level : float, default=0.95
        Confidence levels of the two intervals; ``level`` is that of the ratio, too.
    margin : float, default=1.5
        Factor by which two hazard ratios may differ and still count as equivalent; above 1.

    Returns
    -------
    Verdict
        The ratio with its limits, the tests, the word and the reason.

    Notes
    -----
    Standard errors are the widths of the log limits over :math:`2z`; the ratio has variance
    :math:`s_1^2 + s_2^2`, as of independent estimates, and so has the prediction interval around
    the published value [1]_. Where the cohort is the published one, or made from it, the two are
    not independent, and the intervals of ratio and prediction are too wide. Equivalence is two
    one-sided tests [2]_; small cohorts seldom show it, and that they do not is no disagreement.

    References
    ----------
    .. [1] Patil P, Peng RD, Leek JT. Perspect Psychol Sci. 2016;11(4):539-544.
       doi:10.1177/1745691616646366
    .. [2] Schuirmann DJ. J Pharmacokinet Biopharm. 1987;15(6):657-680. doi:10.1007/BF01068419

    Examples
    --------
    >>> judge((2.0, 1.2, 3.33), (2.4, 1.3, 4.4)).verdict
    'consistent'
    >>> judge((1.3, 0.7, 2.4), (2.4, 1.3, 4.4)).verdict
    'cannot say'
    >>> judge((0.6, 0.4, 0.9), (2.4, 1.3, 4.4)).verdict
    'inconsistent'
    """
    values = np.array([*ours, *published], dtype=float)
    if not np.all(np.isfinite(values) & (values > 0)):
        return Verdict()
    log = np.log(values)
    z, z_published = float(ndtri(0.5 + level / 2)), float(ndtri(0.5 + published_level / 2))
    difference = float(log[0] - log[3])
    error = math.hypot((log[2] - log[1]) / (2 * z), (log[5] - log[4]) / (2 * z_published))
    half = z * error
    low, high = math.exp(difference - half), math.exp(difference + half)
    prediction = math.exp(log[3] - half), math.exp(log[3] + half)
    beyond = float(ndtr(-(math.log(margin) - abs(difference)) / error))
    same = None if log[0] == 0 or log[3] == 0 else bool((log[0] > 0) == (log[3] > 0))
    verdict, reason = _word(ours, log[0], log[3], low, high, same)
    return Verdict(
        same_sign=same,
        ratio=math.exp(difference),
        ratio_lower=low,
        ratio_upper=high,
        heterogeneity_p=float(2 * ndtr(-abs(difference) / error)),
        published_inside=bool(ours[1] <= published[0] <= ours[2]),
        prediction_lower=prediction[0],
        prediction_upper=prediction[1],
        inside_prediction=bool(prediction[0] <= ours[0] <= prediction[1]),
        equivalence_p=beyond,
        equivalent=bool(beyond < 1 - level),
        verdict=verdict,
        reason=reason,
    )


def _word(
    ours: tuple[float, float, float],
    log_ours: float,
    log_published: float,
    low: float,
    high: float,
    same: bool | None,
) -> tuple[str, str]:
    if low > 1 or high < 1:
        how = _how(log_ours, log_published)
        return "inconsistent", f"{how}: the interval of the ratio to the published value excludes 1"
    if not same:
        return "cannot say", "not different from the published value, but not in the same direction"
    if ours[1] <= 1 <= ours[2]:
        return (
            "cannot say",
            "not different from the published value, but compatible with no effect too",
        )
    return (
        "consistent",
        "same direction, significant here, and not different from the published value",
    )


def _how(ours: float, published: float) -> str:
    if ours * published < 0:
        return "opposite directions"
    return "weaker" if abs(ours) < abs(published) else "stronger"

"""What two estimates of one effect allow to be said of their agreement."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri

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
    verdict : {"consistent", "inconsistent", "cannot say"}
        In a word.
    reason : str
        The comparison behind the word.
    """

    same_sign: bool | None
    ratio: float
    ratio_lower: float
    ratio_upper: float
    verdict: str
    reason: str


def judge(
    ours: tuple[float, float, float],
    published: tuple[float, float, float],
    *,
    level: float = 0.95,
    published_level: float = 0.95,
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

    Returns
    -------
    Verdict
        The ratio with its limits, the word and the reason.

    Notes
    -----
    Standard errors are the widths of the log limits over :math:`2z`; the ratio has variance
    :math:`s_1^2 + s_2^2`, as of independent estimates. Where the cohort is the published one, or
    made from it, they are not independent and the interval of the ratio is too wide.

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
        nan = math.nan
        return Verdict(None, nan, nan, nan, "cannot say", "no estimate with limits")
    log = np.log(values)
    z, z_published = ndtri(0.5 + level / 2), ndtri(0.5 + published_level / 2)
    difference = log[0] - log[3]
    half = z * math.hypot((log[2] - log[1]) / (2 * z), (log[5] - log[4]) / (2 * z_published))
    low, high = math.exp(difference - half), math.exp(difference + half)
    same = None if log[0] == 0 or log[3] == 0 else bool((log[0] > 0) == (log[3] > 0))
    if low > 1 or high < 1:
        word, why = "inconsistent", f"{_how(log[0], log[3])}: the interval of the ratio excludes 1"
    elif not same:
        word, why = "cannot say", "the ratio includes 1, but the directions are not the same"
    elif ours[1] <= 1 <= ours[2]:
        word, why = "cannot say", "the ratio includes 1, but our interval includes no effect"
    else:
        word, why = "consistent", "same direction, an effect of our own, and the ratio includes 1"
    return Verdict(same, math.exp(difference), low, high, word, why)


def _how(ours: float, published: float) -> str:
    if ours * published < 0:
        return "opposite directions"
    return "weaker" if abs(ours) < abs(published) else "stronger"

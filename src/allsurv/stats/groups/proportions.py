"""Limits of a rate and of the difference between two rates."""

from __future__ import annotations

import math
from typing import NamedTuple

from scipy.special import betaincinv

from allsurv.errors import OutcomeError
from allsurv.stats.levels import check_level, normal_quantile

__all__ = ["Limits", "RiskDifference", "exact_limits", "risk_difference", "wilson_limits"]


class Limits(NamedTuple):
    """Confidence limits of a rate.

    Attributes
    ----------
    lower, upper : float
        Between 0 and 1.
    """

    lower: float
    upper: float


class RiskDifference(NamedTuple):
    """Difference of two rates with its limits.

    Attributes
    ----------
    difference, lower, upper : float
        Between -1 and 1.
    """

    difference: float
    lower: float
    upper: float


def exact_limits(n: int, of: int, *, level: float = 0.95) -> Limits:
    r"""Exact limits of a rate.

    Parameters
    ----------
    n : int
        How many had the event.
    of : int
        Of how many; at least 1.
    level : float, default=0.95
        Confidence level, in (0, 1).

    Returns
    -------
    Limits
        They hold the rate at least as often as ``level`` says, whatever it is.

    Raises
    ------
    OutcomeError
        If counts or level are impossible.

    Notes
    -----
    Clopper and Pearson's: the quantiles of a beta distribution at :math:`(1 - level) / 2` on either
    side [1]_. Checked against R ``binom.test``.

    References
    ----------
    .. [1] Clopper CJ, Pearson ES. Biometrika. 1934;26:404-413. doi:10.1093/biomet/26.4.404

    Examples
    --------
    None of three: the upper limit is 1 - 0.025^(1/3).

    >>> tuple(round(limit, 4) for limit in exact_limits(0, 3))
    (0.0, 0.7076)
    """
    n, of = _check(n, of, "exact_limits")
    tail = (1 - check_level(level, "exact_limits")) / 2
    lower = float(betaincinv(n, of - n + 1, tail)) if n else 0.0
    upper = float(betaincinv(n + 1, of - n, 1 - tail)) if n < of else 1.0
    return Limits(lower, upper)


def wilson_limits(n: int, of: int, *, level: float = 0.95) -> Limits:
    r"""Score limits of a rate.

    Parameters
    ----------
    n : int
        How many had the event.
    of : int
        Of how many; at least 1.
    level : float, default=0.95
        Confidence level, in (0, 1).

    Returns
    -------
    Limits
        The rates that a score test at ``1 - level`` does not reject.

    Raises
    ------
    OutcomeError
        If counts or level are impossible.

    Notes
    -----
    Wilson's [1]_. Checked against R ``prop.test(correct = FALSE)``.

    References
    ----------
    .. [1] Wilson EB. J Am Stat Assoc. 1927;22:209-212. doi:10.1080/01621459.1927.10502953

    Examples
    --------
    >>> tuple(round(limit, 4) for limit in wilson_limits(15, 148))
    (0.0624, 0.1605)
    """
    n, of = _check(n, of, "wilson_limits")
    z = normal_quantile(check_level(level, "wilson_limits"))
    rate, extra = n / of, z * z / of
    middle = rate + extra / 2
    half = z * math.sqrt(rate * (1 - rate) / of + extra / (4 * of))
    return Limits(
        max(0.0, (middle - half) / (1 + extra)) if n else 0.0,
        min(1.0, (middle + half) / (1 + extra)) if n < of else 1.0,
    )


def risk_difference(n1: int, of1: int, n2: int, of2: int, *, level: float = 0.95) -> RiskDifference:
    r"""Difference of two rates, the first less the second.

    Parameters
    ----------
    n1, of1 : int
        How many of how many had the event in the first group.
    n2, of2 : int
        The same in the second.
    level : float, default=0.95
        Confidence level, in (0, 1).

    Returns
    -------
    RiskDifference
        With Newcombe's limits.

    Raises
    ------
    OutcomeError
        If counts or level are impossible.

    Notes
    -----
    Newcombe's method 10: the distances of each rate to its Wilson limits, squared and added [1]_.
    Checked against R ``prop.test(correct = FALSE)`` and his published example.

    References
    ----------
    .. [1] Newcombe RG. Stat Med. 1998;17:873-890.
       doi:10.1002/(SICI)1097-0258(19980430)17:8<873::AID-SIM779>3.0.CO;2-I

    Examples
    --------
    Newcombe's example (a): 56 of 70 less 48 of 80.

    >>> tuple(round(x, 4) for x in risk_difference(56, 70, 48, 80))
    (0.2, 0.0524, 0.3339)
    """
    first, second = wilson_limits(n1, of1, level=level), wilson_limits(n2, of2, level=level)
    rate1, rate2 = n1 / of1, n2 / of2
    difference = rate1 - rate2
    return RiskDifference(
        difference,
        difference - math.hypot(rate1 - first.lower, second.upper - rate2),
        difference + math.hypot(first.upper - rate1, rate2 - second.lower),
    )


def _check(n: int, of: int, where: str) -> tuple[int, int]:
    if not (float(n).is_integer() and float(of).is_integer() and 0 <= n <= of and of > 0):
        raise OutcomeError(
            f"{where}: {n} of {of} is no rate; give whole numbers, the first not above the second."
        )
    return int(n), int(of)

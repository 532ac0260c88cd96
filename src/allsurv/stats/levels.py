"""Confidence levels, and the normal quantiles behind them."""

from __future__ import annotations

from scipy.special import ndtri

from allsurv.errors import OutcomeError

__all__ = ["check_level", "normal_quantile"]


def check_level(level: float, where: str) -> float:
    """Check a confidence level.

    Parameters
    ----------
    level : float
        Confidence level.
    where : str
        Function to name in the message.

    Returns
    -------
    float
        The level.

    Raises
    ------
    OutcomeError
        If it is not a number strictly between 0 and 1.
    """
    try:
        number = float(level)
    except (TypeError, ValueError):
        number = float("nan")
    if not 0 < number < 1:
        raise OutcomeError(f"{where}: level is {level!r}; give a number between 0 and 1, as 0.95.")
    return number


def normal_quantile(level: float) -> float:
    """Give how many standard errors limits lie from the estimate: 1.96 for 0.95.

    Parameters
    ----------
    level : float
        Confidence level, in (0, 1).

    Returns
    -------
    float
        The quantile of (1 + level) / 2.
    """
    return float(ndtri(0.5 + level / 2))

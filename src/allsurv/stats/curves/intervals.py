"""Confidence limits of probabilities and cumulative hazards, by the scale they are made on."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from allsurv.errors import OutcomeError
from allsurv.stats.levels import normal_quantile
from allsurv.stats.numbers import real_array

__all__ = [
    "ConfType",
    "check_times",
    "hazard_limits",
    "probability_limits",
]

Floats = NDArray[np.float64]
ConfType = Literal["log-log", "log", "plain"]


def check_times(times: ArrayLike, where: str) -> Floats:
    """Check times at which a curve is to be read.

    Parameters
    ----------
    times : array-like of shape (n_requested,)
        Times, in any order; one number is a vector of one.
    where : str
        Function to name in the message.

    Returns
    -------
    ndarray of shape (n_requested,)
        The times.

    Raises
    ------
    OutcomeError
        If they are not a vector of finite numbers.
    """
    try:
        wanted = np.atleast_1d(real_array(times))
    except (TypeError, ValueError):
        raise OutcomeError(f"{where}: times are not numbers; give a vector of times.") from None
    if wanted.ndim != 1 or not np.all(np.isfinite(wanted)):
        raise OutcomeError(f"{where}: times are not a vector of finite numbers; give such a one.")
    return wanted


def probability_limits(
    probability: Floats, std_error: Floats, *, conf_type: ConfType, level: float, where: str
) -> tuple[Floats, Floats]:
    """Limits of probabilities on the plain, log or log(-log) scale, kept within [0, 1].

    Parameters
    ----------
    probability : ndarray
        Estimates, in [0, 1].
    std_error : ndarray
        Their standard errors, on the scale of the probability.
    conf_type : {"log-log", "log", "plain"}
        Scale on which the interval is symmetric.
    level : float
        Confidence level.
    where : str
        Function to name in a message.

    Returns
    -------
    lower, upper : ndarray
        A probability of 1 without standard error has limits 1 and 1; limits are NaN where the
        scale has none.

    Raises
    ------
    OutcomeError
        If ``conf_type`` is not one of the three.
    """
    z = normal_quantile(level)
    p = probability
    certain = (p == 1) & (std_error == 0)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        if conf_type == "plain":
            lower, upper = p - z * std_error, p + z * std_error
        elif conf_type == "log":
            factor = np.exp(z * std_error / p)
            lower, upper = p / factor, p * factor
        elif conf_type == "log-log":
            log_p = np.log(p)
            shift = np.exp(z * std_error / (p * log_p))
            lower, upper = np.exp(log_p / shift), np.exp(log_p * shift)
        else:
            raise OutcomeError(
                f"{where}: conf_type is {conf_type!r}; choose 'log-log', 'log' or 'plain'."
            )
    lower, upper = np.maximum(lower, 0), np.minimum(upper, 1)
    lower[certain] = upper[certain] = p[certain]
    return lower, upper


def hazard_limits(
    hazard: Floats, std_error: Floats, *, conf_type: Literal["log", "plain"], level: float
) -> tuple[Floats, Floats]:
    """Limits of a cumulative hazard on the log or plain scale.

    Parameters
    ----------
    hazard, std_error : ndarray
        Cumulative hazard and its standard error.
    conf_type : {"log", "plain"}
        Scale on which the interval is symmetric.
    level : float
        Confidence level.

    Returns
    -------
    lower, upper : ndarray
        Never below 0; both 0 where the hazard is 0.

    Raises
    ------
    OutcomeError
        If ``conf_type`` is neither of the two.
    """
    z = normal_quantile(level)
    if conf_type == "plain":
        return np.maximum(hazard - z * std_error, 0.0), hazard + z * std_error
    if conf_type != "log":
        raise OutcomeError(f"nelson_aalen: conf_type is {conf_type!r}; choose 'log' or 'plain'.")
    ratio = np.divide(std_error, hazard, out=np.zeros_like(hazard), where=hazard > 0)
    factor = np.exp(z * ratio)
    return hazard / factor, hazard * factor

"""Checks of what pooling takes."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from allsurv.errors import ModelError
from allsurv.stats.numbers import real_array

__all__ = ["check_count", "check_df", "check_finite", "check_imputations", "check_statistics"]

Floats = NDArray[np.float64]
LARGEST = 1e50  # so that squares of ratios stay finite


def check_imputations(
    estimates: ArrayLike, covariances: ArrayLike, where: str
) -> tuple[Floats, Floats]:
    """Check estimates and covariances of several imputed data sets.

    Parameters
    ----------
    estimates : array-like of shape (n_imputations, n_features)
        Coefficients.
    covariances : array-like of shape (n_imputations, n_features, n_features)
        Their covariance matrices.
    where : str
        Function to name in the message.

    Returns
    -------
    estimates, covariances : ndarray
        As floats.

    Raises
    ------
    ModelError
        If shapes do not fit, numbers are not finite, or variances not positive.
    """
    q, u = _floats(estimates, where), _floats(covariances, where)
    if q.ndim != 2 or u.shape != (*q.shape, q.shape[-1]) or not q.shape[1]:
        raise ModelError(
            f"{where}: estimates have shape {q.shape} and covariances {u.shape}; "
            "give (m, p) and (m, p, p)."
        )
    if q.shape[0] < 2:
        raise ModelError(f"{where}: {q.shape[0]} imputations; give at least two.")
    if not (np.all(np.isfinite(q)) and np.all(np.isfinite(u))):
        raise ModelError(f"{where}: some estimates are not finite; leave out failed fits.")
    variances = np.diagonal(u, axis1=1, axis2=2)
    if np.any(variances <= 0):
        raise ModelError(f"{where}: some variances are not positive; give covariance matrices.")
    largest = max(np.abs(q).max(), np.abs(u).max())
    if largest > LARGEST or variances.min() < 1 / LARGEST:
        raise ModelError(
            f"{where}: estimates or variances go beyond {LARGEST:g}; leave out failed fits."
        )
    return q, u


def check_statistics(statistics: ArrayLike, where: str) -> Floats:
    """Check chi-squared statistics of several imputed data sets.

    Parameters
    ----------
    statistics : array-like of shape (n_imputations,)
        Statistics.
    where : str
        Function to name in the message.

    Returns
    -------
    ndarray of shape (n_imputations,)
        As floats.

    Raises
    ------
    ModelError
        If one is negative or not finite, or there is one only.
    """
    d = check_finite(statistics, where)
    if d.size < 2:
        raise ModelError(f"{where}: {d.size} imputations; give at least two.")
    if np.any(d < 0):
        raise ModelError(f"{where}: some statistics are negative; give chi-squared statistics.")
    return d


def check_finite(values: ArrayLike, where: str) -> Floats:
    """Check a vector of finite numbers.

    Parameters
    ----------
    values : array-like of shape (n,)
        Numbers.
    where : str
        Function to name in the message.

    Returns
    -------
    ndarray of shape (n,)
        As floats.

    Raises
    ------
    ModelError
        If they are something else.
    """
    numbers = _floats(values, where)
    if numbers.ndim != 1 or not np.all(np.isfinite(numbers)):
        raise ModelError(f"{where}: statistics are not a vector of finite numbers; give such.")
    if np.any(np.abs(numbers) > LARGEST):
        raise ModelError(f"{where}: statistics go beyond {LARGEST:g}; leave out failed fits.")
    return numbers


def check_count(df: int, where: str) -> int:
    """Check degrees of freedom that count coefficients.

    Parameters
    ----------
    df : int
        Degrees of freedom.
    where : str
        Function to name in the message.

    Returns
    -------
    int
        The number.

    Raises
    ------
    ModelError
        If it is not a whole number of at least 1.
    """
    if isinstance(df, bool) or not isinstance(df, int | np.integer) or df < 1:
        raise ModelError(f"{where}: df is {df!r}; give a whole number of at least 1.")
    return int(df)


def check_df(df: float, where: str) -> float:
    """Check degrees of freedom of complete data.

    Parameters
    ----------
    df : float
        Degrees of freedom; may be infinite.
    where : str
        Function to name in the message.

    Returns
    -------
    float
        The number.

    Raises
    ------
    ModelError
        If it is not positive.
    """
    try:
        number = float(df)
    except (TypeError, ValueError):
        number = math.nan
    if not number > 0:
        raise ModelError(f"{where}: df_complete is {df!r}; give a positive number.")
    return number


def _floats(values: ArrayLike, where: str) -> Floats:
    try:
        return real_array(values)
    except (TypeError, ValueError):
        raise ModelError(f"{where}: values are not an array of numbers; give numbers.") from None

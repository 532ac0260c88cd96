"""The prediction a measure judges, checked once: scores, risks, horizons, levels."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from allsurv.errors import ModelError
from allsurv.stats.levels import check_level, normal_quantile
from allsurv.stats.outcome import Estimate

__all__ = [
    "MeasureCurve",
    "check_columns",
    "check_grid",
    "check_horizon",
    "check_risk",
    "check_risk_matrix",
    "check_score",
    "cloglog",
    "mean_influence",
    "wald",
]

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class MeasureCurve:
    """A measure of prediction at several times.

    Attributes
    ----------
    times : ndarray of shape (n_times,)
        Horizons, in the unit of the outcome.
    estimates : tuple of Estimate
        One for each time; missing, with its reason, where follow-up does not reach.
    """

    times: Floats
    estimates: tuple[Estimate, ...]

    @property
    def value(self) -> Floats:
        """Point estimates.

        Returns
        -------
        ndarray of shape (n_times,)
            NaN where missing.
        """
        return np.array([e.value for e in self.estimates])

    @property
    def std_error(self) -> Floats:
        """Standard errors.

        Returns
        -------
        ndarray of shape (n_times,)
            NaN where there is none.
        """
        return np.array([e.std_error for e in self.estimates])

    @property
    def lower(self) -> Floats:
        """Lower confidence limits.

        Returns
        -------
        ndarray of shape (n_times,)
            NaN where there is none.
        """
        return np.array([e.lower for e in self.estimates])

    @property
    def upper(self) -> Floats:
        """Upper confidence limits.

        Returns
        -------
        ndarray of shape (n_times,)
            NaN where there is none.
        """
        return np.array([e.upper for e in self.estimates])


def check_score(score: ArrayLike, n: int, *, where: str = "risk_score") -> Floats:
    """Check a score for each patient.

    Parameters
    ----------
    score : array-like of shape (n_patients,)
        Unitless, higher is worse.
    n : int
        Number of patients in the outcome.
    where : str, default="risk_score"
        What to call it in a message.

    Returns
    -------
    ndarray of shape (n_patients,)
        As floats.

    Raises
    ------
    ModelError
        If it is not one finite number per patient.
    """
    out = _numbers(score, where)
    if out.ndim != 1:
        raise ModelError(f"{where}: {out.ndim} dimensions; give one number per patient.")
    return _finite(out, n, where)


def check_columns(scores: ArrayLike, n: int, *, where: str = "risk_scores") -> Floats:
    """Check several numbers for each patient.

    Parameters
    ----------
    scores : array-like of shape (n_patients, n_columns)
        One score a column.
    n : int
        Number of patients in the outcome.
    where : str, default="risk_scores"
        What to call them in a message.

    Returns
    -------
    ndarray of shape (n_patients, n_columns)
        As floats.

    Raises
    ------
    ModelError
        If it is not a matrix of finite numbers with one row per patient.
    """
    out = _numbers(scores, where)
    if out.ndim != 2:
        raise ModelError(f"{where}: {out.ndim} dimensions; give one row per patient.")
    return _finite(out, n, where)


def check_risk(risk: ArrayLike, n: int, *, where: str = "risk") -> Floats:
    """Check a predicted probability of the event for each patient.

    Parameters
    ----------
    risk : array-like of shape (n_patients,)
        Probability of the event by the horizon.
    n : int
        Number of patients in the outcome.
    where : str, default="risk"
        What to call it in a message.

    Returns
    -------
    ndarray of shape (n_patients,)
        As floats.

    Raises
    ------
    ModelError
        If it is not one number in [0, 1] per patient.
    """
    return _probabilities(check_score(risk, n, where=where), where)


def check_risk_matrix(risk: ArrayLike, n: int, n_times: int) -> Floats:
    """Check predicted probabilities of the event at several times.

    Parameters
    ----------
    risk : array-like of shape (n_patients, n_times)
        Probability of the event by each time.
    n : int
        Number of patients in the outcome.
    n_times : int
        Number of times.

    Returns
    -------
    ndarray of shape (n_patients, n_times)
        As floats.

    Raises
    ------
    ModelError
        If it is not one number in [0, 1] per patient and time.
    """
    out = _numbers(risk, "risk")
    if out.shape[1:] != (n_times,):
        raise ModelError(
            f"risk: shape {out.shape}; give one row per patient and one column per time, "
            f"({n}, {n_times})."
        )
    return _probabilities(_finite(out, n, "risk"), "risk")


def check_horizon(horizon: float, *, where: str = "horizon") -> float:
    """Check one time.

    Parameters
    ----------
    horizon : float
        In the unit of the outcome; positive and finite.
    where : str, default="horizon"
        What to call it in a message.

    Returns
    -------
    float
        The same number.

    Raises
    ------
    ModelError
        If it is no positive finite number.
    """
    out = _numbers(horizon, where)
    if out.ndim != 0 or not (math.isfinite(out) and out > 0):
        raise ModelError(f"{where}: not a positive number; give one time, in the unit of y.")
    return float(out)


def check_grid(times: ArrayLike) -> Floats:
    """Check several times.

    Parameters
    ----------
    times : array-like of shape (n_times,)
        In the unit of the outcome; positive and rising.

    Returns
    -------
    ndarray of shape (n_times,)
        As floats.

    Raises
    ------
    ModelError
        If they are not positive, finite and strictly rising.
    """
    out = _numbers(times, "times")
    if out.ndim != 1 or out.size == 0:
        raise ModelError("times: not a vector; give at least one time, in the unit of y.")
    if not np.all(np.isfinite(out)) or out[0] <= 0 or np.any(out[1:] <= out[:-1]):
        raise ModelError("times: not positive and strictly rising; sort them, each one once.")
    return out


def cloglog(risk: Floats) -> Floats:
    """Complementary log-log of probabilities, log(-log(1 - p)).

    Parameters
    ----------
    risk : ndarray
        In [0, 1]; 0 and 1 are moved to 1e-10 and 1 - 1e-10.

    Returns
    -------
    ndarray
        In the shape of ``risk``.
    """
    return np.log(-np.log1p(-np.clip(risk, 1e-10, 1 - 1e-10)))


def mean_influence(terms: Floats) -> Floats:
    """Turn the influence function of an average into what each patient adds to it.

    Parameters
    ----------
    terms : ndarray of shape (n_patients,)
        Influence function at each patient; at least two.

    Returns
    -------
    ndarray of shape (n_patients,)
        Of mean 0; its norm is the standard error of the average.

    Examples
    --------
    Of 1, 2 and 3 the standard deviation is 1, the standard error of the mean 1 / sqrt(3).

    >>> added = mean_influence(np.array([1.0, 2.0, 3.0]))
    >>> round(float(added @ added), 6)
    0.333333
    """
    n = terms.size
    found: Floats = (terms - terms.mean()) / math.sqrt(n * (n - 1))
    return found


def wald(
    value: float,
    std_error: float,
    level: float,
    *,
    bounds: tuple[float, float] = (-math.inf, math.inf),
    reason: str = "",
    influence: Floats | None = None,
) -> Estimate:
    """Set symmetric confidence limits about an estimate.

    Parameters
    ----------
    value : float
        Point estimate.
    std_error : float
        Standard error; NaN where there is none.
    level : float
        Confidence level.
    bounds : tuple of float, default=(-inf, inf)
        Limits beyond these are drawn back to them.
    reason : str, default=""
        Why there is no standard error.
    influence : ndarray of shape (n_patients,), optional
        What each patient adds to the estimate.

    Returns
    -------
    Estimate
        Value plus and minus the normal quantile times the standard error.
    """
    half = normal_quantile(check_level(level, "level")) * std_error
    lower, upper = (
        float(min(max(limit, bounds[0]), bounds[1])) for limit in (value - half, value + half)
    )
    return Estimate(float(value), lower, upper, float(std_error), level, reason, influence)


def _numbers(values: ArrayLike, where: str) -> Floats:
    try:
        return np.asarray(values, dtype=float)
    except (TypeError, ValueError):
        raise ModelError(f"{where}: not numeric; give numbers.") from None


def _finite(values: Floats, n: int, where: str) -> Floats:
    if values.shape[0] != n:
        raise ModelError(f"{where}: {values.shape[0]} rows for {n} patients; give one for each.")
    bad = ~np.isfinite(values)
    if bad.any():
        rows = int(np.count_nonzero(bad.reshape(n, -1).any(axis=1)))
        raise ModelError(f"{where}: {rows} patients have no finite number; predict all of them.")
    return values


def _probabilities(values: Floats, where: str) -> Floats:
    outside = (values < 0) | (values > 1)
    if outside.any():
        raise ModelError(
            f"{where}: {np.count_nonzero(outside)} values outside [0, 1]; "
            "give the probability of the event by the horizon."
        )
    return values

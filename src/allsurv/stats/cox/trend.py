"""A smooth trend through residuals: what a scatter of them says about change with time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtri

from allsurv.errors import ModelError
from allsurv.stats.splines import restricted_cubic_spline

__all__ = ["Trend", "residual_trend"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Trend:
    """A smooth line with its pointwise limits, at the abscissas it was fitted to.

    Attributes
    ----------
    estimate, lower, upper : ndarray of shape (n_points,)
        In the unit of the residuals.
    """

    estimate: Floats
    lower: Floats
    upper: Floats


def residual_trend(
    x: ArrayLike, residual: ArrayLike, *, variance: float, df: int = 4, level: float = 0.95
) -> Trend:
    """Fit a natural cubic spline through residuals by least squares.

    Parameters
    ----------
    x : array-like of shape (n_points,)
        Abscissas, such as the ranks of event times.
    residual : array-like of shape (n_points,)
        Such as scaled Schoenfeld residuals of one coefficient.
    variance : float
        Of one residual: for scaled Schoenfeld residuals the number of events times the squared
        standard error of the coefficient.
    df : int, default=4
        Columns of the spline, its intercept included; at least 3.
    level : float, default=0.95
        Confidence level, in (0, 1).

    Returns
    -------
    Trend
        At ``x``, in its order.

    Raises
    ------
    ModelError
        If there are fewer distinct abscissas than columns.

    Notes
    -----
    Knots at the ends and at equal quantiles between; variance of the line is ``variance`` times
    the leverage, as in R ``survival::plot.cox.zph`` with ``splines::ns(x, df, intercept = TRUE)``,
    which vouch for it.
    """
    at, y = np.asarray(x, dtype=float), np.asarray(residual, dtype=float)
    knots = np.quantile(at, np.linspace(0, 1, df)) if at.size else at
    if df < 3 or np.unique(knots).size < df:
        raise ModelError(
            f"residual_trend: {np.unique(at).size} distinct abscissas cannot carry a spline of "
            f"{df} degrees of freedom; allowed are 3 or more, with distinct quantiles of x."
        )
    centred = (at - at.min()) / (at.max() - at.min())
    knots = (knots - at.min()) / (at.max() - at.min())
    basis = restricted_cubic_spline(centred, knots)
    q, _ = np.linalg.qr(np.column_stack([np.ones(at.size), basis]))
    estimate = q @ (q.T @ y)
    half = float(ndtri((1 + level) / 2)) * np.sqrt(variance * np.sum(q**2, axis=1))
    return Trend(estimate, estimate - half, estimate + half)

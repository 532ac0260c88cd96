"""Predictive mean matching: a missing number is taken from a patient with a like prediction."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from allsurv.stats.missing.newton import draw_from_posterior, ridged

__all__ = ["choose_donors", "draw_linear", "draw_matched", "least_squares"]

Floats = NDArray[np.float64]


def draw_matched(
    y: Floats, known: NDArray[np.bool_], X: Floats, rng: np.random.Generator, *, donors: int
) -> NDArray[np.intp]:
    r"""Draw, for each patient whose value is not known, whose value is taken.

    Parameters
    ----------
    y : ndarray of shape (n_patients,)
        Numbers; not looked at where not known.
    known : ndarray of bool of shape (n_patients,)
        Who may give.
    X : ndarray of shape (n_fits, n_patients, n_columns)
        Predictors of each fit, without intercept.
    rng : Generator
        Source of chance.
    donors : int
        One is drawn of that many nearest.

    Returns
    -------
    ndarray of int of shape (n_fits, n_unknown)
        Positions among those who are known.

    Notes
    -----
    Type 1 matching [1]_: those known are predicted by the estimated coefficients, those not known
    by coefficients drawn from their posterior, :math:`\sigma^{*2} = RSS / \chi^2_{n - p}`,
    :math:`\beta^* \sim N(\hat\beta, \sigma^{*2} (X'X)^{-1})`. The method of R
    ``mice::mice.impute.pmm``.

    References
    ----------
    .. [1] Morris TP, White IR, Royston P. BMC Med Res Methodol. 2014;14:75.
       doi:10.1186/1471-2288-14-75
    """
    rows = _with_intercept(X)
    coef, drawn, _ = _draw_line(y[known], rows[:, known], rng)
    predicted = (rows[:, known] @ coef[:, :, None])[..., 0]
    asked = (rows[:, ~known] @ drawn[:, :, None])[..., 0]
    return choose_donors(predicted, asked, rng, donors=donors)


def draw_linear(
    y: Floats, X: Floats, asked: NDArray[np.bool_], rng: np.random.Generator
) -> tuple[Floats, Floats]:
    r"""Draw a linear model of complete numbers from its posterior, and predict by it.

    Parameters
    ----------
    y : ndarray of shape (n_patients,)
        Numbers.
    X : ndarray of shape (n_fits, n_patients, n_columns)
        Predictors of each fit, without intercept.
    asked : ndarray of bool of shape (n_patients,)
        Of whom predictions are wanted.
    rng : Generator
        Source of chance.

    Returns
    -------
    mean : ndarray of shape (n_fits, n_asked)
        Predictions.
    sigma : ndarray of shape (n_fits,)
        Residual standard deviations.
    """
    rows = _with_intercept(X)
    _, drawn, sigma = _draw_line(y, rows, rng)
    return (rows[:, asked] @ drawn[:, :, None])[..., 0], sigma


def _with_intercept(X: Floats) -> Floats:
    return np.concatenate([np.ones((*X.shape[:2], 1)), X], axis=2)


def _draw_line(y: Floats, rows: Floats, rng: np.random.Generator) -> tuple[Floats, Floats, Floats]:
    """Estimates, and coefficients and residual standard deviations from their posterior."""
    coef, information, residual = least_squares(y, rows)
    df = max(rows.shape[1] - rows.shape[2], 1)
    sigma: Floats = np.sqrt(residual / rng.chisquare(df, len(rows)))
    return coef, draw_from_posterior(coef, information, rng, sigma), sigma


def least_squares(y: Floats, rows: Floats) -> tuple[Floats, Floats, Floats]:
    """Fit linear regressions of the same numbers on several designs.

    Parameters
    ----------
    y : ndarray of shape (n_patients,)
        Numbers.
    rows : ndarray of shape (n_fits, n_patients, n_columns)
        Designs, intercept included.

    Returns
    -------
    coef : ndarray of shape (n_fits, n_columns)
        Estimates.
    information : ndarray of shape (n_fits, n_columns, n_columns)
        X'X.
    residual : ndarray of shape (n_fits,)
        Sums of squared residuals.

    Notes
    -----
    Checked against R ``mice:::estimice``.
    """
    information = rows.transpose(0, 2, 1) @ rows
    moment = (rows.transpose(0, 2, 1) @ y)[..., None]
    coef = np.linalg.solve(ridged(information), moment)
    residual: Floats = ((y - (rows @ coef)[..., 0]) ** 2).sum(axis=1)
    return np.asarray(coef[..., 0], dtype=float), information, residual


def choose_donors(
    predicted: Floats, asked: Floats, rng: np.random.Generator, *, donors: int
) -> NDArray[np.intp]:
    """Draw one of the nearest for each who asks, equally near ones in random order.

    Parameters
    ----------
    predicted : ndarray of shape (n_fits, n_known)
        Predictions of those who may give.
    asked : ndarray of shape (n_fits, n_unknown)
        Predictions of those who receive.
    rng : Generator
        Source of chance.
    donors : int
        How many nearest are drawn from; all where there are fewer.

    Returns
    -------
    ndarray of int of shape (n_fits, n_unknown)
        Positions among those who may give.

    Notes
    -----
    The rule of R ``mice:::matchindex``.
    """
    m, n_known = predicted.shape
    k = min(donors, n_known)
    shuffled = rng.permuted(np.tile(np.arange(n_known), (m, 1)), axis=1)
    by_size = np.argsort(np.take_along_axis(predicted, shuffled, 1), axis=1, kind="stable")
    order = np.take_along_axis(shuffled, by_size, 1)
    rising = np.take_along_axis(predicted, order, 1)
    near = _place(rising, asked)[..., None] + np.arange(-k, k)
    inside = (near >= 0) & (near < n_known)
    near = near.clip(0, n_known - 1)
    there = np.take_along_axis(rising, near.reshape(m, -1), 1).reshape(near.shape)
    distance = np.where(inside, np.abs(there - asked[..., None]), np.inf)
    nearest = np.take_along_axis(near, np.argsort(distance, axis=2, kind="stable")[..., :k], 2)
    chosen = rng.integers(0, k, asked.shape)[..., None]
    found = np.take_along_axis(nearest, chosen, 2)[..., 0]
    return np.asarray(np.take_along_axis(order, found, 1), dtype=np.intp)


def _place(rising: Floats, asked: Floats) -> NDArray[np.intp]:
    """Count, row by row, how many of the rising values lie below each that is asked."""
    n = asked.shape[1]
    merged = np.argsort(np.concatenate([asked, rising], axis=1), axis=1, kind="stable")
    rank = np.empty_like(merged)
    np.put_along_axis(rank, merged, np.arange(merged.shape[1])[None], 1)
    own = np.empty((len(asked), n), dtype=np.intp)
    np.put_along_axis(own, np.argsort(asked, axis=1, kind="stable"), np.arange(n)[None], 1)
    return np.asarray(rank[:, :n] - own, dtype=np.intp)

"""Concave likelihoods maximised side by side, as many at once as there are imputations."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from allsurv.errors import ModelError

__all__ = ["Likelihoods", "draw_from_posterior", "maximise", "ridged"]

Floats = NDArray[np.float64]
Likelihoods = Callable[[Floats], tuple[Floats, Floats, Floats]]
"""From coefficients (n_fits, n) to log-likelihoods, scores and informations of each fit."""

MOST_STEPS, MOST_HALVINGS = 100, 30
CONVERGED = 1e-8  # squared distance to the maximum in standard errors, before the last step
RIDGE = 1e-9  # of the diagonal: collinear predictors share their effect instead of stopping it


def maximise(likelihoods: Likelihoods, start: Floats) -> tuple[Floats, Floats]:
    """Find the maximum of each likelihood by Newton's method with step halving.

    Parameters
    ----------
    likelihoods : callable
        From coefficients of shape (n_fits, n) to log-likelihoods (n_fits,), scores (n_fits, n) and
        informations (n_fits, n, n); a log-likelihood of minus infinity is outside the domain.
    start : ndarray of shape (n_fits, n)
        Where to begin, inside the domain.

    Returns
    -------
    coef : ndarray of shape (n_fits, n)
        The maxima.
    information : ndarray of shape (n_fits, n, n)
        There.

    Raises
    ------
    ModelError
        If a maximum is not reached.
    """
    at = start
    value, score, information = likelihoods(at)
    for _ in range(MOST_STEPS):
        step = np.linalg.solve(ridged(information), score[..., None])[..., 0]
        decrement = np.einsum("mp,mp->m", score, step)
        size = np.ones(len(at))
        for _ in range(MOST_HALVINGS):
            tried = at + size[:, None] * step
            new_value, new_score, new_information = likelihoods(tried)
            # Close to the maximum the gain is lost in rounding; a full step is right there.
            worse = ~(new_value >= value) & (decrement > CONVERGED)
            if not worse.any():
                break
            size[worse] /= 2
        at, value, score, information = tried, new_value, new_score, new_information
        if decrement.max() < CONVERGED:
            return at, information
    raise ModelError(
        "imputation: a model of a variable with missing values did not converge; leave out "
        "variables that say nearly the same."
    )


def ridged(information: Floats) -> Floats:
    """Add a billionth of the diagonal, and one where it is zero.

    Parameters
    ----------
    information : ndarray of shape (n_fits, n, n)
        Symmetric, not negative.

    Returns
    -------
    ndarray of shape (n_fits, n, n)
        Positive, so that it can be inverted.
    """
    diagonal = np.einsum("mpp->mp", information)
    extra = np.where(diagonal > 0, RIDGE * diagonal, 1.0)
    return np.asarray(information + extra[:, :, None] * np.eye(extra.shape[1]), dtype=float)


def draw_from_posterior(
    coef: Floats, information: Floats, rng: np.random.Generator, scale: Floats | float = 1.0
) -> Floats:
    """Draw coefficients from their approximate normal posterior, one draw per fit.

    Parameters
    ----------
    coef : ndarray of shape (n_fits, n)
        Estimates.
    information : ndarray of shape (n_fits, n, n)
        Inverse of their covariance, but for ``scale``.
    rng : Generator
        Source of chance.
    scale : float or ndarray of shape (n_fits,), default=1.0
        Standard deviation that the covariance lacks.

    Returns
    -------
    ndarray of shape (n_fits, n)
        Drawn coefficients.
    """
    # With information L L', noise turned by the inverse of L' has covariance information^-1.
    lower = np.linalg.cholesky(ridged(information))
    noise = rng.standard_normal(coef.shape)
    turned = np.linalg.solve(lower.transpose(0, 2, 1), noise[..., None])[..., 0]
    return np.asarray(coef + turned * np.asarray(scale)[..., None], dtype=float)

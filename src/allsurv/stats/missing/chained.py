"""Multiple imputation of yes/no values by chained logistic regressions."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit

from allsurv.errors import ModelError

__all__ = ["augmented_logistic", "impute_binary"]

Floats = NDArray[np.float64]
MOST_STEPS = 50


def impute_binary(
    values: ArrayLike,
    X: ArrayLike,
    *,
    n_imputations: int,
    n_iterations: int = 10,
    random_state: int | np.random.Generator = 0,
) -> Floats:
    r"""Impute yes/no values several times, each from all the others.

    Parameters
    ----------
    values : array-like of shape (n_patients, n_variables)
        0, 1, or NaN where not known.
    X : array-like of shape (n_patients, n_columns)
        Complete predictors; for a survival analysis the event indicator and the Nelson-Aalen
        hazard at each patient's time must be among them.
    n_imputations : int
        Completed data sets, at least 1.
    n_iterations : int, default=10
        Rounds through the variables.
    random_state : int or Generator, default=0
        Seed or generator.

    Returns
    -------
    ndarray of shape (n_imputations, n_patients, n_variables)
        0 and 1; known values as given.

    Raises
    ------
    ModelError
        If values are other than 0, 1 and NaN, a variable is known of nobody or is the same in all,
        or predictors are not complete.

    Notes
    -----
    Each round draws coefficients from their approximate posterior,
    :math:`\beta^* \sim N(\hat\beta, I(\hat\beta)^{-1})`, then values with probability
    :math:`1 / (1 + e^{-x\beta^*})` [1]_. Few, lightly weighted pseudo-patients keep estimates
    finite where predictors separate yes from no [2]_. Checked against R ``mice`` (``logreg``).

    References
    ----------
    .. [1] White IR, Royston P, Wood AM. Stat Med. 2011;30(4):377-399. doi:10.1002/sim.4067
    .. [2] White IR, Daniel R, Royston P. Comput Stat Data Anal. 2010;54(10):2267-2275.
       doi:10.1016/j.csda.2010.04.005

    Examples
    --------
    >>> marker = [[1.0], [0.0], [1.0], [0.0], [np.nan]]
    >>> drawn = impute_binary(marker, [[3.0], [1.0], [2.0], [2.0], [1.0]], n_imputations=4)
    >>> drawn.shape, drawn[:, :4, 0].mean(axis=0)
    ((4, 5, 1), array([1., 0., 1., 0.]))
    """
    given, predictors = _checked(values, X)
    rng = np.random.default_rng(random_state)
    missing = np.isnan(given)
    drawn = np.repeat(given[None], n_imputations, axis=0)
    for k in np.flatnonzero(missing.any(axis=0)):
        known = given[~missing[:, k], k]
        drawn[:, missing[:, k], k] = rng.choice(known, (n_imputations, missing[:, k].sum()))
    base = np.repeat(predictors[None], n_imputations, axis=0)
    for _ in range(n_iterations):
        for k in np.flatnonzero(missing.any(axis=0)):
            design = np.concatenate([base, np.delete(drawn, k, axis=2)], axis=2)
            drawn[:, missing[:, k], k] = _draw(given[:, k], design, rng)
    return drawn


def augmented_logistic(y: ArrayLike, known: ArrayLike, X: ArrayLike) -> tuple[Floats, Floats]:
    """Fit logistic regressions kept finite by lightly weighted pseudo-patients.

    Parameters
    ----------
    y : array-like of shape (n_patients,)
        0 or 1; not looked at where not known.
    known : array-like of bool of shape (n_patients,)
        Who is fitted.
    X : array-like of shape (n_fits, n_patients, n_columns)
        Predictors of each fit, without intercept; mean, spread and range are those of all.

    Returns
    -------
    coef : ndarray of shape (n_fits, n_columns + 1)
        Intercept first.
    covariance : ndarray of shape (n_fits, n_columns + 1, n_columns + 1)
        Inverse information.

    Raises
    ------
    ModelError
        If the information cannot be inverted: predictors are collinear.

    Notes
    -----
    For each predictor and each of yes and no, two pseudo-patients half a standard deviation above
    and below its mean, all others at theirs; together they weigh as much as there are
    coefficients. Checked against R ``glm`` on ``mice:::augment``.
    """
    outcome, who = np.asarray(y, dtype=float), np.asarray(known, dtype=bool)
    design = np.asarray(X, dtype=float)
    extra, extra_y = _pseudo_patients(design)
    rows = np.concatenate([design[:, who], extra], axis=1)
    rows = np.concatenate([np.ones((*rows.shape[:2], 1)), rows], axis=2)
    labels = np.concatenate([outcome[who], extra_y])
    weight = np.ones(labels.size)
    weight[who.sum() :] = rows.shape[2] / extra_y.size
    coef = np.zeros((rows.shape[0], rows.shape[2]))
    for _ in range(MOST_STEPS):
        probability = expit(np.einsum("mnp,mp->mn", rows, coef))
        score = np.einsum("mnp,mn->mp", rows, weight * (labels - probability))
        information = _information(rows, weight * probability * (1 - probability))
        step = _solve(information, score)
        longest = np.abs(np.einsum("mnp,mp->mn", rows, step)).max(axis=1)
        coef += step * np.minimum(1.0, 4.0 / np.maximum(longest, 4.0))[:, None]
        if longest.max() < 1e-10:
            break
    probability = expit(np.einsum("mnp,mp->mn", rows, coef))
    covariance = np.linalg.inv(_information(rows, weight * probability * (1 - probability)))
    return np.asarray(coef, dtype=float), np.asarray(covariance, dtype=float)


def _draw(y: Floats, design: Floats, rng: np.random.Generator) -> Floats:
    known = ~np.isnan(y)
    coef, covariance = augmented_logistic(y, known, design)
    noise = rng.standard_normal(coef.shape)
    drawn = coef + np.einsum("mpq,mq->mp", np.linalg.cholesky(covariance), noise)
    asked = design[:, ~known]
    linear = drawn[:, :1] + np.einsum("mnp,mp->mn", asked, drawn[:, 1:])
    found: Floats = (rng.random(linear.shape) <= expit(linear)).astype(float)
    return found


def _pseudo_patients(design: Floats) -> tuple[Floats, Floats]:
    p = design.shape[2]
    mean, spread = design.mean(axis=1), design.std(axis=1, ddof=1)
    extra = np.repeat(mean[:, None, :], 4 * p, axis=1)
    for k in range(p):
        moved = 0.5 * spread[:, k, None] * np.array([1.0, -1.0, 1.0, -1.0])
        extra[:, 4 * k : 4 * k + 4, k] += moved
    low, high = design.min(axis=1), design.max(axis=1)
    return np.clip(extra, low[:, None], high[:, None]), np.tile([0.0, 0.0, 1.0, 1.0], p)


def _information(rows: Floats, weight: Floats) -> Floats:
    found: Floats = np.matmul(rows.transpose(0, 2, 1) * weight[:, None, :], rows)
    return found


def _solve(information: Floats, score: Floats) -> Floats:
    try:
        return np.asarray(np.linalg.solve(information, score[..., None])[..., 0], dtype=float)
    except np.linalg.LinAlgError:
        raise ModelError(
            "augmented_logistic: predictors of the imputation are collinear; leave one out."
        ) from None


def _checked(values: ArrayLike, X: ArrayLike) -> tuple[Floats, Floats]:
    given, predictors = np.array(values, dtype=float), np.array(X, dtype=float)
    if given.ndim != 2 or predictors.ndim != 2 or len(given) != len(predictors):
        raise ModelError(
            f"impute_binary: values have shape {given.shape} and X {predictors.shape}; give "
            "matrices with a row per patient."
        )
    if not np.all(np.isfinite(predictors)):
        raise ModelError("impute_binary: X is not complete; give predictors known of everybody.")
    if np.any(~np.isin(given[~np.isnan(given)], (0.0, 1.0))):
        raise ModelError("impute_binary: values are other than 0, 1 and missing; give yes or no.")
    for column in given.T:
        if np.unique(column[~np.isnan(column)]).size < 2:
            raise ModelError(
                "impute_binary: a variable is unknown or the same in everybody; leave it out."
            )
    return given, predictors

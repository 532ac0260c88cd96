"""Rubin's rules: one answer from analyses of several imputed data sets."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtr, ndtri, stdtr, stdtrit

from allsurv.stats.levels import check_level
from allsurv.stats.missing.imputations import check_df, check_imputations
from allsurv.stats.missing.pooled_tests import (
    PooledTest,
    pool_chi_squared,
    pool_likelihood_ratio,
    pool_stacked_likelihood_ratio,
    pool_wald,
)

__all__ = [
    "PooledCoefficients",
    "PooledTest",
    "pool_chi_squared",
    "pool_coefficients",
    "pool_likelihood_ratio",
    "pool_stacked_likelihood_ratio",
    "pool_wald",
]

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class PooledCoefficients:
    """Coefficients pooled over imputations.

    Attributes
    ----------
    coef, std_error : ndarray of shape (n_features,)
        Mean estimates and their total standard errors.
    df : ndarray of shape (n_features,)
        Degrees of freedom of each t statistic.
    statistic, p_value : ndarray of shape (n_features,)
        ``coef / std_error`` and its two-sided P value.
    lower, upper : ndarray of shape (n_features,)
        Confidence limits, on the scale of the coefficients.
    covariance : ndarray of shape (n_features, n_features)
        Total: within plus (1 + 1/m) between imputations.
    relative_increase : ndarray of shape (n_features,)
        Variance added by the missing data, relative to the variance within.
    missing_information : ndarray of shape (n_features,)
        Fraction of information missing.
    n_imputations : int
        Imputations pooled.
    level : float
        Confidence level.
    """

    coef: Floats
    std_error: Floats
    df: Floats
    statistic: Floats
    p_value: Floats
    lower: Floats
    upper: Floats
    covariance: Floats = field(repr=False)
    relative_increase: Floats = field(repr=False)
    missing_information: Floats = field(repr=False)
    n_imputations: int
    level: float


def pool_coefficients(
    estimates: ArrayLike,
    covariances: ArrayLike,
    *,
    df_complete: float = math.inf,
    level: float = 0.95,
) -> PooledCoefficients:
    r"""Pool coefficients by Rubin's rules with small-sample degrees of freedom.

    Parameters
    ----------
    estimates : array-like of shape (n_imputations, n_features)
        Coefficients of each imputed data set; log hazard ratios, not hazard ratios.
    covariances : array-like of shape (n_imputations, n_features, n_features)
        Their covariance matrices.
    df_complete : float, default=inf
        Degrees of freedom were the data complete: for a Cox model events less coefficients.
    level : float, default=0.95
        Confidence level, in (0, 1).

    Returns
    -------
    PooledCoefficients
        Estimates, limits and tests.

    Raises
    ------
    ModelError
        If shapes do not fit, numbers are not finite, variances not positive, or there is one
        imputation only.
    OutcomeError
        If ``level`` is not between 0 and 1.

    Notes
    -----
    With :math:`W` the mean variance, :math:`B` the variance between and :math:`\lambda = (1 +
    1/m) B / T`, :math:`\nu_m = (m - 1) / \lambda^2`, :math:`\nu_{obs} = \frac{\nu_c + 1}{\nu_c +
    3} \nu_c (1 - \lambda)` and :math:`\nu = \nu_m \nu_{obs} / (\nu_m + \nu_{obs})` [1]_. Vouched
    for by R ``mice::pool.scalar``.

    References
    ----------
    .. [1] Barnard J, Rubin DB. Biometrika. 1999;86(4):948-955. doi:10.1093/biomet/86.4.948

    Examples
    --------
    W = 1, B = 2, so T = 1 + 3/2 * 2 = 4.

    >>> pooled = pool_coefficients([[0.0], [2.0]], [[[1.0]], [[1.0]]])
    >>> pooled.coef, pooled.std_error
    (array([1.]), array([2.]))
    """
    where = "pool_coefficients"
    q, u = check_imputations(estimates, covariances, where)
    complete = check_df(df_complete, where)
    checked = check_level(level, where)
    m = q.shape[0]
    coef, within, between = q.mean(axis=0), u.mean(axis=0), np.atleast_2d(np.cov(q.T))
    covariance = within + (1 + 1 / m) * between
    total = np.diag(covariance)
    share = (1 + 1 / m) * np.diag(between) / total
    increase = (1 + 1 / m) * np.diag(between) / np.diag(within)
    df = _barnard_rubin(m, share, complete)
    error = np.sqrt(total)
    statistic = coef / error
    finite = np.isfinite(df)
    bounded = np.where(finite, df, 1.0)
    tail = (1 - checked) / 2
    p_value = 2 * np.where(finite, stdtr(bounded, -np.abs(statistic)), ndtr(-np.abs(statistic)))
    reach = -np.where(finite, stdtrit(bounded, tail), ndtri(tail)) * error
    return PooledCoefficients(
        coef=coef,
        std_error=error,
        df=df,
        statistic=statistic,
        p_value=p_value,
        lower=coef - reach,
        upper=coef + reach,
        covariance=covariance,
        relative_increase=increase,
        missing_information=(increase + 2 / (df + 3)) / (increase + 1),
        n_imputations=m,
        level=checked,
    )


def _barnard_rubin(m: int, share: Floats, complete: float) -> Floats:
    squared = share**2
    imputed = np.divide(m - 1, squared, out=np.full_like(share, np.inf), where=squared > 0)
    if math.isinf(complete):
        return imputed
    observed = (complete + 1) / (complete + 3) * complete * (1 - share)
    return observed / (1 + observed / imputed)

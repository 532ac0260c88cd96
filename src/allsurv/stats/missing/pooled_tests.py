"""Tests of several coefficients pooled over imputations: D1, D2, D3 and D4."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import chdtrc, fdtrc

from allsurv.errors import ModelError
from allsurv.stats.missing.imputations import (
    check_count,
    check_df,
    check_finite,
    check_imputations,
    check_statistics,
)

__all__ = [
    "PooledTest",
    "pool_chi_squared",
    "pool_likelihood_ratio",
    "pool_stacked_likelihood_ratio",
    "pool_wald",
]

NEGLIGIBLE = 1e-100  # relative increase of variance under which the imputations agree


@dataclass(frozen=True)
class PooledTest:
    """A test of several coefficients at once, pooled over imputations.

    Attributes
    ----------
    name : str
        Test used, for a table's footnote.
    statistic : float
        F statistic; below zero where the imputations disagree more than chance allows.
    df : int
        Coefficients tested.
    df_residual : float
        Denominator degrees of freedom; infinite where imputations agree exactly.
    p_value : float
        P value.
    relative_increase : float
        Average variance added by the missing data, relative to the variance within.
    """

    name: str
    statistic: float
    df: int
    df_residual: float
    p_value: float
    relative_increase: float


def pool_wald(
    estimates: ArrayLike, covariances: ArrayLike, *, df_complete: float = math.inf
) -> PooledTest:
    r"""Test several coefficients at once, pooled over imputations (D1).

    Parameters
    ----------
    estimates : array-like of shape (n_imputations, n_features)
        The coefficients tested, of each imputed data set.
    covariances : array-like of shape (n_imputations, n_features, n_features)
        Their covariance matrices.
    df_complete : float, default=inf
        Degrees of freedom were the data complete; if finite, Reiter's denominator is used [2]_.

    Returns
    -------
    PooledTest
        F test that all the coefficients are zero.

    Raises
    ------
    ModelError
        If shapes do not fit, numbers are not finite, or covariances are singular; and if
        ``df_complete`` is finite with fewer than five imputed degrees of freedom.

    Notes
    -----
    :math:`D_1 = \bar Q^T \bar U^{-1} \bar Q / \{k (1 + r)\}` with :math:`r = (1 + 1/m)
    \mathrm{tr}(B \bar U^{-1}) / k` [1]_. Checked against R ``mitml::testModels`` (D1), on which
    ``mice::D1`` rests.

    References
    ----------
    .. [1] Li KH, Raghunathan TE, Rubin DB. J Am Stat Assoc. 1991;86(416):1065-1073.
       doi:10.1080/01621459.1991.10475152
    .. [2] Reiter JP. Biometrika. 2007;94(2):502-508. doi:10.1093/biomet/asm028

    Examples
    --------
    r = 3/2 * 2 = 3, so F = 1^2 / (1 + 3).

    >>> pool_wald([[0.0], [2.0]], [[[1.0]], [[1.0]]]).statistic
    0.25
    """
    where = "pool_wald"
    q, u = check_imputations(estimates, covariances, where)
    complete = check_df(df_complete, where)
    m, k = q.shape
    mean, within, between = q.mean(axis=0), u.mean(axis=0), np.atleast_2d(np.cov(q.T))
    if np.linalg.matrix_rank(within) < k:
        raise ModelError(f"{where}: the covariances are singular; drop redundant coefficients.")
    inverse = np.linalg.inv(within)
    r = (1 + 1 / m) * float(np.trace(between @ inverse)) / k
    statistic = float(mean @ inverse @ mean) / (k * (1 + r))
    t = k * (m - 1)
    if math.isinf(complete) or r <= NEGLIGIBLE:
        df = _li_df(t, k, r) if r > NEGLIGIBLE else complete
    elif t <= 4:
        raise ModelError(
            f"{where}: {m} imputations of {k} coefficients are too few for a finite df_complete; "
            "take more imputations or leave df_complete out."
        )
    else:
        df = _reiter_df(t, r, complete)
    return _f_test("pooled Wald test (D1)", statistic, k, df, r)


def pool_chi_squared(statistics: ArrayLike, df: int) -> PooledTest:
    r"""Pool chi-squared statistics, one from each imputed data set (D2).

    Needs nothing but the statistics, Wald or likelihood-ratio; weaker than D1 and D3.

    Parameters
    ----------
    statistics : array-like of shape (n_imputations,)
        Chi-squared statistics; not negative.
    df : int
        Their degrees of freedom.

    Returns
    -------
    PooledTest
        F test of the same hypothesis.

    Raises
    ------
    ModelError
        If a statistic is negative or not finite, ``df`` is not positive, or there is one
        imputation only.

    Notes
    -----
    :math:`D_2 = \{\bar d / k - \frac{m + 1}{m - 1} r\} / (1 + r)` with :math:`r = (1 + 1/m)
    \mathrm{var} \sqrt d` [1]_. Checked against R ``mitml::testModels`` (D2).

    References
    ----------
    .. [1] Li KH, Meng XL, Raghunathan TE, Rubin DB. Stat Sin. 1991;1(1):65-92.

    Examples
    --------
    Statistics that agree are their own pool.

    >>> pooled = pool_chi_squared([6.0, 6.0, 6.0], df=2)
    >>> pooled.statistic, round(pooled.p_value, 4)
    (3.0, 0.0498)
    """
    where = "pool_chi_squared"
    d = check_statistics(statistics, where)
    k = check_count(df, where)
    m = d.size
    r = (1 + 1 / m) * float(np.var(np.sqrt(d), ddof=1))
    statistic = (float(d.mean()) / k - (m + 1) / (m - 1) * r) / (1 + r)
    residual = k ** (-3 / m) * (m - 1) * (1 + 1 / r) ** 2 if r > NEGLIGIBLE else math.inf
    return _f_test("pooled chi-squared test (D2)", statistic, k, residual, r)


def pool_likelihood_ratio(own: ArrayLike, at_pooled: ArrayLike, df: int) -> PooledTest:
    r"""Pool likelihood-ratio statistics by Meng and Rubin's rule (D3).

    Parameters
    ----------
    own : array-like of shape (n_imputations,)
        Likelihood-ratio statistic of each imputed data set at its own estimates.
    at_pooled : array-like of shape (n_imputations,)
        The same with both models held at their coefficients averaged over imputations.
    df : int
        Coefficients tested.

    Returns
    -------
    PooledTest
        F test of the same hypothesis.

    Raises
    ------
    ModelError
        If statistics are not finite, their numbers differ, ``df`` is not positive, or there is
        one imputation only.

    Notes
    -----
    :math:`D_3 = \tilde d / \{k (1 + r)\}` with :math:`r = \frac{m + 1}{k (m - 1)} (\bar d -
    \tilde d)`, taken as 0 where it falls below [1]_. Checked against R ``mitml::testModels`` (D3).

    References
    ----------
    .. [1] Meng XL, Rubin DB. Biometrika. 1992;79(1):103-111. doi:10.1093/biomet/79.1.103

    Examples
    --------
    r = 3/1 * (5 - 4) = 3, so F = 4 / 4.

    >>> pool_likelihood_ratio([4.0, 6.0], [4.0, 4.0], df=1).statistic
    1.0
    """
    where = "pool_likelihood_ratio"
    d, tilde = check_statistics(own, where), check_finite(at_pooled, where)
    k = check_count(df, where)
    if tilde.size != d.size:
        raise ModelError(
            f"{where}: {d.size} statistics of their own but {tilde.size} at the pooled "
            "coefficients; give one of each per imputation."
        )
    m = d.size
    r = max(0.0, (m + 1) / (k * (m - 1)) * float(d.mean() - tilde.mean()))
    residual = _li_df(k * (m - 1), k, r) if r > NEGLIGIBLE else math.inf
    statistic = float(tilde.mean()) / (k * (1 + r))
    return _f_test("pooled likelihood-ratio test (D3)", statistic, k, residual, r)


def pool_stacked_likelihood_ratio(own: ArrayLike, stacked: float, df: int) -> PooledTest:
    r"""Pool likelihood-ratio statistics with the help of the stacked data sets (D4).

    Parameters
    ----------
    own : array-like of shape (n_imputations,)
        Likelihood-ratio statistic of each imputed data set.
    stacked : float
        Likelihood-ratio statistic of all imputed data sets stacked into one, each row weighted by
        one over their number.
    df : int
        Coefficients tested.

    Returns
    -------
    PooledTest
        F test of the same hypothesis.

    Raises
    ------
    ModelError
        If statistics are not finite, ``df`` is not positive, or there is one imputation only.

    Notes
    -----
    As D3 with :math:`\hat d` of the stack for :math:`\tilde d` and :math:`k (m - 1) (1 + 1/r)^2`
    denominator degrees of freedom [1]_. Checked against R ``mitml::testModels`` (D4,
    ``ariv = "positive"``).

    References
    ----------
    .. [1] Chan KW, Meng XL. Stat Sin. 2022;32:1489-1514. doi:10.5705/ss.202019.0314

    Examples
    --------
    >>> pool_stacked_likelihood_ratio([4.0, 6.0], 4.0, df=1).statistic
    1.0
    """
    where = "pool_stacked_likelihood_ratio"
    d = check_statistics(own, where)
    hat = float(check_finite([stacked], where)[0])
    k = check_count(df, where)
    m = d.size
    r = max(0.0, (m + 1) / (k * (m - 1)) * (float(d.mean()) - hat))
    residual = k * (m - 1) * (1 + 1 / r) ** 2 if r > NEGLIGIBLE else math.inf
    return _f_test("pooled likelihood-ratio test (D4)", hat / (k * (1 + r)), k, residual, r)


def _li_df(t: int, k: int, r: float) -> float:
    if t > 4:
        return 4 + (t - 4) * (1 + (1 - 2 / t) / r) ** 2
    return t * (1 + 1 / k) * (1 + 1 / r) ** 2 / 2


def _reiter_df(t: int, r: float, complete: float) -> float:
    a = r * t / (t - 2)
    effective = (complete + 1) / (complete + 3) * complete
    c0, c1, c2 = 1 / (t - 4), effective - 2 * (1 + a), effective - 4 * (1 + a)
    z = 1 / c2 + c0 * (
        a**2 * c1 / ((1 + a) ** 2 * c2)
        + 8 * a**2 * c1 / ((1 + a) * c2**2)
        + 4 * a**2 / ((1 + a) * c2)
        + 4 * a**2 / (c2 * c1)
        + 16 * a**2 * c1 / c2**3
        + 8 * a**2 / c2**2
    )
    if c2 <= 0 or z <= 0:
        raise ModelError(
            "pool_wald: df_complete is too small for the information missing; leave it out."
        )
    return 4 + 1 / z


def _f_test(name: str, statistic: float, k: int, df: float, r: float) -> PooledTest:
    if statistic <= 0:
        p_value = 1.0
    elif math.isinf(df):
        p_value = float(chdtrc(k, statistic * k))
    else:
        p_value = float(fdtrc(k, df, statistic))
    return PooledTest(name, statistic, k, df, p_value, r)

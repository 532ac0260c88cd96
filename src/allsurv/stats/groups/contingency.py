"""Chi-squared and Fisher tests of tables of counts."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import chdtrc

from allsurv.errors import OutcomeError
from allsurv.stats.groups.fisher import fisher_p_value
from allsurv.stats.groups.group_tests import GroupTest
from allsurv.stats.numbers import real_array

__all__ = ["chi_squared", "expected_counts", "fisher_exact"]

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


def chi_squared(table: ArrayLike, *, correction: bool = False) -> GroupTest:
    """Pearson's chi-squared test of a table of counts.

    Parameters
    ----------
    table : array-like of shape (n_rows, n_columns)
        Counts; empty rows and columns do not count.
    correction : bool, default=False
        Apply Yates' continuity correction to a two by two table.

    Returns
    -------
    GroupTest
        Without P value where the table has one row or one column.

    Raises
    ------
    OutcomeError
        If ``table`` is not one of counts.

    Notes
    -----
    Checked against R ``chisq.test``.

    Examples
    --------
    >>> chi_squared([[3, 1], [1, 3]]).statistic
    2.0
    >>> chi_squared([[3, 1], [1, 3]], correction=True).statistic
    0.5
    """
    counts = _check_table(table, "chi_squared")
    corrected = correction and counts.shape == (2, 2)
    name = "chi-squared test with continuity correction" if corrected else _PEARSON
    if min(counts.shape) < 2:
        return GroupTest(name, math.nan, None, math.nan, "one category or one group only")
    expected = expected_counts(counts)
    gap = np.abs(counts - expected)
    if corrected:
        gap = gap - np.minimum(0.5, gap)
    statistic = float(np.sum(gap**2 / expected))
    df = (counts.shape[0] - 1) * (counts.shape[1] - 1)
    return GroupTest(name, statistic, df, float(chdtrc(df, statistic)))


_PEARSON = "Pearson chi-squared test"


def fisher_exact(table: ArrayLike) -> GroupTest:
    """Fisher's exact test of a table of counts of any size.

    Parameters
    ----------
    table : array-like of shape (n_rows, n_columns)
        Counts; empty rows and columns do not count.

    Returns
    -------
    GroupTest
        With a P value only; none where the table has one row or one column.

    Raises
    ------
    OutcomeError
        If ``table`` is not one of counts, or has too many cells and patients to enumerate.

    Notes
    -----
    Two-sided: the tables at most as likely as the one seen. Checked against R ``fisher.test``.

    Examples
    --------
    >>> round(fisher_exact([[3, 1], [1, 3]]).p_value, 4)
    0.4857
    """
    counts = _check_table(table, "fisher_exact")
    name = "Fisher exact test"
    if min(counts.shape) < 2:
        return GroupTest(name, math.nan, None, math.nan, "one category or one group only")
    return GroupTest(name, math.nan, None, fisher_p_value(counts))


def _check_table(table: ArrayLike, where: str) -> Integers:
    try:
        counts = real_array(table)
    except (TypeError, ValueError):
        raise OutcomeError(f"{where}: the table is not numeric; give counts.") from None
    if counts.ndim != 2 or not np.all(np.isfinite(counts)):
        raise OutcomeError(f"{where}: the table is not two-dimensional and finite; give counts.")
    if np.any((counts < 0) | (counts > 1e9) | (counts != np.floor(counts))):
        raise OutcomeError(f"{where}: the table holds other than counts; give whole numbers.")
    if not counts.sum():
        raise OutcomeError(f"{where}: the table is empty; give at least one patient.")
    filled = counts[counts.any(axis=1)][:, counts.any(axis=0)]
    return filled.astype(np.int64)


def expected_counts(counts: Integers) -> Floats:
    """Give the counts expected were rows and columns independent.

    Parameters
    ----------
    counts : ndarray of shape (n_rows, n_columns)
        Counts.

    Returns
    -------
    ndarray of shape (n_rows, n_columns)
        Product of margins over the total.

    Notes
    -----
    Checked against R ``chisq.test(x)$expected``.
    """
    found: Floats = np.outer(counts.sum(axis=1), counts.sum(axis=0)) / counts.sum()
    return found

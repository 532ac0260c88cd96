"""Comparison of patients' characteristics between groups, naming the test that was used."""

from __future__ import annotations

import math
from contextlib import suppress
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from allsurv.errors import OutcomeError
from allsurv.stats.groups.contingency import chi_squared, expected_counts, fisher_exact
from allsurv.stats.groups.fisher import TooManyTablesError
from allsurv.stats.groups.group_tests import GroupTest, numbers_by_group, require_two
from allsurv.stats.groups.rank_tests import kruskal_wallis, mann_whitney
from allsurv.stats.labels import label_codes
from allsurv.stats.levels import check_level, normal_quantile
from allsurv.stats.outcome import Estimate

__all__ = [
    "MIN_EXPECTED",
    "GroupTest",
    "chi_squared",
    "compare_groups",
    "fisher_exact",
    "kruskal_wallis",
    "mann_whitney",
    "standardised_mean_difference",
]

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Kind = Literal["continuous", "categorical"]
TestName = Literal[
    "chi-squared", "chi-squared corrected", "fisher", "mann-whitney", "kruskal-wallis"
]


MIN_EXPECTED = 5.0
"""Expected count below which tables of this package compare levels by Fisher's exact test."""


def compare_groups(
    values: ArrayLike,
    groups: ArrayLike,
    *,
    kind: Kind = "continuous",
    test: TestName | None = None,
    min_expected: float = 0.0,
) -> GroupTest:
    """Compare one characteristic between groups, choosing and naming the test.

    Parameters
    ----------
    values : array-like of shape (n_patients,)
        Numbers, or labels of categories; none missing.
    groups : array-like of shape (n_patients,)
        Label of each patient's group; at least two.
    kind : {"continuous", "categorical"}, default="continuous"
        Continuous values are compared by ranks: Mann-Whitney for two groups, Kruskal-Wallis for
        more. Categories by Pearson's chi-squared without continuity correction.
    test : str, optional
        Name of another test: ``"chi-squared"``, ``"chi-squared corrected"``, ``"fisher"``,
        ``"mann-whitney"`` or ``"kruskal-wallis"``.
    min_expected : float, default=0.0
        Categories are compared by Fisher's exact test where an expected count is below this and
        the tables with the same margins are not too many to go through: 5 is Cochran's rule; 0
        keeps chi-squared always.

    Returns
    -------
    GroupTest
        ``name``, ``statistic``, ``df``, ``p_value``.

    Raises
    ------
    OutcomeError
        If values or labels are malformed, or the test does not fit ``kind`` or the groups.

    Notes
    -----
    Checked against R ``chisq.test``, ``fisher.test``, ``wilcox.test`` and ``kruskal.test``.

    Examples
    --------
    Three of four against one of four: chi-squared is 8 * (3 * 3 - 1 * 1)^2 / 4^4 = 2.

    >>> values, groups = [1, 1, 1, 0, 1, 0, 0, 0], list("aaaabbbb")
    >>> found = compare_groups(values, groups, kind="categorical")
    >>> found.name, found.statistic, round(found.p_value, 4)
    ('Pearson chi-squared test', 2.0, 0.1573)
    """
    where = "compare_groups"
    if kind not in ("continuous", "categorical"):
        raise OutcomeError(f"{where}: kind is {kind!r}; choose 'continuous' or 'categorical'.")
    if not isinstance(min_expected, int | float | np.number) or not min_expected >= 0:
        raise OutcomeError(f"{where}: min_expected is {min_expected!r}; give 0 or more, as 5.")
    allowed = _TESTS[kind]
    if test is not None and test not in allowed:
        raise OutcomeError(
            f"{where}: test is {test!r} for {kind} values; choose one of {', '.join(allowed)}."
        )
    if kind == "continuous":
        numbers, levels, codes = numbers_by_group(values, groups, where)
        by_two = test == "mann-whitney" or (test is None and levels == 2)
        return (mann_whitney if by_two else kruskal_wallis)(numbers, codes)
    table = _cross_table(values, groups, where)
    if test is None and table.size and expected_counts(table).min() < min_expected:
        with suppress(TooManyTablesError):
            return fisher_exact(table)
    if test == "fisher":
        return fisher_exact(table)
    return chi_squared(table, correction=test == "chi-squared corrected")


_TESTS: dict[str, tuple[str, ...]] = {
    "continuous": ("mann-whitney", "kruskal-wallis"),
    "categorical": ("chi-squared", "chi-squared corrected", "fisher"),
}


def standardised_mean_difference(
    values: ArrayLike, groups: ArrayLike, *, kind: Kind = "continuous", level: float = 0.95
) -> Estimate:
    r"""Difference between two groups in units of the pooled standard deviation.

    Unlike a P value it does not grow with the number of patients; 0.1 is often called negligible.

    Parameters
    ----------
    values : array-like of shape (n_patients,)
        Numbers, or labels of categories; none missing.
    groups : array-like of shape (n_patients,)
        Label of each patient's group; two.
    kind : {"continuous", "categorical"}, default="continuous"
        Continuous: group sorting second less group sorting first. Categorical: distance between
        the two sets of proportions, never negative.
    level : float, default=0.95
        Confidence level, in (0, 1).

    Returns
    -------
    Estimate
        Missing with a reason where a group has no spread.

    Raises
    ------
    OutcomeError
        If values or labels are malformed, or there are not two groups.

    Notes
    -----
    :math:`d = (\bar x_1 - \bar x_0) / \sqrt{(s_1^2 + s_0^2) / 2}`; for categories
    :math:`\sqrt{(p_1 - p_0)^T S^{-1} (p_1 - p_0)}` with :math:`S` the mean multinomial covariance
    [1]_. Standard error :math:`\sqrt{1/n_1 + 1/n_0 + d^2 / \{2 (n_1 + n_0)\}}`. Checked against R
    arithmetic in ``tests/reference/twosample.R``.

    References
    ----------
    .. [1] Yang D, Dalton JE. SAS Global Forum 2012: paper 335.

    Examples
    --------
    Means 2 and 4, both variances 1.

    >>> standardised_mean_difference([1, 2, 3, 3, 4, 5], list("aaabbb")).value
    2.0
    """
    where = "standardised_mean_difference"
    checked = check_level(level, where)
    if kind == "continuous":
        numbers, levels, codes = numbers_by_group(values, groups, where)
        require_two(levels, where)
        sizes = np.bincount(codes)
        difference = _continuous_difference(numbers, codes)
    elif kind == "categorical":
        table = _cross_table(values, groups, where)
        require_two(table.shape[0], where)
        sizes = table.sum(axis=1)
        difference = _categorical_difference(table / sizes[:, None])
    else:
        raise OutcomeError(f"{where}: kind is {kind!r}; choose 'continuous' or 'categorical'.")
    if not math.isfinite(difference):
        return Estimate.missing("the groups have no spread to measure by", level=checked)
    error = math.sqrt(np.sum(1 / sizes) + difference**2 / (2 * np.sum(sizes)))
    reach = normal_quantile(checked) * error
    return Estimate(difference, difference - reach, difference + reach, error, checked)


def _continuous_difference(numbers: Floats, codes: Integers) -> float:
    first, second = numbers[codes == 0], numbers[codes == 1]
    if min(first.size, second.size) < 2:
        return math.nan
    spread = math.sqrt((first.var(ddof=1) + second.var(ddof=1)) / 2)
    gap = float(second.mean() - first.mean())
    if spread == 0:
        return 0.0 if gap == 0 else math.nan
    return gap / spread


def _categorical_difference(proportions: Floats) -> float:
    gap = (proportions[1] - proportions[0])[1:]
    if not np.any(gap):
        return 0.0
    covariance = sum(np.diag(p) - np.outer(p, p) for p in proportions[:, 1:]) / 2
    if np.linalg.matrix_rank(covariance) < gap.size:
        return math.nan
    return math.sqrt(float(gap @ np.linalg.solve(covariance, gap)))


def _cross_table(values: ArrayLike, groups: ArrayLike, where: str) -> Integers:
    size = np.size(np.asarray(groups, dtype=object))
    categories, column = label_codes(values, size, "values", where)
    levels, row = label_codes(groups, size, "groups", where)
    if levels.size < 2:
        raise OutcomeError(f"{where}: there is only one group; give at least two.")
    flat = np.bincount(row * categories.size + column, minlength=levels.size * categories.size)
    return flat.reshape(levels.size, categories.size).astype(np.int64)

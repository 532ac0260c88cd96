"""Mann-Whitney and Kruskal-Wallis tests."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import chdtrc, ndtr

from allsurv.stats.groups.group_tests import GroupTest, numbers_by_group, require_two

__all__ = ["kruskal_wallis", "mann_whitney"]

Floats = NDArray[np.float64]
Integers = NDArray[np.intp]
EXACT_BELOW = 50  # group size under which R's wilcox.test is exact when there are no ties


def mann_whitney(values: ArrayLike, groups: ArrayLike) -> GroupTest:
    """Mann-Whitney (Wilcoxon rank-sum) test of two groups.

    Parameters
    ----------
    values : array-like of shape (n_patients,)
        Numbers; none missing.
    groups : array-like of shape (n_patients,)
        Label of each patient's group; two.

    Returns
    -------
    GroupTest
        ``statistic`` is U of the group whose label sorts first.

    Raises
    ------
    OutcomeError
        If values or labels are malformed, or there are not two groups.

    Notes
    -----
    Exact without ties in groups of fewer than 50; otherwise normal with corrections for ties and
    continuity. Checked against R ``wilcox.test``.

    Examples
    --------
    All of a below all of b: 2 of the 20 orders are as extreme.

    >>> mann_whitney([1, 2, 3, 4, 5, 6], list("aaabbb")).p_value
    0.1
    """
    numbers, levels, codes = numbers_by_group(values, groups, "mann_whitney")
    return _mann_whitney(numbers, codes, levels)


def kruskal_wallis(values: ArrayLike, groups: ArrayLike) -> GroupTest:
    """Kruskal-Wallis test of any number of groups, corrected for ties.

    Parameters
    ----------
    values : array-like of shape (n_patients,)
        Numbers; none missing.
    groups : array-like of shape (n_patients,)
        Label of each patient's group; at least two.

    Returns
    -------
    GroupTest
        ``statistic`` is H.

    Raises
    ------
    OutcomeError
        If values or labels are malformed.

    Notes
    -----
    Checked against R ``kruskal.test``.

    Examples
    --------
    Rank sums 3, 7, 11: H = 12 / (6 * 7) * (9 + 49 + 121) / 2 - 3 * 7 = 32/7.

    >>> round(kruskal_wallis([1, 2, 3, 4, 5, 6], list("aabbcc")).statistic, 4)
    4.5714
    """
    numbers, levels, codes = numbers_by_group(values, groups, "kruskal_wallis")
    return _kruskal_wallis(numbers, codes, levels)


def _mann_whitney(numbers: Floats, codes: Integers, levels: int) -> GroupTest:
    require_two(levels, "mann_whitney")
    ranks, tie_sizes = _ranks(numbers)
    n1 = int(np.sum(codes == 0))
    n2 = codes.size - n1
    statistic = float(ranks[codes == 0].sum()) - n1 * (n1 + 1) / 2
    if max(n1, n2) < EXACT_BELOW and tie_sizes.size == codes.size:
        return GroupTest(
            "exact Mann-Whitney test", statistic, None, _exact_rank_sum_p(statistic, n1, n2)
        )
    n = n1 + n2
    ties = float(np.sum(tie_sizes**3 - tie_sizes))
    variance = n1 * n2 / 12 * (n + 1 - ties / (n * (n - 1)))
    if variance <= 1e-12 * n1 * n2 * n:
        return GroupTest("Mann-Whitney test", statistic, None, math.nan, "all values are equal")
    gap = abs(statistic - n1 * n2 / 2)
    z = (gap - 0.5 * (gap > 0)) / math.sqrt(variance)
    return GroupTest("Mann-Whitney test", statistic, None, float(2 * ndtr(-z)))


def _exact_rank_sum_p(statistic: float, n1: int, n2: int) -> float:
    # ways[k, s]: subsets of k ranks so far whose sum, less the least possible, is s.
    few = min(n1, n2)
    top = n1 * n2
    ways = np.zeros((few + 1, top + few * (few + 1) // 2 + 1))
    ways[0, 0] = 1.0
    for rank in range(1, n1 + n2 + 1):
        ways[1:, rank:] += ways[:-1, : ways.shape[1] - rank].copy()
    counts = ways[few, few * (few + 1) // 2 :][: top + 1]
    extreme = min(statistic, top - statistic)
    return float(min(1.0, 2 * counts[: round(extreme) + 1].sum() / counts.sum()))


def _kruskal_wallis(numbers: Floats, codes: Integers, levels: int) -> GroupTest:
    name = "Kruskal-Wallis test"
    ranks, tie_sizes = _ranks(numbers)
    n = numbers.size
    shrink = 1 - float(np.sum(tie_sizes**3 - tie_sizes)) / (n**3 - n)
    if shrink <= 1e-12:
        return GroupTest(name, math.nan, None, math.nan, "all values are equal")
    sizes, sums = np.bincount(codes), np.bincount(codes, ranks)
    spread = float(np.sum(sizes * (sums / sizes - (n + 1) / 2) ** 2))
    statistic = 12 / (n * (n + 1)) * spread / shrink
    return GroupTest(name, statistic, levels - 1, float(chdtrc(levels - 1, statistic)))


def _ranks(numbers: Floats) -> tuple[Floats, Floats]:
    _, which, sizes = np.unique(numbers, return_inverse=True, return_counts=True)
    middle = np.cumsum(sizes) - (sizes - 1) / 2
    return middle[which], sizes.astype(float)

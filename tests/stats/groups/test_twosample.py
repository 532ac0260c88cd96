"""Tests between groups against R, the paper's table, and hand counts."""

from __future__ import annotations

import math
from itertools import permutations, product

import numpy as np
import pytest

from allsurv.errors import OutcomeError
from allsurv.stats.groups.twosample import (
    chi_squared,
    compare_groups,
    fisher_exact,
    kruskal_wallis,
    mann_whitney,
    standardised_mean_difference,
)


@pytest.fixture(scope="module")
def made(reference):
    return reference("twosample")


def gap(ours, theirs):
    return abs(ours - theirs) / max(abs(theirs), 1e-12)


def expand(table):
    """Write a table of counts out as one row per patient."""
    values, groups = [], []
    for i, row in enumerate(table):
        for j, count in enumerate(row):
            values += [f"category {j}"] * count
            groups += [f"group {i}"] * count
    return values, groups


def test_rank_tests_equal_r(made, record_difference):
    kruskal = wilcoxon = 0.0
    for case in made["ranks"]:
        ours = kruskal_wallis(case["values"], case["groups"])
        statistic, df, p_value = case["kruskal"]
        assert ours.df == df
        kruskal = max(kruskal, gap(ours.statistic, statistic), gap(ours.p_value, p_value))
        if "wilcoxon" in case:
            ours = mann_whitney(case["values"], case["groups"])
            statistic, p_value = case["wilcoxon"]
            wilcoxon = max(wilcoxon, gap(ours.statistic, statistic), gap(ours.p_value, p_value))
    record_difference("kruskal_wallis", "kruskal.test", kruskal)
    record_difference("mann_whitney", "wilcox.test", wilcoxon)
    assert kruskal < 1e-9
    assert wilcoxon < 1e-9


def test_table_tests_equal_r(made, record_difference):
    pearson = exact = 0.0
    for case in made["tables"]:
        for name, correction in (("pearson", False), ("corrected", True)):
            ours = chi_squared(case["table"], correction=correction)
            statistic, df, p_value = case[name]
            assert ours.df == df
            pearson = max(pearson, gap(ours.statistic, statistic), gap(ours.p_value, p_value))
        exact = max(exact, gap(fisher_exact(case["table"]).p_value, case["fisher"]))
    record_difference("chi_squared", "chisq.test", pearson)
    record_difference("fisher_exact", "fisher.test", exact)
    assert pearson < 1e-9
    assert exact < 1e-9


def test_standardised_differences_equal_r_arithmetic(made, record_difference):
    worst, compared = 0.0, 0
    for case in made["ranks"]:
        if "difference" in case:
            ours = standardised_mean_difference(case["values"], case["groups"])
            value, error = case["difference"]
            worst = max(worst, gap(ours.value, value), gap(ours.std_error, error))
    for case in made["tables"]:
        if "difference" in case:
            values, groups = expand(case["table"])
            ours = standardised_mean_difference(values, groups, kind="categorical")
            worst = max(worst, gap(ours.value, case["difference"]))
            compared += 1
    record_difference("standardised_mean_difference", "R arithmetic", worst)
    assert compared > 50
    assert worst < 1e-9


def test_fisher_beyond_the_default_workspace_of_r():
    # R: fisher.test(rbind(c(5,6,7,8), c(3,9,4,10), c(8,6,12,4), c(7,9,2,8)), workspace = 2e8)
    p_value = fisher_exact([[5, 6, 7, 8], [3, 9, 4, 10], [8, 6, 12, 4], [7, 9, 2, 8]]).p_value
    assert p_value == pytest.approx(0.09899178, abs=5e-9)


def test_pearson_is_the_default_and_gives_the_printed_p_value():
    # Kantarjian 2023: sinusoidal obstruction syndrome in 9 of 67 patients before the amendment and
    # 1 of 43 after it, printed P = 0.05; Fisher's exact test gives 0.085.
    values, groups = expand([[9, 58], [1, 42]])
    found = compare_groups(values, groups, kind="categorical")
    assert found.name == "Pearson chi-squared test"
    assert found.p_value == pytest.approx(0.048, abs=0.0005)
    fisher = compare_groups(values, groups, kind="categorical", test="fisher")
    assert fisher.p_value == pytest.approx(0.085, abs=0.0005)


def test_cochran_rule_turns_to_fisher_and_says_so():
    values, groups = expand([[3, 1], [1, 3]])
    found = compare_groups(values, groups, kind="categorical", min_expected=5)
    assert found.name == "Fisher exact test"
    assert found.p_value == pytest.approx(34 / 70)


def test_continuous_test_follows_the_number_of_groups():
    values = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]
    assert compare_groups(values, list("aaabbb")).name == "exact Mann-Whitney test"
    assert compare_groups(values, list("aabbcc")).name == "Kruskal-Wallis test"
    assert compare_groups([1, 1, 2, 2, 3, 3], list("aaabbb")).name == "Mann-Whitney test"


def test_exact_rank_sum_counts_every_order():
    values = np.array([3.1, 0.2, 5.5, 1.7, 4.0, 9.3, 2.6])
    groups = np.array([0, 0, 0, 1, 1, 1, 1])
    seen = abs(mann_whitney(values, groups).statistic - 6)
    orders = set(permutations(groups.tolist()))
    sums = [np.arange(7)[np.array(order) == 0].sum() - 3 for order in orders]
    extreme = np.mean([abs(total - 6) >= seen for total in sums])
    assert mann_whitney(values, groups).p_value == pytest.approx(extreme, rel=1e-12)


def test_degenerate_samples_say_why():
    assert chi_squared([[4, 5]]).reason == "one category or one group only"
    assert fisher_exact([[4], [5]]).reason == "one category or one group only"
    for test in (mann_whitney, kruskal_wallis):
        found = test([1, 1, 1, 1], list("aabb"))
        assert math.isnan(found.p_value)
        assert found.reason == "all values are equal"
    no_spread = standardised_mean_difference([1, 1, 2, 2], list("aabb"))
    assert no_spread.reason == "the groups have no spread to measure by"


@pytest.mark.parametrize(
    "call",
    [
        lambda: compare_groups([1, 2], ["a", "a"]),
        lambda: compare_groups([1, np.nan], ["a", "b"]),
        lambda: compare_groups([1, 2], ["a", None]),
        lambda: compare_groups([1, 2, 3], ["a", "b"]),
        lambda: compare_groups(["x", "y"], ["a", "b"]),
        lambda: compare_groups([1, 2], ["a", "b"], kind="ordinal"),
        lambda: compare_groups([1, 2], ["a", "b"], test="fisher"),
        lambda: compare_groups(["x", None], ["a", "b"], kind="categorical"),
        lambda: mann_whitney([1, 2, 3], ["a", "b", "c"]),
        lambda: standardised_mean_difference([1, 2, 3], ["a", "b", "c"]),
        lambda: standardised_mean_difference([1, 2], ["a", "b"], level=1.0),
        lambda: standardised_mean_difference([1, 2], ["a", "b"], kind="other"),
        lambda: chi_squared([1, 2, 3]),
        lambda: chi_squared([[1, -2], [3, 4]]),
        lambda: chi_squared([[1.5, 2], [3, 4]]),
        lambda: chi_squared([[0, 0], [0, 0]]),
        lambda: chi_squared("table"),
        lambda: fisher_exact(np.full((6, 6), 40)),
    ],
)
def test_malformed_input_raises_one_clear_error(call):
    with pytest.raises(OutcomeError, match=r": .+; |give"):
        call()


@pytest.mark.parametrize(
    "table",
    [
        [[1, 3, 3, 0, 2], [2, 3, 3, 1, 2]],
        [[2, 1, 2, 1, 0], [3, 2, 3, 3, 1]],
        [[1, 0, 1, 0], [2, 2, 2, 1]],
        [[1, 1, 1], [1, 1, 1]],
    ],
)
def test_the_most_probable_table_has_p_1(table):
    """Every other table with these margins is as probable or less; R 4.2.2: fisher.test gives 1."""
    assert fisher_exact(table).p_value == pytest.approx(1.0, abs=1e-12)


def test_fisher_is_the_sum_over_all_tables_of_the_margins():
    """Small tables against every table with the same margins, listed one by one."""
    rng = np.random.default_rng(7)
    for _ in range(60):
        table = rng.integers(0, 4, (2, rng.integers(3, 5)))
        if (table.sum(axis=0) == 0).any() or (table.sum(axis=1) == 0).any():
            continue
        columns, first = table.sum(axis=0), table[0].sum()
        ways = [
            math.prod(math.comb(int(n), k) for n, k in zip(columns, row, strict=True))
            for row in product(*(range(n + 1) for n in columns))
            if sum(row) == first
        ]
        seen = math.prod(math.comb(int(n), int(k)) for n, k in zip(columns, table[0], strict=True))
        expected = sum(w for w in ways if w <= seen) / sum(ways)
        assert fisher_exact(table).p_value == pytest.approx(expected, abs=1e-12)

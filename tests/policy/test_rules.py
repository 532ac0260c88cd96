"""The rule of small counts, case by case: everything that is hidden, and nothing more."""

from __future__ import annotations

import re

import numpy as np
import pytest

from allsurv.policy.rules import CMS, POLICIES, DisclosurePolicy, Sum, hidden_cells


def hidden(counts, *sums, policy=CMS, **options):
    return np.flatnonzero(hidden_cells(counts, sums, policy, **options)).tolist()


@pytest.mark.parametrize(
    ("name", "small", "shown"),
    [
        ("cms", [1, 10], [0, 11]),
        ("acro", [0, 1, 9], [10]),
        ("journal", [], [0, 1]),
        ("off", [], [0, 1]),
    ],
)
def test_which_counts_are_small(name, small, shown):
    policy = POLICIES[name]
    counts = [*small, *shown]
    assert policy.is_small(np.array(counts)).tolist() == [count in small for count in counts]
    assert [policy.is_small(count) for count in counts] == [count in small for count in counts]


@pytest.mark.parametrize("name", ["cms", "acro"])
def test_the_sentence_of_a_policy_names_its_threshold(name):
    policy = POLICIES[name]
    assert f"fewer than {policy.threshold} patients" in policy.statement
    assert re.search(rf"from \d+ (to|or) {policy.threshold - 1}\b", policy.statement)


def test_each_rule_of_dominance_alone():
    """By one of n patients above k, or by all but the two largest below p of the largest.

    With the limits of acro the second rule never decides: what it finds, the first has found.
    """
    first = DisclosurePolicy("x", "", 11, dominance=(1, 0.5, 0.0))
    assert not first.is_dominated([50, 50])  # half is not above half
    assert first.is_dominated([51, 49])
    assert first.is_dominated([-51, 49])  # by size
    second = DisclosurePolicy("x", "", 11, dominance=(1, 1.0, 0.3))
    assert second.is_dominated([50, 50, 14])  # 14 < 15
    assert not second.is_dominated([50, 50, 15])
    assert not second.is_dominated([50, 50, 8, 7])
    assert second.is_dominated([50])
    for nothing in ([], [0.0, 0.0]):
        assert not second.is_dominated(nothing)


# A single sum.


def test_a_small_part_takes_the_smallest_other_with_it():
    assert hidden([30, 9, 20, 59], Sum((0, 1, 2), total=3)) == [1, 2]
    assert hidden([30, 11, 20, 61], Sum((0, 1, 2), total=3)) == []


def test_parts_that_together_are_few_take_another():
    """4 + 5 are 9: that they are 9 together must not follow either."""
    assert hidden([4, 5, 30, 40, 79], Sum((0, 1, 2, 3), total=4)) == [0, 1, 2]
    assert hidden([5, 6, 30, 40, 81], Sum((0, 1, 2, 3), total=4)) == [0, 1]


def test_a_sum_that_is_known_otherwise_is_a_sum():
    assert hidden([30, 9], Sum((0, 1))) == [0, 1]
    assert hidden([30, 9]) == [1]
    assert hidden([9, 9], Sum((0,))) == [0, 1]  # nothing is left to hide beside it


def test_what_costs_the_reader_nothing_goes_first_then_what_is_not_0():
    line = Sum((0, 1, 2, 3), total=4)
    assert hidden([9, 0, 30, 20, 59], line) == [0, 3]
    assert hidden([9, 0, 30, 20, 59], line, unprinted=[2]) == [0, 2]
    assert hidden([9, 0, 2_000, 0, 2_009], line, unprinted=[1]) == [0, 1, 2]


def test_where_no_other_part_is_left_the_total_goes():
    assert hidden([9, 9], Sum((0,), total=1)) == [0, 1]
    assert hidden([4, 5, 9], Sum((0, 1), total=2)) == [0, 1, 2]


def test_what_is_hidden_for_another_reason_does_not_follow():
    line = Sum((0, 1), total=2)
    assert hidden([20, 30, 50], line) == []
    assert hidden([20, 30, 50], line, hidden_anyway=[2]) == [0, 2]
    assert hidden([20, 30, 50], line, hidden_anyway=[0]) == [0, 1]


# Several sums at once.


def test_a_small_cell_that_follows_from_two_sums_takes_another():
    """0 + 1 and 0 + 1 + 2 + 3 are known: their difference less the shown 3 would be the small 2."""
    known = Sum((0, 1)), Sum((0, 1, 2, 3))
    assert hidden([20, 30, 5, 40], *known, hidden_anyway=[0, 1]) == [0, 1, 2, 3]
    shown = Sum((0, 1), total=4), Sum((0, 1, 2, 3), total=5)
    counts = [20, 30, 5, 40, 50, 95]
    assert hidden(counts, *shown, hidden_anyway=[0, 1]) == [0, 1, 2, 3]
    # Where one of the totals is hidden nothing follows, and nothing more is hidden.
    assert hidden(counts, *shown, hidden_anyway=[0, 1, 5]) == [0, 1, 2, 5]
    assert hidden(counts, *shown, hidden_anyway=[0, 1, 4]) == [0, 1, 2, 4]


def test_a_large_cell_that_follows_may_follow():
    known = Sum((0, 1)), Sum((0, 1, 2, 3))
    assert hidden([20, 30, 15, 40], *known, hidden_anyway=[0, 1, 2]) == [0, 1, 2]


def test_it_ends_where_nothing_is_left_to_hide():
    """The small 0 is the difference of two sums known otherwise; all of its sum is hidden."""
    lines = Sum((0, 1), total=2), Sum((1, 3)), Sum((2, 3))
    assert hidden([5, 20, 25, 30], *lines, hidden_anyway=[1, 2, 3]) == [0, 1, 2, 3]

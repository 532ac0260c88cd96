"""Counts of overlapping patients: no small difference follows from what is shown."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from allsurv.policy.overlaps import shown_counts

EVERYBODY = np.ones(60, dtype=bool)


def first(n: int) -> np.ndarray:
    return np.arange(60) < n


def test_a_count_just_inside_another_is_hidden_though_nothing_else_gives_it_away():
    """30 and 25, one within the other: the 5 between them are no cell, so only this rule hides."""
    assert shown_counts([first(30), first(25)], 11) == [True, False]
    assert shown_counts([first(25), first(30)], 11) == [True, False]


def test_counts_far_apart_or_equal_are_shown():
    assert shown_counts([first(30), first(19)], 11) == [True, True]
    assert shown_counts([first(30), first(30)], 11) == [True, True]
    assert shown_counts([first(30), np.roll(first(30), 30)], 11) == [True, True]


def test_a_difference_of_ten_is_small_and_of_eleven_is_not():
    assert shown_counts([first(40), first(30)], 11) == [True, False]
    assert shown_counts([first(41), first(30)], 11) == [True, True]


@settings(deadline=None, max_examples=200)
@given(st.lists(st.integers(1, 60), min_size=2, max_size=7), st.integers(2, 15))
def test_no_difference_of_nested_counts_that_are_shown_is_small(sizes, threshold):
    shown = shown_counts([first(n) for n in sizes], threshold)
    kept = sorted({n for n, is_shown in zip(sizes, shown, strict=True) if is_shown})
    assert all(n >= threshold for n in kept)
    assert all(b - a >= threshold for a, b in pairwise(kept))


def test_tables_of_no_count_and_of_one():
    assert shown_counts([], 11) == []
    assert shown_counts([], 1) == []
    for n in (1, 10):
        assert shown_counts([first(n)], 11) == [False]
    for n in (0, 11, 60):
        assert shown_counts([first(n)], 11) == [True]
    assert shown_counts([first(1)], 1) == [True]


def test_counts_that_overlap_without_lying_in_one_another_are_shown():
    """30 and 25 share 20: that 30 is 5 more than 25 says nothing of 5 patients."""
    overlapping = np.roll(first(25), 10)
    assert (first(30) & overlapping).sum() == 20
    assert shown_counts([first(30), overlapping], 11) == [True, True]


def test_a_group_that_is_no_count_must_not_follow_either():
    """52 of 60 have the complication; everybody is 60, so 8 are without it."""
    with_it = first(52)
    assert shown_counts([EVERYBODY, first(30)], 11, also_small=[~with_it]) == [True, True]
    halves = [EVERYBODY, first(30), with_it & ~first(30)]
    assert shown_counts(halves, 11, also_small=[~with_it]) == [True, True, False]
    assert shown_counts(halves, 11) == [True, True, True]
    large = ~first(49)
    assert shown_counts([EVERYBODY, first(30), first(49) & ~first(30)], 11, also_small=[large]) == [
        True, True, True,
    ]  # fmt: skip


def test_one_patient_does_not_follow_from_three_counts():
    """A and B are disjoint; both without one patient, beside A and B, would single him out."""
    a, b, one = first(30), np.roll(first(30), 30), first(1)
    assert shown_counts([a, b, (a | b) & ~one, one], 11) == [True, True, False, False]

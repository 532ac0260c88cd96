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

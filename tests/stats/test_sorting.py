"""Sorting rows by packed keys: as a stable sort, also where the bits packed do not suffice."""

from __future__ import annotations

import numpy as np
import pytest

from allsurv.stats.sorting import FEW, sort_rows

N = 3 * FEW
RNG = np.random.default_rng(0)
DOUBLES = {
    "normal": RNG.normal(size=N),
    "tied": RNG.integers(-9, 9, N) / 7,
    "alike but for their last bits": 1.0 + RNG.integers(0, 2000, N) * np.finfo(float).eps,
    "negative, alike": -1.0 - RNG.integers(0, 9, N) * np.finfo(float).eps,
    "tiny and huge": RNG.choice([5e-324, -5e-324, 1e308, -1e308, 0.0, 1e-300], N),
    "zeros of both signs": RNG.choice([0.0, -0.0], N),
    "few": RNG.normal(size=FEW),
}


@pytest.mark.parametrize("kind", DOUBLES)
def test_doubles_are_sorted_with_equal_ones_in_their_order(kind):
    values = DOUBLES[kind]
    order, ordered = sort_rows(values)
    np.testing.assert_array_equal(order, values.argsort(kind="stable"))
    np.testing.assert_array_equal(ordered, np.sort(values))


@pytest.mark.parametrize("dtype", [np.int32, np.int64, np.uint8])
@pytest.mark.parametrize("largest", [5, 255, 2**16, 2**31 - 1])
def test_whole_numbers_are_sorted_with_equal_ones_in_their_order(largest, dtype):
    values = RNG.integers(0, min(largest, np.iinfo(dtype).max), N, endpoint=True).astype(dtype)
    order, ordered = sort_rows(values)
    np.testing.assert_array_equal(order, values.argsort(kind="stable"))
    np.testing.assert_array_equal(ordered, np.sort(values))

"""Shapley values by their definition."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest

from allsurv.errors import ModelError
from allsurv.explain.game import interactions_to_coalitions, shapley_matrix, sum_coalitions


def test_the_mean_over_all_orders_of_arrival():
    value = np.random.default_rng(0).normal(size=16)
    expected = np.zeros(4)
    orders = list(permutations(range(4)))
    for order in orders:
        coalition = 0
        for variable in order:
            expected[variable] += value[coalition | 1 << variable] - value[coalition]
            coalition |= 1 << variable
    np.testing.assert_allclose(shapley_matrix(4) @ value, expected / len(orders), rtol=1e-12)


def test_they_sum_to_what_all_variables_add():
    value = np.random.default_rng(1).normal(size=(1 << 9, 3))
    total = (shapley_matrix(9) @ value).sum(axis=0)
    np.testing.assert_allclose(total, value[-1] - value[0], rtol=1e-10)


def test_a_variable_that_adds_nothing_gets_nothing():
    parts = np.array([[1.0, 0.0, -2.0]])
    values = shapley_matrix(3) @ np.exp(sum_coalitions(parts))
    assert values[1, 0] == pytest.approx(0, abs=1e-15)


def test_interactions_are_summed_over_all_they_contain():
    added = np.random.default_rng(2).normal(size=(8, 2))
    found = interactions_to_coalitions(added)
    for whole in range(8):
        inside = [part for part in range(8) if part & whole == part]
        np.testing.assert_allclose(found[whole], added[inside].sum(axis=0))


def test_too_many_variables_are_refused():
    with pytest.raises(ModelError, match="at most 16 variables"):
        shapley_matrix(17)

"""Columns as levels, and sizes forecast before a fit."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from allsurv.errors import ModelError
from allsurv.models import make_model, settings
from allsurv.models.growing.levels import MOST_LEVELS, find_levels
from allsurv.models.settings import check_number, check_room, columns_tried


@given(st.lists(st.floats(-1e6, 1e6, width=32), min_size=1, max_size=600))
def test_levels_keep_the_order_and_hold_their_values(values):
    column = np.array(values, dtype=np.float32)
    levels = find_levels(column[:, None].astype(float))
    code = levels.code[0].astype(int)
    assert code.max() < MOST_LEVELS
    assert np.all(levels.lowest[0][code] <= column)
    assert np.all(column <= levels.highest[0][code])
    order = np.argsort(column, kind="stable")
    assert np.all(np.diff(code[order]) >= 0)
    if np.unique(column).size <= MOST_LEVELS:
        np.testing.assert_array_equal(levels.lowest[0][code], column)


def test_many_values_are_shared_out_evenly():
    levels = find_levels(np.random.default_rng(0).normal(size=(100_000, 1)))
    share = np.bincount(levels.code[0], minlength=MOST_LEVELS)
    assert share.min() > 380
    assert share.max() < 401


def test_a_forest_that_does_not_fit_is_refused_before_it_grows(toy_cohort, monkeypatch):
    cohort = toy_cohort(2000, 0)
    monkeypatch.setattr(settings, "free_memory", lambda: 1e6)
    with pytest.raises(ModelError, match=r"would take about .* GB.*coarser grid.*max_samples"):
        make_model("rsf", cohort.study, n_estimators=5000).fit(cohort.X, cohort.y("os"))
    with pytest.raises(ModelError, match=r"2\.0 GB, and 0\.0 GB are free; sleep"):
        check_room("here", 2e9, "sleep")


@pytest.mark.parametrize(
    ("family", "params", "message"),
    [
        ("rsf", {"n_estimators": 0}, "n_estimators=0; give a whole number of at least 1"),
        ("rsf", {"max_features": "all"}, "max_features='all'"),
        ("rsf", {"max_samples": 1.5}, "max_samples=1.5"),
        ("gbs", {"subsample": 0}, "subsample=0; give a number of at least"),
        ("gbs", {"learning_rate": 2.0}, "at most 1"),
        ("cgbs", {"n_estimators": 2.5}, "n_estimators=2.5; give a whole number"),
    ],
)
def test_parameters_out_of_range_are_named(toy_cohort, family, params, message):
    cohort = toy_cohort(50, 0)
    with pytest.raises(ModelError, match=message):
        make_model(family, cohort.study, **params).fit(cohort.X, cohort.y("os"))


def test_columns_tried():
    assert [columns_tried("x", rule, 16) for rule in (None, "sqrt", "log2", 3, 99, 0.25)] == [
        16, 4, 4, 3, 16, 4,
    ]  # fmt: skip
    with pytest.raises(ModelError):
        check_number("x", "y", True, low=0)

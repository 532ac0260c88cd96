"""Rubin's rules against R's mice and mitml, and properties."""

from __future__ import annotations

import math

import numpy as np
import pytest

from allsurv.errors import ModelError, OutcomeError
from allsurv.stats.missing.pooling import (
    pool_chi_squared,
    pool_coefficients,
    pool_likelihood_ratio,
    pool_stacked_likelihood_ratio,
    pool_wald,
)


@pytest.fixture(scope="module")
def made(reference):
    return reference("pooling")


def gap(ours, theirs):
    ours, theirs = np.asarray(ours, dtype=float), np.asarray(theirs, dtype=float)
    return float(np.max(np.abs(ours - theirs) / np.maximum(np.abs(theirs), 1e-12)))


def complete(case):
    return math.inf if case["df_complete"] == "Inf" else case["df_complete"]


def test_coefficients_equal_mice(made, record_difference):
    worst = 0.0
    for case in made["cases"]:
        ours = pool_coefficients(
            np.atleast_2d(case["estimates"]), case["covariances"], df_complete=complete(case)
        )
        theirs = np.array(case["coefficients"], dtype=float)
        columns = (
            ours.coef, ours.std_error**2, ours.df, ours.relative_increase, ours.missing_information
        )  # fmt: skip
        for column, expected in zip(columns, theirs.T, strict=True):
            worst = max(worst, gap(column, expected))
    record_difference("pool_coefficients", "mice::pool.scalar", worst)
    assert worst < 1e-9


def four(test):
    return [test.statistic, test.df_residual, test.p_value, test.relative_increase]


def test_pooled_wald_equals_mitml(made, record_difference):
    worst = 0.0
    for case in made["cases"]:
        m, k = np.shape(case["estimates"])
        df = complete(case) if k * (m - 1) > 4 else math.inf
        ours = pool_wald(case["estimates"], case["covariances"], df_complete=df)
        worst = max(worst, gap(four(ours), case["d1"]))
    record_difference("pool_wald", "mitml::testModels (D1)", worst)
    assert worst < 1e-9


def test_pooled_chi_squared_equals_mitml(made, record_difference):
    worst = 0.0
    for case in made["cases"]:
        ours = pool_chi_squared(case["own"], df=np.shape(case["estimates"])[1])
        theirs = [float(x) for x in case["d2"]]
        if ours.statistic <= 0:
            assert ours.p_value == 1.0
        worst = max(worst, gap(four(ours), theirs))
    record_difference("pool_chi_squared", "mitml::testModels (D2)", worst)
    assert worst < 1e-9


def test_pooled_likelihood_ratios_equal_mitml(made, record_difference):
    d3 = d4 = 0.0
    for case in made["likelihood"]:
        d3 = max(
            d3, gap(four(pool_likelihood_ratio(case["own"], case["at_pooled"], 2)), case["d3"])
        )
        stacked = pool_stacked_likelihood_ratio(case["own"], case["stacked"], 2)
        d4 = max(d4, gap(four(stacked), case["d4"]))
    record_difference("pool_likelihood_ratio", "mitml::testModels (D3)", d3)
    record_difference("pool_stacked_likelihood_ratio", "mitml::testModels (D4)", d4)
    assert d3 < 1e-8
    assert d4 < 1e-8


def test_pooling_identical_imputations_changes_nothing():
    estimate = np.array([0.4, -1.2])
    covariance = np.array([[0.04, 0.01], [0.01, 0.09]])
    pooled = pool_coefficients([estimate] * 5, [covariance] * 5)
    np.testing.assert_allclose(pooled.coef, estimate, rtol=1e-15)
    np.testing.assert_allclose(pooled.covariance, covariance, rtol=1e-15)
    np.testing.assert_allclose(pooled.upper, estimate + 1.959963984540054 * np.array([0.2, 0.3]))
    wald = estimate @ np.linalg.solve(covariance, estimate)
    for test in (
        pool_wald([estimate] * 5, [covariance] * 5),
        pool_chi_squared([wald] * 5, 2),
        pool_likelihood_ratio([wald] * 5, [wald] * 5, 2),
        pool_stacked_likelihood_ratio([wald] * 5, wald, 2),
    ):
        assert test.statistic * 2 == pytest.approx(wald, rel=1e-12)
        assert test.p_value == pytest.approx(math.exp(-wald / 2), rel=1e-12)  # chi-squared, 2 df


def test_one_coefficient_by_hand():
    # Estimates 1, 2, 3 with variances 1: W = 1, B = 1, T = 1 + 4/3 = 7/3, lambda = 4/7;
    # nu_m = 2 / (16/49) = 49/8; nu_obs = 11/13 * 10 * 3/7 = 330/91.
    pooled = pool_coefficients([[1], [2], [3]], [[[1]], [[1]], [[1]]], df_complete=10)
    assert pooled.std_error[0] ** 2 == pytest.approx(7 / 3)
    assert pooled.df[0] == pytest.approx(1 / (8 / 49 + 91 / 330))


@pytest.mark.parametrize(
    "call",
    [
        lambda: pool_coefficients([[1.0]], [[[1.0]]]),
        lambda: pool_coefficients([1.0, 2.0], [1.0, 1.0]),
        lambda: pool_coefficients([[1.0], [2.0]], [[[1.0]], [[0.0]]]),
        lambda: pool_coefficients([[1.0], [np.nan]], [[[1.0]], [[1.0]]]),
        lambda: pool_coefficients([["a"], ["b"]], [[[1.0]], [[1.0]]]),
        lambda: pool_coefficients([[1.0], [2.0]], [[[1.0]], [[1.0]]], df_complete=0),
        lambda: pool_wald([[1.0, 1.0]] * 3, [np.ones((2, 2))] * 3),
        lambda: pool_wald([[1.0], [2.0]], [[[1.0]], [[1.0]]], df_complete=50),
        lambda: pool_wald(10 * np.eye(3)[[0, 1, 2, 0, 1]], [np.eye(3)] * 5, df_complete=5),
        lambda: pool_chi_squared([3.0, -1.0], 1),
        lambda: pool_chi_squared([3.0], 1),
        lambda: pool_chi_squared([3.0, 4.0], 0),
        lambda: pool_chi_squared([3.0, 4.0], 1.5),
        lambda: pool_likelihood_ratio([3.0, 4.0], [3.0], 1),
        lambda: pool_stacked_likelihood_ratio([3.0, 4.0], np.inf, 1),
    ],
)
def test_malformed_input_raises_one_clear_error(call):
    with pytest.raises(ModelError, match=r": .+; "):
        call()


def test_level_outside_the_unit_interval():
    with pytest.raises(OutcomeError, match="level"):
        pool_coefficients([[1.0], [2.0]], [[[1.0]], [[1.0]]], level=95)

"""Imputation and pooling at the ends of what they take: one value, one donor, nothing missing."""

from __future__ import annotations

import math

import numpy as np
import pytest

from allsurv.errors import ModelError
from allsurv.stats.missing.chained import _Chains, impute, n_imputations_for
from allsurv.stats.missing.incomplete import Incomplete, standardised
from allsurv.stats.missing.matching import choose_donors
from allsurv.stats.missing.newton import maximise, ridged
from allsurv.stats.missing.pooling import (
    pool_chi_squared,
    pool_coefficients,
    pool_likelihood_ratio,
    pool_stacked_likelihood_ratio,
    pool_wald,
)

NAN = np.nan


@pytest.mark.parametrize(
    ("share", "n"),
    [(0, 5), (0.05, 5), (0.0501, 6), (0.06, 6), (0.07, 7), (0.29, 29), (0.545, 55), (1, 100)],
)
def test_one_imputation_for_each_percent(share, n):
    assert n_imputations_for(share) == n  # 100 * 0.07 is 7.000000000000001, and 7 is meant


def donors_of(asked, donors):
    """Positions drawn among those predicted 1, 2 and 4, over 400 draws."""
    predicted = np.tile([1.0, 2.0, 4.0], (400, 1))
    rng = np.random.default_rng(0)
    return set(choose_donors(predicted, np.full((400, 1), asked), rng, donors=donors)[:, 0])


@pytest.mark.parametrize(
    ("asked", "one", "two"),
    [
        (-9, {0}, {0, 1}),
        (1, {0}, {0, 1}),
        (1.4, {0}, {0, 1}),
        (1.6, {1}, {0, 1}),
        (2, {1}, {0, 1}),
        (2.9, {1}, {1, 2}),
        (3.1, {2}, {1, 2}),
        (4, {2}, {1, 2}),
        (99, {2}, {1, 2}),
    ],
)
def test_a_number_is_taken_from_the_nearest(asked, one, two):
    assert donors_of(asked, 1) == one
    assert donors_of(asked, 2) == two
    assert donors_of(asked, 3) == donors_of(asked, 5) == {0, 1, 2}


@pytest.mark.parametrize("kind", ["number", "ordinal", "nominal"])
def test_where_nothing_is_missing_nothing_is_drawn(kind):
    values = np.array([0.0, 1.0, 2.0, 1.0])
    (drawn,) = impute([Incomplete(values, kind)], np.empty((4, 0)), n_imputations=1)
    assert drawn.tolist() == [values.tolist()]


@pytest.mark.parametrize("kind", ["number", "ordinal", "nominal"])
def test_the_only_known_value_is_everybodys(kind):
    values = np.array([NAN, 0.0, NAN, NAN])
    (drawn,) = impute([Incomplete(values, kind)], np.empty((4, 0)), n_imputations=2)
    assert (drawn == 0).all()


def test_a_single_missing_value_is_drawn_and_the_rest_stays():
    values = np.array([3.0, 5.0, NAN, 8.0, 1.0, 2.0])
    (drawn,) = impute(
        [Incomplete(values, "number")], np.arange(6.0)[:, None], n_imputations=30, donors=1
    )
    known = ~np.isnan(values)
    assert (drawn[:, known] == values[known]).all()
    assert set(drawn[:, 2]) <= set(values[known])


def test_variables_are_visited_fewest_missing_first_and_complete_ones_never():
    columns = [[1, NAN, NAN, 2], [1, 2, 3, 4], [NAN, 1, 2, 3], [NAN, NAN, NAN, 1], [NAN, 0, 1, 0]]
    variables = [Incomplete(np.array(column, float), "number") for column in columns]
    fixed = standardised(variables, np.empty((4, 0)), 1)
    chains = _Chains(variables, fixed, 1, np.random.default_rng(0))
    assert chains.order == [2, 4, 0, 3]


def test_a_column_that_does_not_vary_is_no_predictor():
    variables = [Incomplete(np.array([1.0, NAN, 2.0]), "number")]
    X = np.array([[1.0, 5.0], [2.0, 5.0], [3.0, 5.0]])
    kept = standardised(variables, X, 1)
    assert kept.shape == (3, 1)
    assert kept.mean() == pytest.approx(0, abs=1e-15)
    assert kept.std() == pytest.approx(1)


def test_a_model_without_a_maximum_is_refused():
    def rising(at):
        return at[:, 0], np.ones_like(at), np.ones((*at.shape, 1))

    with pytest.raises(ModelError, match="did not converge; leave out"):
        maximise(rising, np.zeros((1, 1)))


def test_a_step_that_lowers_the_likelihood_is_halved():
    # log-likelihood -sqrt(1 + x^2): from 2, Newton's step goes to 2 - 2 * 5 = -8 and diverges.
    def valley(at):
        x, root = at[:, 0], np.sqrt(1 + at[:, 0] ** 2)
        return -root, (-x / root)[:, None], (1 / root**3)[:, None, None]

    at, information = maximise(valley, np.array([[2.0], [0.5]]))
    np.testing.assert_allclose(at, 0, atol=1e-6)
    np.testing.assert_allclose(information, 1)


def test_a_billionth_is_added_and_one_where_nothing_is():
    found = ridged(np.array([[[4.0, 1.0], [1.0, 0.0]]]))
    np.testing.assert_allclose(found, [[[4 + 4e-9, 1], [1, 1]]], rtol=1e-15)


def test_pooling_of_two_by_hand():
    # Estimates 0 and 2, variances 1 and 3: W 2, B 2, T = 2 + 3/2 * 2 = 5, r = 3/2, lambda = 3/5;
    # df = 1 / (3/5)^2 = 25/9.
    pooled = pool_coefficients([[0.0], [2.0]], [[[1.0]], [[3.0]]])
    assert pooled.coef[0] == 1
    assert pooled.std_error[0] ** 2 == pytest.approx(5)
    assert pooled.relative_increase[0] == pytest.approx(3 / 2)
    assert pooled.df[0] == pytest.approx(25 / 9)
    half = pooled.upper[0] - pooled.coef[0]
    assert pooled.coef[0] - pooled.lower[0] == pytest.approx(half)
    # Student's quantile at 25/9 degrees of freedom lies between those at 3 and at 2.
    assert 3.1824 < half / math.sqrt(5) < 4.3027


def test_pooled_tests_of_two_by_hand():
    # D2: r = 3/2 * var(2, 3) = 3/4, (13/2 - 3 * 3/4) / (7/4) = 17/7; df = 1 * (1 + 4/3)^2.
    found = pool_chi_squared([4.0, 9.0], 1)
    assert found.statistic == pytest.approx(17 / 7)
    assert found.relative_increase == pytest.approx(3 / 4)
    assert found.df_residual == pytest.approx(49 / 9)
    # D3 and D4 where the pooled fit is better than each: r is 0, the test chi-squared.
    for test in (
        pool_likelihood_ratio([4.0, 6.0], [6.0, 6.0], 1),
        pool_stacked_likelihood_ratio([4.0, 6.0], 6.0, 1),
    ):
        assert (test.relative_increase, test.statistic) == (0, 6)
        assert test.df_residual == math.inf
        assert test.p_value == pytest.approx(math.erfc(math.sqrt(3)))
    # A statistic of 0 says nothing.
    assert pool_wald([[0.0], [0.0]], [[[1.0]], [[1.0]]]).p_value == 1


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: pool_coefficients([[1e51], [1.0]], [[[1.0]]] * 2), "go beyond 1e.50"),
        (lambda: pool_coefficients([[1.0], [1.0]], [[[1e-51]]] * 2), "go beyond 1e.50"),
        (lambda: pool_chi_squared([1e51, 1.0], 1), "statistics go beyond 1e.50"),
        (lambda: pool_chi_squared([np.nan, 1.0], 1), "not a vector of finite numbers"),
        (lambda: pool_chi_squared([[1.0], [2.0]], 1), "not a vector of finite numbers"),
        (lambda: pool_chi_squared([1.0, 2.0], True), "df is True"),
        (lambda: pool_wald([[1.0]] * 9, [[[1.0]]] * 9, df_complete="all"), "df_complete is 'all'"),
        (lambda: pool_wald([[1.0]] * 9, [[[1.0]]] * 9, df_complete=np.nan), "df_complete is nan"),
        (lambda: pool_wald([[1.0]] * 9, [[[1.0]]] * 8), r"shape \(9, 1\)"),
    ],
)
def test_what_cannot_be_pooled_is_refused(call, said):
    with pytest.raises(ModelError, match=said):
        call()


def test_the_largest_that_is_taken_is_taken():
    found = pool_coefficients([[1e50], [1e50]], [[[1.0]], [[1.0]]])
    assert found.coef[0] == 1e50
    assert pool_chi_squared([0.0, 0.0], 1).p_value == 1

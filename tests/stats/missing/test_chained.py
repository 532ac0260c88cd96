"""Imputation of yes/no values: R's logistic regressions, and what a draw must keep."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit

from allsurv.errors import ModelError
from allsurv.stats.missing.chained import augmented_logistic, impute_binary


def test_logistic_regressions_are_rs(reference, record_difference):
    worst = 0.0
    for case in reference("imputation")["logistic"]:
        coef, covariance = augmented_logistic(case["y"], case["known"], [case["x"]])
        worst = max(worst, np.abs(coef[0] - case["coef"]).max())
        worst = max(worst, np.abs(covariance[0] / np.array(case["covariance"]) - 1).max())
    record_difference("augmented_logistic", "mice:::augment, stats::glm", worst)
    assert worst < 1e-6


def test_fits_stacked_are_fits_alone():
    rng = np.random.default_rng(3)
    X = rng.normal(size=(4, 50, 2))
    y, known = rng.integers(0, 2, 50), np.arange(50) < 30
    coef, covariance = augmented_logistic(y, known, X)
    for k in range(4):
        alone, its_covariance = augmented_logistic(y, known, X[k : k + 1])
        np.testing.assert_allclose(coef[k], alone[0], rtol=1e-9)
        np.testing.assert_allclose(covariance[k], its_covariance[0], rtol=1e-9)


def test_known_values_stay_and_the_same_seed_draws_the_same():
    rng = np.random.default_rng(0)
    values = rng.integers(0, 2, (60, 2)).astype(float)
    values[40:, 0], values[:15, 1] = np.nan, np.nan
    X = rng.normal(size=(60, 3))
    drawn = impute_binary(values, X, n_imputations=6, random_state=4)
    known = ~np.isnan(values)
    assert np.array_equal(drawn[:, known], np.repeat(values[known][None], 6, axis=0))
    assert set(np.unique(drawn)) <= {0.0, 1.0}
    assert np.array_equal(drawn, impute_binary(values, X, n_imputations=6, random_state=4))
    assert not np.array_equal(drawn, impute_binary(values, X, n_imputations=6, random_state=5))


def test_draws_follow_the_logistic_model_that_made_the_data():
    # P(yes | x) = expit(2x - 0.5); 2,000 known, 2,000 imputed 20 times. The mean imputed share near
    # x = 1 has a Monte-Carlo error of about 0.004 and an error of the fit of about 0.015.
    rng = np.random.default_rng(8)
    x = rng.choice([-1.0, 0.0, 1.0], 4000)
    y = (rng.random(4000) < expit(2 * x - 0.5)).astype(float)
    y[2000:] = np.nan
    drawn = impute_binary(y[:, None], x[:, None], n_imputations=20, n_iterations=1)[:, 2000:, 0]
    for value in (-1.0, 0.0, 1.0):
        assert abs(drawn[:, x[2000:] == value].mean() - expit(2 * value - 0.5)) < 0.05


def test_draws_vary_between_imputations_as_the_estimate_is_uncertain():
    # Ten known patients, half yes, no predictor to speak of: the share imputed must vary by more
    # than the draw of 1,000 values alone would make it (0.016).
    rng = np.random.default_rng(1)
    values = np.full((1010, 1), np.nan)
    values[:10, 0] = [0, 1] * 5
    shares = impute_binary(values, rng.normal(size=(1010, 1)), n_imputations=50)[:, 10:, 0]
    assert shares.mean(axis=1).std() > 0.08


@pytest.mark.parametrize(
    ("values", "X", "message"),
    [
        ([[0.0], [1.0]], [[1.0]], "a row per patient"),
        ([[0.0], [1.0]], [[1.0], [np.nan]], "not complete"),
        ([[0.0], [2.0]], [[1.0], [2.0]], "other than 0, 1"),
        ([[0.0], [np.nan]], [[1.0], [2.0]], "same in everybody"),
        ([[0.0], [1.0], [np.nan]], [[1.0, 0], [2.0, 0], [3.0, 0]], "collinear"),
    ],
)
def test_what_cannot_be_imputed_is_refused(values, X, message):
    with pytest.raises(ModelError, match=message):
        impute_binary(values, X, n_imputations=2)

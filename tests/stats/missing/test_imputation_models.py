"""The models of chained equations against R: estimates, information and donors."""

from __future__ import annotations

import numpy as np
import pytest

from allsurv.stats.missing.matching import choose_donors, least_squares
from allsurv.stats.missing.regressions import augmented_multinomial, augmented_ordinal


@pytest.fixture(scope="module")
def made(reference):
    return reference("chained")


def gap(ours, theirs):
    return float(np.abs(np.asarray(ours) - np.asarray(theirs, dtype=float)).max())


def gaps(coef, information, case):
    covariance = np.array(case["covariance"], dtype=float)
    scale = np.sqrt(np.diag(covariance))
    inverse = np.linalg.inv(information)
    return max(
        gap(np.ravel(coef) / scale, np.ravel(np.array(case["coef"], dtype=float)) / scale),
        gap(inverse / np.outer(scale, scale), covariance / np.outer(scale, scale)),
    )


def test_logistic_regressions_are_rs(reference, record_difference):
    worst = 0.0
    for case in reference("imputation")["logistic"]:
        coef, information = augmented_multinomial(case["y"], case["known"], [case["x"]])
        worst = max(worst, gaps(coef, information[0], case))
    record_difference("augmented_multinomial", "mice:::augment, stats::glm", worst)
    assert worst < 1e-6


def test_multinomial_regressions_are_rs(made, record_difference):
    worst = 0.0
    for case in made["multinomial"]:
        coef, information = augmented_multinomial(
            case["level"], case["known"], [case["x"]], n_levels=case["levels"]
        )
        worst = max(worst, gaps(coef, information[0], case))
    record_difference("augmented_multinomial", "mice:::augment, nnet::multinom", worst)
    assert worst < 1e-6


def test_proportional_odds_regressions_are_rs(made, record_difference):
    worst = 0.0
    for case in made["ordered"]:
        coef, information = augmented_ordinal(
            case["level"], case["known"], [case["x"]], n_levels=case["levels"]
        )
        worst = max(worst, gaps(coef, information[0], case))
    record_difference("augmented_ordinal", "mice:::augment, ordinal::clm", worst)
    assert worst < 1e-6


def test_least_squares_are_mice(made, record_difference):
    worst = 0.0
    for case in made["squares"]:
        known = np.array(case["known"])
        rows = np.column_stack([np.ones(len(known)), case["x"]])[known]
        coef, information, residual = least_squares(np.array(case["y"])[known], rows[None])
        worst = max(
            worst,
            gap(coef[0], case["coef"]),
            gap(np.linalg.inv(information[0]), case["inverse"]),
            abs(residual[0] / case["residual"] - 1),
        )
        assert case["df"] == max(known.sum() - rows.shape[1], 1)
    record_difference("least_squares", "mice:::estimice", worst)
    assert worst < 1e-7


def test_donors_are_those_of_mice(made):
    for case in made["donors"]:
        observed, asked = np.array(case["observed"], float), np.array(case["asked"], float)
        rng = np.random.default_rng(0)
        drawn = choose_donors(np.tile(observed, (400, 1)), np.tile(asked, (400, 1)), rng, donors=5)
        for j, values in enumerate(case["values"]):
            np.testing.assert_array_equal(np.unique(observed[drawn[:, j]]), np.ravel(values))


def test_each_donor_is_as_likely_equally_near_ones_too():
    # Ten at 0 and three at 9; five donors are drawn, so each of the ten gives a tenth of the time:
    # 0.1 in 4,000 draws, Monte-Carlo error 0.005.
    observed = np.array([0.0] * 10 + [9.0] * 3)
    rng = np.random.default_rng(1)
    drawn = choose_donors(np.tile(observed, (4000, 1)), np.zeros((4000, 1)), rng, donors=5)
    shares = np.bincount(drawn[:, 0], minlength=13) / 4000
    assert np.abs(shares[:10] - 0.1).max() < 0.02
    assert shares[10:].sum() == 0


@pytest.mark.parametrize("fit", [augmented_multinomial, augmented_ordinal])
def test_fits_side_by_side_are_fits_alone(fit):
    rng = np.random.default_rng(3)
    X = rng.normal(size=(4, 50, 2))
    y, known = rng.integers(0, 3, 50), np.arange(50) < 30
    coef, information = fit(y, known, X, n_levels=3)
    for k in range(4):
        alone, its_information = fit(y, known, X[k : k + 1], n_levels=3)
        np.testing.assert_allclose(coef[k], alone[0], atol=1e-7)
        np.testing.assert_allclose(information[k], its_information[0], rtol=1e-6, atol=1e-7)

"""Chained equations: what a draw must keep, for every kind of variable."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit

from allsurv.errors import ModelError
from allsurv.stats.missing.chained import impute
from allsurv.stats.missing.incomplete import Incomplete


def patients(n=120, seed=0):
    """Age, a skewed number, a grade in order, a type without, a marker; some of each missing."""
    rng = np.random.default_rng(seed)
    age = rng.normal(50, 12, n).round()
    wbc = np.exp(rng.normal(2, 1, n) + 0.02 * age).round(1) + 0.1
    grade = np.clip(np.round((age - 50) / 12 + rng.logistic(size=n)) + 2, 0, 4)
    kind = rng.integers(0, 3, n).astype(float)
    marker = (rng.random(n) < expit((age - 50) / 10)).astype(float)
    columns = [age, wbc, grade, kind, marker]
    for k, column in enumerate(columns):
        column[rng.random(n) < 0.1 + 0.05 * k] = np.nan
    kinds = ("number", "number", "ordinal", "nominal", "nominal")
    variables = [
        Incomplete(column, kind, log=k == 1)
        for k, (column, kind) in enumerate(zip(columns, kinds, strict=True))
    ]
    return variables, rng.normal(size=(n, 2))


def test_known_values_stay_and_drawn_ones_are_values_that_somebody_has():
    variables, X = patients()
    for variable, drawn in zip(variables, impute(variables, X, n_imputations=6), strict=True):
        known = variable.known
        assert drawn.shape == (6, 120)
        np.testing.assert_array_equal(drawn[:, known], np.tile(variable.values[known], (6, 1)))
        assert set(np.unique(drawn)) == set(np.unique(variable.values[known]))


def test_the_same_seed_draws_the_same():
    variables, X = patients()
    one, same, other = (
        np.concatenate(impute(variables, X, n_imputations=3, random_state=seed), axis=1)
        for seed in (1, 1, 2)
    )
    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)


@pytest.mark.parametrize("block", [1, 4])
def test_many_patients_are_imputed_in_blocks_of_imputations(block, monkeypatch):
    variables, X = patients()
    width = X.shape[1] + 1 + 1 + 4 + 2 + 1
    monkeypatch.setattr("allsurv.stats.missing.chained.LARGEST_BLOCK", block * 120 * width)
    drawn = impute(variables, X, n_imputations=6)
    assert [len(one) for one in drawn] == [6] * 5
    assert not np.isnan(np.concatenate(drawn)).any()


def test_a_marker_follows_the_logistic_model_that_made_it():
    # P(yes | x) = expit(2x - 0.5); 2,000 known, 2,000 imputed 20 times. The mean imputed share near
    # x = 1 has a Monte-Carlo error of about 0.004 and an error of the fit of about 0.015.
    rng = np.random.default_rng(8)
    x = rng.choice([-1.0, 0.0, 1.0], 4000)
    y = (rng.random(4000) < expit(2 * x - 0.5)).astype(float)
    y[2000:] = np.nan
    (drawn,) = impute([Incomplete(y, "nominal")], x[:, None], n_imputations=20, n_iterations=1)
    for value in (-1.0, 0.0, 1.0):
        share = drawn[:, 2000:][:, x[2000:] == value].mean()
        assert abs(share - expit(2 * value - 0.5)) < 0.05


@pytest.mark.parametrize("kind", ["ordinal", "nominal"])
def test_levels_follow_the_model_that_made_them(kind):
    # Proportional odds, thresholds -1 and 1, slope 1.5. A multinomial model of a three-level x is
    # saturated, so both must give back the three probabilities at each x; errors as above.
    rng = np.random.default_rng(9)
    x = rng.choice([-1.0, 0.0, 1.0], 4000)
    y = np.searchsorted([-1.0, 1.0], 1.5 * x + rng.logistic(size=4000)).astype(float)
    y[2000:] = np.nan
    X = np.column_stack([x, x**2]) if kind == "nominal" else x[:, None]
    (drawn,) = impute([Incomplete(y, kind)], X, n_imputations=20, n_iterations=1)
    for value in (-1.0, 0.0, 1.0):
        levels = drawn[:, 2000:][:, x[2000:] == value]
        up_to = [(levels <= k).mean() for k in (0, 1)]
        assert np.abs(up_to - expit(np.array([-1.0, 1.0]) - 1.5 * value)).max() < 0.05


def test_a_number_keeps_its_line_and_its_spread():
    # y = 1 + 2x + noise of sd 0.5. Of the imputed values the slope is 2, the residual sd 0.5.
    rng = np.random.default_rng(10)
    x = rng.normal(size=4000)
    y = 1 + 2 * x + rng.normal(0, 0.5, 4000)
    y[2000:] = np.nan
    (drawn,) = impute([Incomplete(y, "number")], x[:, None], n_imputations=20, n_iterations=1)
    new, z = drawn[:, 2000:].ravel(), np.tile(x[2000:], 20)
    slope, intercept = np.polyfit(z, new, 1)
    assert abs(slope - 2) < 0.05
    assert abs(np.std(new - slope * z - intercept) - 0.5) < 0.05


@pytest.mark.parametrize("kind", ["ordinal", "nominal"])
def test_draws_vary_between_imputations_as_the_estimate_is_uncertain(kind):
    # Ten known patients, half of them 1: the share imputed must vary by more than the draw of
    # 1,000 values alone would make it (0.016).
    rng = np.random.default_rng(1)
    values = np.full(1010, np.nan)
    values[:10] = [0, 1] * 5
    X = rng.normal(size=(1010, 1))
    (drawn,) = impute([Incomplete(values, kind)], X, n_imputations=50)
    assert drawn[:, 10:].mean(axis=1).std() > 0.08


def test_what_all_known_patients_share_is_imputed_as_that():
    variables, X = patients()
    same = [Incomplete(np.where(np.arange(120) < 100, 3.0, np.nan), kind)
            for kind in ("number", "nominal")]  # fmt: skip
    drawn = impute([*variables, *same], X, n_imputations=2)
    assert np.all(np.concatenate(drawn[5:]) == 3.0)


def test_a_variable_that_says_the_same_as_another_does_not_stop_it():
    variables, X = patients()
    doubled = [*variables, Incomplete(2 * variables[0].values, "number"), variables[3]]
    drawn = impute(doubled, np.column_stack([X, X, np.full(120, 0.1)]), n_imputations=3)
    assert not any(np.isnan(one).any() for one in drawn)


def test_more_columns_than_known_patients_do_not_stop_it():
    rng = np.random.default_rng(2)
    values = np.where(np.arange(40) < 12, rng.integers(0, 3, 40), np.nan)
    for kind in ("number", "ordinal", "nominal"):
        (drawn,) = impute([Incomplete(values, kind)], rng.normal(size=(40, 30)), n_imputations=2)
        assert not np.isnan(drawn).any()


def test_a_separating_predictor_does_not_stop_it():
    x = np.tile([-1.0, 1.0], 40)
    values = np.where(x > 0, 2.0, 0.0)
    values[:10], values[60:] = 1.0, np.nan
    for kind in ("ordinal", "nominal"):
        (drawn,) = impute([Incomplete(values, kind)], x[:, None], n_imputations=20)
        assert drawn[:, 60:][:, x[60:] > 0].mean() > 1.5


@pytest.mark.parametrize(
    ("made", "message"),
    [
        (lambda: Incomplete([np.nan, np.nan], "number"), "no value in any patient"),
        (lambda: Incomplete([0.5, 1.0], "nominal"), "levels are not 0, 1, 2"),
        (lambda: Incomplete([0.0, 1.0], "number", log=True), "without a logarithm"),
        (lambda: Incomplete([np.inf, 1.0], "number"), "infinite"),
        (lambda: Incomplete([1.0, 2.0], "date"), "allowed are number, ordinal, nominal"),
        (lambda: impute([], [[1.0]], n_imputations=2), "a row for each"),
        (lambda: impute([Incomplete([1.0, 2.0], "number")], [[1.0]], n_imputations=2), "a row"),
        (
            lambda: impute([Incomplete([1.0, 2.0], "number")], [[1.0], [np.nan]], n_imputations=2),
            "not complete",
        ),
        (
            lambda: impute([Incomplete([1.0, 2.0], "number")], [[1.0], [2.0]], n_imputations=0),
            "at least 1",
        ),
    ],
)
def test_what_cannot_be_imputed_is_refused(made, message):
    with pytest.raises(ModelError, match=message):
        made()

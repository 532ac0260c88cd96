"""Averaging over resamples, by hand; and what the order of patients must not change."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pandas as pd
import pytest

from allsurv.stats.outcome import make_y
from allsurv.validation.measures import measure_resamples, pool_risks
from allsurv.validation.plans import Split
from allsurv.validation.prediction import Prediction
from allsurv.validation.summary import summarise, summarise_reasons


def rows(measure: str, *values: tuple[int, float, float, float]) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {
                "model": "m", "measure": measure, "horizon": 12.0, "repeat": repeat, "fold": k,
                "estimate": estimate, "std_error": std_error, "weight": weight, "reason": "",
            }
            for k, (repeat, estimate, std_error, weight) in enumerate(values)
        ]
    )  # fmt: skip


def test_estimate_and_limits_by_hand():
    # Repeat 0: folds of weight 1 and 3; repeat 1: the same. Estimate (0.5 + 3 * 0.7 + ...) / 8.
    table = summarise(
        rows("auc", (0, 0.5, 0.1, 1), (0, 0.7, 0.2, 3), (1, 0.6, 0.1, 2), (1, 0.8, 0.1, 2))
    )
    estimate = (0.5 + 3 * 0.7 + 2 * 0.6 + 2 * 0.8) / 8
    first = (1 * 0.1**2 + 9 * 0.2**2) / 16
    second = (4 * 0.1**2 + 4 * 0.1**2) / 16
    half = 1.959963984540054 * np.sqrt((first + second) / 2)
    found = table.iloc[0]
    assert found["estimate"] == pytest.approx(estimate)
    assert found["lower"] == pytest.approx(estimate - half)
    assert found["upper"] == pytest.approx(estimate + half)
    assert (found["n_resamples"], found["n_failed"], found["reason"]) == (4, 0, "")


def test_more_repeats_do_not_narrow_the_interval():
    one = summarise(rows("brier", (0, 0.2, 0.02, 1))).iloc[0]
    many = summarise(rows("brier", *[(r, 0.2, 0.02, 1) for r in range(50)])).iloc[0]
    assert many["upper"] == pytest.approx(one["upper"])


def test_the_ratio_is_averaged_on_the_log_scale():
    found = summarise(rows("observed_expected_ratio", (0, 0.5, 0.1, 1), (1, 2.0, 0.1, 1))).iloc[0]
    assert found["estimate"] == pytest.approx(1.0)
    assert found["upper"] == pytest.approx(np.exp(1.959963984540054 * 0.1))
    assert found["lower"] * found["upper"] == pytest.approx(1.0)


def test_what_could_not_be_measured_is_counted_and_said():
    table = rows("auc", (0, 0.6, 0.1, 1), (0, np.nan, np.nan, 1), (0, np.nan, np.nan, 0))
    table["reason"] = ["", "nobody is followed beyond 12", "nobody is followed beyond 12"]
    found = summarise(table).iloc[0]
    assert (found["n_resamples"], found["n_failed"]) == (1, 2)
    assert found["reason"] == "2x nobody is followed beyond 12"
    assert found["estimate"] == pytest.approx(0.6)


def test_nothing_measured_is_missing_not_zero():
    found = summarise(rows("auc", (0, np.nan, np.nan, 1))).iloc[0]
    assert np.isnan(found[["estimate", "lower", "upper"]].astype(float)).all()
    assert found["n_failed"] == 1


def test_reasons_are_counted_most_frequent_first():
    assert summarise_reasons(Counter(["a", "b", "b"])) == "2x b; 1x a"


def draw(n: int = 80, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    score = rng.normal(size=n)
    y = make_y(np.round(rng.exponential(20 * np.exp(-score)), 1) + 0.1, rng.random(n) < 0.7)
    return y, score, np.clip(0.5 + 0.2 * score, 0.05, 0.95)[:, None]


def predictions(score: np.ndarray, risk: np.ndarray, folds: list[np.ndarray]) -> list[Prediction]:
    return [
        Prediction("m", Split(0, k, test, test, 0), score[test], score[test], risk[test], "", ("",))
        for k, test in enumerate(folds)
    ]


def test_the_order_of_patients_within_and_across_folds_is_irrelevant():
    y, score, risk = draw()
    folds = np.array_split(np.arange(80), 4)
    shuffled = np.random.default_rng(1).permutation(80)
    place = np.argsort(shuffled)
    tables = []
    for order, parts in ((np.arange(80), folds), (shuffled, [place[f][::-1] for f in folds])):
        made = predictions(score[order], risk[order], parts)
        pooled = pool_risks(made, 1)
        tables.append(summarise(measure_resamples(made, pooled, y[order], np.array([12.0]))))
    for column in ("estimate", "lower", "upper"):
        np.testing.assert_allclose(tables[0][column], tables[1][column], rtol=1e-10)


def test_the_slope_compares_patients_of_the_same_fold_only():
    y, score, risk = draw(200)
    folds = np.array_split(np.arange(200), 4)
    shifted = risk.copy()
    for k, part in enumerate(folds):
        # A constant on the scale of the slope's predictor, another one in each fold.
        shifted[part] = 1 - (1 - risk[part]) ** np.exp(k / 3)
    found = []
    for values in (risk, shifted):
        made = predictions(score, values, folds)
        table = measure_resamples(made, pool_risks(made, 1), y, np.array([12.0]))
        found.append(table.query("measure == 'calibration_slope'")["estimate"].iloc[0])
    assert found[0] == pytest.approx(found[1], rel=1e-6)


def test_a_fold_without_a_comparable_pair_is_counted():
    y = make_y([1.0, 2, 3, 4, 5, 6], [1, 1, 1, 0, 0, 0])
    folds = [np.array([0, 1, 2]), np.array([3, 4, 5])]
    score = np.array([3.0, 2, 1, 0, 0, 0])
    made = predictions(score, np.full((6, 1), 0.5) + score[:, None] / 10, folds)
    table = summarise(measure_resamples(made, pool_risks(made, 1), y, np.array([2.5])))
    harrell = table.query("measure == 'harrell_c'").iloc[0]
    assert (harrell["n_resamples"], harrell["n_failed"]) == (1, 1)
    assert harrell["estimate"] == 1.0
    assert "no comparable pair" in harrell["reason"]

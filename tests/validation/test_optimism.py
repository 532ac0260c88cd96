"""Optimism and .632+, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from allsurv.models import make_model
from allsurv.stats.outcome import make_y
from allsurv.validation import Bootstrap, validate
from allsurv.validation.catalogue import MEASURES, find_measure
from allsurv.validation.optimism import _weigh, optimism_table
from allsurv.validation.plans import Split
from allsurv.validation.predicted import Predicted
from allsurv.validation.prediction import Prediction

W = 1 - np.exp(-1)


def test_632_plus_by_hand():
    # No overfitting: apparent and out-of-bag agree.
    assert _weigh(0.7, 0.7, 0.5) == pytest.approx(0.7)
    # C: apparent 0.8, out of bag 0.6, chance 0.5: R = 2/3, w = .632 / (1 - .368 * 2/3).
    weight = W / (1 - (1 - W) * 2 / 3)
    assert _weigh(0.8, 0.6, 0.5) == pytest.approx((1 - weight) * 0.8 + weight * 0.6)
    # Out of bag worse than chance counts as chance: R = 1, w = 1.
    assert _weigh(0.8, 0.45, 0.5) == pytest.approx(0.5)
    # Brier: lower is better; chance 0.25.
    weight = W / (1 - (1 - W) * 0.5)
    assert _weigh(0.15, 0.20, 0.25) == pytest.approx((1 - weight) * 0.15 + weight * 0.20)
    # Out of bag better than apparent: no overfitting, w = .632.
    assert _weigh(0.7, 0.72, 0.5) == pytest.approx((1 - W) * 0.7 + W * 0.72)
    assert np.isnan(_weigh(1.0, 1.1, np.nan))


def test_brier_by_chance_is_the_mean_over_all_deals(toy_cohort):
    y = toy_cohort(60, 0).y("os")
    y["time"] = np.where(y["event"], y["time"], 100.0)  # nobody is censored before 12
    risk = np.random.default_rng(0).uniform(size=60)
    split = Split(-1, 0, np.arange(60), np.arange(60), 0)
    own = Prediction("m", split, risk, risk, risk[:, None], horizon_reasons=("",))
    found = find_measure("brier").chance(Predicted(y, own.risk_score, own.risk[:, 0], 12.0))
    event = y["time"] <= 12
    expected = np.mean([(outcome - value) ** 2 for outcome in event for value in risk])
    assert found == pytest.approx(expected)


def test_the_bootstrap_plan_gives_one_row_per_measure_with_limits(toy_cohort):
    cohort = toy_cohort(100, 1)
    report = validate(make_model("cox", cohort.study), cohort, plan=Bootstrap(15))
    table = report.optimism.query("model == 'cox'")
    assert set(table["measure"]) == {
        "harrell_c", "uno_c", "auc", "brier", "ipa", "observed_expected_ratio", "calibration_slope",
    }  # fmt: skip
    assert (table["lower"] < table["estimate"]).all()
    assert (table["estimate"] < table["upper"]).all()
    slopes = table[table["measure"] == "calibration_slope"]
    assert (slopes["apparent"] > 0.9).all()
    assert (slopes["estimate"] < slopes["apparent"]).all()
    better = table["measure"].isin(["harrell_c", "uno_c", "auc", "ipa"])
    assert (table.loc[better, "optimism"] > 0).all()
    np.testing.assert_array_equal(report.performance["estimate"], report.optimism["estimate"])
    assert report.subgroups.empty


def _resample(model, train, score, risk):
    split = Split(0, 0, np.array(train), np.arange(score.size), 0)
    return Prediction(model, split, score, score, risk[:, None], horizon_reasons=("",))


def test_the_whole_row_of_the_brier_score_by_hand():
    """Eight patients followed beyond month 12, so each has a plain squared error."""
    time = np.array([2.0, 5.0, 8.0, 12.0, 14.0, 20.0, 25.0, 30.0])
    y = make_y(time, np.array([True, True, True, True, False, True, False, True]))
    event = time <= 12
    own, first, second = (
        np.array(risk)
        for risk in (
            [0.9, 0.8, 0.7, 0.6, 0.5, 0.3, 0.2, 0.1],
            [0.8, 0.9, 0.6, 0.3, 0.6, 0.4, 0.2, 0.1],
            [0.7, 0.6, 0.8, 0.4, 0.3, 0.5, 0.4, 0.2],
        )
    )
    samples = [[0, 0, 1, 3, 4, 5, 6, 6], [1, 2, 2, 3, 5, 6, 7, 7]]
    refits = [
        _resample("m", train, risk, risk)
        for train, risk in zip(samples, (first, second), strict=True)
    ]
    apparent = {"m": _resample("m", range(8), own, own)}
    table = optimism_table(apparent, refits, y, np.array([12.0]))
    row = table.set_index("measure").loc["brier"]

    error = [(risk - event) ** 2 for risk in (own, first, second)]
    gaps = [e[train].mean() - e.mean() for e, train in zip(error[1:], samples, strict=True)]
    outside = [
        e[np.setdiff1d(np.arange(8), train)].mean()
        for e, train in zip(error[1:], samples, strict=True)
    ]
    seen, out = error[0].mean(), np.mean(outside)
    chance = np.mean([(outcome - risk) ** 2 for outcome in event for risk in own])
    weight = W / (1 - (1 - W) * (out - seen) / (chance - seen))
    assert seen < out < chance
    assert row["apparent"] == pytest.approx(seen, abs=1e-12)
    assert row["optimism"] == pytest.approx(np.mean(gaps), abs=1e-12)
    assert row["estimate"] == pytest.approx(seen - np.mean(gaps), abs=1e-12)
    assert row["out_of_bag"] == pytest.approx(out, abs=1e-12)
    assert row["estimate_632plus"] == pytest.approx((1 - weight) * seen + weight * out, abs=1e-12)
    assert (row["horizon"], row["n_resamples"], row["n_failed"]) == (12.0, 2, 0)


def test_every_measure_with_a_value_of_chance_has_a_632plus(toy_cohort):
    cohort = toy_cohort(120, 3)
    report = validate(make_model("cox", cohort.study), cohort, plan=Bootstrap(12))
    table = report.optimism.query("model == 'cox'")
    chance = {name for name, m in MEASURES.items() if m.corrected and m.no_information is not None}
    assert chance >= {"harrell_c", "uno_c", "auc", "brier"}
    finite = table.groupby("measure")["estimate_632plus"].agg(lambda v: np.isfinite(v).all())
    assert {name for name, every in finite.items() if every} == chance
    assert table[["apparent", "optimism", "estimate", "out_of_bag"]].notna().all(axis=None)
    between = table[table["measure"].isin(chance)]
    low = between[["apparent", "out_of_bag"]].min(axis=1)
    high = between[["apparent", "out_of_bag"]].max(axis=1)
    assert between["estimate_632plus"].between(low, high).all()

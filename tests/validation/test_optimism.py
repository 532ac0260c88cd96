"""Optimism and .632+, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from allsurv.models import make_model
from allsurv.validation import Bootstrap, validate
from allsurv.validation.catalogue import find_measure
from allsurv.validation.optimism import _weigh
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

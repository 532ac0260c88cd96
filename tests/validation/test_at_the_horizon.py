"""Patients whose follow-up ends exactly at the horizon, by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from allsurv.stats.outcome import make_y
from allsurv.study.spec import Prediction as PredictionPlan
from allsurv.validation import MEASURES
from allsurv.validation.catalogue import cases_and_controls, comparable_pairs
from allsurv.validation.patients import group_curves, group_survival
from allsurv.validation.predicted import Predicted

HORIZON = 12.0
TIME = np.array([6.0, 12.0, 12.0, 12.0, 24.0, 24.0])
EVENT = np.array([True, True, True, False, True, False])
Y = make_y(TIME, EVENT)
PLAN = PredictionPlan(
    "start", "os", (HORIZON,), ("age",), risk_groups=("low", "high", "none"), risk_centiles=(50, 90)
)


def out_of_fold(centile=10.0):
    patients = np.arange(TIME.size)
    return pd.DataFrame(
        {
            "model": "m",
            "patient": patients,
            "horizon": HORIZON,
            "risk": 0.1 * (patients + 1),
            "risk_centile": centile,
            "n_repeats": 1,
        }
    )


def test_an_event_at_the_horizon_counts_and_so_does_who_is_followed_until_then():
    table = group_survival(out_of_fold(), Y, PLAN)
    assert table["group"].tolist() == ["low", "high", "none"]
    low = table.iloc[0]
    # Six at risk, one dies at 6: 5/6. Five at risk at 12, two die: 5/6 * 3/5 = 1/2.
    assert (low["n"], low["n_events"], low["n_at_risk"]) == (6, 3, 5)
    assert low["survival"] == pytest.approx(0.5, abs=1e-12)
    assert low["predicted"] == pytest.approx(1 - 0.35, abs=1e-12)
    assert low["lower"] < 0.5 < low["upper"]
    empty = table.iloc[1:]
    assert empty[["n", "n_events", "n_at_risk"]].to_numpy().tolist() == [[0, 0, 0]] * 2
    assert empty[["predicted", "survival", "lower", "upper"]].isna().all(axis=None)


def test_a_centile_on_the_cut_belongs_to_the_lower_group():
    for centile, group in ((50.0, "low"), (50.1, "high"), (90.0, "high"), (90.1, "none")):
        table = group_survival(out_of_fold(centile), Y, PLAN).set_index("group")["n"]
        assert table[group] == 6, centile
        curves = group_curves(out_of_fold(centile), Y, PLAN)
        assert set(curves["group"]) == {group}, centile


def test_pairs_that_weigh_resamples():
    # Cases: events by 12, three. Controls: followed beyond 12, two; who is censored at 12 is none.
    assert cases_and_controls(Y, HORIZON) == 3 * 2
    # 6: all five others. Each of two at 12: the censored at 12, and both at 24; not each other.
    assert comparable_pairs(Y, HORIZON) == 5 + 3 + 3
    # Without a horizon, the event at 24 before the censoring at 24 as well.
    assert comparable_pairs(Y, np.nan) == 5 + 3 + 3 + 1


@pytest.mark.parametrize("name", [name for name, m in MEASURES.items() if m.at_horizons])
def test_an_event_at_the_horizon_is_one_just_before_it(name):
    """Whole months fall on horizons; the measure of drawn times never tells."""
    rng = np.random.default_rng(4)
    time = np.ceil(rng.exponential(14, 150))
    event = rng.random(150) < 0.7
    time[:8], event[:8] = HORIZON, np.arange(8) % 2 == 0
    score = rng.normal(size=150) - time / 20
    risk = 1 / (1 + np.exp(-score))
    at = event & (time == HORIZON)
    earlier = np.where(at, HORIZON - 1e-3, time)
    values = [
        MEASURES[name].of(Predicted(make_y(t, event), score, risk, HORIZON)).value
        for t in (time, earlier)
    ]
    assert np.isfinite(values[0])
    assert values[1] == pytest.approx(values[0], rel=1e-9)

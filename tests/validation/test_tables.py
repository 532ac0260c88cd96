"""Tables behind a validation, by hand: differences, curves over time, net benefit, subgroups."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from allsurv.cohort.groups import Groups
from allsurv.disclosure.validated import safe_subgroups
from allsurv.models import make_model
from allsurv.policy.rules import CMS
from allsurv.stats.measures.brier import brier
from allsurv.stats.measures.calibration_curve import calibration_errors
from allsurv.stats.measures.discrimination import compare_concordance, harrell_c
from allsurv.stats.measures.net_benefit import net_benefit
from allsurv.stats.outcome import make_y
from allsurv.validation import External, Plan, instability, validate_all
from allsurv.validation.decisions import net_benefit_table
from allsurv.validation.measures import measure_resamples, pool_risks
from allsurv.validation.over_time import time_grid
from allsurv.validation.plans import Split
from allsurv.validation.prediction import Prediction
from allsurv.validation.redrawn import redraw
from allsurv.validation.subgroups import measure_subgroups, subgroups_of
from allsurv.validation.summary import compare_models, summarise

HORIZON = np.array([12.0])


def made(n=120, seed=0):
    """Outcome and two models' predictions of all patients in one fold."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=n)
    death, censored = rng.exponential(15 * np.exp(-x)), rng.uniform(5, 60, n)
    y = make_y(np.minimum(death, censored), death <= censored)
    split = Split(0, 0, np.arange(n), np.arange(n), 0)
    predictions = []
    for name, noise in (("sharp", 0.1), ("blunt", 1.5)):
        score = x + noise * rng.normal(size=n)
        risk = 1 - np.exp(-0.8 * np.exp(score))
        predictions.append(
            Prediction(name, split, score, score, risk[:, None], horizon_reasons=("",))
        )
    return y, predictions


def test_the_difference_of_two_concordances_is_that_of_r(record_difference):
    """compare_concordance is checked against R's survival::concordance of two fits."""
    y, (sharp, blunt) = made()
    pooled = pool_risks([sharp, blunt], 1)
    resamples = measure_resamples([sharp, blunt], pooled, y, HORIZON)
    row = compare_models(resamples, y.size).query("measure == 'harrell_c'").iloc[0]
    expected = compare_concordance(y, sharp.risk_score, blunt.risk_score)
    found = (row["estimate"], row["lower"], row["upper"])
    assert found == pytest.approx(tuple(expected.difference), abs=1e-12)
    assert row["p_value"] == pytest.approx(expected.p_value, rel=1e-9)


def test_the_difference_of_brier_scores_pairs_the_patients():
    y, both = made(seed=1)
    resamples = measure_resamples(both, pool_risks(both, 1), y, HORIZON)
    row = compare_models(resamples, y.size).query("measure == 'brier'").iloc[0]
    alone = [brier(y, p.risk[:, 0], 12.0) for p in both]
    assert row["estimate"] == pytest.approx(alone[0].value - alone[1].value, abs=1e-12)
    half = (row["upper"] - row["lower"]) / 2
    unpaired = 1.96 * np.hypot(alone[0].std_error, alone[1].std_error)
    assert half == pytest.approx(
        1.959964 * np.linalg.norm(alone[0].influence - alone[1].influence), rel=1e-6
    )
    assert half < unpaired
    same = compare_models(
        measure_resamples([both[0]] * 1, pool_risks(both[:1], 1), y, HORIZON), y.size
    )
    assert same.empty


def test_a_resample_that_one_model_lacks_is_left_out_of_the_difference():
    y, (sharp, blunt) = made(seed=2)
    rows = []
    for repeat in range(2):
        for p in (sharp, blunt):
            missing = repeat == 1 and p is blunt
            rows.append(
                {
                    "model": p.model, "measure": "brier", "horizon": 12.0, "repeat": repeat,
                    "fold": -1, "estimate": np.nan if missing else 0.2 + 0.01 * repeat,
                    "std_error": 0.01, "weight": 1.0, "reason": "",
                    "patients": p.split.test,
                    "influence": None if missing else np.zeros(y.size),
                }
            )  # fmt: skip
    row = compare_models(pd.DataFrame(rows), y.size).iloc[0]
    assert (row["estimate"], row["n_resamples"]) == (0.0, 1)


def test_net_benefit_of_one_repeat_is_that_of_stats():
    y, (sharp, _) = made(seed=3)
    samples = [np.arange(y.size)] * 12
    pooled, thresholds = pool_risks([sharp], 1), np.array([0.2, 0.5])
    drawn = redraw(pooled, y, HORIZON, thresholds, samples)
    table = net_benefit_table(pooled, y, HORIZON, thresholds, drawn)
    expected = net_benefit(y, sharp.risk[:, 0], 12.0, [0.2, 0.5])
    np.testing.assert_allclose(table["estimate"], expected.model)
    np.testing.assert_allclose(table["share_above"], expected.n_above / y.size)
    # The same sample twelve times: no spread.
    np.testing.assert_allclose(table["lower"], table["upper"])


def test_calibration_errors_of_one_repeat_are_those_of_stats():
    y, both = made(seed=4)
    wanted = ("ici", "e90")
    table = summarise(measure_resamples(both, pool_risks(both, 1), y, HORIZON, measures=wanted))
    expected = calibration_errors(y, both[0].risk[:, 0], 12.0)
    mine = table[table["model"] == "sharp"].set_index("measure")["estimate"]
    assert mine["ici"] == pytest.approx(expected.ici)
    assert mine["e90"] == pytest.approx(expected.e90)


def test_subgroups_measure_their_own_patients():
    y, (sharp, _) = made(seed=5)
    code = np.arange(y.size) % 3 - 1
    groups = {"half": Groups(("a", "b"), ("A", "B"), code)}
    table = measure_subgroups([sharp], groups, y, HORIZON)
    for name, k in (("a", 0), ("b", 1)):
        row = table[(table["group"] == name) & (table["measure"] == "harrell_c")].iloc[0]
        inside = code == k
        assert row["n"] == inside.sum()
        assert row["n_events"] == y["event"][inside].sum()
        assert row["estimate"] == pytest.approx(
            harrell_c(y[inside], sharp.risk_score[inside]).value
        )


def test_a_small_subgroup_is_named_and_hidden_with_what_gives_it_away():
    y, (sharp, _) = made(seed=6)
    code = np.where(np.arange(y.size) < 8, 0, 1)
    table = measure_subgroups([sharp], {"x": Groups(("few", "many"), ("F", "M"), code)}, y, HORIZON)
    few = table[table["group"] == "few"]
    assert few["reason"].tolist() == ["fewer than 11 patients or events"]
    assert few["estimate"].isna().all()
    assert safe_subgroups(table, CMS)["n"].isna().all()


def test_a_number_is_split_at_its_median(toy_cohort):
    cohort = toy_cohort(61, 0)
    groups = subgroups_of(cohort, "blasts")
    middle = cohort.frame["blasts"].median()
    assert groups.labels == (f"{middle:g} or less", f"more than {middle:g}")
    np.testing.assert_array_equal(groups.code, (cohort.frame["blasts"] > middle).astype(int))


def test_the_grid_of_times_ends_at_the_last_horizon():
    assert time_grid(36.0, 1.0)[-1] == 36.0
    assert len(time_grid(36.0, 1.0)) <= 16
    assert time_grid(3.0, 1.0).tolist() == [1.0, 2.0, 3.0]


def test_over_time_meets_the_horizons_and_the_references_are_compared(toy_cohort):
    cohort = toy_cohort(150, 3)
    models = {"cox": make_model("cox", cohort.study), "gbs": make_model("gbs", cohort.study)}
    report = validate_all(models, cohort, plan=Plan(1, 5), n_bootstrap=10)
    over, table = report.over_time, report.performance
    for measure in ("auc", "brier"):
        last = over.query(f"model == 'cox' and measure == '{measure}' and time == 24")
        at_24 = table.query(f"model == 'cox' and measure == '{measure}' and horizon == 24")
        columns = ["estimate", "lower", "upper"]
        np.testing.assert_allclose(last[columns], at_24[columns], atol=1e-12)
    pairs = set(zip(report.differences["model"], report.differences["compared_with"], strict=True))
    assert pairs == {("cox", "gbs"), ("cox", "kaplan_meier"), ("gbs", "kaplan_meier")}
    ici = table.query("model == 'cox' and measure == 'ici'")
    assert ((ici["lower"] < ici["estimate"]) & (ici["estimate"] < ici["upper"])).all()
    curves = report.group_curves.query("model == 'cox'")
    first = curves.groupby("group")["n_at_risk"].first()
    sizes = report.risk_groups.query("model == 'cox' and horizon == 12").set_index("group")["n"]
    assert first.to_dict() == sizes.to_dict()


def test_external_measures_the_other_patients_only(toy_cohort):
    here, there = toy_cohort(150, 1), toy_cohort(80, 2)
    model = make_model("cox", here.study)
    report = validate_all({"cox": model}, here, plan=External(there), n_bootstrap=10)
    fitted = make_model("cox", here.study).fit(here.X, here.y("os"))
    risk = 1 - fitted.predict_survival(there.X, [12.0])[:, 0]
    row = report.performance.query("model == 'cox' and measure == 'brier' and horizon == 12").iloc[
        0
    ]
    assert row["estimate"] == pytest.approx(brier(there.y("os"), risk, 12.0).value, abs=1e-12)
    assert report.n == 80


def test_instability_by_hand(toy_cohort):
    cohort = toy_cohort(80, 4)
    model = make_model("cox", cohort.study).fit(cohort.X, cohort.y("os"))
    found = instability({"cox": model}, cohort, n_bootstrap=12, horizons=[12.0])
    risks = np.array([refit.risk[:, 0] for refit in found.refits])
    original = 1 - model.predict_survival(cohort.X, [12.0])[:, 0]
    patient = found.per_patient
    np.testing.assert_allclose(patient["lower"], np.quantile(risks, 0.025, axis=0))
    np.testing.assert_allclose(patient["upper"], np.quantile(risks, 0.975, axis=0))
    crossed = found.classification.set_index("threshold")["estimate"]
    assert crossed[0.5] == pytest.approx(np.mean((risks >= 0.5) != (original >= 0.5)))
    assert found.bands["n"].min() >= 11
    assert found.bands["n"].sum() == 80
    assert np.average(found.bands["mape"], weights=found.bands["n"]) == pytest.approx(
        found.summary["mape"].iloc[0]
    )

"""Reading an estimate backwards: which true effect it stands for, and how sure that is."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from allsurv.experiment.evidence import CALIBRATED, PLAIN
from allsurv.findings.agreement.questions import Patients
from allsurv.findings.agreement.shrinkage import _widening, calibrate, simulate_answers
from allsurv.models import make_model
from allsurv.study.spec import Contrast, Finding

ARM = Finding("arm", "Arm", "arm", Contrast("before", "after"), 0.6, 0.4, 0.9, "all", "os")


def test_limits_are_the_true_effects_whose_prediction_interval_covers_the_estimate():
    rng = np.random.default_rng(0)
    true = rng.uniform(-1, 1, 30)
    estimated = 0.1 + 0.4 * true + rng.normal(0, 0.1, 30)
    found = calibrate(0.3, true, estimated, level=0.95)
    line = stats.linregress(true, estimated)
    residual = np.sqrt(((estimated - line.intercept - line.slope * true) ** 2).sum() / 28)
    for limit in (found.lower, found.upper):
        away = (limit - true.mean()) ** 2 / ((true - true.mean()) ** 2).sum()
        half = stats.t.ppf(0.975, 28) * residual * math.sqrt(1 + 1 / 30 + away)
        assert abs(0.3 - line.intercept - line.slope * limit) == pytest.approx(half)
    assert found.slope == pytest.approx(line.slope)
    assert found.log == pytest.approx((0.3 - line.intercept) / line.slope)


def test_patients_vary_more_than_outcomes_of_a_model_fitted_to_them(patients: Patients):
    # d events and p coefficients: sqrt(d / (d - p)), at most twofold.
    assert _widening(69, 15) == pytest.approx(math.sqrt(69 / 54))
    assert _widening(15, 15) == _widening(10, 15) == 2
    rng = np.random.default_rng(3)
    true = np.linspace(-1, 1, 400)
    said = 0.5 * true + rng.normal(scale=0.1, size=400)
    plain = calibrate(0.2, true, said, level=0.95)
    wide = calibrate(0.2, true, said, level=0.95, widening=1.5)
    assert wide.log == pytest.approx(plain.log, abs=1e-3)
    ratio = (wide.upper - wide.lower) / (plain.upper - plain.lower)
    assert ratio == pytest.approx(1.5, rel=1e-2)
    models = {"cox": make_model("cox", patients.study).fit(patients.X, patients.y)}
    made = simulate_answers(models, patients, 10, random_state=0, n_jobs=1)
    coefficients = len(models["cox"].coef_)
    assert made.widening == _widening(int(patients.y["event"].sum()), coefficients)
    log = float(made.estimated["cox"][0, 0])
    by_hand = calibrate(
        log, made.true[:, 0], made.estimated["cox"][:, 0], level=0.9, widening=made.widening
    )
    assert made.calibrated("cox", 0, log, level=0.9) == by_hand


def test_a_model_that_does_not_respond_tells_nothing():
    rng = np.random.default_rng(1)
    true = rng.uniform(-1, 1, 20)
    deaf = calibrate(0.3, true, rng.normal(0, 0.1, 20), level=0.95)
    assert (deaf.lower, deaf.upper) == (-math.inf, math.inf)
    assert math.isnan(deaf.log)
    assert math.isnan(calibrate(0.3, true[:9], true[:9], level=0.95).slope)
    assert math.isnan(calibrate(math.nan, true, true, level=0.95).log)
    assert math.isnan(calibrate(0.3, np.ones(20), true, level=0.95).log)


def test_intervals_read_backwards_hold_the_truth_at_their_rate():
    # 95% in 2,000 draws: Monte-Carlo error 0.5 points; three of them.
    rng = np.random.default_rng(2)
    held = 0
    for _ in range(2000):
        true = rng.uniform(-1, 1, 25)
        estimated = 0.5 * true + rng.normal(0, 0.15, 25)
        found = calibrate(0.5 * 0.4 + rng.normal(0, 0.15), true, estimated, level=0.95)
        held += found.lower <= 0.4 <= found.upper
    assert held / 2000 == pytest.approx(0.95, abs=0.015)


def test_errors_of_the_limits_are_how_far_another_drawing_moves_them():
    rng = np.random.default_rng(3)
    drawn = []
    for _ in range(400):
        true = rng.uniform(-1, 1, 60)
        drawn.append(calibrate(0.2, true, 0.5 * true + rng.normal(0, 0.1, 60), level=0.95))
    for name in ("lower", "upper"):
        moved = np.std([getattr(one, name) for one in drawn])
        stated = np.mean([getattr(one, f"{name}_error") for one in drawn])
        assert stated == pytest.approx(moved, rel=0.2)


def test_a_limit_that_one_cohort_leaves_open_has_no_bounded_error():
    true = np.array([*np.linspace(-0.1, 0.1, 12), 3.0])
    estimated = np.array([*np.tile([0.1, -0.1], 6), 1.5])
    found = calibrate(0.2, true, estimated, level=0.95)
    assert math.isfinite(found.upper)
    assert found.upper_error == math.inf


@pytest.fixture(scope="module")
def patients(toy_cohort) -> Patients:
    cohort = toy_cohort(400, 4, effects={"arm": -0.6, "age": 0.5}, findings={"arm": ARM})
    return Patients(cohort.study, cohort.X, cohort.y("os"), (ARM,), np.array([12.0, 24.0]))


def test_simulated_outcomes_carry_the_effects_they_were_drawn_with(patients: Patients):
    model = make_model("cox", patients.study).fit(patients.X, patients.y)
    found = simulate_answers({"cox": model}, patients, 30, random_state=0, n_jobs=1)
    again = simulate_answers({"cox": model}, patients, 30, random_state=0, n_jobs=1)
    assert found.true.tolist() == again.true.tolist()
    assert found.estimated["cox"].tolist() == again.estimated["cox"].tolist()
    # Unpenalised Cox regression on 400 patients: differences average 0. Their standard error is
    # about 0.11 each, so 0.02 for 30; three of them.
    difference = (found.estimated["cox"] - found.true)[:, 0]
    assert difference.mean() == pytest.approx(0, abs=0.06)
    assert np.corrcoef(found.true[:, 0], found.estimated["cox"][:, 0])[0, 1] > 0.85
    # Within 2.5 standard errors, about 0.11, of the ridge estimate, about -0.6.
    assert -1.1 < found.true.min() < found.true.max() < -0.1


def test_simulated_outcomes_die_and_are_censored_as_the_patients(patients: Patients):
    from allsurv.findings.agreement.shrinkage import _draw_outcome, _draw_world

    world = make_model("cox", patients.study, ridge=1.0).fit(patients.X, patients.y)
    drawn = []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        drawn.append(_draw_outcome(_draw_world(world, patients, rng), patients, rng))
    events = np.mean([y["event"].mean() for y in drawn])
    assert events == pytest.approx(patients.y["event"].mean(), abs=0.02)
    medians = np.mean([np.median(y["time"]) for y in drawn])
    assert medians == pytest.approx(np.median(patients.y["time"]), abs=1.0)
    assert all(y["time"].max() <= patients.y["time"].max() for y in drawn)


def test_the_stated_coverage_is_that_of_the_simulation(root: Path):
    found = json.loads((root / "experiments" / "004-coverage" / "results.json").read_text())

    def held(kind: str, *families: str) -> str:
        rows = [row[kind] for row in found["results"] if row["family"] in families]
        return f"{100 * float(np.mean(rows)):.0f}"

    every = {row["family"] for row in found["results"]}
    assert f"the true effect {held('calibrated_coverage', *every)} of 100 times" in CALIBRATED
    for family, words in {
        "cox": "{} of 100 times for Cox", "coxnet": "{} for elastic-net", "gbs": "{} for gradient",
        "rsf": "and {} for a survival forest",
    }.items():  # fmt: skip
        assert words.format(held("plain_coverage", family)) in PLAIN

"""Whether follow-up depends on the patient: the rule, and what a validation makes of it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import allsurv as als
from allsurv.errors import ModelError
from allsurv.models import make_model
from allsurv.validation.censoring import choose_censoring

HORIZONS = np.array([12.0, 24.0])


@pytest.fixture(scope="module")
def cohort():
    return als.load_cohort("rr-all").eligible("os")


def shuffled(cohort, seed):
    """The same outcomes dealt to other patients: nothing depends on anything."""
    frame = cohort.frame.copy()
    order = np.random.default_rng(seed).permutation(len(frame))
    for name in ("os_months", "death"):
        frame[name] = frame[name].to_numpy()[order]
    return als.Cohort.from_frame(frame, cohort.study)


def test_the_period_of_treatment_is_found(cohort):
    found = choose_censoring(cohort, "os", HORIZONS)
    used = found.tests[found.tests["is_used"]]
    assert "arm" in set(used["variable"])
    assert set(found.tests["variable"]) == set(cohort.study.prediction.predictors)
    assert "Regimen (P after Holm <0.001)" in found.sentence
    assert found.weights is not None


def test_holm_by_hand(cohort):
    tests = choose_censoring(cohort, "os", HORIZONS).tests
    p = tests["p_value"].sort_values().to_numpy()
    expected = np.minimum(np.maximum.accumulate(p * np.arange(len(p), 0, -1)), 1)
    np.testing.assert_allclose(tests["p_adjusted"].sort_values().to_numpy(), expected)


def test_one_curve_is_the_numbers_of_before(cohort):
    model = make_model("cox", cohort.study)
    plan = als.validation.Plan(repeats=1, folds=3)
    auto, alike, named = (
        als.validate(model, cohort, plan=plan, n_bootstrap=5, censoring=how)
        for how in ("auto", "marginal", ["arm"])
    )
    assert "as the configuration or the caller asks" in alike.censoring_sentence
    assert "Kaplan-Meier within its groups" in named.censoring_sentence
    differs = (
        (
            auto.performance.set_index(["model", "measure", "horizon"])["estimate"]
            - alike.performance.set_index(["model", "measure", "horizon"])["estimate"]
        )
        .loc["cox"]
        .abs()
    )
    by_measure = differs.groupby("measure").max()
    weighted = ["auc", "brier", "ipa", "observed_expected_ratio", "ici", "integrated_brier"]
    assert (by_measure[weighted] > 1e-4).all()
    same = ["harrell_c", "uno_c", "calibration_slope", "d"]
    assert (by_measure[same] < 1e-12).all()
    benefit = auto.net_benefit["estimate"] - alike.net_benefit["estimate"]
    assert benefit.abs().max() > 1e-4


def test_what_is_asked_must_exist(cohort):
    with pytest.raises(ModelError, match=r"censoring by 'arms', which is no predictor.*'arm'"):
        choose_censoring(cohort, "os", HORIZONS, ["arms"])
    with pytest.raises(ModelError, match="allowed are 'auto', 'marginal' and a list"):
        choose_censoring(cohort, "os", HORIZONS, "era")


def test_few_censored_patients_are_not_tested(cohort):
    y = cohort.y("os")
    dead = np.flatnonzero(y["event"])
    few = np.sort(np.r_[dead, np.flatnonzero(~y["event"])[:9]])
    found = choose_censoring(cohort.take(few), "os", HORIZONS)
    assert found.weights is None
    assert found.tests.empty
    assert "fewer than 10 patients were censored" in found.sentence


def test_the_rule_keeps_its_error_rate(cohort):
    frame = cohort.frame
    y = cohort.y("os")
    hits = 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        order = rng.permutation(len(frame))
        again = cohort.take(np.arange(cohort.n))
        object.__setattr__(again, "y", lambda endpoint, o=order: y[o])
        hits += choose_censoring(again, "os", HORIZONS).weights is not None
    # At 5% of 60 cohorts more than 8 have a probability of 0.003.
    assert hits <= 8
    assert isinstance(frame, pd.DataFrame)

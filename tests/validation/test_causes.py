"""Validation where events compete: each cause's risk is judged, by the measures of `stats`."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from allsurv.cohort.table import Cohort, Source
from allsurv.errors import ModelError
from allsurv.models import make_model
from allsurv.stats.competing.measures.accuracy import brier_of_cause, ipa_of_cause
from allsurv.stats.competing.measures.benefit import net_benefit_of_cause
from allsurv.stats.competing.measures.calibration import (
    calibration_slope_of_cause,
    observed_expected_of_cause,
)
from allsurv.stats.competing.measures.discrimination import auc_of_cause
from allsurv.stats.measures.censoring import CensoringDistribution
from allsurv.study.spec import Cause
from allsurv.validation import Bootstrap, External, Plan, validate
from allsurv.validation.report import validate_all

PREDICTORS = ["age", "arm", "pb_blasts"]


@pytest.fixture(scope="module")
def draw(made_up):
    """Draw patients who relapse, likelier when old, or die before, rarer in the later arm."""

    def patients(n, seed=0):
        made = made_up(n=n, seed=seed)
        rng = np.random.default_rng(seed)
        age = made.frame["age"].to_numpy(float)
        late = (made.frame["arm"] == "after").to_numpy()
        relapse = rng.exponential(1 / (0.02 * np.exp(0.03 * (age - 50))))
        death = rng.exponential(1 / (0.02 * np.exp(-1.0 * late)))
        censored = rng.uniform(10, 90, n)
        frame = made.frame.copy()
        frame["os_months"] = np.maximum(np.minimum(np.minimum(relapse, death), censored), 0.07)
        frame["alive"] = pd.array(np.minimum(relapse, death) > censored, dtype="boolean")
        frame["relapse"] = pd.array(relapse < np.minimum(death, censored), dtype="boolean")
        causes = {
            "relapse": Cause("relapse", "Relapse", ({"relapse": True},)),
            "death": Cause("death", "Death", ({"relapse": False, "alive": False},)),
        }
        failure = replace(
            made.study.endpoint("os"),
            name="failure",
            event=(),
            kind="competing",
            causes=causes,
            censored=({"relapse": False, "alive": True},),
        )
        study = replace(made.study, endpoints={**made.study.endpoints, "failure": failure})
        return Cohort(study, frame, Source("simulated", "made up", "0" * 64, "Made up."))

    return patients


@pytest.fixture(scope="module")
def cohort(draw):
    return draw(200)


def make(cohort, family="cause_cox", **params):
    return make_model(family, cohort.study, endpoint="failure", predictors=PREDICTORS, **params)


def row(table, **where):
    for name, value in where.items():
        table = table[table[name] == value]
    assert len(table) == 1
    return table.iloc[0]


@pytest.fixture(scope="module")
def external(cohort, draw):
    """Other patients, on whom every number can be recomputed."""
    others = draw(300, seed=7)
    fitted = make(cohort).fit(cohort.X, cohort.competing("failure").y())
    report = validate(
        fitted, cohort, "failure", plan=External(others), horizons=[12, 24], n_bootstrap=12
    )
    return others, fitted, report


@pytest.mark.parametrize("cause", ["relapse", "death"])
def test_numbers_are_those_of_stats(external, cause):
    others, fitted, report = external
    outcome = others.competing("failure")
    of = outcome.code(cause)
    risk = fitted.predict_risk(others.X, [12, 24])[of - 1]
    expected = {
        "auc": auc_of_cause,
        "brier": brier_of_cause,
        "ipa": ipa_of_cause,
        "observed_expected_ratio": observed_expected_of_cause,
    }
    for name, function in expected.items():
        found = row(report.performance, cause=cause, model="cause_cox", measure=name, horizon=24)
        # AUC takes the censoring of the whole cohort as known, as it does in folds.
        how = {"censoring": CensoringDistribution.fit(outcome.y_any())} if name == "auc" else {}
        ours = function(outcome.time, outcome.cause, risk[:, 1], 24, of=of, **how)
        np.testing.assert_allclose(found["estimate"], ours.value, rtol=1e-12)
        np.testing.assert_allclose(found["lower"], ours.lower, rtol=1e-9)
    found = row(
        report.performance, cause=cause, model="cause_cox", measure="calibration_slope", horizon=24
    )
    slope = calibration_slope_of_cause(outcome.time, outcome.cause, risk[:, 1], 24, of=of)
    np.testing.assert_allclose(found["estimate"], slope.value, rtol=1e-9)
    table = report.net_benefit.query(f"cause == '{cause}' and model == 'cause_cox' and horizon==24")
    benefit = net_benefit_of_cause(
        outcome.time, outcome.cause, risk[:, 1], 24, table["threshold"], of=of
    )
    np.testing.assert_allclose(table["estimate"], benefit.model)
    assert report.n_events == int((outcome.cause > 0).sum())


def test_the_reference_is_aalen_johansen_and_one_event_measures_are_left_out(external):
    table = external[2].performance
    assert set(table["model"]) == {"cause_cox", "aalen_johansen"}
    assert not {"harrell_c", "d"} & set(table["measure"])
    known = table[(table["model"] == "cause_cox") & table["estimate"].notna()]
    assert {"uno_c", "auc", "ipa", "ici", "e90", "integrated_brier"} <= set(known["measure"])
    chance = table[(table["model"] == "aalen_johansen") & (table["measure"] == "auc")]
    np.testing.assert_allclose(chance["estimate"], 0.5, atol=1e-12)
    assert external[2].risk_groups.empty


@pytest.fixture(scope="module")
def crossed(cohort):
    models = {"cause_cox": make(cohort), "fine_gray": make(cohort, "fine_gray")}
    return validate_all(
        models, cohort, "failure", plan=Plan(2, 4), horizons=[12, 24], n_bootstrap=12
    )


def test_cross_validation_measures_each_cause_and_compares_models(crossed):
    for cause in ("relapse", "death"):
        found = row(crossed.performance, cause=cause, model="cause_cox", measure="auc", horizon=24)
        assert found["estimate"] > 0.55
        assert found["lower"] < found["estimate"] < found["upper"]
        assert found["n_resamples"] == 8
        gap = row(
            crossed.differences, cause=cause, model="cause_cox", compared_with="fine_gray",
            measure="brier", horizon=24,
        )  # fmt: skip
        assert abs(gap["estimate"]) < 0.02
        curve = crossed.calibration.query(f"cause == '{cause}' and model == 'cause_cox'")
        assert curve["observed"].between(0, 1).all()
    assert set(crossed.over_time["cause"]) == {"relapse", "death"}
    out = crossed.out_of_fold.query("model == 'cause_cox' and horizon == 24")
    total = out.groupby("patient")["risk"].sum()
    assert total.max() <= 1  # risks of the causes belong to one patient


def test_numbers_do_not_depend_on_processes_and_resume(cohort, tmp_path):
    from allsurv.validation.finished import FinishedRefits

    how = {"plan": Plan(1, 3), "horizons": [12], "n_bootstrap": 2}
    first = validate(make(cohort), cohort, "failure", **how, finished=FinishedRefits(tmp_path))
    again = validate(make(cohort), cohort, "failure", **how, finished=FinishedRefits(tmp_path))
    assert list(tmp_path.glob("*.npz"))
    pd.testing.assert_frame_equal(first.performance, again.performance)


def test_optimism_is_subtracted_for_each_cause(cohort):
    report = validate(make(cohort), cohort, "failure", plan=Bootstrap(15), horizons=[24])
    for cause in ("relapse", "death"):
        found = row(report.optimism, cause=cause, model="cause_cox", measure="auc", horizon=24)
        np.testing.assert_allclose(found["estimate"], found["apparent"] - found["optimism"])
        assert found["n_resamples"] == 15
        none = row(report.optimism, cause=cause, model="aalen_johansen", measure="auc", horizon=24)
        np.testing.assert_allclose(none["optimism"], 0, atol=1e-12)


def test_a_model_of_another_kind_of_outcome_is_refused(cohort):
    with pytest.raises(ModelError, match="predicts the causes relapse, death, and endpoint 'os'"):
        validate(make(cohort), cohort, "os")
    cox = make_model("cox", cohort.study, predictors=PREDICTORS)
    with pytest.raises(ModelError, match="predicts one event, and endpoint 'failure' has the caus"):
        validate(cox, cohort, "failure")
    with pytest.raises(ModelError, match="alike for all"):
        validate(make(cohort), cohort, "failure", horizons=[12], plan=Plan(1, 2), censoring=["age"])

"""The published equation as a model, and what patients add to it; values from R."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from allsurv.cohort import Cohort, read_cohort
from allsurv.describe import analysis_table
from allsurv.dictionary.readonly import FrozenDict
from allsurv.errors import ModelError
from allsurv.findings import update_published
from allsurv.models import make_model
from allsurv.models.export import export_model
from allsurv.models.published import published_curve, published_equation
from allsurv.study import load_study
from allsurv.study.spec import Contrast, Finding
from allsurv.validation import validate
from allsurv.validation.plans import Plan


@pytest.fixture(scope="module")
def heart(root: Path) -> Cohort:
    folder = root / "experiments" / "003-stanford-heart"
    return read_cohort(folder / "patients.csv", load_study(folder / "study.yaml"))


@pytest.fixture(scope="module")
def expected(reference) -> dict:
    return reference("published_equation")


def test_survival_of_the_equation_is_that_of_r(heart: Cohort, expected: dict):
    model = make_model("published", heart.study, grid=1).fit(heart.X, heart.y("os"))
    survival = model.predict_survival(heart.X, expected["times"]).mean(axis=0)
    assert survival == pytest.approx(expected["mean_survival"], rel=1e-9)
    assert model.score(heart.X, heart.y("os")) == pytest.approx(expected["concordance"], rel=1e-9)


def test_the_equation_is_what_the_paper_printed(heart: Cohort):
    model = make_model("published", heart.study).fit(heart.X, heart.y("os"))
    per_unit = {
        term.variable: coef / (term.scale if term.kind == "number" else 1)
        for term, coef in zip(model.encoder_.terms_, model.mechanism_.coef, strict=True)
    }
    assert per_unit == pytest.approx(
        {"age48": math.log(1.0154), "surgery": math.log(0.537), "year": math.log(0.873)}
    )


def test_recalibration_and_revision_are_those_of_r(
    heart: Cohort, expected: dict, record_difference
):
    found = update_published(heart).set_index(["question", "term"])
    slope = found.loc["slope"].iloc[0]
    assert slope["estimate"] == pytest.approx(expected["slope"]["coef"], rel=1e-7)
    error = (slope["upper"] - slope["lower"]) / (2 * 1.959963984540054)
    assert error == pytest.approx(expected["slope"]["std_error"], rel=1e-7)
    away = (expected["slope"]["coef"] - 1) / expected["slope"]["std_error"]
    assert slope["chi2"] == pytest.approx(away**2, rel=1e-6)
    revised = found.loc["revised"]
    assert revised.loc["", "chi2"] == pytest.approx(expected["revised_lr"], rel=1e-6)
    coefs = np.log(revised.loc[["age48", "year", "surgery"], "estimate"].astype(float))
    assert coefs.tolist() == pytest.approx(expected["revised"]["coef"], rel=1e-6)
    difference = abs(revised.loc["", "chi2"] / expected["revised_lr"] - 1)
    record_difference("findings.update_published", "R `coxph` with `offset`", difference)


def test_a_published_interaction_with_a_time_dependent_event_is_that_of_r(
    heart: Cohort, expected: dict
):
    table = analysis_table(heart, heart.study.analyses["model_6"]).set_index("term")
    names = ["age48", "transplant", "surgery", "year", "age48:transplant"]
    assert table.loc[names, "coef"].tolist() == pytest.approx(expected["model_6"]["coef"], rel=1e-6)
    errors = table.loc[names, "std_error"].tolist()
    assert errors == pytest.approx(expected["model_6"]["std_error"], rel=1e-6)


def test_the_equation_is_validated_and_exported_like_any_model(heart: Cohort):
    model = make_model("published", heart.study)
    report = validate(model, heart, "os", plan=Plan(1, 3), random_state=0)
    measures = report.performance[report.performance["model"] == "published"]
    assert {"harrell_c", "calibration_slope", "brier"} <= set(measures["measure"])
    assert np.isfinite(measures.loc[measures["measure"] == "harrell_c", "lower"]).all()
    fitted = model.fit(heart.X, heart.y("os"))
    exported = export_model(fitted, heart, endpoint="os", horizons=(91, 182))
    assert exported.mechanism.coef.tolist() == fitted.mechanism_.coef.tolist()


def test_a_published_baseline_does_not_look_at_the_outcome():
    study = load_study("rr-all")
    from allsurv.cohort import load_cohort

    cohort = load_cohort(study)
    y = cohort.y("os")
    reversed_y = y[::-1].copy()
    fits = [
        make_model("published", study, baseline="published").fit(cohort.X, outcome)
        for outcome in (y, reversed_y)
    ]
    # Published: 40% at 36 months, and a median of 17.
    assert published_curve(study) == ((17.0, 0.5), (36.0, 0.4))
    for model in fits:
        survival = model.predict_survival(cohort.X, [17, 36]).mean(axis=0)
        assert survival == pytest.approx([0.5, 0.4], abs=1e-9)


def test_the_intercept_is_the_log_of_observed_over_expected():
    from allsurv.cohort import load_cohort

    study = load_study("rr-all")
    cohort = load_cohort(study)
    row = update_published(cohort).set_index("question").loc["intercept"]
    model = make_model("published", study, baseline="published", grid=0.05)
    model.fit(cohort.X, cohort.y("os"))
    y = cohort.y("os")
    within = np.minimum(y["time"], model.max_time_)
    hazard = -np.log(np.diagonal(model.predict_survival(cohort.X, within)))
    assert row["estimate"] == pytest.approx(np.log(y["event"].sum() / hazard.sum()), abs=0.01)
    half = 1.959963984540054 / math.sqrt(y["event"].sum())
    assert row["upper"] - row["estimate"] == pytest.approx(half)


def test_a_baseline_from_these_patients_makes_the_intercept_0_by_construction(heart: Cohort):
    row = update_published(heart).set_index("question").loc["intercept"]
    assert row["estimate"] == 0
    assert math.isnan(row["lower"])
    assert row["reason"].startswith("0 by construction, not evaluated")
    # Breslow's jumps are d / sum of exp(s) at risk, so that the expected events add up to d.
    y = heart.y("os")
    relative = np.exp(make_model("published", heart.study).fit(heart.X, y).predict(heart.X))
    deaths = np.sort(y["time"][y["event"]])
    jumps = [1 / relative[y["time"] >= t].sum() for t in deaths]
    expected = sum(
        r * np.sum(jumps, where=deaths <= t) for r, t in zip(relative, y["time"], strict=True)
    )
    assert expected == pytest.approx(y["event"].sum())


def _study(toy_cohort, **findings: Finding):
    return toy_cohort(120, 0, findings=findings)


def test_every_kind_of_variable_enters_as_printed(toy_cohort):
    cohort = _study(
        toy_cohort,
        blasts=Finding("blasts", "", "blasts", Contrast(0, 50, 10), 1.2, 1.1, 1.3, "all", "os"),
        tp53=Finding("tp53", "", "tp53", Contrast(False, True), 2.0, 1.2, 3.3, "all", "os"),
        arm=Finding("arm", "", "arm", Contrast("after", "before"), 1.5, 1.1, 2.0, "all", "os"),
    )
    model = make_model("published", cohort.study).fit(cohort.X, cohort.y("os"))
    one = cohort.X.iloc[[0, 0, 0, 0]].reset_index(drop=True)
    one["blasts"], one["arm"] = [0.0, 10.0, 0.0, 0.0], "before"
    one["tp53"] = [False, False, True, None]
    one.loc[3, "arm"] = "after"
    score = model.predict(one)
    assert score - score[0] == pytest.approx([0, math.log(1.2), math.log(2.0), -math.log(1.5)])


def test_an_equation_has_one_analysis_and_no_later_event(heart: Cohort):
    assert [finding.name for finding in published_equation(heart.study)] == [
        "surgery", "year", "age",
    ]  # fmt: skip


def test_what_cannot_be_an_equation_is_refused(toy_cohort):
    with pytest.raises(ModelError, match="no published effect"):
        make_model("published", toy_cohort(50, 0).study)
    study = load_study("rr-all")
    wbc = replace(study.findings["pb_blasts"], name="wbc", variable="wbc")
    logged = replace(study, findings=FrozenDict({"wbc": wbc}))
    from allsurv.cohort import load_cohort

    cohort = load_cohort("rr-all")
    with pytest.raises(ModelError, match="not on the scale"):
        make_model("published", logged).fit(cohort.X, cohort.y("os"))
    with pytest.raises(ModelError, match="allowed are 'cohort', 'published'"):
        make_model("published", study, baseline="mine").fit(cohort.X, cohort.y("os"))
    without = toy_cohort(60, 0, findings={
        "arm": Finding("arm", "", "arm", Contrast("before", "after"), 0.6, 0.4, 0.9, "all", "os"),
    })  # fmt: skip
    with pytest.raises(ModelError, match="at two times"):
        make_model("published", without.study, baseline="published").fit(without.X, without.y("os"))

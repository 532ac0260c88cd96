"""Points and nomogram: exact where they say so, rounded as stated, loss measured."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from allsurv.cohort import Cohort, load_cohort
from allsurv.dictionary import FrozenDict
from allsurv.errors import ModelError
from allsurv.models import make_model
from allsurv.models.export import export_model
from allsurv.models.points import make_points
from allsurv.plots.nomogram import plot_nomogram
from allsurv.stats.measures.discrimination import harrell_c
from gaps import NAMES, cohort_with_gaps

PREDICTORS = ("age", "sex", "pb_blasts", "tp53_mut", "salvage_group")


@pytest.fixture(scope="module")
def cohort():
    return load_cohort("rr-all")


@pytest.fixture(scope="module")
def model(cohort):
    fitted = make_model("cox", cohort.study, predictors=PREDICTORS).fit(cohort.X, cohort.y("os"))
    return export_model(fitted, cohort, endpoint="os")


@pytest.fixture(scope="module")
def system(model, cohort):
    return make_points(model, cohort)


def marks(system, **values):
    scales = system.scales.set_index(["predictor", "value_label"])["scale"]
    return sum(scales[item] for item in values.items())


def test_a_patient_read_off_the_nomogram_has_the_models_survival(model, system):
    shown = {
        "age": "40",
        "sex": "Female",
        "pb_blasts": "60",
        "tp53_mut": "yes",
        "salvage_group": "Salvage 1",
    }
    patient = pd.DataFrame(
        {
            "age": [40.0],
            "sex": ["female"],
            "pb_blasts": [60.0],
            "tp53_mut": pd.array([True], dtype="boolean"),
            "salvage_group": ["salvage 1"],
        }
    )
    total = marks(system, **shown)
    for time in model.horizons:
        curve = system.survival[system.survival["horizon"] == time]
        found = np.interp(total, curve["scale"], np.log(-np.log(curve["survival"])))
        expected = model.survival(patient, [time])[0, 0]
        assert np.exp(-np.exp(found)) == pytest.approx(expected, abs=1e-9)


def test_points_are_tenths_of_the_widest_predictor_rounded(system):
    scales = system.scales.groupby("predictor")["scale"]
    widest = (scales.max() - scales.min()).idxmax()
    levels = system.points[system.points["predictor"] == widest]
    assert system.points["points"].max() <= 10
    unit = (levels["score"] / levels["points"].where(levels["points"] > 0)).median()
    expected = np.round(system.points["score"] / unit)
    assert (system.points["points"] - expected).abs().max() <= 1
    assert set(system.points.groupby("predictor")["points"].min()) <= {0, 1}


def test_loss_is_the_difference_on_the_same_patients(model, system, cohort):
    rows = system.loss.set_index("measure")
    exact = harrell_c(cohort.y("os"), model.risk_score(cohort.X)).value
    assert rows.loc["harrell_c", "exact"] == exact
    assert rows.loc["harrell_c", "loss"] == exact - rows.loc["harrell_c", "rounded"]
    assert abs(rows.loc["harrell_c", "loss"]) < 0.05


def test_axes_span_what_development_covered_and_classes_hold_patients(system, model, cohort):
    for name in ("age", "pb_blasts"):
        marks_of = system.scales[system.scales["predictor"] == name]["value_label"]
        ticks = [float(v) for v in marks_of if v != "not known"]
        low, high = model.reach.ranges[name]
        assert ticks[0] <= low
        assert ticks[-1] >= high
        assert len(ticks) >= 4
        classes = system.points[system.points["predictor"] == name]["value_label"]
        cuts = sorted({float(x) for c in classes for x in re.findall(r"[\d.]+", c)})
        counts = np.histogram(cohort.X[name], [-np.inf, *cuts, np.inf])[0]
        assert counts.min() >= 11


def test_a_class_has_the_mean_score_of_its_own_patients(system, model, cohort):
    """Scores are against the lowest mark; differences between classes are those of their means."""
    rows = system.points[system.points["predictor"] == "age"].set_index("value_label")["score"]
    base = cohort.X.iloc[[0] * cohort.n].reset_index(drop=True)
    alone = model.risk_score(base.assign(age=cohort.X["age"].to_numpy()))
    age = cohort.X["age"].to_numpy()
    first, last = rows.index[0], rows.index[-1]
    low, high = float(first.lstrip("<")), float(last.split()[0])
    expected = alone[age >= high].mean() - alone[age < low].mean()
    assert rows[last] - rows[first] == pytest.approx(expected, abs=1e-10)


@pytest.mark.parametrize("low", [0.6, 60.0])
def test_a_narrow_logarithmic_predictor_has_marks_and_keeps_its_accuracy(made_up, low):
    """Creatinine from 0.6 to 1.2 lies between two rungs of a ladder of 1, 5, 10."""
    cohort = made_up(n=240)
    rng = np.random.default_rng(1)
    frame = cohort.frame.assign(wbc=low * np.exp(np.abs(rng.normal(0, 0.25, cohort.n))))
    narrow = Cohort(cohort.study, frame, cohort.source)
    fitted = make_model("cox", narrow.study, predictors=["wbc", "age"])
    exported = export_model(fitted.fit(narrow.X, narrow.y("os")), narrow, endpoint="os")
    system = make_points(exported, narrow)
    ticks = system.scales[system.scales["predictor"] == "wbc"]["value_label"]
    assert len(ticks) >= 4
    assert system.loss.loc[system.loss["measure"] == "brier", "loss"].max() < 0.02
    assert not system.loses_too_much


def test_what_is_not_known_has_its_own_points(made_up):
    """A missing number or level is scored as the model scores it: by the value put in its place."""
    cohort = made_up(n=240)
    study = cohort.study
    loose = {
        name: replace(study.variable(name), missing="allowed") for name in ("wbc", "karyotype")
    }
    study = replace(study, variables=FrozenDict({**study.variables, **loose}))
    frame = cohort.frame.copy()
    frame.loc[frame.index[:40], "wbc"] = np.nan
    frame.loc[frame.index[30:70], "karyotype"] = None
    patients = Cohort(study, frame, cohort.source)
    fitted = make_model("cox", study, predictors=["wbc", "karyotype", "age"], ridge=1.0)
    exported = export_model(fitted.fit(patients.X, patients.y("os")), patients, endpoint="os")
    system = make_points(exported, patients)
    for name in ("wbc", "karyotype"):
        rows = system.points[system.points["predictor"] == name]
        assert rows["value_label"].iloc[-1] == "not known"
        marks_of = system.scales[system.scales["predictor"] == name]
        assert marks_of["value_label"].iloc[-1] == "not known"
    fill = next(t.fill for t in exported.terms if t.variable == "karyotype")
    label = patients.study.variable("karyotype").level_labels.get(fill, fill)
    scores = system.points[system.points["predictor"] == "karyotype"]
    scores = scores.set_index("value_label")["score"]
    assert scores["not known"] == pytest.approx(scores[label], abs=1e-12)
    assert abs(system.loss["loss"]).max() < 0.05


def test_every_total_a_patient_can_have_has_its_survival(system):
    most = system.points.groupby("predictor")["points"].max().sum()
    ends = system.scales.groupby("predictor")["scale"].max()
    last = int(np.round(ends / 10).sum())  # the nomogram's marks; a point is 10 of its scale
    assert last >= most
    for horizon, curve in system.survival.groupby("horizon"):
        assert curve["total"].tolist() == list(range(last + 1)), horizon
        assert np.all(np.diff(curve["survival"]) < 0)


def test_points_that_lose_too_much_are_not_shown(system):
    assert not system.loses_too_much
    worse = replace(system, loss=system.loss.assign(loss=[0.0] * (len(system.loss) - 1) + [0.03]))
    assert worse.loses_too_much


def test_a_forest_has_no_points(cohort):
    forest = make_model("rsf", cohort.study, n_estimators=5, random_state=0)
    forest.fit(cohort.X, cohort.y("os"))
    exported = export_model(forest, cohort, endpoint="os")
    with pytest.raises(ModelError, match="linear"):
        make_points(exported, cohort)


def test_the_nomogram_shows_every_predictor_and_horizon(system, model):
    axes = plot_nomogram(system.scales, system.survival, unit="months")
    said = " ".join(text.get_text().replace("\n", " ") for text in axes.texts)
    for label in [*system.scales["label"].unique(), *(f"at {h:g} months" for h in model.horizons)]:
        assert label in said


def test_a_model_that_separates_little_shows_the_ends_of_its_survival(system):
    """Where no round percentage lies between the ends, as with a single weak predictor."""
    narrow = system.survival.groupby("horizon", sort=False).head(2).copy()
    narrow["scale"] = [0.0, 100.0] * (len(narrow) // 2)
    narrow["survival"] = [0.748, 0.721] * (len(narrow) // 2)
    axes = plot_nomogram(system.scales, narrow, unit="months")
    said = [text.get_text() for text in axes.texts]
    assert said.count("74.8%") == said.count("72.1%") == narrow["horizon"].nunique()


@pytest.mark.parametrize("missing", ["impute", "level"])
def test_points_place_every_patient_with_gaps(missing):
    gaps = cohort_with_gaps(missing)
    fitted = make_model("cox", gaps.study, ridge=1.0).fit(gaps.X, gaps.y("os"))
    exported = export_model(fitted, gaps, endpoint="os")
    system = make_points(exported, gaps)
    shown = system.points[system.points["value_label"] == "not known"]
    assert set(shown["predictor"]) == {*NAMES, "tp53_mut"}
    # The score of not knowing, against the value with the fewest points: by the model itself.
    row = gaps.X.iloc[[0]].assign(age=50.0, wbc=5.0)
    for name in ("salvage", "cns"):
        values = list(gaps.study.variable(name).levels) or [False, True]
        given = {v: exported.risk_score(row.assign(**{name: pd.Series([v], index=row.index)
                 .astype(gaps.X[name].dtype)}))[0] for v in [*values, None]}  # fmt: skip
        mine = shown.loc[shown["predictor"] == name, "score"].item()
        assert mine == pytest.approx(given[None] - min(given.values()), abs=1e-12)

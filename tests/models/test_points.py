"""Points and nomogram: exact where they say so, rounded as stated, loss measured."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from allsurv.cohort import load_cohort
from allsurv.errors import ModelError
from allsurv.models import make_model
from allsurv.models.export import export_model
from allsurv.models.points import make_points
from allsurv.plots.nomogram import plot_nomogram
from allsurv.stats.measures.discrimination import harrell_c

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

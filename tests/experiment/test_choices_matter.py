"""Each choice of a configuration changes what it is about, and only that."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from allsurv.dictionary.variable import Derivation, Variable
from allsurv.experiment.choices import (
    Config,
    FeaturesPlan,
    FindingsPlan,
    InstabilityPlan,
    OptimismPlan,
    TuningPlan,
)
from allsurv.experiment.describe import _handling, describe_cohort
from allsurv.experiment.train import train_models
from allsurv.models import make_model
from allsurv.models.tuning import TunedModel
from allsurv.study.spec import Contrast, Finding
from allsurv.validation import Plan

SPACE = {"cox": {"ridge": [64.0, 16.0, 4.0]}}


def silent(*progress):
    pass


@pytest.fixture(scope="module")
def cohort(toy_cohort):
    effect = Finding(
        "age", "Age", "age", Contrast(0, 1), 1.6, 1.2, 2.1, analysis="all",
        analysis_variable="age", endpoint="os",
    )  # fmt: skip
    return toy_cohort(90, 2, findings={"age": effect})


@pytest.fixture(scope="module")
def config(cohort):
    return Config(
        name="toy",
        question="Who dies?",
        study="toy",
        models={"cox": {}},
        validation=Plan(1, 2),
        draws=12,
        instability=InstabilityPlan(10),
        findings=FindingsPlan(5, simulated=0),
        jobs=1,
    ).complete(cohort.study)


@pytest.fixture(scope="module")
def trained(cohort, config):
    return train_models(cohort, config, silent)


def changed(trained, other):
    """Tables that are not the same, and those that one of two has alone."""
    names = trained.tables.keys() | other.tables.keys()
    return {
        name
        for name in names
        if name not in trained.tables
        or name not in other.tables
        or not trained.tables[name].equals(other.tables[name])
    }


PERFORMANCE = {"performance", "over_time", "calibration", "net_benefit"}
FITTED = {"coefficients", "importance"}


@pytest.mark.parametrize(
    ("change", "moved", "kept"),
    [
        ({"models": {"cox": {"ridge": 9.0}}}, PERFORMANCE | FITTED | {"models"}, set()),
        ({"features": FeaturesPlan(splines={"age": 3})}, PERFORMANCE | FITTED | {"models"}, set()),
        (
            {"features": FeaturesPlan(interactions=(("age", "arm"),))},
            PERFORMANCE | {"coefficients", "models"},
            set(),
        ),
        ({"predictors": ("age", "arm")}, PERFORMANCE | FITTED, set()),
        (
            {"horizons": (12.0,)},
            {"performance", "net_benefit", "points_survival"},
            {"coefficients"},
        ),
        ({"validation": Plan(2, 2)}, PERFORMANCE, FITTED | {"instability"}),
        ({"validation": Plan(1, 3)}, PERFORMANCE, FITTED | {"instability"}),
        ({"draws": 25}, {"performance", "net_benefit"}, FITTED | {"over_time", "instability"}),
        ({"optimism": OptimismPlan(4)}, {"optimism"}, PERFORMANCE | FITTED),
        ({"instability": InstabilityPlan(11)}, {"instability"}, PERFORMANCE | FITTED),
        ({"findings": FindingsPlan(6, simulated=0)}, {"findings"}, PERFORMANCE | {"coefficients"}),
        ({"findings": FindingsPlan(5, simulated=10)}, {"findings"}, PERFORMANCE | {"coefficients"}),
        ({"seed": 1}, PERFORMANCE | {"instability"}, {"coefficients"}),
        ({"disclosure": "off"}, {"risk_group_curves"}, FITTED),
    ],
)
def test_a_choice_moves_what_it_is_about(cohort, config, trained, change, moved, kept):
    found = changed(trained, train_models(cohort, replace(config, **change), silent))
    assert moved <= found
    assert not kept & found


def test_tuning_that_is_asked_for_happens_and_says_what_was_chosen(cohort, config, trained):
    found = train_models(cohort, replace(config, tuning=TuningPlan(SPACE, folds=3)), silent)
    assert found.tables["models"].set_index("model").loc["cox", "tuned"]
    assert not trained.tables["models"].set_index("model").loc["cox", "tuned"]
    tried = found.tables["tuning"]
    assert tried["parameters"].tolist() == ["ridge=64", "ridge=16", "ridge=4"]
    (chosen,) = tried.loc[tried["chosen"], "parameters"]
    assert found.tables["models"].loc[0, "parameters"] == chosen
    # What a search outside the job chooses.
    by_hand = TunedModel(
        make_model("cox", cohort.study, predictors=config.predictors, random_state=0),
        SPACE["cox"], folds=3, random_state=0,
    ).fit(cohort.X, cohort.y("os"))  # fmt: skip
    assert chosen == f"ridge={by_hand.best_['ridge']:g}"
    coefficients = found.tables["coefficients"]
    assert not coefficients.equals(trained.tables["coefficients"])
    assert changed(trained, found) >= PERFORMANCE


def test_a_parameter_that_is_fixed_is_not_tuned(cohort, config):
    fixed = replace(config, models={"cox": {"ridge": 9.0}})
    once = train_models(cohort, fixed, silent)
    asked = train_models(cohort, replace(fixed, tuning=TuningPlan(SPACE, folds=3)), silent)
    assert changed(once, asked) <= {"tuning"}
    assert asked.tables["tuning"].empty


AGE = Variable("age", "Age", "continuous", "age")
ARM = Variable("arm", "Arm", "nominal", "arm", levels=("a", "b"))
OLD = Variable(
    "old", "Old", "binary", "old", derivation=Derivation("at_least", ("age",), threshold=60)
)
TP53 = Variable("tp53", "TP53", "marker", "tp53")
FILLED = "of development, without the outcome, anew in every resample"


@pytest.mark.parametrize(
    ("variable", "missing", "said"),
    [
        (AGE, "impute", "not allowed"),
        (AGE, "refuse", "not allowed"),
        (replace(AGE, missing="allowed"), "impute", f"median {FILLED}"),
        (replace(AGE, missing="allowed"), "refuse", "not allowed"),
        (replace(ARM, missing="allowed"), "impute", f"commonest level {FILLED}"),
        (replace(ARM, missing="allowed"), "refuse", "not allowed"),
        (OLD, "impute", f"commonest level {FILLED}"),
        (OLD, "refuse", "not allowed"),
        (TP53, "impute", "own column 'tested'"),
        (TP53, "refuse", "own column 'tested'"),
    ],
)
def test_what_becomes_of_a_missing_value_is_said_of_each_kind(variable, missing, said):
    assert _handling(variable, missing) == said


def test_the_table_of_missing_values_says_how_many_and_what_becomes_of_them(cohort, config):
    frame = cohort.frame.assign(
        tp53=pd.array([None] * 20 + [True] * 30 + [False] * 40, dtype="boolean")
    )
    table = describe_cohort(replace(cohort, frame=frame), config, silent)["missing"]
    table = table.set_index("variable")
    assert table.loc["tp53", ["n", "n_missing", "percent"]].tolist() == [90, 20, 22.2]
    assert table.loc["tp53", "handling"] == "own column 'tested'"
    others = table.drop("tp53")
    assert (others[["n_missing", "percent"]] == 0).all(axis=None)
    assert set(others["handling"]) == {"nothing is missing"}
    # Few missing, and few known, are both a small count; nobody and everybody are none.
    for n, hidden in ((10, True), (11, False), (79, False), (80, True), (90, False)):
        values = np.array([None] * n + [True] * (90 - n), dtype=object)
        few = replace(cohort, frame=cohort.frame.assign(tp53=pd.array(values, dtype="boolean")))
        one = describe_cohort(few, config, silent)["missing"].set_index("variable").loc["tp53"]
        assert pd.isna(one["n_missing"]) == pd.isna(one["percent"]) == hidden, n

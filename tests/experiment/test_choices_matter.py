"""Each choice of a configuration changes what it is about, and only that."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import yaml

from allsurv.cohort import load_cohort
from allsurv.dictionary.variable import Derivation, Variable
from allsurv.experiment import read_config, run_experiment
from allsurv.experiment.choices import TuningPlan
from allsurv.experiment.config import config_schema
from allsurv.experiment.describe import _handling, describe_cohort
from allsurv.experiment.run import open_cohort
from allsurv.experiment.train import train_models
from allsurv.models import make_model
from allsurv.models.tuning import TunedModel
from allsurv.study import load_study
from allsurv.study.spec import Contrast, Endpoint, Finding

SPACE = {"cox": {"ridge": [64.0, 16.0, 4.0]}}


def silent(*progress):
    pass


PRESET = "validation: {repeats: 2}"
BASE = """
study: toy
question: Who dies?
models: {cox: {}}
validation: {repeats: 1, folds: 2, draws: 12}
instability: {bootstrap: 10}
findings: {bootstrap: 5, simulated: 0}
jobs: 1
"""


@pytest.fixture(scope="module")
def cohort(toy_cohort):
    """Two endpoints, blasts missing in some, and an effect that was published."""
    effect = Finding(
        "age", "Age", "age", Contrast(0, 1), 1.6, 1.2, 2.1, analysis="all",
        analysis_variable="age", endpoint="os",
    )  # fmt: skip
    toy = toy_cohort(90, 2, findings={"age": effect})
    relapsed = Variable("relapsed", "Relapsed", "binary", "relapsed", known="outcome")
    died = toy.study.endpoints["os"].event
    either = ({"relapsed": True}, *died)
    rfs = Endpoint("rfs", "Relapse-free survival", "time", either, "treatment start")
    study = replace(
        toy.study,
        variables={
            **toy.study.variables,
            "blasts": replace(toy.study.variables["blasts"], missing="allowed"),
            "relapsed": relapsed,
        },
        endpoints={**toy.study.endpoints, "rfs": rfs},
    )
    rng = np.random.default_rng(5)
    frame = toy.frame.assign(relapsed=pd.array(rng.random(90) < 0.6, dtype="boolean"))
    frame.loc[rng.random(90) < 0.3, "blasts"] = np.nan
    return replace(toy, study=study, frame=frame)


@pytest.fixture(scope="module")
def read(tmp_path_factory):
    """Read the configuration of these tests, some keys of it changed."""
    folder = tmp_path_factory.mktemp("choices")
    (folder / "configs").mkdir()
    (folder / "configs" / "twice.yaml").write_text(PRESET)

    def choose(**keys):
        document = yaml.safe_load(BASE)
        for key, value in keys.items():
            *parts, last = key.split(".")
            within = document.setdefault(parts[0], {}) if parts else document
            if value is None:
                del within[last]
            else:
                within[last] = value
        file = folder / "config.yaml"
        file.write_text(yaml.safe_dump(document))
        return read_config(file)

    return choose


@pytest.fixture(scope="module")
def config(cohort, read):
    return read().complete(cohort.study)


@pytest.fixture(scope="module")
def trained(cohort, config):
    return train_models(cohort, config, silent)


@pytest.fixture(scope="module")
def result_of(cohort, read):
    """Run the whole job with some keys changed; the same is run once."""
    done = {}

    def run(keys):
        if repr(keys) not in done:
            done[repr(keys)] = run_experiment(read(**keys), cohort=cohort)
        return done[repr(keys)]

    return run


def changed(one, other):
    """Tables that are not the same, and those that one of two has alone."""
    names = one.tables.keys() | other.tables.keys()
    return {
        name
        for name in names
        if name not in one.tables
        or name not in other.tables
        or not _computed(one.tables[name]).equals(_computed(other.tables[name]))
    }


def _computed(table):
    """What was computed: not a column that repeats a choice."""
    return table.drop(columns="margin", errors="ignore")


def leaves(schema, above=""):
    for key, part in schema["properties"].items():
        if "properties" in part:
            yield from leaves(part, f"{above}{key}.")
        else:
            yield f"{above}{key}"


PERFORMANCE = {"performance", "over_time", "calibration", "net_benefit"}
FITTED = {"coefficients", "importance"}
TWO = {"models": {"cox": {}, "coxnet": {}}, "optimism.bootstrap": 3}
FOREST = {"models": {"rsf": {"n_estimators": 10}}}
SPACES = {"tuning.spaces": {"cox": {"ridge": [64.0, 16.0, 4.0]}}}
# Key: (what it becomes, other keys that it needs, tables that change, tables that do not).
MOVES = {
    "endpoint": ("rfs", {}, PERFORMANCE | FITTED, set()),
    "horizons": (
        [12],
        {},
        {"performance", "net_benefit", "points_survival"},
        {"coefficients"},
    ),
    "predictors": (["age", "arm"], {}, PERFORMANCE | FITTED, set()),
    "models": ({"cox": {"ridge": 9.0}}, {}, PERFORMANCE | FITTED | {"models"}, set()),
    "features.missing": ("level", {}, PERFORMANCE | FITTED, set()),
    "features.splines": ({"age": 3}, {}, PERFORMANCE | FITTED | {"models"}, set()),
    "features.interactions": (
        [["age", "arm"]],
        {},
        PERFORMANCE | {"coefficients", "models"},
        set(),
    ),
    "validation.repeats": (2, {}, PERFORMANCE, FITTED | {"instability"}),
    "validation.folds": (3, {}, PERFORMANCE, FITTED | {"instability"}),
    "validation.draws": (
        25,
        {},
        {"performance", "net_benefit"},
        FITTED | {"over_time", "instability"},
    ),
    "validation.censoring": (["arm"], {}, {"performance", "net_benefit", "censoring"}, FITTED),
    "tuning.spaces": ({"cox": {"ridge": [64.0, 16.0]}}, {}, PERFORMANCE | {"tuning"}, set()),
    "tuning.folds": (3, SPACES, {"tuning"}, set()),
    "optimism.bootstrap": (3, {}, {"optimism"}, PERFORMANCE | FITTED),
    "optimism.models": (["cox"], TWO, {"optimism"}, PERFORMANCE | FITTED),
    "instability.bootstrap": (11, {}, {"instability"}, PERFORMANCE | FITTED),
    "importance.patients": (50, FOREST, {"importance"}, PERFORMANCE | {"coefficients"}),
    "findings.bootstrap": (6, {}, {"findings"}, PERFORMANCE | {"coefficients"}),
    "findings.simulated": (10, {}, {"findings"}, PERFORMANCE | {"coefficients"}),
    "findings.margin": (3.0, {}, {"findings"}, PERFORMANCE | {"coefficients"}),
    "seed": (1, {}, PERFORMANCE | {"instability"}, {"coefficients"}),
    "disclosure": ("off", {}, {"risk_group_curves"}, FITTED),
    "preset": ("twice", {"validation.repeats": None}, PERFORMANCE, FITTED | {"instability"}),
}


IN_TEST_PLANS = {
    "endpoints",
    "validation.plan",
    "validation.by",
    "validation.file",
    "validation.replicates",
}


@pytest.mark.parametrize("key", MOVES)
def test_a_key_changes_what_it_is_about(result_of, key):
    value, needed, moved, kept = MOVES[key]
    found = changed(result_of(needed), result_of({**needed, key: value}))
    assert moved <= found
    assert not kept & found


def test_the_question_is_the_results(result_of):
    assert result_of({}).question == "Who dies?"
    assert result_of({"question": "Who lives?"}).question == "Who lives?"


def test_study_and_cohort_are_those_that_are_opened(read, tmp_path):
    def opened(**keys):
        config = read(study="rr-all", **keys)
        return open_cohort(config, load_study(config.study))

    bundled = opened()
    assert (bundled.study.name, bundled.n) == ("rr-all", 110)
    config = read(study="ebmt-all")
    assert open_cohort(config, load_study(config.study)).study.name == "ebmt-all"
    file = tmp_path / "patients.csv"
    load_cohort("rr-all").take(np.arange(60)).frame.to_csv(file, index=False)
    own = opened(cohort=str(file))
    assert own.n == 60
    assert own.source.kind == "reconstructed"  # recognised by its patients


def test_the_number_of_processes_is_read(read):
    # That a result does not depend on it: test_run.py.
    assert read(jobs=2).jobs == 2


def test_no_key_of_a_configuration_is_left_out_here():
    shown = {*MOVES, *IN_TEST_PLANS, "question", "study", "cohort", "jobs"}
    assert shown == set(leaves(config_schema()))


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
    others = table.drop(["tp53", "blasts"])
    assert (others[["n_missing", "percent"]] == 0).all(axis=None)
    assert set(others["handling"]) == {"nothing is missing"}
    # Few missing, and few known, are both a small count; nobody and everybody are none.
    for n, hidden in ((10, True), (11, False), (79, False), (80, True), (90, False)):
        values = np.array([None] * n + [True] * (90 - n), dtype=object)
        few = replace(cohort, frame=cohort.frame.assign(tp53=pd.array(values, dtype="boolean")))
        one = describe_cohort(few, config, silent)["missing"].set_index("variable").loc["tp53"]
        assert pd.isna(one["n_missing"]) == pd.isna(one["percent"]) == hidden, n

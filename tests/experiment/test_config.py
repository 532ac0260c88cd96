"""Choices of a run: layers, and errors with file, line and key."""

from __future__ import annotations

import pytest

from allsurv.errors import ConfigError
from allsurv.experiment import read_config
from allsurv.study import load_study


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "configs").mkdir()
    (tmp_path / "configs" / "fast.yaml").write_text(
        "validation: {repeats: 2, folds: 3}\nmodels:\n  rsf: {n_estimators: 50, max_depth: 2}\n"
    )
    (tmp_path / "007-asked").mkdir()
    return tmp_path


def write(folder, text):
    path = folder / "007-asked" / "config.yaml"
    path.write_text(text)
    return path


def test_later_layers_win_and_model_parameters_add_up(folder):
    path = write(
        folder,
        "study: rr-all\npreset: fast\nvalidation: {repeats: 4}\nmodels:\n"
        "  cox: {ridge: 0.1}\n  rsf: {n_estimators: 70}\n",
    )
    config = read_config(path)
    assert config.name == "007-asked"
    assert (config.validation.repeats, config.validation.folds) == (4, 3)
    assert config.models == {"cox": {"ridge": 0.1}, "rsf": {"n_estimators": 70, "max_depth": 2}}


def test_a_preset_gives_parameters_but_chooses_no_model(folder):
    config = read_config(write(folder, "study: rr-all\npreset: fast\n"))
    assert list(config.models) == ["cox", "coxnet", "rsf", "gbs"]
    assert config.models["rsf"] == {"n_estimators": 50, "max_depth": 2}


def test_command_line_wins(folder):
    path = write(folder, "study: rr-all\nhorizons: [12]\nmodels:\n  cox: {ridge: 0.1}\n")
    config = read_config(path, {"models": "cox, gbs", "horizons": "24,6"})
    assert config.models == {"cox": {"ridge": 0.1}, "gbs": {}}
    assert config.horizons == (6.0, 24.0)


def test_another_study_leaves_what_belongs_to_the_first(folder):
    path = write(
        folder, "study: rr-all\nquestion: Who dies?\nhorizons: [12]\npredictors: [age]\nseed: 3\n"
    )
    config = read_config(path, {"study": "ebmt-all"})
    assert (config.horizons, config.predictors, config.cohort) == ((), (), None)
    assert config.seed == 3
    assert config.name == "ebmt-all"
    assert "Who dies?" not in config.question


def test_complete_takes_the_rest_from_the_study(folder):
    config = read_config(write(folder, "study: ebmt-all\n")).complete(load_study("ebmt-all"))
    assert config.endpoint == "os"
    assert config.predictors == ("year", "agecl", "proph", "match")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "study: rr-all\nhorizon: [12]\n",
            "config.yaml:2 horizon: 'horizon' is not a key here. Did",
        ),
        ("study: rr-all\nseed: many\n", "config.yaml:2 seed: 'many' is not a whole number."),
        ("study: rr-all\nvalidation: {folds: 1}\n", "validation.folds: 1 is not allowed"),
        (
            "study: rr-all\npreset: fist\n",
            "full, quick. Did you mean 'fast'?",
        ),
        ("seed: 1\n", "study: is missing"),
        ("study: rr-all\nmodels: {cocks: {}}\n", "models.cocks: 'cocks' is not one of"),
        ("a: [\n", "not YAML"),
    ],
)
def test_faults_name_file_line_and_key(folder, text, message):
    with pytest.raises(ConfigError) as caught:
        read_config(write(folder, text))
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        (
            {"models": "cox,rfs"},
            "'rfs' is not a model; allowed are cox, coxnet, rsf, gbs, cgbs, by comma.",
        ),
        ({"horizons": "12,x"}, "are not numbers by comma"),
        ({"horizons": "-1"}, "must be above 0"),
    ],
)
def test_faults_of_the_command_line(folder, asked, message):
    with pytest.raises(ConfigError) as caught:
        read_config(write(folder, "study: rr-all\n"), asked)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("study: rr-all\nendpoint: oss\n", "endpoint 'oss' is not one of study 'rr-all'"),
        ("study: rr-all\npredictors: [agee]\n", "Did you mean 'age'?"),
    ],
)
def test_names_are_held_against_the_study(folder, text, message):
    with pytest.raises(ConfigError) as caught:
        read_config(write(folder, text)).complete(load_study("rr-all"))
    assert message in str(caught.value)


def test_tuning_features_and_bootstraps_are_read(folder):
    (folder / "configs" / "spaces.yaml").write_text(
        "cox: {ridge: [1, 10]}\nrsf: {max_depth: [2]}\n"
    )
    path = write(
        folder,
        "study: rr-all\npreset: fast\nvalidation: {draws: 20}\n"
        "tuning: {folds: 4, spaces: spaces}\noptimism: {bootstrap: 30, models: [cox]}\n"
        "instability: {bootstrap: 40}\n"
        "features: {missing: refuse, splines: {age: 4}, interactions: [[age, arm]]}\n",
    )
    config = read_config(path)
    assert config.tuning.spaces == {"cox": {"ridge": [1, 10]}, "rsf": {"max_depth": [2]}}
    assert (config.tuning.folds, config.draws) == (4, 20)
    assert (config.optimism.bootstrap, config.optimism.models) == (30, ("cox",))
    assert config.instability.bootstrap == 40
    assert config.features.parameters == {
        "features__missing": "refuse",
        "features__splines": {"age": 4},
        "features__interactions": (("age", "arm"),),
    }
    again = config.to_dict()
    assert again["features"]["interactions"] == [["age", "arm"]]
    assert again["tuning"]["spaces"]["cox"] == {"ridge": [1, 10]}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("tuning: {spaces: {coxx: {ridge: [1]}}}", "'coxx' is not a model.*Did you mean 'cox'"),
        ("tuning: {spaces: nowhere}", "no 'nowhere.yaml' in a folder 'configs' above"),
        ("features: {splines: {age: 9}}", r"config.yaml:2 features.splines.age"),
    ],
)
def test_faults_of_the_search(folder, text, message):
    with pytest.raises(ConfigError, match=message):
        read_config(write(folder, f"study: rr-all\n{text}\n"))


def test_every_family_has_a_search_space_of_its_own_parameters(root):
    import inspect

    from allsurv.models import FAMILIES

    spaces = read_config(root / "experiments" / "001-paper" / "config.yaml", {"preset": "full"})
    assert set(spaces.tuning.spaces) == {"cox", "coxnet", "rsf", "gbs", "cgbs"}
    for family, space in spaces.tuning.spaces.items():
        assert set(space) <= set(inspect.signature(FAMILIES[family].model_class).parameters)


def test_the_disclosure_policy_is_one_word(folder):
    assert read_config(write(folder, "study: rr-all\npreset: fast\n")).policy.threshold == 11
    text = "study: rr-all\npreset: fast\ndisclosure: {}\n"
    assert read_config(write(folder, text.format("off"))).policy.name == "off"
    assert read_config(write(folder, text.format("acro"))).to_dict()["disclosure"] == "acro"
    with pytest.raises(ConfigError, match=r"config\.yaml:3 disclosure"):
        read_config(write(folder, text.format("none")))


def test_the_old_threshold_says_what_took_its_place(folder):
    with pytest.raises(ConfigError, match=r"config\.yaml:2 threshold: .* 'disclosure: cms'"):
        read_config(write(folder, "study: rr-all\nthreshold: 11\n"))

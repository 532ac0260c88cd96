"""The main job on patients with missing predictors of every kind, by each word for it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from allsurv.errors import CohortError
from allsurv.experiment import run_experiment
from allsurv.experiment.config import FindingsPlan
from allsurv.experiment.describe import missing_statement
from allsurv.experiment.run import _complete
from allsurv.policy import disclosure_policy
from gaps import NAMES, PREDICTORS, cohort_with_gaps


@pytest.fixture(scope="module")
def config(small_config):
    return replace(
        small_config,
        models={"coxnet": {}},
        predictors=PREDICTORS,
        instability=replace(small_config.instability, bootstrap=12),
        findings=FindingsPlan(3, simulated=0),
        draws=5,
    )


@pytest.fixture(scope="module")
def by_complete_cases(config):
    return run_experiment(config, cohort=cohort_with_gaps("complete cases"))


def test_complete_cases_are_trained_on_and_counted(by_complete_cases):
    cohort = cohort_with_gaps()
    n = cohort.frame[list(NAMES)].notna().all(axis=1).sum()
    assert by_complete_cases.provenance.n == n
    said = by_complete_cases.statements["missing"]
    assert said.startswith(f"{110 - n} patients were left out because a predictor is missing.")
    table = by_complete_cases.tables["missing"].set_index("variable")
    assert table.loc["cns", "handling"] == "such patients are left out, and not scored"
    assert table.loc["tp53_mut", "handling"] == "own column 'tested'"
    assert table["n"].eq(110).all()
    assert by_complete_cases.config["features"]["missing"] == "complete cases"
    model = by_complete_cases.risk_models["coxnet"]
    assert model.provenance["missing"] == "complete cases"
    assert model.provenance["n_patients"] == n


def test_not_known_as_a_level_goes_through_the_whole_job(config):
    result = run_experiment(config, cohort=cohort_with_gaps("level"))
    assert result.provenance.n == 110
    model = result.risk_models["coxnet"]
    names = {term.name for term in model.terms}
    assert {f"{name} known" for name in NAMES} <= names
    assert "column of its own" in result.statements["missing"]
    shown = result.tables["nomogram"]
    assert {*NAMES} <= set(shown.loc[shown["value_label"] == "not known", "predictor"])


def test_what_is_refused_is_refused_before_anything_is_described(config):
    done = []
    with pytest.raises(CohortError, match=r"cns: \d+ rows .* which the prediction refuses"):
        run_experiment(
            config, cohort=cohort_with_gaps("refuse"), progress=lambda *now: done.append(now)
        )
    assert not done


def test_few_left_out_follow_from_no_two_sizes(config):
    asked = replace(config, features=replace(config.features, missing="complete cases"))
    asked = replace(asked, endpoint="os")
    few = cohort_with_gaps("complete cases", share=0.01)
    patients, described, n_left_out = _complete(few, asked)
    assert 0 < n_left_out < 11
    assert described is patients  # all tables are of the same patients
    assert missing_statement(asked, n_left_out).startswith("<11 patients were left out")
    everything = replace(asked, disclosure="off")
    assert disclosure_policy("off") == everything.policy
    patients, described, n_left_out = _complete(few, everything)
    assert described is few
    assert missing_statement(everything, n_left_out).startswith(f"{n_left_out} patients were")


def test_a_configuration_goes_before_the_study_file(config):
    cohort = cohort_with_gaps("complete cases")
    asked = replace(config, features=replace(config.features, missing="impute"))
    assert asked.complete(cohort.study).features.missing == "impute"
    assert config.complete(cohort.study).features.missing == "complete cases"

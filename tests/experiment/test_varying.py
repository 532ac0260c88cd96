"""Predictors that are the same in everybody are named and left out, never a hazard ratio of 1."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pytest

from allsurv.cohort import load_cohort
from allsurv.errors import ConfigError
from allsurv.experiment import run_experiment
from allsurv.experiment.config import FindingsPlan
from allsurv.experiment.varying import without_constant
from allsurv.study import load_study


@pytest.fixture
def config(small_config):
    return replace(
        small_config,
        models={"coxnet": {}},
        predictors=("age", "pb_blasts", "tp53_mut"),
        instability=replace(small_config.instability, bootstrap=12),
        findings=FindingsPlan(3, simulated=0),
        draws=5,
    ).complete(load_study("rr-all"))


def all_alike():
    cohort = load_cohort("rr-all")
    column = pd.array([False] * cohort.n, dtype="boolean")
    return replace(cohort, frame=cohort.frame.assign(tp53_mut=column))


def test_what_varies_stays(config):
    assert without_constant(load_cohort("rr-all"), config) == (config, "")


def test_a_marker_tested_in_some_varies_even_if_all_results_are_one(config):
    cohort = load_cohort("rr-all")
    column = cohort.frame["tp53_mut"].where(cohort.frame["tp53_mut"].fillna(False).astype(bool))
    some = replace(cohort, frame=cohort.frame.assign(tp53_mut=column))
    assert some.frame["tp53_mut"].nunique() == 1
    assert without_constant(some, config)[1] == ""


def test_the_job_names_what_nobody_varies_in(config):
    result = run_experiment(config, cohort=all_alike())
    label = load_cohort("rr-all").study.variable("tp53_mut").label
    said = f"Left out of every model, since all patients have the same value: {label}."
    assert result.statements["constant"] == said
    assert "tp53_mut" not in set(result.tables["coefficients"]["variable"])
    assert "tp53_mut" not in result.risk_models["coxnet"].variables
    assert set(result.tables["nomogram"]["predictor"]) == {"age", "pb_blasts"}


def test_nothing_that_varies_is_refused(config):
    with pytest.raises(ConfigError, match="nothing to predict from"):
        without_constant(all_alike(), replace(config, predictors=("tp53_mut",)))

"""The main job describes competing events, and refuses what would be no absolute risk."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import allsurv as als
from allsurv.errors import OutcomeError
from allsurv.experiment.choices import Config, InstabilityPlan
from allsurv.experiment.describe import describe_cohort, left_out_statement
from allsurv.experiment.run import run_experiment
from allsurv.plots.files import write_figures
from allsurv.study.spec import Comparison, Endpoint
from allsurv.validation import Plan


def silent(*progress):
    pass


def config_of(cohort, **changes):
    choices = {"models": {"cox": {}}, "validation": Plan(1, 2), "instability": InstabilityPlan(10)}
    config = Config(name="c", question="What first?", study="s", jobs=1, **(choices | changes))
    return config.complete(cohort.study)


@pytest.fixture(scope="module")
def patients():
    """After transplantation, with the comparisons and analyses of competing events alone."""
    cohort = als.load_cohort("ebmt-all")
    study = cohort.study
    kept = {n: c for n, c in study.comparisons.items() if c.endpoint != "os"}
    models = {"failure": study.analyses["failure"], "course": study.analyses["course"]}
    return replace(cohort, study=replace(study, comparisons=kept, analyses=models))


@pytest.fixture(scope="module")
def tables(patients):
    return describe_cohort(patients, config_of(patients), silent)


def test_incidences_are_described_beside_survival(patients, tables):
    assert set(tables["curves"]["comparison"]) == {"rfs_overall"}
    competing = {"failure_overall", "failure_match", "failure_recovery_landmark"}
    assert set(tables["incidence_curves"]["comparison"]) == competing
    assert set(tables["incidence"]["comparison"]) == competing
    assert set(tables["competing"]["cause"]) == {"relapse", "nrm"}
    # States are for the report of reproduce.
    assert "course" not in set(tables["competing"]["analysis"])
    assert "cox" not in tables


def test_their_figures_are_drawn(tables, tmp_path):
    chosen = {name: tables[name] for name in ("incidence", "incidence_curves")}
    one = {name: table[table["comparison"] == "failure_match"] for name, table in chosen.items()}
    files = write_figures(one, tmp_path, unit="days", formats=("svg",))
    assert sorted(file.name for file in files) == [
        "incidence-failure_match.svg",
        "shares-failure_match.svg",
    ]
    drawn = (tmp_path / "incidence-failure_match.svg").read_text()
    p_value = tables["incidence"].query("comparison == 'failure_match'")["p_value"].iloc[0]
    assert np.isfinite(p_value)
    assert "Gray" in drawn


def test_a_study_of_competing_comparisons_alone_has_a_survival_curve_too(patients):
    only = {n: c for n, c in patients.study.comparisons.items() if c.endpoint == "failure"}
    study = replace(patients.study, comparisons={"failure_overall": only["failure_overall"]})
    tables = describe_cohort(replace(patients, study=study), config_of(patients), silent)
    assert set(tables["curves"]["comparison"]) == {"overall"}


def test_a_model_of_relapse_with_deaths_censored_is_refused(patients):
    relapse = Endpoint("relapse", "Relapse", "rfs", ({"rel_s": True},), "transplantation")
    study = replace(
        patients.study,
        endpoints={**patients.study.endpoints, "relapse": relapse},
        comparisons={"relapse": Comparison("relapse", "Relapse", "relapse")},
        prediction=replace(patients.study.prediction, endpoint="relapse"),
    )
    cohort = replace(patients, study=study)
    with pytest.raises(OutcomeError, match="patients are censored when they die"):
        run_experiment(config_of(cohort, endpoint="relapse"), cohort=cohort)


def test_events_that_compete_are_described_without_a_comparison_of_the_study(patients):
    study = replace(patients.study, comparisons={})
    tables = describe_cohort(replace(patients, study=study), config_of(patients), silent)
    assert set(tables["curves"]["comparison"]) == {"overall"}
    assert set(tables["incidence"]["comparison"]) == {"failure_overall"}
    assert set(tables["incidence"]["cause"]) == {"relapse", "nrm"}


def test_an_analysis_that_cannot_be_made_is_named_and_the_rest_goes_on(patients):
    one = patients.study.analyses["failure"]
    same = replace(one, name="same", label="All alike", population={"match": "no gender mismatch"})
    study = replace(
        patients.study, analyses={"same": replace(same, variables=("match",)), "f": one}
    )
    cohort = replace(patients, study=study)
    tables = describe_cohort(cohort, config_of(patients), silent)
    left_out = tables["analyses_left_out"]
    assert left_out["label"].tolist() == ["All alike"]
    assert "no variable to fit" in left_out["reason"].iloc[0]
    assert set(tables["competing"]["analysis"]) == {"failure"}
    said = left_out_statement(left_out)
    assert said.startswith("Analyses of the study that could not be made. All alike: ")

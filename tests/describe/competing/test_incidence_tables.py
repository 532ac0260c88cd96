"""Incidences, Gray's tests and regressions of relapse and death, against R on 2,279 patients."""

from __future__ import annotations

import json

import numpy as np
import pytest

import allsurv as als
from allsurv.describe import (
    comparison_gray_tests,
    comparison_incidence,
    comparison_incidence_table,
    competing_analysis_table,
)
from allsurv.errors import ModelError, StudyError
from allsurv.study import Analysis

CAUSES = ("relapse", "nrm")


@pytest.fixture(scope="module")
def reference(root):
    return json.loads((root / "tests/reference/describe_competing.json").read_text())


@pytest.fixture(scope="module")
def patients():
    return als.load_cohort("ebmt-all")


def held(table, expected):
    """Hold the rows of one group against R."""
    for k, cause in enumerate(CAUSES):
        rows = table[table["cause"] == cause]
        assert rows["n"].unique().tolist() == [expected["n"]]
        assert rows["n_events"].unique().tolist() == [expected["n_events"][k]]
        assert rows["n_competing"].unique().tolist() == [expected["n_events"][1 - k]]
        assert rows["n_at_risk"].tolist() == expected["n_at_risk"]
        for column in ("incidence", "lower", "upper"):
            np.testing.assert_allclose(rows[column], expected[column][k], rtol=1e-8)


def test_incidences_at_horizons(patients, reference):
    table = als.incidence_table(patients, "failure", horizons=reference["horizons"])
    held(table, reference["whole"])
    assert table["p_value"].isna().all()
    assert table["cause_label"].unique().tolist() == ["Relapse", "Death without relapse"]


def test_groups_and_grays_test(patients, reference):
    horizons = reference["horizons"]
    table = als.incidence_table(patients, "failure", by="match", horizons=horizons)
    held(table[table["group"] == "no gender mismatch"], reference["same"])
    held(table[table["group"] == "gender mismatch"], reference["different"])
    for k, cause in enumerate(CAUSES):
        p_values = table.loc[table["cause"] == cause, "p_value"]
        np.testing.assert_allclose(p_values, reference["gray"]["p_value"][k], rtol=1e-8)
    tests = comparison_gray_tests(patients, patients.study.comparisons["failure_match"])
    np.testing.assert_allclose(tests["statistic"], reference["gray"]["statistic"], rtol=1e-8)
    assert tests["df"].tolist() == reference["gray"]["df"]


def test_incidence_from_a_landmark_on(patients, reference):
    expected = reference["landmark"]
    horizons = reference["horizons"]
    table = als.landmark_incidence(patients, "failure", "recovery", at=91.3125, horizons=horizons)
    held(table[table["group"] == "false"], expected["not"])
    held(table[table["group"] == "true"], expected["recovered"])
    for reason in ("n_event_before", "n_censored_before"):
        assert table[reason].unique().tolist() == [expected[reason]]
    p_values = table.drop_duplicates("cause")["p_value"]
    np.testing.assert_allclose(p_values, expected["gray"]["p_value"], rtol=1e-8)


def test_both_models_of_each_cause(patients, reference):
    table = als.competing_table(patients, "failure", ["agecl", "proph", "match"])
    for k, cause in enumerate(CAUSES):
        rows = table[table["cause"] == cause]
        assert rows["term"].tolist() == reference["terms"]
        for method in ("cause_specific", "subdistribution"):
            expected = reference["models"][k][method]
            np.testing.assert_allclose(rows[f"{method}_coef"], expected["coef"], atol=1e-7)
            np.testing.assert_allclose(
                rows[f"{method}_std_error"], expected["std_error"], atol=1e-7
            )
        assert rows["n_events"].unique().tolist() == [reference["whole"]["n_events"][k]]
    assert "rate of the event" in table.attrs["answers"]["cause_specific"]
    assert "share of patients" in table.attrs["answers"]["subdistribution"]


def test_curves_add_up_to_one_with_the_event_free(patients):
    curves = als.cumulative_incidence(patients, "failure")
    wide = curves.pivot(index="time", columns="cause", values="incidence")
    survival = als.kaplan_meier(patients, "rfs")
    np.testing.assert_allclose(
        wide.sum(axis=1).to_numpy() + survival["survival"].to_numpy(), 1.0, atol=1e-12
    )
    assert curves.groupby("cause")["n_events"].sum().to_dict() == {"relapse": 370, "nrm": 533}


def test_a_comparison_has_the_words_of_the_study(patients):
    asked = patients.study.comparisons["failure_recovery_landmark"]
    curves = comparison_incidence(patients, asked, times=[365.25])
    table = comparison_incidence_table(patients, asked, horizons=[365.25])
    assert curves["note"].unique().tolist() == ["Groups as they stood at the landmark."]
    read = curves[curves["time"] == 365.25].reset_index(drop=True)
    np.testing.assert_array_equal(read["incidence"], table["incidence"])
    assert table["comparison"].unique().tolist() == ["failure_recovery_landmark"]


def test_what_is_not_known_at_baseline_is_refused(patients):
    with pytest.raises(ModelError, match="immortal time"):
        als.incidence_table(patients, "failure", by="rec_s")
    with pytest.raises(ModelError, match="immortal time"):
        als.competing_table(patients, "failure", ["rec_s"])


def test_an_endpoint_of_one_event_is_refused(patients):
    with pytest.raises(StudyError, match="'os' has no events that compete"):
        als.incidence_table(patients, "os")


def test_imputation_is_refused_with_what_is_allowed(patients):
    with pytest.raises(ModelError, match="not imputed where events compete; choose missing"):
        als.competing_table(patients, "failure", ["match"], missing="impute")


@pytest.mark.parametrize("asked", [{"strata": ("proph",)}, {"cluster": "match"}, {"firth": True}])
def test_what_fine_gray_does_not_take_is_refused_and_not_left_out(patients, asked):
    analysis = Analysis("", "", "failure", ("agecl",), **asked)
    with pytest.raises(ModelError, match="takes neither strata, cluster, weights"):
        competing_analysis_table(patients, analysis)

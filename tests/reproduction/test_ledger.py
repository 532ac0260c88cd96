"""Every published number at once: the table, its summary, what the check asks, exit codes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from allsurv.cli.reconstruct import check_reconstruction
from allsurv.cohort import Cohort, load_cohort
from allsurv.errors import OutcomeError, StudyError
from allsurv.reproduction import ledger_summary, ledger_table, unmet
from allsurv.study import load_ledger, load_study

COUNTS = ("count", "percent", "denominator")


@pytest.fixture(scope="module")
def cohort():
    return load_cohort("rr-all")


@pytest.fixture(scope="module")
def table(cohort):
    return ledger_table(cohort).set_index("id")


def changed(cohort, **columns):
    """The cohort with some values set: column to {row: value}."""
    frame = cohort.frame.copy()
    for name, values in columns.items():
        for row, value in values.items():
            frame.loc[row, name] = value
    return Cohort(cohort.study, frame, cohort.source)


def test_one_row_per_entry_that_carries_its_source(table, cohort):
    assert list(table.index) == list(load_ledger("rr-all").entries)
    assert table.attrs["source"] == cohort.source.statement
    assert table["match"].dtype == "boolean"
    said = table["reason"].astype(bool)
    assert said[table["match"].ne(True).fillna(True)].all()  # each miss has its reason
    assert (table.loc[table["match"].isna(), "recomputed"] == "").all()


def test_every_count_of_the_shipped_cohort_matches(table):
    counts = table[table["kind"].isin(COUNTS) & table["status"].isin(["ok", "reading"])]
    assert counts["match"].all()


def test_contradictions_are_listed_as_the_papers_own(table):
    contradicted = table[table["status"] == "conflict"]
    assert len(contradicted) == 10
    assert contradicted["reason"].str.contains("contradicts itself").all()
    assert contradicted["match"].all()


def man(cohort):
    """Row of the man of the first arm, alive, who was seen for the shortest time."""
    frame = cohort.frame
    chosen = (frame["sex"] == "male") & (frame["arm"] == "before") & frame["alive"]
    return int(np.where(chosen, frame["os_months"], np.inf).argmin())


def test_one_patient_changed_is_noticed(table, cohort):
    row = man(cohort)
    after = ledger_table(changed(cohort, sex={row: "female"})).set_index("id")
    lost = table["match"].eq(True) & after["match"].ne(True)
    assert {"t1_male_all_n", "t1_male_before_n", "t1_male_before_pct"} <= set(lost[lost].index)
    assert set(table.loc[lost[lost].index, "variable"] if "variable" in table else ["sex"]) == {
        "sex"
    }


def test_one_death_more_moves_counts_and_curves(table, cohort):
    row = man(cohort)
    after = ledger_table(changed(cohort, alive={row: False}, followup_months={row: None}))
    after = after.set_index("id")
    lost = table["match"].eq(True) & after["match"].ne(True)
    assert {"count", "percent"} <= set(table.loc[lost[lost].index, "kind"])
    assert after.loc["res_alive_n", "recomputed"] == "40"
    curves = table["kind"].isin(["km_rate", "km_median", "logrank_p", "hazard_ratio"])
    moved = (table["estimate"] - after["estimate"]).abs() > 1e-9
    assert moved[curves].any()


def test_an_extreme_value_moved_is_noticed(table, cohort):
    row = int(cohort.frame["age"].idxmax())
    after = ledger_table(changed(cohort, age={row: 86.0})).set_index("id")
    assert table.loc["t1_age_all_max", "match"]
    assert not after.loc["t1_age_all_max", "match"]
    assert after.loc["t1_age_all_max", "reason"] == "Printed 87, recomputed 86."


def test_a_cohort_with_few_columns_gets_reasons_not_errors(cohort):
    few = cohort.frame[["arm", "sex", "os_months", "alive"]]
    found = ledger_table(Cohort(cohort.study, few, cohort.source)).set_index("id")
    assert found.loc["t1_male_all_n", "match"]
    assert found.loc["res_os_median", "recomputed"] != ""
    absent = found.loc["t1_age_all_median"]
    assert pd.isna(absent["match"])
    assert "hold no 'age'" in absent["reason"]
    assert unmet(found.reset_index())


def test_patients_drawn_from_the_dictionary_alone_get_a_table(made_up):
    found = ledger_table(made_up())
    assert len(found) == 851
    assert not found["match"].fillna(False).all()


def test_the_other_cohort_is_counted_once_it_is_given(cohort):
    alone = Cohort(cohort.study, cohort.frame.iloc[:89][["os_months", "alive"]], cohort.source)
    found = ledger_table(cohort, comparison=alone).set_index("id")
    assert found.loc["res_cmp_n", "recomputed"] == "89"
    assert found.loc["res_cmp_n", "match"]
    assert found.loc["res_cmp_p", "match"] in {True, False}
    assert ledger_summary(found)["entries"].iloc[-1] == 841
    assert found.attrs["comparison_source"]


def test_another_cohort_in_another_unit_is_refused(cohort):
    days = Cohort(load_study("ebmt-all"), cohort.frame, cohort.source)
    with pytest.raises(OutcomeError, match="are in days, those of 'rr-all' in months"):
        ledger_table(cohort, comparison=days)


@pytest.mark.parametrize("rows", [[], [0], [0, 1, 109]])
def test_hardly_any_patients_give_a_table(rows, cohort):
    found = ledger_table(cohort.take(rows))
    assert len(found) == 851
    assert len(unmet(found)) == 3


def made(**parts):
    """A table of three sorts of entries, all matching, parts changed."""
    kinds = ["count"] * 300 + ["km_rate"] * 100 + ["hazard_ratio"] * 4
    columns = {
        "id": [f"e{i}" for i in range(len(kinds))],
        "kind": kinds,
        "match": pd.array([True] * len(kinds), dtype="boolean"),
        "status": "ok",
    }
    table = pd.DataFrame(columns)
    for name, values in parts.items():
        for row, value in values.items():
            table.loc[row, name] = value
    return table


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        ({}, []),
        ({"match": {310 + i: False for i in range(4)}}, []),  # 400 of 404 are 99.01%
        ({"match": {310 + i: False for i in range(5)}}, ["399 of 404 entries"]),
        ({"match": {0: False}}, ["1 counts, denominators and percents do not match: e0."]),
        ({"match": {0: pd.NA}}, ["1 counts, denominators and percents do not match: e0."]),
        ({"match": {400: False}}, ["1 numbers of the multivariable Cox model"]),
        ({"match": {0: False}, "status": {0: "conflict"}}, []),
        ({"match": {0: pd.NA}, "status": {0: "external"}}, []),
        ({"match": {0: False}, "status": {0: "external"}}, ["e0"]),
    ],
)
def test_what_is_asked_of_a_reconstruction(parts, said):
    sentences = unmet(made(**parts))
    assert len(sentences) == len(said)
    for sentence, words in zip(sentences, said, strict=True):
        assert words in sentence


def test_summary_counts_by_kind():
    table = made(match={0: False, 1: pd.NA}, status={2: "conflict"})
    summary = ledger_summary(table).set_index("kind")
    assert summary.loc["count"].tolist() == [299, 297, 1, 1]
    assert summary.loc["all"].tolist() == [403, 401, 1, 1]


def test_a_study_without_a_ledger_is_refused(cohort):
    with pytest.raises(StudyError, match="names no ledger"):
        ledger_table(Cohort(load_study("ebmt-all"), cohort.frame, cohort.source))


def allsurv(*arguments, cwd):
    command = [sys.executable, "-m", "allsurv", "reconstruct", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd, check=False)


def test_a_lost_match_is_exit_code_1_with_the_table_written(cohort, tmp_path):
    derived = [v.name for v in cohort.study.variables.values() if v.derivation]
    frame = changed(cohort, sex={man(cohort): "female"}).frame.drop(columns=derived)
    frame.to_csv(tmp_path / "mine.csv", index=False)
    done = allsurv("--check", "--cohort", "mine.csv", "--out", "table.csv", cwd=tmp_path)
    assert done.returncode == 1
    assert "mine.csv lost a match" in done.stderr
    assert "t1_male_all_n (Table 1, row Gender: Male, col Overall): Printed 52" in done.stdout
    assert "Where the paper contradicts itself (10)" in done.stdout
    written = pd.read_csv(tmp_path / "table.csv")
    assert len(written) == 851
    assert (written["source"] == "Patients read from mine.csv.").all()


def test_agreement_is_exit_code_0(cohort, tmp_path, capsys):
    lines = [
        {"id": name, "variable": "sex", "event": {"sex": "male"}, "kind": kind, "value": value}
        | {"section": "s", "statement": "Men", "printed": str(value), "where": "W", "group": "g"}
        for name, kind, value in (("men", "count", 52), ("men_percent", "percent", 47))
    ]
    (tmp_path / "mine.json").write_text(json.dumps({"study": "rr-all", "entries": lines}))
    text = Path(cohort.study.path).read_text(encoding="utf-8")
    (tmp_path / "mine.yaml").write_text(text.replace("rr-all.ledger.json", "mine.json"))
    check_reconstruction(str(tmp_path / "mine.yaml"), "", str(tmp_path / "table.csv"))
    said = capsys.readouterr().out
    assert cohort.source.statement in said
    assert "all        2      2     0       0" in said
    assert "Do not match" not in said
    assert len(pd.read_csv(tmp_path / "table.csv")) == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--check", "--study", "ebmt-all"], "names no ledger"),
        (["--check", "--cohort", "nowhere.csv"], "nowhere.csv"),
    ],
)
def test_bad_usage_is_exit_code_2(arguments, message, tmp_path):
    done = allsurv(*arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr

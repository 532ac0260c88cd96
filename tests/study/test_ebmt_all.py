"""The bundled study ebmt-all against the real cohort that it describes."""

from __future__ import annotations

import pandas as pd
import pytest

from allsurv.study import load_study

STUDY = load_study("ebmt-all")


@pytest.fixture(scope="module")
def patients(shared):
    return pd.read_csv(shared / "reference" / "ebmt4_all.csv")


def test_every_column_is_in_the_dictionary(patients):
    given = {v.column for v in STUDY.variables.values() if v.derivation is None}
    assert given == set(patients.columns)


def test_levels_are_those_of_the_data(patients):
    for variable in STUDY.variables.values():
        if variable.has_levels:
            assert set(variable.levels) == set(patients[variable.column]), variable.name
        elif variable.kind == "duration" and variable.derivation is None:
            assert patients[variable.column].between(variable.minimum, variable.maximum).all()
        elif variable.kind == "binary" and variable.derivation is None:
            assert set(patients[variable.column]) == {0, 1}


def test_references_are_those_of_the_fits_in_r():
    references = {name: STUDY.variables[name].reference for name in STUDY.prediction.predictors}
    assert references == {
        "year": "1985-1989",
        "agecl": "<=20",
        "proph": "no",
        "match": "no gender mismatch",
    }


def test_relapse_free_survival_ends_at_the_earlier_of_relapse_and_death(patients):
    derived = STUDY.variables["rfs"].derivation
    assert derived.op == "earliest"
    assert derived.sources == ("rel", "srv")
    # 23 patients relapsed on the day they died; nobody's relapse is later than that day
    assert (patients["rel"] <= patients["srv"]).all()
    assert ((patients["rel"] == patients["srv"]) & (patients["rel.s"] == 1)).sum() == 23


def test_the_statement_says_what_the_owners_ask():
    statement, said = STUDY.cohort.statement, STUDY.citation["acknowledgement"]
    assert "Real patients" in statement
    assert "acknowledge" in statement
    assert "We acknowledge the European Society for Blood and Marrow Transplantation (EBMT)" in said
    assert "do not reflect any real life situation" in said
    assert "No clinical conclusions should be drawn from these data." in said


def test_plain_yaml_1_1_reads_the_same():
    """Programs that read ``no`` as false still find the levels: they are in quotes."""
    import yaml

    for name in ("rr-all", "ebmt-all"):
        with open(load_study(name).path, encoding="utf-8") as file:
            content = yaml.safe_load(file)
        for variable, line in content["variables"].items():
            levels = load_study(name).variables[variable].levels
            assert tuple(line.get("levels", levels)) == levels
            assert not any(isinstance(level, bool) for level in line.get("levels", ()))

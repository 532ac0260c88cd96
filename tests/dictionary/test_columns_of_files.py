"""From the column of a file to the variable: units, codes, zeros; the same in scoring."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from allsurv.cohort import read_cohort
from allsurv.cohort.writing import write_cohort
from allsurv.dictionary.checks import check_frame
from allsurv.dictionary.derive import derive
from allsurv.dictionary.variable import Derivation, Variable
from allsurv.errors import CohortError, StudyError
from allsurv.models import export_model, make_model
from allsurv.riskmodel.model import RiskModel
from allsurv.scoring import RiskScorer
from allsurv.scoring.columns import make_reader
from allsurv.study import load_study

STUDY = """
name: small
title: Small
citation: {text: None.}
time: {unit: months, grid: 1}
ignore: [ward]
variables:
  id: {label: Number, kind: identifier}
  age_years: {label: Age, kind: continuous, unit: years, column: age, column_unit: months, minimum: 1, maximum: 99, required: true}
  hb: {label: Haemoglobin, kind: continuous, unit: g/dL, column: hgb, column_unit: g/L, factor: 0.1, minimum: 2, maximum: 25, missing: allowed, missing_codes: [999, -1], required: true}
  ecog: {label: ECOG, kind: ordinal, levels: [0, 1, 2], missing: allowed, missing_codes: [9, unk], required: true}
  old: {label: Over 60, kind: binary, derivation: {op: above, sources: [age_years], threshold: 60}}
  os_months: {label: Time, kind: duration, unit: months, column: days, column_unit: days, zero_as: 0.5, known: outcome, required: true}
  died: {label: Death, kind: binary, known: outcome, required: true}
endpoints:
  os: {label: Survival, time: os_months, event: [{died: true}], origin: entry}
prediction: {moment: at entry, endpoint: os, horizons: [6], predictors: [age_years, hb, ecog, old]}
"""  # noqa: E501


@pytest.fixture
def study(tmp_path):
    def read(*changes):
        text = STUDY
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        path = tmp_path / "small.yaml"
        path.write_text(text)
        return load_study(path)

    return read


@pytest.fixture
def patients():
    return pd.DataFrame(
        {
            "id": ["a", "b", "c", "d"],
            "age": [600, 732, 720, 240],
            "hgb": [120, 999, -1, 85],
            "ecog": ["0", "1.0", "9", "unk"],
            "days": [0, 30.4375, 365.25, 730.5],
            "died": ["1.0", "0.0", "yes", "0"],
            "ward": ["x", "y", "z", "x"],
        }
    )


@pytest.mark.parametrize("as_file", [False, True])
def test_values_are_in_the_units_of_the_study(study, patients, tmp_path, as_file):
    """600 months are 50 years; 120 g/L are 12 g/dL; 365.25 days are 12 months; 0 is half a day."""
    if as_file:
        patients.to_csv(tmp_path / "patients.csv", index=False)
    cohort = read_cohort(tmp_path / "patients.csv" if as_file else patients, study())
    assert cohort.frame["age_years"].tolist() == [50, 61, 60, 20]
    assert cohort.frame["old"].tolist() == [False, True, False, False]  # 60 is not above 60
    np.testing.assert_allclose(cohort.frame["hb"], [12, np.nan, np.nan, 8.5], rtol=1e-15)
    np.testing.assert_allclose(cohort.y("os")["time"], [0.5 / 30.4375, 1, 12, 24], rtol=1e-15)
    assert cohort.y("os")["event"].tolist() == [True, False, True, False]
    assert cohort.frame["ecog"].astype(object).where(
        cohort.frame["ecog"].notna(), None
    ).tolist() == [0, 1, None, None]
    assert "ward" not in cohort.frame


def test_a_fault_names_the_unit_it_is_told_in(study, patients):
    with pytest.raises(CohortError) as caught:
        read_cohort(patients.assign(age=[600, 732, 60000, 240], days=[-1, 2, 3, 4]), study())
    assert [str(v) for v in caught.value.violations] == [
        "age: 1 row (3) is 5000; allowed 1 to 99 in years, to which the column (months) is "
        "converted.",
        "days: 1 row (1) is negative; times are months, at least 0 in months, to which the column "
        "(days) is converted.",
    ]


def test_columns_are_ignored_by_name_or_all(study, patients):
    more = patients.assign(bed="x")
    with pytest.raises(CohortError, match="bed: is not in the data dictionary") as caught:
        read_cohort(more, study())
    assert len(caught.value.violations) == 1
    read = read_cohort(more, study(("ignore: [ward]", "ignore: all others")))
    assert read.frame.equals(read_cohort(patients, study()).frame)
    with pytest.raises(CohortError, match="days: is missing, but required"):
        read_cohort(more.drop(columns="days"), study(("ignore: [ward]", "ignore: all others")))


def test_a_day_zero_is_refused_unless_it_is_said_what_it_stands_for(study, patients):
    with pytest.raises(CohortError, match=r"days: 1 row \(1\) is zero; .* 'zero_as'"):
        read_cohort(patients, study((", zero_as: 0.5", "")))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("column: age, ", ""), "variables.age_years.column: is missing; 'column_unit' needs it"),
        (
            ("column: days, column_unit: days", "column: os_months, column_unit: days"),
            "variables.os_months.column_unit: is in days, 'os_months' in months: name the file's "
            "column by 'column' and give the variable another name",
        ),
        ((", factor: 0.1", ""), "variables.hb.factor: is missing; say how many g/dL one of the"),
        (("column_unit: days", "column_unit: days, factor: 2"), "os_months.factor: is not needed"),
        (("levels: [0, 1, 2], ", "levels: [0, 1, 9], "), "ecog.missing_codes: '9' is a level too"),
        (("kind: ordinal, ", "kind: ordinal, zero_as: 1, "), "ecog.zero_as: is for durations"),
        (
            ("{label: Over 60, kind: binary", "{label: Over 60, kind: binary, missing_codes: [1]"),
            "variables.old.missing_codes: is for columns of files",
        ),
        (
            ("ignore: [ward]", "ignore: [ward, days]"),
            r"ignore\[1\]: 'days' is the column of variable 'os_months'",
        ),
        (("ignore: [ward]", "ignore: others"), "ignore: 'others' is not allowed here. Columns"),
    ],
)
def test_what_contradicts_itself_is_refused(study, change, message):
    with pytest.raises(StudyError, match=message):
        study(change)


@pytest.mark.parametrize(
    ("op", "expected"),
    [
        ("at_least", [False, True, True]),
        ("above", [False, False, True]),
        ("below", [True, False, False]),
    ],
)
@pytest.mark.parametrize("kind", ["number", "ordinal"])
def test_a_threshold_at_its_own_value(op, expected, kind):
    column = pd.Series([1.0, 2.0, 3.0, np.nan])
    if kind == "ordinal":
        column = pd.Series(pd.Categorical([1, 2, 3, None], [1, 2, 3], ordered=True))
    rule = Derivation(op, ("x",), threshold=2)
    found = derive(pd.DataFrame({"x": column}), Variable("y", "", "binary", "y", derivation=rule))
    assert found.tolist() == [*expected, pd.NA]


@pytest.fixture(scope="module")
def scorer(tmp_path_factory):
    """Score with a model that was written and read: the dictionary travels with it."""
    folder = tmp_path_factory.mktemp("travels")
    (folder / "small.yaml").write_text(STUDY)
    rng = np.random.default_rng(0)
    n = 200
    age, days = rng.integers(240, 1000, n), rng.integers(1, 700, n)
    raw = pd.DataFrame(
        {
            "age": age,
            "hgb": np.where(rng.random(n) < 0.1, 999, rng.integers(60, 180, n)),
            "ecog": rng.choice(["0", "1.0", "2", "9"], n),
            "days": days,
            "died": rng.random(n) < 0.6,
        }
    )
    cohort = read_cohort(raw, load_study(folder / "small.yaml"))
    model = make_model("cox", cohort.study).fit(cohort.X, cohort.y("os"))
    export_model(model, cohort, endpoint="os").write(folder / "model")
    return RiskScorer(RiskModel.read(folder / "model")), raw, cohort, model


def test_new_patients_are_read_as_those_of_development(scorer):
    """A file of the study and a table under allsurv's own names give the risks of the model."""
    score, raw, cohort, model = scorer
    expected = model.predict(cohort.X)
    np.testing.assert_allclose(score.score(raw)["risk_score"], expected, rtol=1e-12)
    np.testing.assert_allclose(score.score(raw.astype("str"))["risk_score"], expected, rtol=1e-12)
    own = cohort.X.drop(columns="old")
    np.testing.assert_allclose(score.score(own)["risk_score"], expected, rtol=1e-12)


def test_quick_reading_turns_units_and_codes_too():
    known = Variable(
        "hb", "", "continuous", "hgb", unit="g/dL", column_unit="g/L", factor=0.1, minimum=2.0,
        maximum=25.0, missing="allowed", missing_codes=(999,),
    )  # fmt: skip
    read = make_reader(known)
    np.testing.assert_allclose(read(np.array([120, 999, 85])), [12, np.nan, 8.5], rtol=1e-15)
    assert read(np.array([12.0])) is None  # 1.2 g/dL is out of range: left to those who say so
    coded = Variable("x", "", "marker", "x", missing_codes=(9,))
    assert make_reader(coded)(np.array([1.0, 9.0])) is None
    clean, faults = check_frame(pd.DataFrame({"x": [1, 0, 9]}), {"x": coded})
    assert not faults
    assert clean["x"].tolist() == [True, False, pd.NA]


def test_under_its_own_name_a_variable_is_in_its_own_unit():
    known = Variable("os_months", "", "duration", "days", unit="months", column_unit="days")
    assert known.scale == 1 / 30.4375
    assert known.named() == replace(known, column="os_months", column_unit="")
    assert known.named().scale == 1
    same = Variable("wbc", "", "continuous", "wbc", missing_codes=(-9,))
    assert same.named() is same


def test_the_example_of_the_documentation_is_a_study_file(root, tmp_path):
    page = (root / "docs" / "study-file.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```yml\n(ignore: .*?)```", page, flags=re.DOTALL)
    rest = STUDY.replace("ignore: [ward]\n", "")
    lines = (
        example + "  wbc: {label: White cells, kind: continuous}\n" + rest.split("variables:\n")[1]
    )
    lines = "".join(
        line for line in lines.splitlines(True) if not line.startswith("  os_months: {")
    )
    path = tmp_path / "example.yaml"
    path.write_text(rest.split("variables:\n")[0] + lines)
    study = load_study(path)
    assert study.ignore == ("ward", "comment")
    assert study.variable("os_months").scale == 1 / 30.4375
    assert study.variable("haemoglobin").scale == 0.1


def test_a_cohort_that_is_written_is_read_back(study, patients, tmp_path):
    """In the units of the file's columns, to the last digit that anything is measured to."""
    cohort = read_cohort(patients, study())
    again = read_cohort(write_cohort(cohort, tmp_path / "again.csv"), study())
    pd.testing.assert_frame_equal(again.frame, cohort.frame, rtol=1e-12)

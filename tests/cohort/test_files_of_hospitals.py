"""One answer to one file: read and scored alike, whoever wrote it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import allsurv as als
from allsurv.cohort import load_cohort, read_cohort, write_cohort
from allsurv.errors import CohortError
from allsurv.models import export_model, make_model
from allsurv.scoring import RiskScorer
from allsurv.scoring.batch import score_file

CSV_BY_EXCEL_IN_GERMAN = {
    "sep": ";",
    "decimal": ",",
    "encoding": "utf-8-sig",
    "lineterminator": "\r\n",
}


@pytest.fixture(scope="module")
def embedded():
    return load_cohort("rr-all")


@pytest.fixture(scope="module")
def patients(embedded) -> pd.DataFrame:
    frame = embedded.frame.copy()
    for name in frame.select_dtypes("boolean"):
        frame[name] = frame[name].map({True: "yes", False: "no"})
    derived = [n for n, v in embedded.study.variables.items() if v.derivation is not None]
    return frame.drop(columns=derived, errors="ignore")


@pytest.fixture(scope="module")
def scorer(embedded):
    model = make_model("cox", embedded.study).fit(embedded.X, embedded.y("os"))
    return RiskScorer(export_model(model, embedded, endpoint="os"))


WRITERS = {
    "plain": lambda frame, path: frame.to_csv(path, index=False),
    "German Excel": lambda frame, path: frame.to_csv(path, index=False, **CSV_BY_EXCEL_IN_GERMAN),
    "tabs, UTF-16": lambda frame, path: frame.to_csv(
        path, index=False, sep="\t", encoding="utf-16"
    ),
    "sep= line": lambda frame, path: path.write_text(
        "sep=|\n" + frame.to_csv(index=False, sep="|")
    ),
    "rows of commas": lambda frame, path: path.write_text(
        frame.to_csv(index=False) + "," * (frame.shape[1] - 1) + "\n"
    ),
    "points for nothing": lambda frame, path: frame.to_csv(path, index=False, na_rep="."),
    "Excel": lambda frame, path: frame.to_excel(path.with_suffix(".xlsx"), index=False),
    "Parquet": lambda frame, path: frame.to_parquet(path.with_suffix(".parquet")),
}


@pytest.mark.parametrize("name", WRITERS)
def test_read_and_scored_alike(name, tmp_path, embedded, patients, scorer):
    WRITERS[name](patients, tmp_path / "patients.csv")
    (path,) = tmp_path.iterdir()
    cohort = read_cohort(path, embedded.study)
    pd.testing.assert_frame_equal(cohort.frame, embedded.frame)
    score_file(scorer, path, tmp_path / "risks.csv")
    found = pd.read_csv(tmp_path / "risks.csv")["risk_score"]
    np.testing.assert_allclose(found, scorer.score(embedded.X)["risk_score"], rtol=1e-9)


@pytest.mark.parametrize("ending", ["csv", "xlsx", "parquet"])
def test_a_cohort_comes_back_from_its_file(ending, tmp_path, embedded):
    path = write_cohort(embedded, tmp_path / f"again.{ending}")
    again = als.read_cohort(path, embedded.study)
    pd.testing.assert_frame_equal(again.frame, embedded.frame)


def reconstructed_as(frame, study, path) -> str:
    frame.to_csv(path, index=False, **CSV_BY_EXCEL_IN_GERMAN)
    return read_cohort(path, study).source.kind


def test_a_reconstructed_cohort_is_known_by_its_rows(tmp_path, embedded, patients):
    """Another program changes bytes, order and columns; what was reconstructed stays so."""
    path, study = tmp_path / "mine.csv", embedded.study
    assert reconstructed_as(patients, study, path) == "reconstructed"
    assert reconstructed_as(patients.sample(frac=1, random_state=1), study, path) == "reconstructed"
    assert reconstructed_as(patients.head(60), study, path) == "reconstructed"
    assert (
        reconstructed_as(patients.assign(patient_no=range(500, 610)), study, path)
        == "reconstructed"
    )
    changed = patients.assign(age=patients["age"] + 1)
    assert reconstructed_as(changed, study, path) == "file"
    assert (
        "reconstructed"
        in read_cohort(write_cohort(embedded, tmp_path / "own.csv"), study).source.statement.lower()
    )


def violations(frame, study) -> list[str]:
    with pytest.raises(CohortError) as caught:
        read_cohort(frame, study)
    return [str(v) for v in caught.value.violations]


def test_identifiers_that_differ_by_blanks_or_capitals(frame, study):
    (only,) = violations(frame.assign(id=["P1", "p 1", "P3", "P4"]), study)
    assert only.startswith("id: 2 rows (1, 2) have an identifier that another row has too but for")


def test_days_taken_for_months(frame, study):
    times = frame["os_months"].astype(float)
    late = times.where(times.index != 2, 1500.0)  # 125 years
    found = violations(frame.assign(os_months=late), study)
    assert any(
        "os_months: 1 row (3) cannot be months: no human life is so long." in v for v in found
    )


def test_follow_up_beyond_sixty_years_needs_a_maximum(frame, study):
    """The small study gives 600 months; without it, 800 months of a child are asked about."""
    from dataclasses import replace

    variables = dict(study.variables)
    variables["os_months"] = replace(variables["os_months"], maximum=None)
    long = frame.assign(os_months=[48.0, 2.5, 800.0, 17.0])
    found = violations(long, replace(study, variables=variables))
    assert found == [
        "os_months: 1 row (3) cannot be months: more than 60 years of follow-up. Are they days, or "
        "dates? See 'column_unit'. If they are right, give the longest as 'maximum' in the study "
        "file."
    ]
    variables["os_months"] = replace(variables["os_months"], maximum=900)
    assert read_cohort(long, replace(study, variables=variables)).n == 4


def test_a_fault_says_how_the_file_was_read(tmp_path, frame, study):
    path = tmp_path / "p.csv"
    frame.assign(age=[34, 60, 42, 180]).to_csv(path, index=False, sep=";", decimal=",")
    with pytest.raises(
        CohortError, match=r"p.csv \(read as: semicolons; decimal commas\) breaks 1"
    ):
        read_cohort(path, study)

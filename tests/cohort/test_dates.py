"""The time between two dates of a file."""

from __future__ import annotations

import io
from datetime import date

import pandas as pd
import pytest

from allsurv.cohort import make_cohort, read_cohort
from allsurv.errors import CohortError, StudyError
from allsurv.study import load_study

STUDY = """
name: dated
title: Dates
citation: {text: None.}
time: {unit: months, grid: 1}
variables:
  os_months:
    {label: Survival, kind: duration, unit: months, between: [dx, last],
     FORM known: outcome, required: true}
  age:
    {label: Age, kind: continuous, unit: years, between: [born, dx], FORM minimum: 17, maximum: 110}
  died: {label: Death, kind: binary, known: outcome, required: true}
endpoints:
  os: {label: Overall survival, time: os_months, event: [{died: true}], origin: diagnosis}
prediction: {moment: at diagnosis, endpoint: os, horizons: [12], predictors: [age]}
"""
ROWS = "dx,last,born,died\n2020-01-31,2020-03-01,1960-01-31,1\n2019-12-31,2021-12-31,1980-06-30,0\n"


MONTHS = pytest.approx([30 / 30.4375, 731 / 30.4375], rel=1e-14)


@pytest.fixture
def study_of(tmp_path):
    def made(form="", text=STUDY):
        path = tmp_path / "dated.yaml"
        path.write_text(text.replace("FORM", form))
        return load_study(path)

    return made


def test_days_between_dates_in_the_studys_unit(study_of, tmp_path):
    path = tmp_path / "patients.csv"
    path.write_text(ROWS)
    cohort = read_cohort(path, study_of())
    # February 2020 has 29 days: 30 days; two years with the leap day of 2020: 731 days.
    assert cohort.y("os")["time"].tolist() == MONTHS
    assert (cohort.frame["age"] * 365.25).round(6).tolist() == [21915, 14428]
    assert list(cohort.frame.columns) == ["os_months", "age", "died"]
    assert cohort.source.ignored == ()


@pytest.mark.parametrize(
    "as_written",
    [
        pd.to_datetime,
        lambda column: pd.to_datetime(column).dt.date,
        lambda column: column + " 00:00:00",
        lambda column: pd.to_datetime(column).dt.tz_localize("Europe/Berlin"),
    ],
)
def test_dates_of_any_type_are_the_same(study_of, as_written):
    frame = pd.read_csv(io.StringIO(ROWS))
    dated = frame.assign(**{c: as_written(frame[c]) for c in ("dx", "last", "born")})
    expected = make_cohort(frame, study_of())
    pd.testing.assert_frame_equal(make_cohort(dated, study_of()).frame, expected.frame)


def test_another_form_is_named_in_the_file(study_of):
    frame = pd.read_csv(io.StringIO(ROWS))
    for column in ("dx", "last", "born"):
        frame[column] = pd.to_datetime(frame[column]).dt.strftime("%d.%m.%Y")
    cohort = make_cohort(frame, study_of("date_format: '%d.%m.%Y',"))
    assert cohort.y("os")["time"].tolist() == MONTHS
    with pytest.raises(CohortError, match=r"dx: 2 rows \(1, 2\) are no date; allowed is YYYY"):
        make_cohort(frame, study_of())


def test_what_is_no_date_is_named_by_row_and_never_shown(study_of):
    frame = pd.read_csv(io.StringIO(ROWS))
    frame.loc[1, "last"] = "31/12/2021"
    with pytest.raises(CohortError) as caught:
        make_cohort(frame, study_of())
    assert "last: 1 row (2) is no date" in str(caught.value)
    assert "2021" not in str(caught.value)


def test_a_last_date_before_the_first_is_refused(study_of):
    frame = pd.read_csv(io.StringIO(ROWS))
    frame.loc[0, "last"] = "2020-01-30"
    with pytest.raises(CohortError, match=r"last - dx: 1 row \(1\)"):
        make_cohort(frame, study_of())


def test_a_missing_date_is_a_missing_time(study_of):
    frame = pd.read_csv(io.StringIO(ROWS))
    frame.loc[0, "last"] = None
    with pytest.raises(CohortError, match=r"last - dx: 1 row \(1\) is missing"):
        make_cohort(frame, study_of())
    optional = STUDY.replace("minimum: 17", "missing: allowed, minimum: 17")
    frame = pd.read_csv(io.StringIO(ROWS)).assign(born=[None, date(1980, 6, 30)])
    ages = make_cohort(frame, study_of(text=optional)).frame["age"]
    assert ages.isna().tolist() == [True, False]


def test_days_may_stand_in_the_file_themselves(study_of):
    frame = pd.DataFrame({"last - dx": [30, 731], "dx - born": [21915, 14428], "died": [1, 0]})
    assert make_cohort(frame, study_of()).y("os")["time"].tolist() == MONTHS


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("between: [dx, last]", "between: [dx]", "between"),
        ("between: [dx, last]", "between: [dx, last], column: x", "takes the place of 'column'"),
        ("kind: duration, unit: months", "kind: binary", "is a time"),
        ("between: [dx, last],\n     FORM", "date_format: '%d',", "'date_format' needs it"),
    ],
)
def test_a_difference_that_cannot_be(study_of, old, new, message):
    with pytest.raises(StudyError, match=message):
        study_of(text=STUDY.replace(old, new))

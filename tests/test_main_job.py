"""The main job as users start it: ``mlflow run .``, on the embedded cohort and on real patients."""

from __future__ import annotations

import csv
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

pytestmark = pytest.mark.slow

ANALYSES = {
    "baseline": "OS baseline",
    "time_dependent": "OS baseline + time-dependent recovery, AE, relapse"
    " (tmerge; ties event==srv leave covariate unchanged)",
}
SAME = {"recovery": "rec_t", "adverse_event": "ae_t", "relapse": "rel_t"}


def mlflow_run(root: Path, store: Path, out: Path, *parameters: str) -> subprocess.CompletedProcess:
    scripts = str(Path(sys.executable).parent)
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("MLFLOW_")}
    environment = inherited | {
        "PATH": scripts + os.pathsep + os.environ["PATH"],
        "MLFLOW_TRACKING_URI": f"sqlite:///{store / 'mlflow.db'}",
        "MLFLOW_DISABLE_TELEMETRY": "true",
    }
    command = [shutil.which("mlflow", path=scripts), "run", str(root), "--env-manager", "local"]
    for parameter in (f"out={out}", *parameters):
        command += ["-P", parameter]
    return subprocess.run(
        command, capture_output=True, text=True, cwd=store, env=environment, check=False
    )


@pytest.fixture(scope="module")
def embedded(root, tmp_path_factory):
    store = tmp_path_factory.mktemp("embedded")
    return mlflow_run(root, store, store / "out"), store / "out"


def test_the_main_job_on_the_embedded_cohort(embedded):
    done, out = embedded
    assert done.returncode == 0, done.stderr[-3000:]
    assert "Reconstructed from published summaries; not patients" in done.stdout
    assert "models:/rr-all-os@candidate" in done.stdout
    for name in ("card.html", "card.md", "card.json", "results.json", "figures/findings.png"):
        assert (out / name).stat().st_size > 1000
    assert {p.name for p in (out / "models").iterdir()} == {"cox", "coxnet", "rsf", "gbs"}


def test_its_published_protocol_gives_the_signs_of_the_paper(embedded):
    table = pd.read_csv(embedded[1] / "tables" / "findings.csv")
    protocol = table[table["model"] == "published protocol"].set_index("finding")
    assert protocol["same_sign"].all()
    assert (protocol["verdict"] == "consistent").all()


def test_the_same_job_on_real_patients_equals_r(root, shared, tmp_path):
    done = mlflow_run(root, tmp_path, tmp_path / "out", "study=ebmt-all")
    assert done.returncode == 0, done.stderr[-3000:]
    assert "2279 patients, 838 events" in done.stdout
    with (shared / "reference" / "ebmt4_all_ref.csv").open() as file:
        rows = [r for r in csv.DictReader(file) if r["ties"] == "efron"]
    ours = pd.read_csv(tmp_path / "out" / "tables" / "cox.csv")
    compared = 0
    for analysis, model in ANALYSES.items():
        reference = {r["term"]: float(r["coef"]) for r in rows if r["model"] == model}
        for row in ours[ours["analysis"] == analysis].itertuples():
            name = SAME.get(row.term, row.term.replace("=", ""))
            assert row.coef == pytest.approx(reference.pop(name), abs=1e-6)
            compared += 1
        assert not reference
    assert compared == 15
    source = json.loads((tmp_path / "out" / "results.json").read_text())["provenance"]
    assert source["source_kind"] == "file"
    assert "Real patients" in source["source_statement"]


def test_a_bad_cohort_stops_the_job_with_every_fault_and_no_traceback(root, tmp_path):
    (tmp_path / "bad.csv").write_text("patient_no,agee\n1,40\n1,50\n")
    done = mlflow_run(root, tmp_path, tmp_path / "out", f"cohort={tmp_path / 'bad.csv'}")
    assert done.returncode != 0
    assert "Did you mean 'age'?" in done.stderr
    assert "Traceback" not in done.stderr.split("allsurv:")[1].split("mlflow")[0]
    assert not (tmp_path / "out").exists()

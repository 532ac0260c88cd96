"""From the file to a checked card: ``check``, ``reproduce``, ``run``, ``score``, ``card --check``.

Two cohorts by default; ``--whole-zoo`` takes all.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from zoo.zoo import NAMES, STUDIES, write_csv

pytestmark = pytest.mark.slow

CONFIG = Path(__file__).with_name("small") / "config.yaml"
USUAL = ("larynx", "lung", "myeloid")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    whole = metafunc.config.getoption("--whole-zoo")
    names = NAMES if whole else USUAL
    metafunc.parametrize("name", names)


def test_the_whole_way(name, tmp_path):
    study, patients = STUDIES / f"{name}.yaml", write_csv(name, tmp_path)

    def allsurv(*arguments: object) -> str:
        environment = os.environ | {
            "MLFLOW_TRACKING_URI": f"sqlite:///{tmp_path / 'mlflow.db'}",
            "MLFLOW_DISABLE_TELEMETRY": "true",
        }
        done = subprocess.run(
            [sys.executable, "-m", "allsurv", *map(str, arguments)],
            capture_output=True,
            text=True,
            cwd=tmp_path,
            env=environment,
            check=False,
        )
        assert done.returncode == 0, f"allsurv {arguments[0]}: {done.stderr[-2000:]}"
        return done.stdout

    n = len(pd.read_csv(patients))
    assert allsurv("check", patients, "--study", study).startswith(f"{n} patients agree")
    of_study = ("--study", study, "--cohort", patients)
    allsurv("reproduce", *of_study, "--out", "report")
    said = allsurv("run", "--config", CONFIG, *of_study, "--out", "run")
    assert f"Done: {n} patients" in said
    allsurv("score", patients, "--model", "run/models/cox", "--out", "scores.csv")
    scores = pd.read_csv(tmp_path / "scores.csv")
    assert len(scores) == n
    assert scores.filter(regex=r"^survival_[\d.]+$").stack().between(0, 1).all()
    assert "numbers recomputed, every file unaltered" in allsurv("card", "run", "--check")
    assert says_only_what_is_so((tmp_path / "run" / "card.md").read_text(encoding="utf-8"))


def says_only_what_is_so(card: str) -> bool:
    """Nothing of the embedded study is in the card of another."""
    foreign = ("inotuzumab", "Kantarjian", "Too few patients to compare", "001-paper", "R-R ALL")
    return not any(word in card for word in foreign)

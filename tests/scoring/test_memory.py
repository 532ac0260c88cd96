"""Scoring a file takes the memory of some pieces of it, however long it is."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from allsurv.models import make_model
from allsurv.models.export import export_model

pytest.importorskip("resource")
FEW, MANY = 100_000, 400_000
NOTE = "x" * 200
MOST = 0.1

BETWEEN = """
import resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""
"""A small process between: on Linux a child starts with the most its parent ever took."""


@pytest.fixture(scope="module")
def folder(made_up, tmp_path_factory):
    """A model, and patients with a long column of no interest, few and many."""
    cohort, folder = made_up(n=60), tmp_path_factory.mktemp("memory")
    fitted = make_model("cox", cohort.study, ridge=1.0).fit(cohort.X, cohort.y("os"))
    model = export_model(fitted, cohort, endpoint="os")
    model.write(folder / "model")
    some = made_up(n=1000, seed=2).frame[list(model.variables)].assign(note=NOTE)
    header, rows = some.to_csv(index=False).split("\n", 1)
    table, rng = pa.Table.from_pandas(some.drop(columns="note")), np.random.default_rng(0)
    for n in (FEW, MANY):
        (folder / f"{n}.csv").write_text(f"{header}\n" + rows * (n // 1000))
        whole = pa.concat_tables([table] * (n // 1000))
        for name in ("wbc", "note 1", "note 2", "note 3", "note 4", "note 5"):
            numbers = pa.array(rng.uniform(1, 100, n))
            at = whole.column_names.index(name) if name in whole.column_names else -1
            whole = (
                whole.append_column(name, numbers)
                if at < 0
                else whole.set_column(at, name, numbers)
            )
        pq.write_table(whole, folder / f"{n}.parquet", row_group_size=n)
    return folder


def peak(folder, kind, n):
    """Most memory, in MB, of the command."""
    out = folder / f"out.{kind}"
    command = [sys.executable, "-m", "allsurv", "score", str(folder / f"{n}.{kind}")]
    command += ["--model", str(folder / "model"), "--out", str(out)]
    said = subprocess.run(
        [sys.executable, "-c", BETWEEN, *command], check=True, capture_output=True, text=True
    )
    out.unlink()
    return int(said.stdout.splitlines()[-1]) / (2**20 if sys.platform == "darwin" else 2**10)


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_four_times_the_rows_take_no_more_memory(folder, kind):
    few, many = peak(folder, kind, FEW), peak(folder, kind, MANY)
    assert many < few * (1 + MOST), f"{many:.0f} MB after {few:.0f} MB"

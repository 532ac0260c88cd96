"""Time and memory of check and init on a large CSV, each in a process of its own.

python tests/benchmarks/bench_reading.py --rows 1000000
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

N_LABORATORY = 25


def write_patients(path: Path, n: int) -> None:
    rng = np.random.default_rng(0)
    columns = {
        "patient_id": [f"P{i:07d}" for i in range(n)],
        "arm": rng.choice(["standard", "new"], n),
        "age": rng.integers(18, 95, n),
        **{f"lab{k}": np.round(rng.lognormal(2, 1, n), 2) for k in range(N_LABORATORY)},
        "os_months": np.round(rng.exponential(24, n) + 0.1, 1),
        "died": rng.integers(0, 2, n),
    }
    pd.DataFrame(columns).to_csv(path, index=False)


def timed(*words: str) -> str:
    start = time.perf_counter()
    subprocess.run([sys.executable, "-m", "allsurv", *words], check=True, capture_output=True)
    wall = time.perf_counter() - start
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = used.ru_utime + used.ru_stime
    return f"{wall:.1f} s; so far {cpu:.1f} s of CPU, at most {used.ru_maxrss / 2**20:.2f} GiB"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    rows = parser.parse_args().rows
    with tempfile.TemporaryDirectory() as folder:
        patients, study = Path(folder) / "patients.csv", Path(folder) / "study.yaml"
        write_patients(patients, rows)
        print(f"{rows:,} rows x {N_LABORATORY + 5} columns, {patients.stat().st_size / 1e6:.0f} MB")
        print("init ", timed("init", str(patients), "--out", str(study)))
        print("check", timed("check", str(patients), "--study", str(study)))


if __name__ == "__main__":
    main()

"""Time the main job by number of patients: 10 predictors, missing values in half of them.

    python tests/benchmarks/bench_main_job.py                    # 110, 1,540 and 10,000 patients
    python tests/benchmarks/bench_main_job.py --rows 100000

Per size: wall-clock seconds, processor seconds of all processes, most memory of one process, and
the seconds of each stage. Patients are simulated from the Rotterdam tumour bank.
"""

from __future__ import annotations

import argparse
import re
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

from allsurv.simulate import simulate_cohort, write_cohort
from allsurv.study import load_study

STUDY = Path(__file__).with_name("registry.yaml")
EFFECTS = {"age": 0.02, "nodes": 0.07, "size=>50": 0.6, "grade=3": 0.3, "chemo": -0.2}
MISSING = {"size": 0.03, "grade": 0.15, "pgr": 0.1, "er": 0.1, "hormon": 0.05}
SIZES = (110, 1_540, 10_000)
STAGE = re.compile(r"\[ *([\d.]+) s\] (\w+) (\d+)/(\d+)")


def write_patients(n, path):
    """Simulate patients and lose some of their values at random."""
    write_cohort(simulate_cohort(load_study(STUDY), n=n, effects=EFFECTS, random_state=n), path)
    table, rng = pd.read_csv(path, dtype=str), np.random.default_rng(n)
    table["dtime"] = table["dtime"].astype(float).round().clip(lower=1).astype(int)  # whole days
    for name, share in MISSING.items():
        table.loc[rng.random(n) < share, name] = None
    table.to_csv(path, index=False)


def measure(n, models):
    """Run the quick main job as a user does."""
    with tempfile.TemporaryDirectory() as folder:
        patients = Path(folder) / "patients.csv"
        write_patients(n, patients)
        command = [sys.executable, "-m", "allsurv", "run", "--study", str(STUDY)]
        command += ["--cohort", str(patients), "--preset", "quick", "--out", f"{folder}/run"]
        command += ["--models", models] if models else []
        before, begin = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        done = subprocess.run(command, capture_output=True, text=True, cwd=folder, check=False)
        wall, after = time.perf_counter() - begin, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        sys.exit(done.stderr)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    print(
        f"{n:8,d} {wall:8.1f} {cpu:9.1f} {after.ru_maxrss / 1e6:8.2f}   {stages(done.stderr)}",
        flush=True,
    )


def stages(said):
    """Read off the lines of progress when each stage ended."""
    ended = {}
    for seconds, stage, _, _ in STAGE.findall(said):
        ended[stage] = float(seconds)
    begin, parts = 0.0, []
    for stage, end in ended.items():
        parts.append(f"{stage} {end - begin:.1f}")
        begin = end
    return ", ".join(parts)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, nargs="+", default=list(SIZES))
    parser.add_argument("--models", default="", help="families, by comma; all four otherwise")
    asked = parser.parse_args()
    print(f"{'patients':>8s} {'wall, s':>8s} {'cpu, s':>9s} {'GB':>8s}   seconds by stage")
    for n in asked.rows:
        measure(n, asked.models)


if __name__ == "__main__":
    main()

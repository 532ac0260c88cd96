"""Speed of the measures of prediction, as ratios to scikit-survival and R in one run.

``python tests/benchmarks/bench_measures.py`` takes about two minutes; ``--full`` lets
scikit-survival's quadratic concordance run at 100,000 patients and adds 1,000,000 to ours.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from sksurv.metrics import (
    concordance_index_censored,
    concordance_index_ipcw,
    cumulative_dynamic_auc,
    integrated_brier_score,
)

from allsurv.stats.measures.brier import integrated_brier
from allsurv.stats.measures.calibration import calibration_errors
from allsurv.stats.measures.discrimination import auc_curve, harrell_c, harrell_c_many, uno_c
from allsurv.stats.outcome import make_y

R_CONCORDANCE = """
library(survival)
d <- read.csv(commandArgs(TRUE)[1])
seconds <- function(weight, se) median(sapply(1:3, function(i) system.time(
  concordancefit(Surv(d$time, d$event), d$score, timewt = weight, reverse = TRUE, std.err = se)
)[["elapsed"]]))
cat(seconds("n", TRUE), seconds("n/G2", TRUE))
"""


def cohort(n: int) -> tuple[np.ndarray, np.ndarray]:
    """Days of follow-up, about 40 % censored, and a score of moderate worth."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=n)
    event = np.ceil(rng.exponential(1500 * np.exp(-x)))
    censored = np.ceil(rng.uniform(100, 4000, n))
    return make_y(np.minimum(event, censored), event <= censored), x + rng.normal(size=n)


def seconds(call: Callable[[], object], repeats: int) -> float:
    """Fastest of several calls."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return min(times)


def report(name: str, n: int, ours: float, peers: dict[str, float]) -> None:
    """Print one line: time taken, and how many times longer each peer takes."""
    ratios = "  ".join(f"{peer} {took:.4g} s = {took / ours:.0f}x" for peer, took in peers.items())
    print(f"{name:24s} n = {n:>9,}  {ours:.5f} s   {ratios}", flush=True)


def r_concordance(y: np.ndarray, score: np.ndarray) -> list[float]:
    """Seconds that R takes for Harrell's and Uno's concordance with standard error."""
    if shutil.which("Rscript") is None:
        return []
    with tempfile.TemporaryDirectory() as folder:
        script, data = Path(folder, "concordance.R"), Path(folder, "data.csv")
        script.write_text(R_CONCORDANCE)
        table = np.column_stack([y["time"], y["event"], score])
        np.savetxt(data, table, delimiter=",", header="time,event,score", comments="")
        done = subprocess.run(["Rscript", script, data], capture_output=True, text=True, check=True)
    return [float(word) for word in done.stdout.split()]


def concordance(n: int, *, against_sksurv: bool) -> None:
    """Harrell's and Uno's concordance, standard error included in ours and in R's."""
    y, score = cohort(n)
    repeats = 200 if n < 1_000 else 3
    in_r = r_concordance(y, score) if n > 1_000 else []
    calls = {
        "Harrell's C": (
            harrell_c,
            lambda: concordance_index_censored(y["event"], y["time"], score),
        ),
        "Uno's C": (uno_c, lambda: concordance_index_ipcw(y, y, score)),
    }
    for k, (name, (ours, theirs)) in enumerate(calls.items()):
        took = seconds(lambda f=ours: f(y, score), repeats)
        peers = {"scikit-survival": seconds(theirs, 1)} if against_sksurv else {}
        if in_r:
            peers["R"] = in_r[k]
        report(name, n, took, peers)


def over_time(n: int) -> None:
    """AUC and integrated Brier score at 20 times."""
    y, score = cohort(n)
    times = np.quantile(y["time"], np.linspace(0.05, 0.9, 20))
    took = seconds(lambda: auc_curve(y, score, times), 3)
    peer = seconds(lambda: cumulative_dynamic_auc(y, y, score, times), 2)
    report("AUC at 20 times", n, took, {"scikit-survival": peer})
    survival = np.exp(-np.exp(score[:, None] / 2) * times / 3000)
    took = seconds(lambda: integrated_brier(y, 1 - survival, times), 3)
    peer = seconds(lambda: integrated_brier_score(y, y, survival, times), 2)
    report("Brier score at 20 times", n, took, {"scikit-survival": peer})


def bootstrap() -> None:
    """Concordance of 1,000 bootstrap samples of 110 patients."""
    y, score = cohort(110)
    rng = np.random.default_rng(1)
    rows = rng.integers(0, 110, (1000, 110))
    weights = np.stack([np.bincount(r, minlength=110) for r in rows], axis=1)
    scores = np.tile(score[:, None], 1000)
    took = seconds(lambda: harrell_c_many(y, scores, weights=weights), 5)

    def one_by_one() -> None:
        for r in rows:
            concordance_index_censored(y["event"][r], y["time"][r], score[r])

    report("1,000 bootstrap C", 110, took, {"scikit-survival": seconds(one_by_one, 1)})


def calibration(n: int) -> None:
    """Smooth calibration, which scikit-survival lacks."""
    y, score = cohort(n)
    risk = 1 - np.exp(-np.exp(score / 2) / 3)
    report("ICI, E50, E90, Emax", n, seconds(lambda: calibration_errors(y, risk, 1000), 3), {})


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true", help="see above; adds about five minutes")
    full = parser.parse_args().full
    for size, quadratic in ((110, True), (10_000, True), (100_000, full)):
        concordance(size, against_sksurv=quadratic)
    if full:
        concordance(1_000_000, against_sksurv=False)
    bootstrap()
    over_time(100_000)
    for size in (110, 10_000):
        calibration(size)

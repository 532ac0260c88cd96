"""Kaplan-Meier, log-rank and competing risks at 110 and 1,000,000 patients, against peers.

Run with ``python tests/benchmarks/bench_nonparametric.py``; R and scikit-survival are timed in the
same run where they are installed. Times are the best of a few repeats, in seconds.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import timeit
from collections.abc import Callable
from pathlib import Path

import numpy as np

from allsurv.stats.competing.gray import gray_test
from allsurv.stats.competing.incidence import cumulative_incidence
from allsurv.stats.curves.nonparametric import kaplan_meier, logrank_test

R_SCRIPT = """
suppressPackageStartupMessages(library(survival))
d <- read.csv(commandArgs(TRUE)[1])
once <- function(f, k) system.time(for (j in 1:k) f())[["elapsed"]] / k
best <- function(f, k) min(replicate(3, once(f, k)))
k <- if (nrow(d) > 1000) 1 else 50
cat(best(function() survfit(Surv(time, event) ~ 1, data = d), k),
    best(function() survdiff(Surv(time, event) ~ group, data = d), k),
    best(function() survfit(Surv(start, time, event) ~ 1, data = d), k))
"""


def best(call: Callable[[], object], repeats: int) -> float:
    """Give the shortest mean time of three series of calls."""
    return min(timeit.repeat(call, number=repeats, repeat=3)) / repeats


def simulate(n: int) -> dict[str, np.ndarray]:
    """Draw follow-up in whole days with two groups, two causes and delayed entry."""
    rng = np.random.default_rng(0)
    time = np.ceil(rng.exponential(1000, n))
    return {
        "time": time,
        "event": rng.random(n) < 0.65,
        "group": rng.integers(0, 2, n),
        "cause": rng.integers(0, 3, n),
        "start": np.floor(time * rng.random(n) * 0.5),
        "untied": rng.exponential(1000, n),
    }


def ours(d: dict[str, np.ndarray], repeats: int) -> dict[str, float]:
    """Time this package."""
    calls: dict[str, Callable[[], object]] = {
        "kaplan_meier": lambda: kaplan_meier(d["time"], d["event"]),
        "kaplan_meier, no ties": lambda: kaplan_meier(d["untied"], d["event"]),
        "kaplan_meier, delayed entry": lambda: kaplan_meier(
            d["time"], d["event"], start=d["start"]
        ),
        "logrank_test": lambda: logrank_test(d["time"], d["event"], d["group"]),
        "logrank_test, no ties": lambda: logrank_test(d["untied"], d["event"], d["group"]),
        "cumulative_incidence": lambda: cumulative_incidence(d["time"], d["cause"]),
        "gray_test": lambda: gray_test(d["time"], d["cause"], d["group"]),
    }
    return {name: best(call, repeats) for name, call in calls.items()}


def of_r(d: dict[str, np.ndarray]) -> dict[str, float]:
    """Time R's survival, without reading the data."""
    if shutil.which("Rscript") is None:
        return {}
    with tempfile.TemporaryDirectory() as folder:
        data, script = Path(folder) / "data.csv", Path(folder) / "bench.R"
        columns = ("time", "event", "group", "start")
        np.savetxt(
            data,
            np.column_stack([d[name] for name in columns]),
            delimiter=",",
            header=",".join(columns),
            comments="",
            fmt="%.0f",
        )
        script.write_text(R_SCRIPT)
        out = subprocess.run(
            ["Rscript", str(script), str(data)], capture_output=True, text=True, check=True
        )
    names = ("kaplan_meier", "logrank_test", "kaplan_meier, delayed entry")
    return dict(zip(names, map(float, out.stdout.split()), strict=True))


def of_scikit_survival(d: dict[str, np.ndarray], repeats: int) -> dict[str, float]:
    """Time scikit-survival."""
    try:
        from sksurv.compare import compare_survival
        from sksurv.nonparametric import kaplan_meier_estimator
        from sksurv.util import Surv
    except ImportError:
        return {}
    y = Surv.from_arrays(d["event"], d["time"])
    times = {
        "kaplan_meier": best(
            lambda: kaplan_meier_estimator(d["event"], d["time"], conf_type="log-log"), repeats
        )
    }
    if len(y) <= 10_000:
        times["logrank_test"] = best(lambda: compare_survival(y, d["group"]), repeats)
    return times


def main() -> None:
    """Print a table of times and ratios for each size."""
    for n, repeats in ((110, 200), (1_000_000, 1)):
        d = simulate(n)
        own, r, sksurv = ours(d, repeats), of_r(d), of_scikit_survival(d, repeats)
        print(f"n = {n:,}")
        for name, seconds in own.items():
            line = f"  {name:30s} {seconds:10.6f} s"
            for peer, times in (("R", r), ("scikit-survival", sksurv)):
                if name in times:
                    line += f"   {peer} {times[name]:.4f} s ({times[name] / seconds:.1f} x)"
            print(line)


if __name__ == "__main__":
    main()

"""Time Cox regression against R's coxph and scikit-survival, in one run.

    export OPENBLAS_NUM_THREADS=1
    python tests/benchmarks/bench_cox.py                  # to n = 10,000, start/stop, bootstrap
    python tests/benchmarks/bench_cox.py --peers sksurv lifelines   # start/stop too: minutes
    python tests/benchmarks/bench_cox.py --rows 1000000   # one size, against R alone
    python tests/benchmarks/bench_cox.py --rows 1000000 --peers sksurv lifelines

Weibull proportional hazards, 15 covariates (7 binary), about 36 % censored, times in whole days.
All peers get the same data, in turn, and the best round of each counts. The time of R is that of
its whole call, model frame included, as it is of ours. Peers that are not installed are left out.
"""

from __future__ import annotations

import argparse
import json
import math
import resource
import shutil
import subprocess
import tempfile
import time
from functools import partial
from pathlib import Path

import numpy as np

from allsurv.stats.cox.fit import fit_cox, fit_cox_many

N_COLUMNS, OURS = 15, "allsurv"
R_SCRIPT = r"""
suppressMessages({library(survival); library(jsonlite)})
args <- commandArgs(TRUE); meta <- fromJSON(args[1])
read <- function(name, columns = 1) {
  values <- readBin(meta[[name]], "double", meta$n * columns)
  if (columns > 1) matrix(values, ncol = columns) else values
}
data <- data.frame(read("X", meta$p)); terms <- names(data)
data$time <- read("time"); data$event <- read("event")
left <- "Surv(time, event)"
if (!is.null(meta$start)) { data$start <- read("start"); left <- "Surv(start, time, event)" }
form <- reformulate(terms, left)
seconds <- replicate(meta$repeats, system.time(fit <<- coxph(form, data))[["elapsed"]])
out <- list(seconds = min(seconds), coef = unname(coef(fit)), se = unname(sqrt(diag(fit$var))))
if (meta$bootstraps > 0) out$validate <- suppressMessages({
  library(rms)
  f <- cph(form, data, x = TRUE, y = TRUE)
  system.time(validate(f, B = meta$bootstraps))[["elapsed"]]
})
cat(toJSON(out, digits = NA, auto_unbox = TRUE))
"""


def simulate(n, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, N_COLUMNS))
    X[:, :7] = X[:, :7] > 0
    hazard = np.exp(X @ np.linspace(-0.3, 0.3, N_COLUMNS))
    failure = 600 * (rng.exponential(size=n) / hazard) ** (1 / 1.2)
    censoring = rng.uniform(0, 2400, n)
    return np.ceil(np.minimum(failure, censoring)) + 1, failure <= censoring, X


def split(time, event, X, seed=1):
    """Half of the patients are transplanted at some day: two rows instead of one."""
    rng = np.random.default_rng(seed)
    onset = np.ceil(rng.exponential(300, time.size))
    moved = (onset < time) & (rng.random(time.size) < 0.8)
    rows = np.concatenate([np.arange(time.size), np.flatnonzero(moved)])
    after = np.arange(rows.size) >= time.size
    first = ~after & moved[rows]
    start = np.where(after, onset[rows], 0.0)
    stop = np.where(first, onset[rows], time[rows])
    transplanted = np.column_stack([X[rows], after])
    return start, stop, event[rows] & ~first, transplanted


def in_turn(calls, rounds, in_a_row=1):
    """Least seconds of each call, all called in every round, and what the first of them returns."""
    seconds, values = dict.fromkeys(calls, math.inf), {}
    for _ in range(rounds):
        for name, call in calls.items():
            for _ in range(in_a_row):
                begin = time.perf_counter()
                values[name] = call()
                seconds[name] = min(seconds[name], time.perf_counter() - begin)
    return seconds, values[OURS]


def time_r(arrays, repeats, bootstraps=0):
    if shutil.which("Rscript") is None:
        return None
    with tempfile.TemporaryDirectory() as folder:
        meta = {"n": arrays["time"].size, "p": arrays["X"].shape[1], "repeats": repeats}
        meta["bootstraps"] = bootstraps
        for name, values in arrays.items():
            path = Path(folder) / name
            np.asarray(values, dtype=float).T.tofile(path)
            meta[name] = str(path)
        (Path(folder) / "meta.json").write_text(json.dumps(meta))
        (Path(folder) / "peer.R").write_text(R_SCRIPT)
        done = subprocess.run(
            ["Rscript", f"{folder}/peer.R", f"{folder}/meta.json"],
            capture_output=True,
            text=True,
            check=True,
        )
    return json.loads(done.stdout)


def sksurv_call(t, event, X):
    try:
        from sksurv.linear_model import CoxPHSurvivalAnalysis
        from sksurv.util import Surv
    except ImportError:
        return None
    y = Surv.from_arrays(event, t)
    return lambda: CoxPHSurvivalAnalysis(ties="efron").fit(X, y)


def lifelines_call(t, event, X, start=None):
    try:
        import pandas as pd
        from lifelines import CoxPHFitter, CoxTimeVaryingFitter
    except ImportError:
        return None
    frame = pd.DataFrame(X, columns=[f"x{k}" for k in range(X.shape[1])])
    frame["stop"], frame["event"] = t, event
    if start is None:
        return lambda: CoxPHFitter().fit(frame, "stop", "event")
    frame["start"] = start
    return lambda: CoxTimeVaryingFitter().fit(frame, "event", "start", "stop")


def report(label, seconds, fit, r):
    ours = seconds.pop(OURS)
    print(f"{label:34s} allsurv {ours:9.4f} s", end="")
    if r:
        gap = np.max(np.abs(fit.coef / np.array(r["coef"]) - 1))
        gap_se = np.max(np.abs(fit.std_error / np.array(r["se"]) - 1))
        print(f"   R {r['seconds']:9.4f} s = {r['seconds'] / ours:6.1f} x", end="")
        print(f" (coef {gap:.0e}, se {gap_se:.0e})", end="")
    for name, peer in seconds.items():
        print(f"   {name} {peer:9.4f} s = {peer / ours:6.1f} x", end="")
    print(flush=True)


def bench_rows(n, names):
    t, event, X = simulate(n)
    fit_cox(t[:500], event[:500], X[:500])
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    fit_cox(t, event, X)
    memory = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1e6
    known = {"sksurv": sksurv_call, "lifelines": lifelines_call}
    peers = {name: known[name](t, event, X) for name in names}
    calls = {OURS: lambda: fit_cox(t, event, X)} | {k: v for k, v in peers.items() if v}
    is_small = n < 2000
    rounds = 10 if is_small else 1 if n > 10_000 and "sksurv" in names else 3
    seconds, fit = in_turn(calls, rounds, 10 if is_small else 1)
    r = time_r({"time": t, "event": event, "X": X}, 20 if is_small else 3)
    report(f"n = {n:,}, {memory:.2f} GB more", seconds, fit, r)


def bench_start_stop(n, names):
    start, stop, event, X = split(*simulate(n))
    calls = {OURS: lambda: fit_cox(stop, event, X, start=start)}
    if "lifelines" in names and (peer := lifelines_call(stop, event, X, start)):
        calls["lifelines"] = peer
    seconds, fit = in_turn(calls, 1 if len(calls) > 1 else 3)
    r = time_r({"start": start, "time": stop, "event": event, "X": X}, 1)
    report(f"start/stop, {stop.size:,} rows", seconds, fit, r)


def bench_bootstrap(n_sets):
    t, event, X = simulate(110)
    rng = np.random.default_rng(2)
    sets = np.array([np.bincount(rng.integers(0, 110, 110), minlength=110) for _ in range(n_sets)])
    fit_cox_many(t, event, X, sets[:20], weights_as="copies")
    for ties in ("efron", "breslow"):
        call = partial(fit_cox_many, t, event, X, sets, ties=ties, weights_as="copies")
        seconds, fits = in_turn({OURS: call}, 3)
        print(f"{n_sets} bootstrap fits, n = 110, {ties:8s} allsurv {seconds[OURS]:7.3f} s", end="")
        print(f"   ({fits.converged.sum()} converged)", flush=True)
    r = time_r({"time": t, "event": event, "X": X}, 1, bootstraps=n_sets)
    if r and r.get("validate"):
        print(f"   R rms::validate, fits and C-index: {r['validate']:.2f} s")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, nargs="*", help="sizes to time alone")
    parser.add_argument("--peers", nargs="*", default=None, choices=["sksurv", "lifelines"])
    chosen = parser.parse_args()
    if chosen.rows:
        for n in chosen.rows:
            bench_rows(n, chosen.peers or [])
        return
    for n in (110, 1_000, 10_000):
        bench_rows(n, ["sksurv", "lifelines"] if chosen.peers is None else chosen.peers)
    bench_start_stop(100_000, chosen.peers or [])
    bench_bootstrap(1_000)


if __name__ == "__main__":
    main()

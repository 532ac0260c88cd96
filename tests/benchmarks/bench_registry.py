"""Time a registry: one fit and 5-fold validation on 100,000 simulated patients x 20 variables.

    export OPENBLAS_NUM_THREADS=1
    python tests/benchmarks/bench_registry.py            # each family in a process of its own
    python tests/benchmarks/bench_registry.py --rows 20000 --families cox gbs

Wall-clock seconds of two processes, most memory of one, and how well the model ranks patients left
out beside the best possible: Harrell's C of the log hazard that the times were drawn from.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import time

import numpy as np
import pandas as pd

from allsurv.cohort import Cohort, Source
from allsurv.models import make_model
from allsurv.stats.measures.discrimination import harrell_c
from allsurv.study.spec import Endpoint, Prediction, Study, TimeScale, Variable
from allsurv.validation import Plan, validate

N_VARIABLES, SEED = 20, 0
FAMILIES = {"cox": {}, "coxnet": {}, "gbs": {}, "rsf": {"n_estimators": 100}}
NAMES = tuple(f"x{k:02d}" for k in range(1, N_VARIABLES + 1))


def registry(n):
    """Draw patients, 14 numbers and 6 yes or no; every third variable does nothing."""
    rng = np.random.default_rng(SEED)
    values = rng.normal(size=(n, N_VARIABLES))
    values[:, 14:] = values[:, 14:] > 0.5
    effects = np.where(np.arange(N_VARIABLES) % 3 == 2, 0.0, rng.uniform(-0.4, 0.4, N_VARIABLES))
    score = values @ effects + 0.3 * values[:, 0] * values[:, 1]
    death = rng.exponential(30 * np.exp(-(score - score.mean())))
    censored = rng.uniform(10, 120, n)
    columns = {
        name: values[:, k] if k < 14 else pd.Series(values[:, k] == 1, dtype="boolean")
        for k, name in enumerate(NAMES)
    }
    frame = pd.DataFrame(columns)
    frame["time"] = np.maximum(np.minimum(death, censored), 0.01)
    frame["dead"] = pd.Series(death <= censored, dtype="boolean")
    variables = [
        Variable(name, name, "continuous" if k < 14 else "binary", name)
        for k, name in enumerate(NAMES)
    ]
    variables += [
        Variable("time", "Follow-up", "duration", "time", known="outcome", required=True),
        Variable("dead", "Dead", "binary", "dead", known="outcome", required=True),
    ]
    study = Study(
        name="registry",
        title="Registry",
        citation={},
        time=TimeScale("months", 1.0),
        variables={v.name: v for v in variables},
        endpoints={
            "os": Endpoint("os", "Overall survival", "time", ({"dead": True},), "treatment start")
        },
        prediction=Prediction("treatment start", "os", (12.0, 36.0, 60.0), NAMES),
        analyses={},
        findings={},
    )
    return Cohort(study, frame, Source("simulated", "registry", "", "Simulated.")), score


def measure(family, n):
    cohort, score = registry(n)
    y = cohort.y("os")
    best = harrell_c(y, score).value
    make_model(family, registry(500)[0].study, **FAMILIES[family]).fit(
        registry(500)[0].X, registry(500)[0].y("os")
    )  # compiled code is loaded before the clock starts
    begin = time.perf_counter()
    model = make_model(family, cohort.study, random_state=0, **FAMILIES[family])
    model.fit(cohort.X, y)
    fitted = time.perf_counter()
    found = validate(model, cohort, plan=Plan(1, 5), n_jobs=2).performance
    ended = time.perf_counter()
    ours = found[(found["model"] == family) & (found["measure"] == "harrell_c")]["estimate"]
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    print(
        f"{family:8s} {n:8,d} {fitted - begin:8.1f}s {ended - fitted:9.1f}s "
        f"{ended - begin:8.1f}s {memory:8.2f} GB   {float(ours.iloc[0]):.3f} {best:.3f}",
        flush=True,
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--families", nargs="+", default=list(FAMILIES), choices=list(FAMILIES))
    parser.add_argument("--here", action="store_true", help="in this process")
    asked = parser.parse_args()
    if asked.here:
        for family in asked.families:
            measure(family, asked.rows)
        return
    print(
        f"{'model':8s} {'rows':>8s} {'fit':>9s} {'validate':>10s} {'both':>9s} {'memory':>11s}   "
        "Harrell's C (ours, best possible)",
        flush=True,
    )
    for family in asked.families:
        command = [sys.executable, __file__, "--here", "--rows", str(asked.rows)]
        subprocess.run([*command, "--families", family], check=True)


if __name__ == "__main__":
    main()

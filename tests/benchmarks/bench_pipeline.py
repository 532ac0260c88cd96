"""Time a refit of each family's whole pipeline against its bare learner, in one run.

    export OPENBLAS_NUM_THREADS=1
    python tests/benchmarks/bench_pipeline.py
    python tests/benchmarks/bench_pipeline.py --rounds 40

The pipeline takes the patients of the embedded cohort as a data frame: it checks the outcome, reads
and encodes the variables, learns, and lays the baseline on the grid. The bare learner is what is
left when the design is ready: ``fit_cox`` for Cox regression, the family's own step for others.
All are called in turn and the best round of each counts, in processor time, so that other jobs of
the machine disturb little. Where
the Rust package ``survival`` (PyPI) is installed, ``fit_cox`` is compared with it too.
"""

from __future__ import annotations

import argparse
import time
from importlib.util import find_spec

import numpy as np
from sklearn.base import clone
from threadpoolctl import threadpool_limits

import allsurv as als
from allsurv.stats.cox.fit import fit_cox

FAMILIES = ("cox", "coxnet", "rsf", "gbs")
MOST = {"cox": 2.5, "coxnet": 1.5, "rsf": 1.5, "gbs": 1.5}
MOST_OF_RUST = 2.0


def best_of(calls, rounds, least=0.01):
    """Least processor seconds of each call, all of them called in every round."""
    best = dict.fromkeys(calls, np.inf)
    in_a_row = {}
    for name, call in calls.items():
        call()
        begun = time.process_time()
        call()
        in_a_row[name] = max(1, int(least / max(time.process_time() - begun, 1e-6)))
    for _ in range(rounds):
        for name, call in calls.items():
            begun = time.process_time()
            for _ in range(in_a_row[name]):
                call()
            best[name] = min(best[name], (time.process_time() - begun) / in_a_row[name])
    return best


def pairs_of(family, cohort):
    """Give a refit of the whole pipeline, and of its learner on the design that is ready."""
    X, y = cohort.X, cohort.y("os")
    event, follow_up = y["event"], y["time"]
    chance = {} if family == "cox" else {"random_state": 0}
    model = als.make_model(family, cohort.study, **chance)
    fitted = clone(model).fit(X, y)
    design = fitted.encoder_.design(X)
    if family != "cox":
        return lambda: clone(model).fit(X, y), lambda: fitted._learn(design, follow_up, event)
    moving = design[:, np.ptp(design, axis=0) > 0]
    return lambda: clone(model).fit(X, y), lambda: fit_cox(follow_up, event, moving)


def rust_pair():
    """Give a Cox fit of 110 rows by the Rust package and by ours."""
    from survival import CoxPHEstimator

    rng = np.random.default_rng(0)
    X = rng.normal(size=(110, 15))
    follow_up, event = np.ceil(rng.exponential(600, 110)), rng.random(110) < 0.64
    outcome = np.column_stack([follow_up, event])
    theirs, ours = CoxPHEstimator().fit(X, outcome), fit_cox(follow_up, event, X)
    np.testing.assert_allclose(theirs.coef_, ours.coef, rtol=1e-6)
    return lambda: fit_cox(follow_up, event, X), lambda: CoxPHEstimator().fit(X, outcome)


def main():
    """Print seconds and ratios."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=15)
    rounds = parser.parse_args().rounds
    cohort = als.load_cohort("rr-all").eligible("os")
    print(f"{cohort.n} patients; milliseconds of processor time, best of {rounds} rounds")
    print(f"{'':10}{'pipeline':>10}{'learner':>10}{'ratio':>8}{'at most':>9}")
    with threadpool_limits(1):
        for family in FAMILIES:
            pipeline, learner = pairs_of(family, cohort)
            report(family, best_of({"a": pipeline, "b": learner}, rounds), MOST[family])
        if find_spec("survival") is not None:
            ours, rust = rust_pair()
            report("Rust", best_of({"a": ours, "b": rust}, rounds), MOST_OF_RUST)


def report(name, best, most):
    """Print one line."""
    ratio = best["a"] / best["b"]
    verdict = "" if ratio <= most else "  slower than meant"
    print(
        f"{name:10}{best['a'] * 1e3:10.2f}{best['b'] * 1e3:10.2f}{ratio:8.2f}{most:9.1f}{verdict}"
    )


if __name__ == "__main__":
    main()

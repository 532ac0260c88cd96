"""Multiple imputation for a Cox model with a product, beside R's smcfcs: bias, coverage, time.

    export OPENBLAS_NUM_THREADS=1
    python tests/benchmarks/imputation_products.py --cohorts 200 --smcfcs 40

Cohorts of 300: a number x, a yes/no z, and their product, whose coefficient is -0.7. Each is
missing in three of ten, more often where an event was seen. Analysed whole; imputed for the
product; and imputed from x, z and the outcome as if there were no product.
"""

from __future__ import annotations

import argparse
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.special import expit
from scipy.stats import t as student

from allsurv.stats.cox.fit import fit_cox
from allsurv.stats.curves import nonparametric
from allsurv.stats.missing.chained import impute
from allsurv.stats.missing.compatible import CoxAnalysis, impute_compatible
from allsurv.stats.missing.incomplete import Incomplete
from allsurv.stats.missing.pooling import pool_coefficients

TERMS, TRUE = ("x", "z", "x:z"), np.array([0.8, 0.4, -0.7])
N, M = 300, 20


def columns(values, rows=None):
    """The columns of the Cox model."""
    x, z = values
    return np.column_stack([x, z, x * z])


def draw_cohort(rng):
    """One cohort, whole: x, z, time, event."""
    z = (rng.random(N) < 0.4).astype(float)
    x = (rng.normal(0.5 * z, 1)).round(2)
    death = rng.exponential(20 * np.exp(-columns([x, z]) @ TRUE))
    censored = rng.uniform(10, 60, N)
    return x, z, np.minimum(death, censored), death <= censored


def take_away(values, event, rng):
    """Values missing at random given the event."""
    return np.where(rng.random(N) < expit(-1.5 + 1.0 * event), np.nan, values)


def pooled(fits, n_events):
    """Pooled coefficients, standard errors, degrees of freedom."""
    found = pool_coefficients(*zip(*fits, strict=True), df_complete=n_events - len(TRUE))
    return found.coef, found.std_error, found.df


def fitted(x, z, time, event):
    """Coefficients and covariance of one data set."""
    fit = fit_cox(time, event, columns([x, z]))
    return fit.coef, fit.covariance


def answers_of(x, z, time, event, seed):
    """Answers of the two ways of imputation."""
    variables = [Incomplete(x, "number"), Incomplete(z, "nominal")]
    start = np.zeros(N)
    analysis = CoxAnalysis(np.arange(N), start, time, event, columns)
    hazard = nonparametric.nelson_aalen(time, event).at(time)
    asked = {"n_imputations": M, "random_state": seed}
    drawn = {
        "compatible": impute_compatible(variables, np.empty((N, 0)), analysis, **asked),
        "ordinary": impute(variables, np.column_stack([event, hazard]), **asked),
    }
    for way, (some_x, some_z) in drawn.items():
        fits = [fitted(some_x[k], some_z[k], time, event) for k in range(M)]
        yield way, pooled(fits, int(event.sum()))


def summary(answers):
    """Bias, standard errors and coverage by way and term, with Monte-Carlo errors."""
    true = TRUE[answers["term"]]
    reach = student.ppf(0.975, answers["df"]) * answers["se"]
    answers = answers.assign(true=true, covers=(answers["coef"] - true).abs() <= reach)
    by = answers.groupby(["term", "way"], sort=False)
    n = by.size()
    table = pd.DataFrame(
        {
            "n": n,
            "bias": by["coef"].mean() - by["true"].mean(),
            "bias_error": by["coef"].std() / np.sqrt(n),
            "spread": by["coef"].std(),
            "mean_se": by["se"].mean(),
            "coverage": 100 * by["covers"].mean(),
            "coverage_error": 100 * by["covers"].std() / np.sqrt(n),
        }
    )
    return table.reset_index().assign(term=lambda t: [TERMS[k] for k in t["term"]])


def paired(answers):
    """What allsurv answers more than smcfcs on the same cohorts, with Monte-Carlo errors."""
    wide = answers.pivot(index=["cohort", "term"], columns="way", values=["coef", "se"]).dropna()
    by = pd.DataFrame(
        {
            "coef": wide["coef"]["compatible"] - wide["coef"]["smcfcs"],
            "log_se": np.log(wide["se"]["compatible"] / wide["se"]["smcfcs"]),
        }
    ).groupby("term")
    error = by.std() / np.sqrt(by.size().to_numpy()[:, None])
    table = by.mean().join(error.add_suffix("_error")).reset_index()
    return table.assign(term=[TERMS[k] for k in table["term"]])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cohorts", type=int, default=200)
    parser.add_argument("--smcfcs", type=int, default=40, help="cohorts that smcfcs imputes too")
    asked = parser.parse_args()
    rng = np.random.default_rng(21)
    parts, files, took = [], [], 0.0
    for cohort in range(1, asked.cohorts + 1):
        x, z, follow_up, event = draw_cohort(rng)
        coef, cov = fitted(x, z, follow_up, event)
        found = [("whole", (coef, np.sqrt(np.diag(cov)), np.inf))]
        x, z = (take_away(one, event, rng) for one in (x, z))
        began = time.perf_counter()
        found += answers_of(x, z, follow_up, event, cohort)
        took += time.perf_counter() - began
        for way, (coef, se, df) in found:
            row = {"way": way, "cohort": cohort, "term": range(3), "coef": coef, "se": se, "df": df}
            parts.append(pd.DataFrame(row))
        row = {"x": x, "z": z, "time": follow_up, "event": event.astype(int), "cohort": cohort}
        files.append(pd.DataFrame(row))
    print(f"allsurv: {took / asked.cohorts:.3f} s a cohort, both ways")
    if asked.smcfcs:
        with tempfile.TemporaryDirectory() as folder:
            given, taken = Path(folder) / "cohorts.csv", Path(folder) / "answers.csv"
            pd.concat(files[: asked.smcfcs]).to_csv(given, index=False, na_rep="NA")
            script = Path(__file__).with_suffix(".R")
            done = subprocess.run(
                ["Rscript", script, given, taken], check=True, capture_output=True, text=True
            )
            print(f"smcfcs: {done.stdout.split()[-1]} s a cohort")
            parts.append(pd.read_csv(taken).assign(way="smcfcs"))
    answers = pd.concat(parts, ignore_index=True)
    print(summary(answers).round(3).to_string(index=False))
    if asked.smcfcs:
        print(paired(answers).round(4).to_string(index=False))


if __name__ == "__main__":
    main()

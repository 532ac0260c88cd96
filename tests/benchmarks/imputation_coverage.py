"""Multiple imputation of every kind of variable beside R's mice: bias, coverage, time.

    export OPENBLAS_NUM_THREADS=1
    python tests/benchmarks/imputation_coverage.py --cohorts 400 --mice 60  # a quarter of an hour

Cohorts of 200: an age and a skewed number, a grade in order, a type without, a marker; survival
follows a Cox model of all five. A fifth of each but the age are missing at random, more often in
older patients and where an event was seen; of the age a tenth, completely at random. Analysed
whole before values were taken away, without incomplete patients, imputed by allsurv, and imputed by
mice. The Monte-Carlo error of a bias is the spread over cohorts by the root of their number.
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

from allsurv.errors import ModelError
from allsurv.stats.cox.fit import fit_cox
from allsurv.stats.curves import nonparametric
from allsurv.stats.missing.chained import impute
from allsurv.stats.missing.incomplete import Incomplete
from allsurv.stats.missing.pooling import pool_coefficients

TERMS = ("age", "log wbc", "grade 1", "grade 2", "grade 3", "type 1", "type 2", "marker")
TRUE = np.array([0.3, 0.3, 0.2, 0.5, 0.9, 0.4, -0.4, 0.6])
COLUMNS = ("age", "wbc", "grade", "type", "marker")
KINDS = ("number", "number", "ordinal", "nominal", "nominal")
N, M = 200, 20


def draw_cohort(rng):
    """One cohort, whole."""
    age = rng.normal(0, 1, N).round(2)
    wbc = rng.normal(0.3 * age, 1).round(2)
    grade = np.searchsorted([-1.0, 0.3, 1.5], 0.8 * age + rng.logistic(size=N)).astype(float)
    odds = np.exp(np.column_stack([0 * age, 0.5 * wbc - 0.2, -0.5 * wbc]))
    u = rng.random(N)[:, None]
    kind = (u > (odds / odds.sum(axis=1, keepdims=True)).cumsum(axis=1)).sum(axis=1).astype(float)
    marker = (rng.random(N) < expit(0.5 * (grade - 1.5) - 0.3)).astype(float)
    values = dict(zip(COLUMNS, (age, wbc, grade, kind, marker), strict=True))
    hazard = 0.03 * np.exp(design(values) @ TRUE - 0.8)
    death, censored = rng.exponential(1 / hazard), rng.uniform(12, 60, N)
    values["time"] = np.minimum(death, censored)
    values["event"] = (death <= censored).astype(float)
    return values


def take_away(values, rng):
    """Values missing at random, given age and whether the event was seen."""
    gaps = dict(values)
    likely = expit(-2.3 + 0.5 * values["age"] + 0.9 * values["event"])
    for name in COLUMNS[1:]:
        gaps[name] = np.where(rng.random(N) < likely, np.nan, values[name])
    gaps["age"] = np.where(rng.random(N) < 0.1, np.nan, values["age"])
    return gaps


def design(values):
    """The columns of the Cox model."""
    levels = [values["grade"] == k for k in (1, 2, 3)] + [values["type"] == k for k in (1, 2)]
    return np.column_stack([values["age"], values["wbc"], *levels, values["marker"]]).astype(float)


def fitted(values, rows=slice(None)):
    """Coefficients and covariance of one data set."""
    X = design(values)[rows]
    fit = fit_cox(values["time"][rows], values["event"][rows] == 1, X)
    return fit.coef, fit.covariance


def imputed(values, seed):
    """Pooled answer of allsurv."""
    hazard = nonparametric.nelson_aalen(values["time"], values["event"] == 1).at(values["time"])
    variables = [Incomplete(values[n], kind) for n, kind in zip(COLUMNS, KINDS, strict=True)]
    X = np.column_stack([values["event"], hazard])
    drawn = impute(variables, X, n_imputations=M, n_iterations=10, random_state=seed)
    fits = [
        fitted({**values, **{n: d[k] for n, d in zip(COLUMNS, drawn, strict=True)}})
        for k in range(M)
    ]
    events = int(values["event"].sum())
    pooled = pool_coefficients(*zip(*fits, strict=True), df_complete=events - len(TRUE))
    return pooled.coef, pooled.std_error, pooled.df, pooled.missing_information


def rows(way, cohort, coef, se, df, fmi=np.nan):
    """One row per term."""
    return pd.DataFrame(
        {"way": way, "cohort": cohort, "term": range(len(TRUE)), "coef": coef, "se": se,
         "df": df, "fmi": fmi}
    )  # fmt: skip


def summary(answers):
    """Bias, standard errors and coverage by way and term, with Monte-Carlo errors."""
    answers = answers.assign(true=TRUE[answers["term"]])
    reach = student.ppf(0.975, answers["df"]) * answers["se"]
    answers["covers"] = (answers["coef"] - answers["true"]).abs() <= reach
    by = answers.groupby(["term", "way"], sort=False)
    n = by.size()
    table = pd.DataFrame(
        {
            "bias": by["coef"].mean() - by["true"].mean(),
            "bias_error": by["coef"].std() / np.sqrt(n),
            "spread": by["coef"].std(),
            "mean_se": by["se"].mean(),
            "coverage": 100 * by["covers"].mean(),
            "coverage_error": 100 * by["covers"].std() / np.sqrt(n),
            "fmi": by["fmi"].mean(),
        }
    )
    return table.reset_index().assign(term=lambda t: [TERMS[k] for k in t["term"]])


def paired(answers):
    """What allsurv answers more than mice on the same cohorts, with Monte-Carlo errors."""
    wide = answers.pivot(index=["cohort", "term"], columns="way", values=["coef", "se"]).dropna()
    by = pd.DataFrame(
        {
            "coef": wide["coef"]["allsurv"] - wide["coef"]["mice"],
            "log_se": np.log(wide["se"]["allsurv"] / wide["se"]["mice"]),
        }
    ).groupby("term")
    error = by.std() / np.sqrt(by.size().to_numpy()[:, None])
    table = by.mean().join(error.add_suffix("_error")).reset_index()
    return table.assign(term=[TERMS[k] for k in table["term"]])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cohorts", type=int, default=400)
    parser.add_argument("--mice", type=int, default=60, help="cohorts that mice imputes too")
    asked = parser.parse_args()
    rng = np.random.default_rng(20)
    parts, files, took, left_out, infinite = [], [], 0.0, [], 0
    for cohort in range(1, asked.cohorts + 1):
        whole = draw_cohort(rng)
        gaps = take_away(whole, rng)
        complete = ~np.isnan(np.column_stack([gaps[n] for n in COLUMNS])).any(axis=1)
        left_out.append(np.mean(~complete))
        coef, cov = fitted(whole)
        parts.append(rows("whole", cohort, coef, np.sqrt(np.diag(cov)), np.inf))
        try:
            coef, cov = fitted(gaps, complete)
            parts.append(rows("complete cases", cohort, coef, np.sqrt(np.diag(cov)), np.inf))
        except ModelError:
            infinite += 1
        began = time.perf_counter()
        parts.append(rows("allsurv", cohort, *imputed(gaps, cohort)))
        took += time.perf_counter() - began
        files.append(pd.DataFrame(gaps).assign(cohort=cohort))
    print(f"incomplete patients: {np.mean(left_out):.0%}")
    print(f"complete cases without a finite estimate: {infinite} cohorts, left out of their rows")
    print(f"allsurv: {took / asked.cohorts:.3f} s a cohort, imputed {M} times, analysed, pooled")
    if asked.mice:
        with tempfile.TemporaryDirectory() as folder:
            given, taken = Path(folder) / "cohorts.csv", Path(folder) / "answers.csv"
            pd.concat(files[: asked.mice]).to_csv(given, index=False, na_rep="NA")
            script = Path(__file__).with_suffix(".R")
            done = subprocess.run(
                ["Rscript", script, given, taken], check=True, capture_output=True, text=True
            )
            print(f"mice: {done.stdout.split()[-1]} s a cohort")
            parts.append(pd.read_csv(taken).assign(way="mice"))
    answers = pd.concat(parts, ignore_index=True)
    print(summary(answers).round(3).to_string(index=False))
    if asked.mice:
        print(paired(answers).round(4).to_string(index=False))


if __name__ == "__main__":
    main()

"""How often 95% limits hold what the model fitted to the whole cohort reaches in new patients.

    export OPENBLAS_NUM_THREADS=1
    python tests/benchmarks/coverage_of_limits.py --cohorts 100      # a quarter of an hour

Simulated cohorts of 110 with 4 predictors, one of them with untested patients; plain Cox and ridge
Cox, 5 times 5-fold cross-validation. Truth: both models, fitted to the cohort, in 4,000 new
patients. The horizons of a cohort count apart; the Monte-Carlo error is that of the cohorts.
"""

from __future__ import annotations

import argparse
import importlib.util
from pathlib import Path

import numpy as np
import pandas as pd

from allsurv.models import make_model
from allsurv.validation import External, Plan, validate_all

CONFTEST = Path(__file__).resolve().parents[1] / "conftest.py"
KEYS = ["model", "compared_with", "threshold", "measure", "horizon"]


def toy_cohort():
    spec = importlib.util.spec_from_file_location("conftest", CONFTEST)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.toy_cohort.__wrapped__()


def tables(report):
    """Everything with limits, in one shape."""
    parts = {
        "measure": report.performance,
        "difference": report.differences,
        "net benefit": report.net_benefit.assign(measure="net benefit"),
    }
    return pd.concat(
        [
            part.reindex(columns=[*KEYS, "estimate", "lower", "upper"]).assign(what=what)
            for what, part in parts.items()
        ]
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cohorts", type=int, default=100)
    asked = parser.parse_args()
    draw = toy_cohort()
    new, rows = draw(4000, 999), []
    for seed in range(asked.cohorts):
        cohort = draw(110, seed)
        models = {
            "cox": make_model("cox", cohort.study),
            "ridge": make_model("cox", cohort.study, ridge=20.0),
        }
        found = tables(validate_all(models, cohort, plan=Plan(5, 5), random_state=seed))
        fitted = {name: m.fit(cohort.X, cohort.y("os")) for name, m in models.items()}
        truth = tables(validate_all(fitted, cohort, plan=External(new), n_bootstrap=10))
        both = found.merge(
            truth[[*KEYS, "what", "estimate"]], on=[*KEYS, "what"], suffixes=("", "_true")
        )
        rows.append(both[both["model"].isin(models)].assign(cohort=seed))
    table = pd.concat(rows)
    table = table[table["upper"].notna()]
    table["held"] = table["estimate_true"].between(table["lower"], table["upper"])
    by_cohort = table.groupby(["what", "measure", "cohort"])["held"].mean()
    summary = by_cohort.groupby(["what", "measure"]).agg(["mean", "std", "count"])
    summary["error"] = summary["std"] / np.sqrt(summary["count"])
    print(summary[["mean", "error", "count"]].round(3).to_string())


if __name__ == "__main__":
    main()

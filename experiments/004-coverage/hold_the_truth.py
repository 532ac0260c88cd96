"""How often do the intervals of standardised hazard ratios hold the truth? A simulation.

    python experiments/004-coverage/hold_the_truth.py --out experiments/004-coverage/results.json

Patients are drawn like those of study rr-all; their survival follows a Cox model with the four
published effects and two more. Each family is fitted to each cohort, its plain bootstrap interval
and its calibrated interval are held against the true average hazard ratio of the population.
"""

from __future__ import annotations

import argparse
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import allsurv as als
from allsurv.findings.contrast import standardised_effects
from allsurv.findings.questions import Patients, ask
from allsurv.findings.shrinkage import calibrate, simulate_answers
from allsurv.models import make_model
from allsurv.stats.outcome import make_y
from allsurv.validation.plans import draw_bootstraps
from allsurv.validation.resampling import seeded_clone

STUDY = als.load_study("rr-all")
FINDINGS = tuple(STUDY.findings.values())
HORIZONS = np.array(STUDY.prediction.horizons)
FAMILIES: dict[str, dict[str, Any]] = {
    "cox": {}, "coxnet": {}, "rsf": {"n_estimators": 100}, "gbs": {}, "cgbs": {},
}  # fmt: skip
Z = 1.959963984540054
SHAPE, SCALE = 0.8, 32.0


class Truth:
    """The Cox model that outcomes are drawn from."""

    times_ = np.arange(0.0, 61.0)

    def score(self, X: pd.DataFrame) -> np.ndarray:
        """Log hazard: the published effects, age, and salvage status."""
        return (
            0.0139 * (X["pb_blasts"].to_numpy() - 20)
            + 1.017 * X["high_risk_cyto"].fillna(False).to_numpy(dtype=float)
            + 0.856 * X["tp53_mut"].fillna(False).to_numpy(dtype=float)
            - 0.555 * (X["arm"] == "after").to_numpy(dtype=float)
            + 0.012 * (X["age"].to_numpy() - 40)
            + 0.5 * (X["salvage_group"] == "salvage 2+").to_numpy(dtype=float)
        )

    def predict_survival(self, X: pd.DataFrame, times: np.ndarray) -> np.ndarray:
        """S(t | x) of a Weibull Cox model."""
        hazard = (np.asarray(times, dtype=float) / SCALE) ** SHAPE
        return np.exp(-np.outer(np.exp(self.score(X)), hazard))

    def draw(self, X: pd.DataFrame, rng: np.random.Generator) -> np.ndarray:
        """Deaths, and administrative censoring between 12 and 90 months."""
        hazard = rng.exponential(size=len(X)) * np.exp(-self.score(X))
        death = SCALE * hazard ** (1 / SHAPE)
        censored = rng.uniform(12, 90, len(X))
        return make_y(np.maximum(np.minimum(death, censored), 0.05), death <= censored)


def one_cohort(seed: int, n: int, n_bootstrap: int, n_simulated: int, truth: Truth) -> list[dict]:
    """Answers of every family about one simulated cohort."""
    rng = np.random.default_rng(seed)
    X = als.simulate_cohort(STUDY, n=n, random_state=seed).X
    patients = Patients(STUDY, X, truth.draw(X, rng), FINDINGS, HORIZONS)
    models = {
        family: make_model(family, STUDY, random_state=seed, **params).fit(X, patients.y)
        for family, params in FAMILIES.items()
    }
    simulated = simulate_answers(models, patients, n_simulated, random_state=seed, n_jobs=1)
    rows = []
    for family, model in models.items():
        logs = ask(model, patients, importance=False).average
        drawn = [
            bootstrap(model, patients, split) for split in draw_bootstraps(n, n_bootstrap, seed)
        ]
        error = np.nanstd(np.array(drawn), axis=0, ddof=1)
        for k, finding in enumerate(FINDINGS):
            found = calibrate(
                float(logs[k]), simulated.true[:, k], simulated.estimated[family][:, k], level=0.95
            )
            plain = (logs[k], logs[k] - Z * error[k], logs[k] + Z * error[k])
            rows.append(
                {
                    "seed": seed, "family": family, "finding": finding.name,
                    "plain": plain, "calibrated": (found.log, found.lower, found.upper),
                    "slope": found.slope,
                }
            )  # fmt: skip
    return rows


def bootstrap(model: Any, patients: Patients, split: Any) -> np.ndarray:
    """Answers of a refit to a sample drawn with replacement."""
    X = patients.X.iloc[split.train].reset_index(drop=True)
    sample = Patients(STUDY, X, patients.y[split.train], FINDINGS, HORIZONS)
    try:
        return ask(
            seeded_clone(model, split.seed).fit(X, sample.y), sample, importance=False
        ).average
    except (ValueError, ArithmeticError):
        return np.full(len(FINDINGS), math.nan)


def summarise(rows: list[dict], true: dict[str, float]) -> list[dict]:
    """Coverage, bias and width by family and finding, with Monte-Carlo errors."""
    table = pd.DataFrame(rows)
    out = []
    for (family, finding), part in table.groupby(["family", "finding"], sort=False):
        row = {"family": family, "finding": finding, "true": true[finding], "cohorts": len(part)}
        row["slope"] = float(np.nanmean(part["slope"].astype(float)))
        for kind in ("plain", "calibrated"):
            log, low, high = np.array(part[kind].tolist(), dtype=float).T
            low, high = np.nan_to_num(low, nan=-np.inf), np.nan_to_num(high, nan=np.inf)
            covered = float(np.mean((low <= true[finding]) & (true[finding] <= high)))
            finite = np.isfinite(low) & np.isfinite(high)
            row |= {
                f"{kind}_coverage": covered,
                f"{kind}_error": math.sqrt(covered * (1 - covered) / len(part)),
                f"{kind}_median": float(np.nanmedian(log)),
                f"{kind}_width": float(np.median(np.where(finite, high - low, np.inf))),
                f"{kind}_unbounded": float(np.mean(~finite)),
            }
        out.append(row)
    return out


def main() -> None:
    """Run the simulation and write what came out, cohort by cohort."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cohorts", type=int, default=80)
    parser.add_argument("--patients", type=int, default=110)
    parser.add_argument("--bootstrap", type=int, default=25)
    parser.add_argument("--simulated", type=int, default=25)
    parser.add_argument("--out", type=Path, required=True)
    asked = parser.parse_args()
    truth = Truth()
    population = als.simulate_cohort(STUDY, n=20_000, random_state=1).X
    questions = [(STUDY.variable(f.variable), f.contrast) for f in FINDINGS]
    effects = standardised_effects(truth, population, questions, HORIZONS)
    true = {f.name: e.average for f, e in zip(FINDINGS, effects, strict=True)}
    rows: list[dict] = []
    for seed in range(1000, 1000 + asked.cohorts):
        rows += one_cohort(seed, asked.patients, asked.bootstrap, asked.simulated, truth)
        settings = {k: v for k, v in vars(asked).items() if k != "out"}
        found = {"settings": settings | {"cohorts": seed - 999}, "results": summarise(rows, true)}
        asked.out.write_text(json.dumps(found, indent=1).replace("Infinity", "null") + "\n")


if __name__ == "__main__":
    main()

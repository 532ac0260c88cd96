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
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import allsurv as als
from allsurv.findings.agreement.contrast import standardised_effects
from allsurv.findings.agreement.questions import Patients, ask
from allsurv.findings.agreement.shrinkage import calibrate, simulate_answers
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


def one_cohort(seed: int, n: int, n_bootstrap: int, n_simulated: int) -> dict[str, Any]:
    """Answers of every family about one simulated cohort, and all that its limits are made of."""
    rng = np.random.default_rng(seed)
    X = als.simulate_cohort(STUDY, n=n, random_state=seed).X
    patients = Patients(STUDY, X, Truth().draw(X, rng), FINDINGS, HORIZONS)
    models = {
        family: make_model(family, STUDY, random_state=seed, **params).fit(X, patients.y)
        for family, params in FAMILIES.items()
    }
    simulated = simulate_answers(models, patients, n_simulated, random_state=seed, n_jobs=1)
    splits = draw_bootstraps(n, n_bootstrap, seed) if n_bootstrap else []
    return {
        "seed": seed,
        "true": simulated.true.tolist(),
        "widening": simulated.widening,
        "families": {
            family: {
                "estimate": ask(model, patients, importance=False).average.tolist(),
                "refits": [bootstrap(model, patients, split).tolist() for split in splits],
                "simulated": simulated.estimated[family].tolist(),
            }
            for family, model in models.items()
        },
    }


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


def intervals(cohort: dict[str, Any], family: str, k: int) -> dict[str, Any]:
    """Plain and calibrated answer to one finding, with limits; ``plain`` needs refits."""
    said = cohort["families"][family]
    log = float(said["estimate"][k])
    true = np.array(cohort["true"], dtype=float)[:, k]
    simulated = np.array(said["simulated"], dtype=float)[:, k]
    found = calibrate(log, true, simulated, level=0.95, widening=cohort["widening"])
    limits = {"slope": found.slope, "calibrated": (found.log, found.lower, found.upper)}
    if said["refits"]:
        error = np.nanstd(np.array(said["refits"], dtype=float)[:, k], ddof=1)
        limits["plain"] = (log, log - Z * error, log + Z * error)
    return limits


def summarise(cohorts: list[dict[str, Any]], true: dict[str, float]) -> list[dict[str, Any]]:
    """Coverage, bias and width by family and finding, with Monte-Carlo errors."""
    out = []
    for family in FAMILIES:
        for k, finding in enumerate(FINDINGS):
            found = [intervals(cohort, family, k) for cohort in cohorts]
            truth = true[finding.name]
            row = {"family": family, "finding": finding.name, "true": truth}
            row["slope"] = float(np.nanmean([one["slope"] for one in found]))
            for kind in ("plain", "calibrated"):
                made = [one[kind] for one in found if kind in one]
                if made:
                    row |= {f"{kind}_{key}": x for key, x in told(made, truth).items()}
            out.append(row)
    return out


def told(limits: list[tuple[float, float, float]], truth: float) -> dict[str, float]:
    """Coverage with its Monte-Carlo error, median and width of one kind of interval."""
    log, low, high = np.array(limits, dtype=float).T
    low, high = np.nan_to_num(low, nan=-np.inf), np.nan_to_num(high, nan=np.inf)
    covered = float(np.mean((low <= truth) & (truth <= high)))
    finite = np.isfinite(low) & np.isfinite(high)
    return {
        "cohorts": len(limits),
        "coverage": covered,
        "error": math.sqrt(covered * (1 - covered) / len(limits)),
        "median": float(np.nanmedian(log)),
        "width": float(np.median(np.where(finite, high - low, np.inf))),
        "unbounded": float(np.mean(~finite)),
    }


def main() -> None:
    """Run the simulation cohort by cohort, where it stopped before, and write what came out."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cohorts", type=int, default=100)
    parser.add_argument("--patients", type=int, default=110)
    parser.add_argument("--bootstrap", type=int, default=0)
    parser.add_argument("--simulated", type=int, default=25)
    parser.add_argument("--first-seed", type=int, default=1000)
    parser.add_argument("--seconds", type=float, default=math.inf)
    parser.add_argument("--answers", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    asked = parser.parse_args()
    started = time.monotonic()
    lines = asked.answers.read_text().splitlines() if asked.answers.exists() else []
    cohorts = [json.loads(line) for line in lines]
    for seed in range(asked.first_seed + len(cohorts), asked.first_seed + asked.cohorts):
        if time.monotonic() - started > asked.seconds:
            break
        cohorts.append(one_cohort(seed, asked.patients, asked.bootstrap, asked.simulated))
        with asked.answers.open("a") as file:
            file.write(json.dumps(cohorts[-1]) + "\n")
    population = als.simulate_cohort(STUDY, n=20_000, random_state=1).X
    questions = [(STUDY.variable(f.variable), f.contrast) for f in FINDINGS]
    effects = standardised_effects(Truth(), population, questions, HORIZONS)
    true = {f.name: e.average for f, e in zip(FINDINGS, effects, strict=True)}
    settings = {name: getattr(asked, name) for name in ("patients", "bootstrap", "simulated")}
    settings |= {"first_seed": asked.first_seed, "cohorts": len(cohorts)}
    found = {"settings": settings, "results": summarise(cohorts, true)}
    asked.out.write_text(json.dumps(found, indent=1).replace("Infinity", "null") + "\n")


if __name__ == "__main__":
    main()

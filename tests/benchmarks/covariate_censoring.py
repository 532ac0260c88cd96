"""Bias of measures where an era decides how long patients are followed, by kind of weights.

    python tests/benchmarks/covariate_censoring.py [REPEATS]

Patients before a date are followed for 48 to 110 months, those after it for 6 to 60; the era is one
of two predictors. The truth is what the same measure says of the uncensored times.
"""

from __future__ import annotations

import sys

import numpy as np
from numpy.typing import NDArray

from allsurv.stats.measures.auc import auc
from allsurv.stats.measures.brier import brier, ipa
from allsurv.stats.measures.calibration import calibration_errors, observed_expected_ratio
from allsurv.stats.measures.net_benefit import net_benefit
from allsurv.stats.measures.patient_censoring import PatientCensoring, fit_censoring
from allsurv.stats.outcome import make_y

NAMES = ("AUC", "Brier score", "IPA", "O/E", "ICI", "net benefit at 0.5")
HORIZON = 36.0


def measured(
    y: NDArray[np.void], risk: NDArray[np.float64], by: PatientCensoring | None
) -> list[float]:
    return [
        auc(y, risk, HORIZON, censoring=by).value,
        brier(y, risk, HORIZON, censoring=by).value,
        ipa(y, risk, HORIZON, censoring=by).value,
        observed_expected_ratio(y, risk, HORIZON, censoring=by).value,
        calibration_errors(y, risk, HORIZON, censoring=by).ici,
        float(net_benefit(y, risk, HORIZON, [0.5], censoring=by).model[0]),
    ]


def two_eras(log_ratio: float, repeats: int, n: int = 4000) -> dict[str, NDArray[np.float64]]:
    """Errors of each measure, one row a repeat, by kind of weights."""
    errors: dict[str, list[NDArray[np.float64]]] = {"one curve": [], "era": [], "Cox": []}
    for seed in range(repeats):
        rng = np.random.default_rng(seed)
        era = (rng.random(n) < 0.6).astype(float)
        z = rng.normal(size=n)
        lp = log_ratio * era + 0.8 * z
        death = 32 * (rng.exponential(size=n) * np.exp(-lp)) ** (1 / 0.8)
        end = np.where(era == 1, rng.uniform(6, 60, n), rng.uniform(48, 110, n))
        risk = 1 - np.exp(-np.exp(lp) * (HORIZON / 32) ** 0.8)
        y = make_y(np.minimum(death, end), death <= end)
        truth = np.array(measured(make_y(np.minimum(death, 1e4), np.ones(n, bool)), risk, None))
        kinds = {
            "one curve": None,
            "era": fit_censoring(y, strata=era),
            "Cox": fit_censoring(y, np.column_stack([era, z])),
        }
        for kind, by in kinds.items():
            errors[kind].append(np.array(measured(y, risk, by)) - truth)
    return {kind: np.array(rows) for kind, rows in errors.items()}


if __name__ == "__main__":
    repeats = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    for log_ratio in (-0.555, -1.2, 1.0):
        print(f"log hazard ratio of the era {log_ratio:g}: bias (Monte-Carlo error)")
        for kind, rows in two_eras(log_ratio, repeats).items():
            mean, error = rows.mean(axis=0), rows.std(axis=0, ddof=1) / np.sqrt(repeats)
            said = (f"{n} {m:+.4f} ({e:.4f})" for n, m, e in zip(NAMES, mean, error, strict=True))
            print(f"  {kind:10}", ", ".join(said))

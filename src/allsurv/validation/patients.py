"""Out-of-fold predictions, patient by patient, and what groups of patients made of them show."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from allsurv.cohort.groups import Groups
from allsurv.describe.survival import curve_rows
from allsurv.stats.curves.nonparametric import kaplan_meier
from allsurv.stats.measures.patient_censoring import PatientCensoring
from allsurv.study.spec import Prediction as PredictionPlan
from allsurv.validation.measures import PooledRisk
from allsurv.validation.outcomes import calibration_curve
from allsurv.validation.predicted import ALIKE
from allsurv.validation.prediction import Prediction

__all__ = ["average_patients", "calibration_curves", "group_curves", "group_survival"]

Floats = NDArray[np.float64]
N_POINTS = 41
GROUP_COLUMNS = [
    "model", "group", "horizon", "n", "n_events", "n_at_risk", "predicted", "survival", "lower",
    "upper",
]  # fmt: skip
CURVE_COLUMNS = ["model", "horizon", "predicted", "observed", "lower", "upper", "reason"]


def average_patients(
    predictions: Sequence[Prediction], n_patients: int, horizons: Floats
) -> pd.DataFrame:
    """Average each patient's out-of-fold predictions over repeats."""
    tables = []
    for model in dict.fromkeys(p.model for p in predictions):
        risk = np.zeros((n_patients, horizons.size))
        seen = np.zeros((n_patients, horizons.size), dtype=int)
        centile, ranked = np.zeros(n_patients), np.zeros(n_patients, dtype=int)
        for prediction in (p for p in predictions if p.model == model):
            test = prediction.split.test
            risk[test] += np.nan_to_num(prediction.risk)
            seen[test] += np.isfinite(prediction.risk)
            centile[test] += np.nan_to_num(prediction.centile)
            ranked[test] += np.isfinite(prediction.centile)
        with np.errstate(invalid="ignore"):
            mean, mean_centile = risk / seen, centile / ranked
        tables.append(
            pd.DataFrame(
                {
                    "model": model,
                    "patient": np.repeat(np.arange(n_patients), horizons.size),
                    "horizon": np.tile(horizons, n_patients),
                    "risk": mean.ravel(),
                    "risk_centile": np.repeat(mean_centile, horizons.size),
                    "n_repeats": seen.ravel(),
                }
            )
        )
    return pd.concat(tables, ignore_index=True)


def group_survival(
    out_of_fold: pd.DataFrame, y: NDArray[np.void], plan: PredictionPlan
) -> pd.DataFrame:
    """Observed survival of the groups a patient would have been put into by a model without him.

    Notes
    -----
    A patient's centile is the percentage of a refit's own patients with a lower score (half of
    those with the same), averaged over repeats; the cuts are those of the study, chosen before any
    outcome was seen.
    """
    rows: list[dict[str, Any]] = []
    for (model, horizon), table in out_of_fold.groupby(["model", "horizon"], sort=False):
        centile = table["risk_centile"].to_numpy()
        group = np.searchsorted(plan.risk_centiles, centile, side="left")
        for position, name in enumerate(plan.risk_groups):
            members = (group == position) & np.isfinite(centile)
            row = {"model": model, "group": name, "horizon": horizon, "n": int(members.sum())}
            rows.append(row | _observed(y[members], float(horizon), table["risk"][members]))
    return pd.DataFrame(rows, columns=GROUP_COLUMNS)


def group_curves(
    out_of_fold: pd.DataFrame, y: NDArray[np.void], plan: PredictionPlan
) -> pd.DataFrame:
    """Kaplan-Meier curves of the same groups, at every time of follow-up."""
    tables = []
    for model, table in out_of_fold.groupby("model", sort=False):
        first = table[table["horizon"] == table["horizon"].iloc[0]].sort_values("patient")
        centile = first["risk_centile"].to_numpy()
        code = np.searchsorted(plan.risk_centiles, centile, side="left")
        code[~np.isfinite(centile)] = -1
        present = [k for k in range(len(plan.risk_groups)) if np.any(code == k)]
        names = tuple(plan.risk_groups[k] for k in present)
        place = np.full(len(plan.risk_groups) + 1, -1)
        place[present] = np.arange(len(present))
        groups = Groups(names, names, place[code])
        patients = first["patient"].to_numpy()
        tables.append(pd.DataFrame(curve_rows(y[patients], groups)).assign(model=model))
    curves = pd.concat(tables, ignore_index=True)
    return curves[["model", *(c for c in curves if c != "model")]]


def _observed(y: NDArray[np.void], horizon: float, risk: pd.Series) -> dict[str, Any]:
    if y.size == 0:
        return {"n_events": 0, "n_at_risk": 0}
    at = kaplan_meier(y["time"], y["event"]).at([horizon])
    return {
        "n_events": int(np.count_nonzero(y["event"] & (y["time"] <= horizon))),
        "n_at_risk": int(np.count_nonzero(y["time"] >= horizon)),
        "predicted": float(1 - risk.mean()),
        "survival": float(at.survival[0]),
        "lower": float(at.lower[0]),
        "upper": float(at.upper[0]),
    }


def calibration_curves(
    out_of_fold: pd.DataFrame,
    pooled: Sequence[PooledRisk],
    y: NDArray[np.void],
    given: PatientCensoring | None = None,
) -> pd.DataFrame:
    """Smooth observed against predicted risk, of each patient's averaged out-of-fold risk."""
    alike = {p.model for p in pooled} - {p.model for p in pooled if not p.is_constant}
    tables = []
    for (model, horizon), table in out_of_fold.groupby(["model", "horizon"], sort=False):
        risk = table["risk"].to_numpy()
        reason = ALIKE if model in alike else ""
        if not reason and not np.isfinite(risk).all():
            at_risk = [p.reasons for p in pooled if p.model == model]
            reason = next((r for reasons in at_risk for r in reasons if r), "no prediction")
        curve = None
        if not reason:
            first, last = np.quantile(risk, [0.025, 0.975])
            points = np.linspace(first, last, N_POINTS)
            curve = calibration_curve(
                y, np.clip(risk, 0, 1), float(horizon), at=points, censoring=given
            )
            reason = curve.reason
        if curve is None or reason:
            columns: dict[str, Any] = {"reason": [reason]}
        else:
            columns = {
                "predicted": curve.predicted,
                "observed": curve.observed,
                "lower": curve.lower,
                "upper": curve.upper,
                "reason": "",
            }
        tables.append(pd.DataFrame({"model": model, "horizon": horizon} | columns))
    return pd.concat([t.reindex(columns=CURVE_COLUMNS) for t in tables], ignore_index=True)

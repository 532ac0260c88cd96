"""What acting on predicted risks would bring, and how stable calibration errors are."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import ndtri

from allsurv.stats.measures.patient_censoring import PatientCensoring
from allsurv.validation.measures import PooledRisk
from allsurv.validation.outcomes import net_benefit
from allsurv.validation.redrawn import Redrawn

__all__ = ["calibration_limits", "everybody", "net_benefit_table", "nobody_table"]

Floats = NDArray[np.float64]
NET_BENEFIT_COLUMNS = [
    "model", "horizon", "threshold", "estimate", "lower", "upper", "level", "share_above", "reason",
]  # fmt: skip


def net_benefit_table(
    pooled: Sequence[PooledRisk],
    y: NDArray[np.void],
    horizons: Floats,
    thresholds: Sequence[float],
    drawn: Redrawn,
    *,
    given: PatientCensoring | None = None,
    level: float = 0.95,
) -> pd.DataFrame:
    """Net benefit of acting on the out-of-fold risks of a model."""
    grid = np.asarray(thresholds, dtype=float)
    tables = []
    for k, horizon in enumerate(map(float, horizons)):
        model = pooled[0].model
        usable = [repeat for repeat in pooled if not repeat.reasons[k]]
        if not usable:
            tables.append(_table(model, horizon, grid, level, reason=pooled[0].reasons[k]))
            continue
        found = [
            net_benefit(
                y[r.patients],
                np.clip(r.risk[:, k], 0, 1),
                horizon,
                grid,
                censoring=None if given is None else given.take(r.patients),
            )
            for r in usable
        ]
        estimate = np.mean([one.model for one in found], axis=0)
        above = np.mean(
            [one.n_above / r.patients.size for one, r in zip(found, usable, strict=True)], axis=0
        )
        tables.append(_table(model, horizon, grid, level, estimate, drawn.benefit[:, k], above))
    return pd.concat(tables, ignore_index=True)


def everybody(n_patients: int, n_horizons: int) -> PooledRisk:
    """Treat all, as if a model gave everyone a risk of 1."""
    certain = np.ones((n_patients, n_horizons))
    return PooledRisk(
        model="treat_all",
        repeat=0,
        patients=np.arange(n_patients),
        fold=np.zeros(n_patients, dtype=np.intp),
        risk_score=certain[:, 0],
        risk=certain,
        curves=certain[:, :0],
        reasons=("",) * n_horizons,
        is_constant=True,
    )


def nobody_table(
    horizons: Floats, thresholds: Sequence[float], *, level: float = 0.95
) -> pd.DataFrame:
    """Net benefit of treating none: 0."""
    grid = np.asarray(thresholds, dtype=float)
    none = np.zeros(grid.size)
    tables = [
        _table("treat_none", float(h), grid, level, none, none[None, :], none) for h in horizons
    ]
    return pd.concat(tables, ignore_index=True)


def calibration_limits(model: str, horizons: Floats, drawn: Redrawn) -> pd.DataFrame:
    """Give the standard errors of the logarithms of the measures that were redrawn."""
    rows = []
    for k, horizon in enumerate(horizons):
        with np.errstate(divide="ignore"):
            logs = np.log(drawn.values[:, k])
        known = np.isfinite(logs)
        enough = known.sum(axis=0) >= 10
        spread = np.full(len(drawn.measures), np.nan)
        if enough.any():
            spread[enough] = np.std(
                np.ascontiguousarray(logs[:, enough]), axis=0, ddof=1, where=known[:, enough]
            )
        rows += [
            {"model": model, "measure": name, "horizon": horizon, "log_error": float(value)}
            for name, value in zip(drawn.measures, spread, strict=True)
        ]
    return pd.DataFrame(rows, columns=["model", "measure", "horizon", "log_error"])


def _table(
    model: str,
    horizon: float,
    thresholds: Floats,
    level: float,
    estimate: Floats | None = None,
    drawn: Floats | None = None,
    above: Floats | None = None,
    reason: str = "",
) -> pd.DataFrame:
    nothing = np.full(thresholds.size, np.nan)
    value = nothing if estimate is None else estimate
    half = nothing
    if drawn is not None:
        enough = np.isfinite(drawn).sum(axis=0) >= min(10, len(drawn))
        spread = np.nanstd(np.where(enough, drawn, 0.0), axis=0)
        half = np.where(enough, float(ndtri(0.5 + level / 2)) * spread, np.nan)
    beyond = "" if reason else "those above are not followed to the horizon in every repeat"
    return pd.DataFrame(
        {
            "model": model,
            "horizon": float(horizon),
            "threshold": thresholds,
            "estimate": value,
            "lower": value - half,
            "upper": value + half,
            "level": level,
            "share_above": nothing if above is None else above,
            "reason": np.where(np.isfinite(value), "", reason or beyond),
        }
    )[NET_BENEFIT_COLUMNS]

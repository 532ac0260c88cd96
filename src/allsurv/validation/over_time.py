"""Discrimination and prediction error as they change over follow-up."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from allsurv.stats.measures.auc import auc_curve
from allsurv.stats.measures.brier import brier_curve
from allsurv.stats.measures.censoring import CensoringDistribution
from allsurv.stats.measures.prediction import MeasureCurve
from allsurv.validation.measures import RESAMPLE_COLUMNS, PooledRisk
from allsurv.validation.prediction import Prediction
from allsurv.validation.summary import summarise

__all__ = ["measure_over_time", "time_grid"]

Floats = NDArray[np.float64]
N_TIMES = 16


def time_grid(last: float, step: float) -> Floats:
    """Lay out the times at which prediction is followed.

    Examples
    --------
    >>> time_grid(24.0, 12.0).tolist(), time_grid(48.0, 1.0).tolist()[:3]
    ([12.0, 24.0], [3.0, 6.0, 9.0])
    """
    n_steps = max(1, int(last / step + 1e-9))
    wanted = np.linspace(n_steps / N_TIMES, n_steps, N_TIMES)
    return np.unique(np.maximum(np.round(wanted), 1.0)) * step


def measure_over_time(
    predictions: Sequence[Prediction],
    pooled: Sequence[PooledRisk],
    y: NDArray[np.void],
    times: Floats,
    *,
    limit_factor: float = 1.0,
) -> pd.DataFrame:
    """Measure AUC and Brier score at each time of a grid."""
    rows: list[tuple[object, ...]] = []
    censoring = CensoringDistribution.fit(y)
    for prediction in predictions:
        split = prediction.split
        test = y[split.test]
        curve = _reached(prediction.curves, times)
        found = auc_curve(test, *curve, censoring=censoring) if curve[1].size else None
        cases = [np.count_nonzero(test["event"] & (test["time"] <= t)) for t in times]
        controls = [np.count_nonzero(test["time"] > t) for t in times]
        weight = np.multiply(cases, controls).astype(float)
        rows += _rows("auc", prediction.model, split.repeat, split.fold, times, found, weight)
    for repeat in pooled:
        curve = _reached(np.clip(repeat.curves, 0, 1), times)
        found = brier_curve(y[repeat.patients], *curve) if curve[1].size else None
        weight = np.ones(times.size)
        rows += _rows("brier", repeat.model, repeat.repeat, -1, times, found, weight)
    table = summarise(pd.DataFrame(rows, columns=RESAMPLE_COLUMNS), limit_factor=limit_factor)
    return table.rename(columns={"horizon": "time"}).drop(columns="estimator")


def _reached(curves: Floats, times: Floats) -> tuple[Floats, Floats]:
    known = np.isfinite(curves).all(axis=0)
    return curves[:, known], times[known]


def _rows(
    measure: str,
    model: str,
    repeat: int,
    fold: int,
    times: Floats,
    found: MeasureCurve | None,
    weight: Floats,
) -> list[tuple[object, ...]]:
    at = {} if found is None else dict(zip(found.times, found.estimates, strict=True))
    rows: list[tuple[object, ...]] = []
    for time, share in zip(times, weight, strict=True):
        value = at.get(time)
        number = (np.nan, np.nan) if value is None else (value.value, value.std_error)
        reason = "no prediction that late" if value is None else value.reason
        if not reason and not share:
            reason = "no comparable pair"
        rows.append((model, measure, float(time), repeat, fold, *number, share, reason, None, None))
    return rows

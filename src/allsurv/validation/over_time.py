"""Discrimination and prediction error as they change over follow-up."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from allsurv.stats.measures.censoring import CensoringDistribution
from allsurv.stats.measures.patient_censoring import PatientCensoring
from allsurv.stats.measures.prediction import MeasureCurve
from allsurv.stats.outcome import Estimate
from allsurv.validation.catalogue import Measure, measures_by_name
from allsurv.validation.measures import (
    PooledRisk,
    Resample,
    Where,
    predicted_in_fold,
    predicted_in_repeat,
)
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
    measures: Collection[str | Measure] | None = None,
    given: PatientCensoring | None = None,
) -> pd.DataFrame:
    """Follow the measures that change over time, AUC and Brier score, along a grid."""
    censoring = CensoringDistribution.fit(y)
    folds = [
        (
            Where(p.model, p.split.repeat, p.split.fold, None),
            predicted_in_fold(p, y, times, censoring, given),
        )
        for p in predictions
    ]
    repeats = [
        (Where(r.model, r.repeat, -1, None), predicted_in_repeat(r, y, times, given))
        for r in pooled
    ]
    rows: list[Resample] = []
    asked = measures_by_name(measures)
    for measure in asked.values():
        if measure.over_time is not None:
            for where, seen in repeats if measure.pooled else folds:
                found = measure.over_time(seen) if seen.times.size else None
                rows += _rows(where, measure, seen.y, times, found)
    table = summarise(
        pd.DataFrame(rows, columns=list(Resample._fields)),
        limit_factor=limit_factor,
        measures=asked.values(),
    )
    return table.rename(columns={"horizon": "time"}).drop(columns="estimator")


def _rows(
    where: Where,
    measure: Measure,
    y: NDArray[np.void],
    times: Floats,
    found: MeasureCurve | None,
) -> Iterator[Resample]:
    at = {} if found is None else dict(zip(found.times, found.estimates, strict=True))
    for time in map(float, times):
        value = at.get(time, Estimate.missing("no prediction that late"))
        row = Resample.of(where, measure.name, time, value, measure.weight(y, time))
        yield row._replace(influence=None)

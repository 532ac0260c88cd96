"""How well models do in groups of patients that the study names."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from allsurv.cohort import Cohort
from allsurv.cohort.groups import Groups, group_patients
from allsurv.errors import ModelError
from allsurv.policy.rules import SMALLEST_GROUP
from allsurv.stats.measures.patient_censoring import PatientCensoring
from allsurv.validation.catalogue import Measure, measures_by_name
from allsurv.validation.measures import measure_resamples, pool_risks
from allsurv.validation.outcomes import cases
from allsurv.validation.prediction import Prediction
from allsurv.validation.summary import summarise

__all__ = ["measure_subgroups", "subgroups_of"]

Floats = NDArray[np.float64]
COLUMNS = [
    "variable", "group", "group_label", "n", "n_events", "model", "measure", "horizon", "estimate",
    "lower", "upper", "level", "n_resamples", "n_failed", "reason",
]  # fmt: skip


def subgroups_of(cohort: Cohort, by: str) -> Groups:
    """Sort patients into subgroups by a variable."""
    variable = cohort.study.variable(by)
    if not variable.is_number:
        return group_patients(cohort, by)
    if by not in cohort.frame.columns:
        raise ModelError(f"groups by '{by}': the cohort has no such column; add it.")
    values = cohort.frame[by].to_numpy(dtype=float, na_value=np.nan)
    middle = float(np.nanmedian(values))
    code = np.where(np.isnan(values), -1, (values > middle).astype(int))
    unit = f" {variable.unit}" if variable.unit else ""
    labels = (f"{middle:g}{unit} or less", f"more than {middle:g}{unit}")
    return Groups(("low", "high"), labels, code.astype(np.intp))


def measure_subgroups(
    predictions: Sequence[Prediction],
    groups: Mapping[str, Groups],
    y: NDArray[np.void],
    horizons: Floats,
    *,
    limit_factor: float = 1.0,
    measures: Collection[str | Measure] | None = None,
    given: PatientCensoring | None = None,
) -> pd.DataFrame:
    """Measure models in each subgroup, from the same out-of-fold predictions."""
    tables = []
    asked = [measure for measure in measures_by_name(measures).values() if measure.in_subgroups]
    for by, sorted_by in groups.items():
        named = zip(sorted_by.names, sorted_by.labels, strict=True)
        for code, (name, label) in enumerate(named):
            members = sorted_by.code == code
            n, n_events = int(members.sum()), int(cases(y)[members].sum())
            if min(n, n_events) < SMALLEST_GROUP:
                few = f"fewer than {SMALLEST_GROUP} patients or events"
                table = pd.DataFrame({"model": [predictions[0].model], "reason": [few]})
            else:
                inside = list(_restrict(predictions, members))
                pooled = pool_risks(inside, horizons.size)
                those = None if given is None else given.take(members)
                measured = measure_resamples(
                    inside, pooled, y[members], horizons, measures=asked, given=those
                )
                table = summarise(measured, limit_factor=limit_factor, measures=asked)
            here = {"variable": by, "group": name, "group_label": label}
            tables.append(table.assign(**here, n=n, n_events=n_events).reindex(columns=COLUMNS))
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=COLUMNS)


def _restrict(
    predictions: Sequence[Prediction], members: NDArray[np.bool_]
) -> Iterator[Prediction]:
    """Keep the predictions of some patients, who are counted anew."""
    place = np.cumsum(members) - 1
    for prediction in predictions:
        kept = members[prediction.split.test]
        if kept.any():
            test = place[prediction.split.test[kept]]
            yield replace(
                prediction,
                split=replace(prediction.split, test=test),
                risk_score=prediction.risk_score[kept],
                centile=prediction.centile[kept],
                risk=prediction.risk[kept],
                curves=prediction.curves[kept],
            )

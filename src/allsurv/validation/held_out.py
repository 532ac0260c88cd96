"""Each group of patients left out in turn: measures inside it, and what a further one may show."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import ndtri

from allsurv.cohort.groups import Groups
from allsurv.stats.measures.random_effects import random_effects
from allsurv.validation.catalogue import Measure, measures_by_name
from allsurv.validation.measures import measure_resamples, pool_risks
from allsurv.validation.outcomes import cases
from allsurv.validation.prediction import Prediction

__all__ = ["ACROSS", "measure_held_out", "summarise_held_out"]

Floats = NDArray[np.float64]
LEVEL = 0.95
ROUNDING = 1e-6  # of the largest standard error: one that is smaller is zero but for rounding
ACROSS = "mean over the groups left out in turn (random effects)"
HELD_OUT_COLUMNS = [
    "variable", "group", "group_label", "n", "n_events", "model", "measure", "horizon", "estimate",
    "lower", "upper", "level", "std_error", "reason",
]  # fmt: skip
SUMMARY_COLUMNS = [
    "model", "measure", "horizon", "estimate", "lower", "upper", "prediction_lower",
    "prediction_upper", "tau", "level", "n_resamples", "n_failed", "reason", "estimator",
]  # fmt: skip


def measure_held_out(
    predictions: Sequence[Prediction],
    by: str,
    groups: Groups,
    y: NDArray[np.void],
    horizons: Floats,
    times: Floats,
    *,
    measures: Collection[str | Measure] | None = None,
) -> pd.DataFrame:
    """Measure models in each group that was left out, by its own outcomes and censoring alone."""
    known = measures_by_name(measures)
    tables = []
    for prediction in predictions:
        test = prediction.split.test
        code = int(groups.code[test[0]])
        alone = replace(prediction.split, repeat=0, fold=0, test=np.arange(test.size))
        mine = [replace(prediction, split=alone)]
        found = measure_resamples(
            mine,
            pool_risks(mine, horizons.size),
            y[test],
            horizons,
            times=times,
            measures=known.values(),
        )
        tables.append(
            found.assign(
                variable=by,
                group=groups.names[code],
                group_label=groups.labels[code],
                n=test.size,
                n_events=int(cases(y)[test].sum()),
            )
        )
    table = pd.concat(tables, ignore_index=True)
    half = ndtri(0.5 + LEVEL / 2) * table["std_error"]
    is_log = table["measure"].map(lambda name: known[name].log_scale).to_numpy(dtype=bool)
    value = table["estimate"]
    table["lower"] = np.where(is_log, value * np.exp(-half), value - half)
    table["upper"] = np.where(is_log, value * np.exp(half), value + half)
    return table.assign(level=LEVEL)[HELD_OUT_COLUMNS]


def summarise_held_out(
    held_out: pd.DataFrame, *, measures: Collection[str | Measure] | None = None
) -> pd.DataFrame:
    """Average each measure over the groups, with a confidence and a prediction interval.

    Ratios (O/E) are averaged as logarithms. A measure without a standard error inside a group,
    such as the ICI, is shown by group only.
    """
    known = measures_by_name(measures)
    rows = []
    for (model, name, horizon), part in held_out.groupby(
        ["model", "measure", "horizon"], sort=False, dropna=False
    ):
        place = {"model": model, "measure": name, "horizon": horizon, "estimator": ACROSS}
        rows.append(place | _summary(part, is_log=known[name].log_scale))
    return pd.DataFrame(rows, columns=SUMMARY_COLUMNS)


def _summary(part: pd.DataFrame, *, is_log: bool) -> dict[str, object]:
    value, error = part["estimate"].to_numpy(), part["std_error"].to_numpy()
    measured = np.isfinite(value)
    row: dict[str, object] = {
        "level": part["level"].iloc[0],
        "n_resamples": int(measured.sum()),
        "n_failed": int((~measured).sum()),
        "reason": "; ".join(dict.fromkeys(part["reason"][~measured])),
    }
    if not measured.any():
        return row
    if np.ptp(value[measured]) == 0:  # a model without predictors ranks nobody, anywhere
        return row | {"estimate": float(value[measured][0])}
    error = np.nan_to_num(error)
    weighed = measured & (error > ROUNDING * error.max())
    if not weighed.any():
        return row | {"reason": "no standard error inside a group; see each group"}
    values = np.log(value[weighed]) if is_log else value[weighed]
    level = float(part["level"].iloc[0])
    found = random_effects(values, error[weighed], level=level)
    limits = np.array(found[:5])
    limits = np.exp(limits) if is_log else limits
    names = ("estimate", "lower", "upper", "prediction_lower", "prediction_upper")
    numbers = dict(zip(names, map(float, limits), strict=True))
    return row | numbers | {"tau": found.tau, "n_resamples": found.n_groups}

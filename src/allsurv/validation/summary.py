"""Averages over resamples, with limits; and differences between models on the same resamples."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from itertools import combinations

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from allsurv.validation.catalogue import Measure, find_measure, measures_by_name

__all__ = ["COLUMNS", "LIMITS", "compare_models", "summarise", "summarise_reasons", "with_limits"]

Floats = NDArray[np.float64]
COLUMNS = [
    "model", "measure", "horizon", "estimate", "lower", "upper", "level", "n_resamples", "n_failed",
    "reason", "estimator",
]  # fmt: skip
DIFFERENCE_COLUMNS = [
    "model", "compared_with", "measure", "horizon", "estimate", "lower", "upper", "p_value",
    "level", "n_resamples",
]  # fmt: skip

LIMITS = (
    "Intervals reflect the patients measured; those of Brier score, IPA, calibration slope and "
    "errors, and of differences, are wider for refits that share most of their patients. How often "
    "such intervals hold depends on models, predictors and number of patients, and was not "
    "measured for this study. For Cox models of four predictors, in simulated studies of 110 "
    "patients, 95% intervals covered what the model reaches in new patients 92 to 98% of the time; "
    "those of ICI, E50 and E90 (86 to 88%) were too narrow."
)
"""What limits mean and how often they hold, as ``docs/validation.md`` has it."""


def summarise(
    resamples: pd.DataFrame,
    *,
    level: float = 0.95,
    limit_factor: float = 1.0,
    measures: Collection[str | Measure] | None = None,
) -> pd.DataFrame:
    r"""Average a measure over its resamples.

    Notes
    -----
    With weights :math:`w` and analytic standard errors :math:`s` of the resamples, the estimate is
    :math:`\sum w\hat\theta / \sum w` and its variance the mean over repeats of
    :math:`\sum_f w_f^2 s_f^2 / (\sum_f w_f)^2`; O/E on the log scale. Repeats are strongly
    correlated and their number does not make the interval narrower. That variance is of the
    patients measured, the refitted models taken as given. Measures of calibration vary with the
    patients a model is fitted on as well [1]_: their limits are wider by ``limit_factor``. How
    often the limits hold what they should: :data:`LIMITS`.

    References
    ----------
    .. [1] Bates S, Hastie T, Tibshirani R. J Am Stat Assoc. 2024;119(546):1434-1445.
       doi:10.1080/01621459.2023.2197686
    """
    known = measures_by_name(measures)
    groups = resamples.groupby(["model", "measure", "horizon"], sort=False, dropna=False)
    rows = []
    for (model, name, horizon), group in groups:
        measure = known[name] if name in known else find_measure(name)
        factor = limit_factor if measure.of_the_fit else 1.0
        place = {"model": model, "measure": name, "horizon": horizon, "estimator": measure.how}
        rows.append(place | _average(group, measure.log_scale, level, factor))
    return pd.DataFrame(rows, columns=COLUMNS)


def _average(
    group: pd.DataFrame, is_log: bool, level: float, factor: float
) -> dict[str, float | int | str]:
    estimate, weight = group["estimate"].to_numpy(), group["weight"].to_numpy()
    measured = np.isfinite(estimate) & (weight > 0)
    row: dict[str, float | int | str] = {
        "estimate": np.nan,
        "lower": np.nan,
        "upper": np.nan,
        "level": level,
        "n_resamples": int(measured.sum()),
        "n_failed": int((~measured).sum()),
        "reason": summarise_reasons(Counter(group["reason"].to_numpy()[~measured])),
    }
    if not measured.any():
        return row
    value, weight = estimate[measured], weight[measured]
    value = np.log(value) if is_log else value
    squared = (weight * group["std_error"].to_numpy()[measured]) ** 2
    repeat = group["repeat"].to_numpy()[measured]
    variance = [
        squared[repeat == r].sum() / weight[repeat == r].sum() ** 2 for r in np.unique(repeat)
    ]
    centre = float(np.average(value, weights=weight))
    half = factor * float(ndtri(0.5 + level / 2) * np.sqrt(np.mean(variance)))
    limits = np.array([centre, centre - half, centre + half])
    row["estimate"], row["lower"], row["upper"] = map(float, np.exp(limits) if is_log else limits)
    return row


def summarise_reasons(reasons: Counter[str]) -> str:
    """Say how often each reason occurred.

    Examples
    --------
    >>> summarise_reasons(Counter(["no event by 12", "no event by 12"]))
    '2x no event by 12'
    """
    return "; ".join(f"{count}x {reason}" for reason, count in reasons.most_common())


def with_limits(
    performance: pd.DataFrame, errors: pd.DataFrame, *, limit_factor: float = 1.0
) -> pd.DataFrame:
    """Set limits, on the log scale, about measures whose error was found by drawing patients."""
    table = performance.merge(errors, on=["model", "measure", "horizon"], how="left")
    known = table["log_error"].notna()
    factor = np.exp(limit_factor * ndtri(0.5 + table["level"] / 2) * table["log_error"])
    table.loc[known, "lower"] = (table["estimate"] / factor)[known]
    table.loc[known, "upper"] = (table["estimate"] * factor)[known]
    return table.drop(columns="log_error")


def compare_models(
    resamples: pd.DataFrame, n_patients: int, *, level: float = 0.95, limit_factor: float = 1.0
) -> pd.DataFrame:
    r"""Differences between models, each measured on the same patients of the same resamples.

    Notes
    -----
    The variance is the sum over patients of the squared difference of what each adds to the two
    averages over all resamples, the refitted models taken as given; ``limit_factor`` widens it.
    Measures without an influence function (O/E, slope, D, calibration errors) are left out.
    """
    known = resamples[resamples["influence"].notna() & (resamples["weight"] > 0)]
    rows = []
    for (measure, horizon), table in known.groupby(
        ["measure", "horizon"], sort=False, dropna=False
    ):
        by_model = {
            str(model): part.set_index(["repeat", "fold"])
            for model, part in table.groupby("model", sort=False)
        }
        for first, second in combinations(by_model, 2):
            difference = _difference(
                by_model[first], by_model[second], n_patients, level, limit_factor
            )
            if difference:
                row = {"model": first, "compared_with": second, "measure": measure}
                rows.append(row | {"horizon": horizon, "level": level} | difference)
    return pd.DataFrame(rows, columns=DIFFERENCE_COLUMNS)


def _difference(
    first: pd.DataFrame, second: pd.DataFrame, n_patients: int, level: float, factor: float
) -> dict[str, float | int]:
    both = first.index.intersection(second.index)
    if both.empty:
        return {}
    one, other = first.loc[both], second.loc[both]
    weight = one["weight"].to_numpy()
    value = float(np.average(one["estimate"] - other["estimate"], weights=weight))
    added = np.zeros(n_patients)
    parts = zip(one["patients"], one["influence"], other["influence"], weight, strict=True)
    for patients, mine, theirs, share in parts:
        added[patients] += share * (mine - theirs)
    std_error = factor * float(np.linalg.norm(added) / weight.sum())
    half = float(ndtri(0.5 + level / 2)) * std_error
    p_value = 2 * float(ndtr(-abs(value) / std_error)) if std_error > 0 else np.nan
    return {
        "estimate": value,
        "lower": value - half,
        "upper": value + half,
        "p_value": p_value,
        "n_resamples": len(both),
    }

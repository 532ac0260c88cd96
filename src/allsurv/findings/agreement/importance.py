"""Where a variable ranks among those of a model, and how sure the rank is."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from allsurv.findings.agreement.questions import Answers, Refits
from allsurv.study.spec import Study

__all__ = ["importance_table", "places"]

Floats = NDArray[np.float64]
Percentile = Literal["linear", "inverted_cdf"]
WHOLE: Percentile = "inverted_cdf"
"""Percentiles of ranks are ranks that occurred, not numbers between them."""

COLUMNS = (
    "model", "measure", "variable", "label", "estimate", "lower", "upper", "rank", "rank_lower",
    "rank_upper", "level", "n_bootstrap",
)  # fmt: skip
MEASURES = ("shap", "permutation")


def importance_table(
    study: Study,
    models: Mapping[str, Any],
    answers: Mapping[str, Answers],
    refits: Mapping[str, Refits],
    level: float,
) -> pd.DataFrame:
    """Tabulate how much each variable counts in each model, two ways."""
    rows = []
    for name, answer in answers.items():
        variables = [str(v) for v in models[name].feature_names_in_]
        for measure in MEASURES:
            value, drawn = _values(measure, answer, refits[name])
            if not np.isfinite(value).any():
                continue
            ranks = _ranks(value[None, :])[0]
            limits, rank_limits = _limits(drawn, level), _limits(_ranks(drawn), level, WHOLE)
            for j, variable in enumerate(variables):
                numbers = (value[j], *limits[:, j], ranks[j], *rank_limits[:, j])
                label = study.variable(variable).label
                rows.append((name, measure, variable, label, *numbers, level, len(drawn)))
    return pd.DataFrame(rows, columns=list(COLUMNS))


def places(
    variable: str, model: Any, answer: Answers, refits: Refits, level: float
) -> dict[str, float]:
    """Give the ranks of one variable."""
    j = [str(v) for v in model.feature_names_in_].index(variable)
    found: dict[str, float] = {"n_variables": float(model.n_features_in_)}
    for measure in MEASURES:
        value, drawn = _values(measure, answer, refits)
        low, high = _limits(_ranks(drawn), level, WHOLE)[:, j]
        rank = float(_ranks(value[None, :])[0, j])
        found |= {
            f"{measure}_rank": rank,
            f"{measure}_rank_lower": float(low),
            f"{measure}_rank_upper": float(high),
        }
    return found


def _values(measure: str, answer: Answers, refits: Refits) -> tuple[Floats, Floats]:
    """Value of each variable, and that of every refit."""
    drawn: Floats = getattr(refits, measure)
    if drawn.ndim < 2:
        drawn = np.empty((0, answer.shap.size))
    if measure == "shap":
        return answer.shap, drawn
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        value = np.nanmean(drawn, axis=0) if len(drawn) else np.full(answer.shap.size, np.nan)
    return value, drawn


def _ranks(values: Floats) -> Floats:
    """Rank within each row, the largest first; NaN where a row has no values."""
    found: Floats = pd.DataFrame(values).rank(axis=1, ascending=False, method="min").to_numpy()
    return found


def _limits(drawn: Floats, level: float, method: Percentile = "linear") -> Floats:
    made = drawn[np.isfinite(drawn).all(axis=1)] if len(drawn) else drawn
    if len(made) < 2:
        return np.full((2, drawn.shape[1]), np.nan)
    return np.quantile(made, [(1 - level) / 2, (1 + level) / 2], axis=0, method=method)

"""A Cox analysis with products, as imputed values must agree with it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from allsurv.cohort import Cohort
from allsurv.describe.cox.scales import NO_SCALES, STRAIGHT, Scales, scaled_columns
from allsurv.dictionary.variable import Variable
from allsurv.stats.missing.compatible import CoxAnalysis
from allsurv.stats.missing.incomplete import Incomplete

__all__ = ["cox_analysis_of"]

Floats = NDArray[np.float64]


def cox_analysis_of(
    cohort: Cohort,
    endpoint: str,
    variables: Sequence[tuple[Variable, Incomplete]],
    time_dependent: Sequence[str],
    interactions: Sequence[tuple[str, str]],
    scales: Scales = NO_SCALES,
) -> CoxAnalysis:
    """Lay out follow-up in rows, and say how values become the columns of the model."""
    rows = cohort.intervals(endpoint, list(time_dependent))
    events = {name: rows.X[name].to_numpy(dtype=float)[:, None] for name in time_dependent}

    def columns(values: Sequence[Floats], asked: NDArray[np.intp]) -> Floats:
        parts = {
            line.name: _terms(line, incomplete, one, scales)
            for (line, incomplete), one in zip(variables, values, strict=True)
        }
        parts |= {name: column[asked] for name, column in events.items()}
        products = [_products(parts[first], parts[second]) for first, second in interactions]
        return np.concatenate([*parts.values(), *products], axis=1)

    return CoxAnalysis(rows.patient, rows.start, rows.stop, rows.event, columns)


def _terms(line: Variable, incomplete: Incomplete, values: Floats, scales: Scales) -> Floats:
    """Columns of one variable; which of its levels is the reference changes no prediction."""
    if line.is_number:
        scale, compared = scales.get(line.name, (STRAIGHT, None))
        return scaled_columns(values, scale, compared, where="impute_missing", name=line.name)
    if line.is_yes_no:
        return values[:, None]
    return np.asarray(values[:, None] == incomplete.levels[1:], dtype=float)


def _products(one: Floats, other: Floats) -> Floats:
    return (one[:, :, None] * other[:, None, :]).reshape(len(one), -1)

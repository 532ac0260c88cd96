"""What a reader must know of a single prediction: beyond, filled in, or not whom it is for."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from allsurv.dictionary.filters import matches
from allsurv.dictionary.values import read_values
from allsurv.riskmodel.model import RiskModel

__all__ = ["FLAGS", "Flags"]

Floats = NDArray[np.float64]
Marks = dict[str, NDArray[np.bool_]]

FLAGS = ("extrapolating", "imputed", "outside_population")


class Flags:
    """Names, for each patient, the variables for which a prediction deserves less trust."""

    def __init__(self, model: RiskModel) -> None:
        self._model = model
        self._names = model.predictors
        ranges = [model.reach.ranges.get(name, (-np.inf, np.inf)) for name in self._names]
        self._low, self._high = np.array(ranges, dtype=float).reshape(-1, 2).T[:, :, None]
        filled = {term.variable for term in model.terms if term.fill is not None}
        filled -= {term.variable for term in model.terms if term.kind == "tested"}
        self._filled = np.array([name in filled for name in self._names], dtype=bool)[:, None]
        self._rare = {name: rare for name in self._names if (rare := _rare(model, name)).any()}

    def of(
        self, frame: pd.DataFrame, numbers: Mapping[str, Floats]
    ) -> dict[str, NDArray[np.object_]]:
        """Flag patients."""
        shape = len(self._names), len(frame)
        values = np.array([numbers[name] for name in self._names], dtype=float).reshape(shape)
        outside = {
            name: rare[np.where(np.isnan(numbers[name]), -1, numbers[name]).astype(np.intp)]
            for name, rare in self._rare.items()
        }
        outside |= self._not_in_population(frame)
        beyond = (values < self._low) | (values > self._high)
        marks = (
            dict(zip(self._names, beyond, strict=True)) if beyond.any() else {},
            self._imputed(values),
            outside,
        )
        return {name: _named(found, len(frame)) for name, found in zip(FLAGS, marks, strict=True)}

    def _imputed(self, values: Floats) -> Marks:
        missing = np.isnan(values) & self._filled
        return dict(zip(self._names, missing, strict=True)) if missing.any() else {}

    def _not_in_population(self, frame: pd.DataFrame) -> Marks:
        population, marks = self._model.population, {}
        for name, variable in population.variables.items():
            column = next((c for c in (variable.column, name) if c in frame.columns), None)
            if column is None:
                continue
            known = variable if column == variable.column else variable.named()
            values = read_values(frame[column].reset_index(drop=True), known).values
            wanted = {name: population.condition[name]}
            belongs = matches(pd.DataFrame({name: values}), wanted) | values.isna().to_numpy()
            marks[name] = ~belongs
        return marks


def _rare(model: RiskModel, name: str) -> NDArray[np.bool_]:
    """Mark levels that too few patients of development had; the last entry is a missing value."""
    seen = model.reach.levels.get(name)
    if seen is None:
        return np.zeros(1, dtype=bool)
    variable = model.variables.get(name) or model.derived[name]
    levels = (False, True) if variable.is_yes_no else variable.levels
    return np.array([*(level not in seen for level in levels), False])


def _named(marks: Marks, n: int) -> NDArray[np.object_]:
    names = [name for name, mark in marks.items() if mark.any()]
    if not names:
        return np.full(n, "", dtype=object)
    code = np.zeros(n, dtype=np.int64)
    for bit, name in enumerate(names):
        code |= marks[name].astype(np.int64) << bit
    found, position = np.unique(code, return_inverse=True)
    texts = [", ".join(name for bit, name in enumerate(names) if c >> bit & 1) for c in found]
    return np.array(texts, dtype=object)[position]

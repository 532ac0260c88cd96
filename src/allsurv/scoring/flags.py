"""What a reader must know of a single prediction: beyond, filled in, or not whom it is for."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from allsurv.cohort.filters import matches
from allsurv.cohort.values import read_values
from allsurv.models.riskmodel import RiskModel

__all__ = ["FLAGS", "flag_patients"]

Floats = NDArray[np.float64]
Marks = dict[str, NDArray[np.bool_]]

FLAGS = ("extrapolating", "imputed", "outside_population")


def flag_patients(
    model: RiskModel, frame: pd.DataFrame, numbers: Mapping[str, Floats]
) -> dict[str, NDArray[np.object_]]:
    """Name the variables for which a prediction deserves less trust.

    Parameters
    ----------
    model : RiskModel
        Knows whom development covered.
    frame : DataFrame of shape (n_patients, n_columns)
        New patients as given.
    numbers : mapping from str to ndarray of shape (n_patients,)
        The same patients as numbers and positions of levels, NaN where missing.

    Returns
    -------
    dict of str to ndarray of str of shape (n_patients,)
        Variables by comma, empty for none. ``extrapolating``: a number beyond all but at most ten
        patients of development. ``imputed``: a missing value was filled in.
        ``outside_population``: a level that fewer than eleven patients of development had, or not
        among those the endpoint is defined for.
    """
    n = len(frame)
    marks = (_extrapolating(model, numbers), _imputed(model, numbers), _outside(model, numbers))
    marks[2].update(_not_in_population(model, frame))
    return {name: _named(found, n) for name, found in zip(FLAGS, marks, strict=True)}


def _extrapolating(model: RiskModel, numbers: Mapping[str, Floats]) -> Marks:
    return {
        name: (numbers[name] < low) | (numbers[name] > high)
        for name, (low, high) in model.reach.ranges.items()
    }


def _imputed(model: RiskModel, numbers: Mapping[str, Floats]) -> Marks:
    filled = dict.fromkeys(term.variable for term in model.terms if term.fill is not None)
    return {name: np.isnan(numbers[name]) for name in filled}


def _outside(model: RiskModel, numbers: Mapping[str, Floats]) -> Marks:
    marks = {}
    for name, seen in model.reach.levels.items():
        variable = model.variables.get(name) or model.derived[name]
        levels = (False, True) if variable.is_yes_no else variable.levels
        rare = [code for code, level in enumerate(levels) if level not in seen]
        if rare:
            marks[name] = np.isin(numbers[name], rare)
    return marks


def _not_in_population(model: RiskModel, frame: pd.DataFrame) -> Marks:
    marks = {}
    for name, variable in model.population.variables.items():
        column = next((c for c in (variable.column, name) if c in frame.columns), None)
        if column is None:
            continue
        values = read_values(frame[column].reset_index(drop=True), variable).values
        wanted = {name: model.population.condition[name]}
        belongs = matches(pd.DataFrame({name: values}), wanted) | values.isna().to_numpy()
        marks[name] = ~belongs
    return marks


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

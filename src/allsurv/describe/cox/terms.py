"""Columns of a Cox model in clinical units: numbers per one unit, levels against the reference."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from allsurv.cohort import Cohort
from allsurv.cohort.groups import level_text
from allsurv.describe.cox.scales import (
    NO_SCALES,
    STRAIGHT,
    Scales,
    compared_label,
    scaled_columns,
    scaled_unit,
)
from allsurv.errors import ModelError
from allsurv.study.spec import Variable

__all__ = [
    "Term",
    "check_columns_present",
    "check_complete",
    "event_terms",
    "interaction_terms",
    "variable_terms",
]

NOT_KNOWN = "not known"


@dataclass(frozen=True, eq=False)
class Term:
    """One coefficient of a Cox model.

    Attributes
    ----------
    variable : str
        Variable, or time-dependent event, it belongs to.
    level : str
        Level it stands for; empty for a number.
    name : str
        ``age``, ``sct`` or ``year=1990-1994``.
    label, unit : str
        For readers: what is compared with what.
    values : ndarray of shape (n_rows,)
        The column of the design; constant where nobody has the level.
    curved : bool
        Whether it is the curved part of a spline, which has no hazard ratio of its own.
    """

    variable: str
    level: str
    name: str
    label: str
    unit: str
    values: NDArray[np.float64]
    curved: bool = False


def check_columns_present(cohort: Cohort, names: Sequence[str], where: str) -> None:
    """Refuse variables of which the cohort has no column."""
    for name in names:
        cohort.study.variable(name)
    absent = [name for name in names if name not in cohort.frame.columns]
    if absent:
        raise ModelError(
            f"{where}: the cohort has no column {', '.join(map(repr, absent))}; add it, or leave "
            "the variable out."
        )


def check_complete(cohort: Cohort, names: Sequence[str], where: str) -> None:
    """Refuse missing values; the message counts them by variable."""
    check_columns_present(cohort, names, where)
    missing = cohort.frame[list(names)].isna().sum()
    missing = missing[missing > 0]
    if len(missing):
        counts = ", ".join(f"'{name}' in {n}" for name, n in missing.items())
        raise ModelError(
            f"{where}: values are missing of {counts} of {cohort.n} patients; nobody is left out "
            "silently. Choose missing: 'complete cases', 'impute', or 'level' for variables with "
            "levels."
        )


def variable_terms(
    frame: pd.DataFrame, variable: Variable, where: str, scales: Scales = NO_SCALES
) -> list[Term]:
    """Make the columns of one variable; where a level is not known, that is a level of its own."""
    column = frame[variable.name]
    if variable.is_number:
        return _number_terms(column.to_numpy(dtype=float), variable, where, scales)
    if variable.is_yes_no:
        label = f"{variable.level_label(True)} vs {variable.level_label(False)}"
        label = variable.label if label == "yes vs no" else f"{variable.label}: {label}"
        values = column.to_numpy(dtype=float, na_value=0.0)
        yes = Term(variable.name, "true", variable.name, label, "", values)
        return [yes, *_not_known(column, variable, variable.level_label(False))]
    if not variable.has_levels:
        raise ModelError(f"{where}: '{variable.name}' is {variable.kind}; it cannot enter a model.")
    reference = variable.levels[0] if variable.reference is None else variable.reference
    if not column.eq(reference).any():
        raise ModelError(
            f"{where}: nobody has the reference level '{reference}' of '{variable.name}'; name "
            "another reference in the study file."
        )
    terms = [
        Term(
            variable.name,
            level_text(level),
            f"{variable.name}={level}",
            f"{variable.label}: {variable.level_label(level)} vs {variable.level_label(reference)}",
            "",
            column.eq(level).to_numpy(dtype=float),
        )
        for level in variable.levels
        if level != reference
    ]
    return [*terms, *_not_known(column, variable, variable.level_label(reference))]


def _number_terms(
    values: NDArray[np.float64], variable: Variable, where: str, scales: Scales
) -> list[Term]:
    name = variable.name
    scale, compared = scales.get(name, (STRAIGHT, None))
    columns = scaled_columns(values, scale, compared, where=where, name=name)
    if compared is None:
        unit = scaled_unit(variable, scale)
        return [Term(name, "", name, variable.label, unit, columns[:, 0])]
    label = compared_label(variable, compared)
    straight = Term(name, "", name, label, "", columns[:, 0])
    curved = [
        Term(name, "", f"{name}{k * chr(39)}", f"{variable.label}, curve", "", column, curved=True)
        for k, column in enumerate(columns.T[1:], start=1)
    ]
    return [straight, *curved]


def _not_known(column: pd.Series, variable: Variable, reference: str) -> list[Term]:
    absent = column.isna().to_numpy(dtype=float)
    label = f"{variable.label}: {NOT_KNOWN} vs {reference}"
    name = f"{variable.name} {NOT_KNOWN}"
    return [Term(variable.name, NOT_KNOWN, name, label, "", absent)] if absent.any() else []


def event_terms(cohort: Cohort, names: Sequence[str], columns: pd.DataFrame) -> list[Term]:
    """Make the columns of events that happen after baseline."""
    return [
        Term(
            name,
            "true",
            name,
            cohort.study.events[name].label,
            "",
            columns[name].to_numpy(dtype=float),
        )
        for name in names
    ]


def interaction_terms(terms: Sequence[Term], pairs: Sequence[tuple[str, str]]) -> list[Term]:
    """Make the products of columns that are already in a model.

    Examples
    --------
    >>> age = Term("age", "", "age", "Age", "per 1 year", np.array([40.0, 60.0]))
    >>> sct = Term("sct", "true", "sct", "Transplantation", "", np.array([0.0, 1.0]))
    >>> (product,) = interaction_terms([age, sct], [("age", "sct")])
    >>> product.name, product.values.tolist()
    ('age:sct', [0.0, 60.0])
    """
    return [
        Term(
            f"{one.variable}:{other.variable}",
            ":".join(filter(None, (one.level, other.level))),
            f"{one.name}:{other.name}",
            f"{one.label} × {other.label}",
            one.unit or other.unit,
            one.values * other.values,
            one.curved or other.curved,
        )
        for first, second in pairs
        for one in terms
        if one.variable == first
        for other in terms
        if other.variable == second
    ]

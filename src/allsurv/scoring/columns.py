"""One column of new patients read at a glance; what is not recognised at once is left alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from allsurv.dictionary.column import Column, numbers_in_unit
from allsurv.dictionary.variable import Variable

__all__ = ["Reader", "make_reader"]

Floats = NDArray[np.float64]
Reader = Callable[[Column], Floats | None]

_FEW = 64
"""Rows up to which looking values up one by one is faster than finding the distinct ones."""

_ABSENT: Mapping[object, float] = {None: np.nan, pd.NA: np.nan}
_YES_NO: Mapping[object, float] = {
    **dict.fromkeys((True, "yes", "true", "Yes", "True", "YES", "TRUE", "1", "1.0"), 1.0),
    **dict.fromkeys((False, "no", "false", "No", "False", "NO", "FALSE", "0", "0.0"), 0.0),
    **_ABSENT,
}


def make_reader(variable: Variable) -> Reader:
    """Make what reads a column of one variable."""
    may_be_missing = variable.missing == "allowed" or variable.derivation is not None
    if variable.is_number:
        read = _number_reader(variable)
    elif variable.is_yes_no:
        read = _yes_no_reader(variable)
    else:
        read = _level_reader(variable)
    if may_be_missing:
        return read

    def read_complete(column: Column) -> Floats | None:
        values = read(column)
        return None if values is None or np.isnan(values).any() else values

    return read_complete


def _number_reader(variable: Variable) -> Reader:
    low = -np.inf if variable.minimum is None else variable.minimum
    high = np.inf if variable.maximum is None else variable.maximum
    if variable.kind == "duration":
        low = max(low, 0.0)
    codes = [code for code in variable.missing_codes if not isinstance(code, str | bool)]

    def read(column: Column) -> Floats | None:
        if getattr(column.dtype, "kind", "O") not in "iuf":
            return None
        values = _floats(column)
        if codes:
            values[np.isin(values, codes)] = np.nan
        values = numbers_in_unit(values, variable)
        wrong = (values < low) | (values > high) | np.isinf(values)
        if variable.kind == "integer":
            wrong |= ~np.isnan(values) & (values != np.rint(values))
        return None if wrong.any() else values

    return read


def _yes_no_reader(variable: Variable) -> Reader:
    if variable.missing_codes:
        return _unread

    def read(column: Column) -> Floats | None:
        if getattr(column.dtype, "kind", "O") in "biuf":
            values = _floats(column)
            known = (values == 0) | (values == 1) | np.isnan(values)
            return values if known.all() else None
        return _looked_up(column, _YES_NO)

    return read


def _unread(column: Column) -> None:
    """Leave a column to those who read it in full."""


def _level_reader(variable: Variable) -> Reader:
    if variable.missing_codes:
        return _unread
    positions = dict(_ABSENT)
    for position, level in enumerate(variable.levels):
        positions[level] = positions[str(level)] = float(position)

    def read(column: Column) -> Floats | None:
        if isinstance(column, pd.Categorical):
            if list(column.categories) != list(variable.levels):
                return None
            codes = column.codes.astype(float)
            return np.where(codes < 0, np.nan, codes)
        return _looked_up(column, positions)

    return read


def _floats(column: Column) -> Floats:
    if isinstance(column, np.ndarray):
        return column.astype(float)
    found: Floats = column.to_numpy(dtype=float, na_value=np.nan)
    return found


def _looked_up(column: Column, known: Mapping[object, float]) -> Floats | None:
    """Look values up; ``None`` where one is unknown."""
    if len(column) <= _FEW:
        values = [_code(value, known) for value in column.tolist()]
        return None if None in values else np.array(values, dtype=float)
    try:
        codes, distinct = pd.factorize(column)
    except (TypeError, ValueError, NotImplementedError):
        return None
    found = [_code(value, known) for value in distinct]
    return None if None in found else np.array([*found, np.nan], dtype=float)[codes]


def _code(value: object, known: Mapping[object, float]) -> float | None:
    if isinstance(value, float) and np.isnan(value):
        return np.nan
    if isinstance(value, bool | np.bool_) and known is not _YES_NO:
        return None
    try:
        return known.get(value)
    except TypeError:
        return None

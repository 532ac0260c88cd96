"""Encoding as data: terms that say, number by number, how a patient becomes a row of a design.

Only numpy and pandas are needed here, so that an exported risk model encodes without scikit-learn.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from allsurv.dictionary.column import Column, array_of, column_at
from allsurv.dictionary.values import levels_dtype, read_values, rows_of
from allsurv.dictionary.variable import Variable
from allsurv.errors import ModelError, Violation
from allsurv.nearest import did_you_mean
from allsurv.riskmodel.splines import curved_part

__all__ = [
    "NEVER_FILLED",
    "Term",
    "canonical_numbers",
    "count_missing",
    "encode",
    "encode_numbers",
    "encode_with_faults",
    "read_numbers",
]

Level = str | int | bool
Numbers = Mapping[str, NDArray[np.float64]]


@dataclass(frozen=True)
class Term:
    """One column of a design, with everything that was learned for it.

    Parameters
    ----------
    name : str
        Readable and stable: ``age``, ``log wbc``, ``sex=female``, ``tp53_mut positive``.
    variable : str
        Variable it is computed from; of a product the first, its ``factors`` telling the others.
    kind : {"number", "spline", "score", "level", "tested", "positive", "product"}
        ``number``: ``(transform(value) - centre) / scale``. ``spline``: the same of a curved part
        of a restricted cubic spline of ``transform(value)``. ``score``: position of an ordinal
        value among ``levels``, the first being 0. ``level``: 1 where the value is ``level``.
        ``tested``: 1 where the variable has a value. ``positive``: 1 where it is true; an untested
        patient is 0 in both. ``product``: of two earlier terms.
    transform : {"", "log"}
        For ``number`` and ``spline``: natural logarithm, or none.
    centre, scale : float
        For ``number`` and ``spline``: mean and standard deviation in development.
    level : str, int, bool or None
        For ``level``.
    levels : tuple
        For ``score``, ``level`` and ``tested``: all levels of the variable; empty for a number and
        a yes/no variable.
    fill : float, str, int, bool or None
        What a missing value is replaced by, in the unit of the variable; ``None`` refuses it.
        Markers need none.
    knots : tuple of float
        For ``spline``: where cubic pieces meet, after the transform; beyond the outer ones it is
        a straight line.
    part : int
        For ``spline``: which curved part, from 0; one fewer than there are inner pieces.
    factors : tuple of str
        For ``product``: names of the two terms.

    Examples
    --------
    >>> age = Term("age", "age", "number", centre=40.0, scale=10.0, fill=37.0)
    >>> encode(pd.DataFrame({"age": [50.0, np.nan]}), [age]).ravel().round(1).tolist()
    [1.0, -0.3]
    """

    name: str
    variable: str
    kind: Literal["number", "spline", "score", "level", "tested", "positive", "product"]
    transform: Literal["", "log"] = ""
    centre: float = 0.0
    scale: float = 1.0
    level: Level | None = None
    levels: tuple[str | int, ...] = ()
    fill: float | Level | None = None
    knots: tuple[float, ...] = ()
    part: int = 0
    factors: tuple[str, ...] = ()


def encode(frame: pd.DataFrame, terms: Sequence[Term]) -> NDArray[np.float64]:
    """Turn patients into the numbers a model takes.

    Parameters
    ----------
    frame : DataFrame of shape (n_patients, n_variables)
        Canonical values, as in ``Cohort.X`` categories being the levels.
    terms : sequence of Term
        What to compute.

    Returns
    -------
    ndarray of shape (n_patients, n_terms)
        In the order of ``terms``; without missing values.

    Raises
    ------
    ModelError
        If a value is missing where the term has no ``fill``, or has no logarithm.

    Examples
    --------
    >>> tested = Term("tp53_mut tested", "tp53_mut", "tested")
    >>> positive = Term("tp53_mut positive", "tp53_mut", "positive")
    >>> patients = pd.DataFrame({"tp53_mut": pd.array([True, False, None], dtype="boolean")})
    >>> encode(patients, [tested, positive]).tolist()
    [[1.0, 1.0], [1.0, 0.0], [0.0, 0.0]]
    """
    return encode_numbers(canonical_numbers(frame, terms), terms, n_rows=len(frame))


def canonical_numbers(frame: pd.DataFrame, terms: Sequence[Term]) -> Numbers:
    """Take the variables of terms out of canonical values."""
    levels = {term.variable: term.levels for term in terms if term.kind != "product"}
    position = _positions(frame, levels)
    return {name: _numbers(column_at(frame, position[name]), levels[name]) for name in levels}


def encode_numbers(numbers: Numbers, terms: Sequence[Term], *, n_rows: int) -> NDArray[np.float64]:
    """Encode variables that were read as numbers."""
    design, faults = encode_with_faults(numbers, terms, n_rows=n_rows)
    _refuse(faults, "predictors")
    return design


def encode_with_faults(
    numbers: Numbers, terms: Sequence[Term], *, n_rows: int
) -> tuple[NDArray[np.float64], tuple[Violation, ...]]:
    """Encode, and say which values cannot be."""
    design = np.empty((n_rows, len(terms)), dtype=float)
    faults: dict[str, Violation] = {}
    place = {term.name: j for j, term in enumerate(terms)}
    for j, term in enumerate(terms):
        if term.kind == "product":
            design[:, j] = np.prod([design[:, place[name]] for name in term.factors], axis=0)
            continue
        design[:, j], fault = _column(numbers[term.variable], term)
        if fault is not None:
            faults.setdefault(term.variable, fault)
    return design, tuple(faults.values())


def _positions(frame: pd.DataFrame, names: Iterable[str]) -> dict[str, int]:
    """Find the columns that there are; of two of the same name the last."""
    columns = frame.columns
    if not columns.is_unique:
        places = {name: position for position, name in enumerate(columns)}
        return {name: places[name] for name in names if name in places}
    return {name: columns.get_loc(name) for name in names if name in columns}


def _numbers(column: Column, levels: tuple[str | int, ...]) -> NDArray[np.float64]:
    # Arrays are asked directly: the accessors of a Series cost more than the work itself.
    if levels:
        codes = np.asarray(cast("pd.Categorical", column).codes)
        numbers = codes.astype(float)
        numbers[codes < 0] = np.nan
        return numbers
    if isinstance(column, np.ndarray):
        return column.astype(float, copy=False)
    found: NDArray[np.float64] = column.to_numpy(dtype=float, na_value=np.nan)
    return found


def _column(
    values: NDArray[np.float64], term: Term
) -> tuple[NDArray[np.float64], Violation | None]:
    missing = np.isnan(values)
    if term.kind == "tested":
        return (~missing).astype(float), None
    if term.kind == "positive":
        return (values == 1).astype(float), None
    fault = None
    if np.count_nonzero(missing):
        if term.fill is None:
            rule = "is missing; this model needs a value." if missing.sum() == 1 else _MISSING
            fault = Violation(term.variable, rule, rows_of(missing))
        else:
            values = np.where(missing, _code(term.fill, term), values)
    if term.kind in ("number", "spline"):
        return _number(values, term, fault)
    if term.kind == "score":
        return values, fault
    return (values == _code(term.level, term)).astype(float), fault


NEVER_FILLED = {"tested", "positive", "product"}
_MISSING = "are missing; this model needs a value."


def _code(value: float | Level | None, term: Term) -> float:
    if value is None:
        return np.nan
    return float(term.levels.index(value) if term.levels else value)


def _number(
    values: NDArray[np.float64], term: Term, fault: Violation | None
) -> tuple[NDArray[np.float64], Violation | None]:
    if term.transform == "log":
        impossible = values <= 0
        if np.count_nonzero(impossible):
            rule = "not above zero; its logarithm enters the model."
            verb = "is" if impossible.sum() == 1 else "are"
            fault = Violation(term.variable, f"{verb} {rule}", rows_of(impossible))
            values = np.where(impossible, 1.0, values)
        values = np.log(values)
    if term.kind == "spline":
        values = curved_part(values, term.knots, term.part)
    return (values - term.centre) / term.scale, fault


def read_numbers(
    frame: pd.DataFrame, variables: Mapping[str, Variable], *, where: str = "predictors"
) -> dict[str, NDArray[np.float64]]:
    """Take the variables a model needs as numbers, or say all that is wrong with them.

    Examples
    --------
    >>> sex = Variable("sex", "Sex", "nominal", "sex", levels=("male", "female"))
    >>> read_numbers(pd.DataFrame({"sex": ["female", None]}), {"sex": sex})["sex"].tolist()
    [1.0, nan]
    >>> read_numbers(pd.DataFrame({"sex": ["femal"]}), {"sex": sex})
    Traceback (most recent call last):
    ...
    allsurv.errors.ModelError: predictors: the data break 1 rule of the data dictionary:
      sex: 1 row (1) is 'femal'; allowed male, female. Did you mean 'female'?
    """
    if not isinstance(frame, pd.DataFrame):
        raise ModelError(
            f"{where}: a {type(frame).__name__} was given; give a DataFrame whose columns are "
            "the study's variables, as Cohort.X."
        )
    numbers: dict[str, NDArray[np.float64]] = {}
    faults: list[Violation] = []
    positions = _positions(frame, variables)
    for name, variable in variables.items():
        if name not in positions:
            hint = did_you_mean(name, map(str, frame.columns))
            faults.append(Violation(name, f"the column is missing; the model needs it.{hint}"))
            continue
        column = column_at(frame, positions[name])
        levels = () if variable.is_number or variable.is_yes_no else variable.levels
        if not _is_canonical(column, variable):
            raw = frame.iloc[:, positions[name]].reset_index(drop=True)
            read = read_values(raw, variable.named())
            faults += read.violations
            column = array_of(read.values)
        numbers[name] = _numbers(column, levels)
    _refuse(faults, where)
    return numbers


def _is_canonical(column: Column, variable: Variable) -> bool:
    dtype = column.dtype
    if variable.is_number:
        return (
            isinstance(column, np.ndarray)
            and column.dtype == np.float64
            and _in_range(column, variable)
        )
    if variable.is_yes_no:
        return isinstance(dtype, pd.BooleanDtype)
    return isinstance(dtype, pd.CategoricalDtype) and (
        dtype is levels_dtype(variable.levels, variable.kind == "ordinal")
        or list(dtype.categories) == list(variable.levels)
    )


def _in_range(values: NDArray[np.float64], variable: Variable) -> bool:
    if not values.size:
        return True
    smallest, largest = np.fmin.reduce(values), np.fmax.reduce(values)  # of the values known
    if smallest != smallest:
        return True
    low = -np.inf if variable.minimum is None else variable.minimum
    high = np.inf if variable.maximum is None else variable.maximum
    if not (low <= smallest and largest <= high and -np.inf < smallest and largest < np.inf):
        return False
    return variable.kind != "integer" or np.count_nonzero(
        values != np.rint(values)
    ) == np.count_nonzero(values != values)


def count_missing(numbers: Numbers, terms: Sequence[Term]) -> dict[str, int]:
    """Count the values that encoding fills in, per variable without a column for not known.

    Examples
    --------
    >>> age = Term("age", "age", "number", fill=37.0)
    >>> count_missing({"age": np.array([50.0, np.nan])}, [age])
    {'age': 1}
    """
    with_own_column = {t.variable for t in terms if t.kind == "tested"}
    filled = dict.fromkeys(
        t.variable
        for t in terms
        if t.kind not in NEVER_FILLED and t.variable not in with_own_column
    )
    return {name: int(np.count_nonzero(np.isnan(numbers[name]))) for name in filled}


def _refuse(faults: Iterable[Violation], where: str) -> None:
    found = list(faults)
    if found:
        noun = "rule" if len(found) == 1 else "rules"
        head = f"{where}: the data break {len(found)} {noun} of the data dictionary:"
        lines = [head, *(f"  {fault}" for fault in found)]
        raise ModelError("\n".join(lines))

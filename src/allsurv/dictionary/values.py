"""One column of a user's data, read as the data dictionary says.

Every distinct value is read once; what cannot be read stays missing and is reported by row. No
value is mended; blanks around a number, a level or a yes are not part of it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from allsurv.dictionary.codes import code_text
from allsurv.dictionary.column import numbers_in_unit, without_missing_codes
from allsurv.dictionary.variable import Variable
from allsurv.errors import Violation
from allsurv.files.missing import MISSING_WORDS
from allsurv.nearest import did_you_mean

__all__ = ["ColumnValues", "levels_dtype", "read_values", "rows_of"]

_PLACEHOLDERS = frozenset({"unknown", "unk", "missing", "not done", "nd", "n.d.", "?", "-"})
_YES_NO = {
    **dict.fromkeys(("yes", "y", "true", "t", "1"), 1),
    **dict.fromkeys(("no", "n", "false", "f", "0"), 0),
}
_LONGEST_QUOTED_LEVEL = 20
_LONGEST_QUOTED_NUMBER = 6
_MOST_LEVELS_LISTED = 12


@dataclass(frozen=True)
class ColumnValues:
    """A column as it was read.

    Parameters
    ----------
    values : Series
        In the canonical dtype of the variable's kind; missing where nothing could be read.
    missing : ndarray of bool
        Where the user's data hold no value.
    violations : tuple of Violation
        What could not be read or is not allowed.
    """

    values: pd.Series
    missing: NDArray[np.bool_]
    violations: tuple[Violation, ...]


def rows_of(mask: NDArray[np.bool_]) -> tuple[int, ...]:
    """Turn a mask into row numbers.

    Examples
    --------
    >>> rows_of(np.array([False, True, True]))
    (2, 3)
    """
    return tuple((np.flatnonzero(mask) + 1).tolist())


def read_values(raw: pd.Series, variable: Variable) -> ColumnValues:
    """Read one column as its line of the data dictionary says.

    Parameters
    ----------
    raw : Series
        The user's column, of any dtype.
    variable : Variable
        Kind, range and levels.

    Returns
    -------
    ColumnValues
        Canonical values: float64 for numbers and durations, ``boolean`` for binary and marker,
        Categorical over the study's levels for nominal and ordinal, ``string`` for identifiers.

    Notes
    -----
    A violation repeats a value only where it cannot be a name, a record number or free text: a
    number of at most six characters, or a text of at most 20 characters that is either close to
    an allowed level or a common word for "not known". Everything else is found by its row.

    Examples
    --------
    >>> age = Variable("age", "Age", "integer", "age", minimum=17, maximum=100)
    >>> read = read_values(pd.Series(["34", "NA", "140"]), age)
    >>> read.missing.tolist()
    [False, True, False]
    >>> print(read.violations[0])
    age: 1 row (3) is 140; allowed 17 to 100.
    """
    raw = without_missing_codes(raw, variable)
    if variable.is_number:
        return _read_numbers(raw, variable)
    if variable.is_yes_no:
        return _read_levels(raw, variable, _yes_no_code, _as_boolean)
    if variable.kind == "identifier":
        return _read_identifiers(raw)
    codes = {str(level): i for i, level in enumerate(variable.levels)}

    def code_of(value: object) -> int | None:
        exact = codes.get(_text(value))
        return codes.get(code_text(value)) if exact is None else exact

    def as_categorical(found: NDArray[np.intp]) -> pd.Series:
        kind = levels_dtype(variable.levels, variable.kind == "ordinal")
        return pd.Series(pd.Categorical.from_codes(found, dtype=kind))

    return _read_levels(raw, variable, code_of, as_categorical)


def _text(value: object) -> str:
    if isinstance(value, float | np.floating) and float(value).is_integer():
        return str(int(value))
    return str(value)


def _yes_no_code(value: object) -> int | None:
    return _YES_NO.get(code_text(value).lower())


@lru_cache(maxsize=1024)
def levels_dtype(levels: tuple[str | int, ...], ordered: bool) -> pd.CategoricalDtype:
    """Give the dtype of levels: one object a dictionary, so that it is known again at a glance."""
    return pd.CategoricalDtype(list(levels), ordered=ordered)


def _as_boolean(codes: NDArray[np.intp]) -> pd.Series:
    return pd.Series(pd.arrays.BooleanArray(codes == 1, codes < 0))


def _distinct(raw: pd.Series) -> tuple[NDArray[np.intp], list[object]]:
    """Give each row the number of its distinct value (-1: none), and those values."""
    if isinstance(raw.dtype, pd.CategoricalDtype):
        return raw.cat.codes.to_numpy().astype(np.intp), raw.cat.categories.tolist()
    try:
        codes, values = pd.factorize(raw)
        values = values.to_numpy(dtype=object)
    except (TypeError, ValueError, NotImplementedError):
        plain = np.array([*map(_comparable, raw.to_numpy(dtype=object)), None], dtype=object)
        codes, values = pd.factorize(plain[:-1])
    return codes.astype(np.intp), values.tolist()


def _comparable(value: object) -> object:
    """Replace what cannot be compared with others, such as a list, by the name of its type."""
    if isinstance(value, Decimal):
        return float(value) if value.is_finite() else f"<{type(value).__name__}>"
    simple = value is None or isinstance(value, str | int | float | np.generic) or pd.isna(value)
    return value if simple is True else f"<{type(value).__name__}>"


def _read_levels(
    raw: pd.Series,
    variable: Variable,
    code_of: Callable[[object], int | None],
    canonical: Callable[[NDArray[np.intp]], pd.Series],
) -> ColumnValues:
    codes, distinct = _distinct(raw)
    found = np.full(len(distinct) + 1, -1, dtype=np.intp)
    absent = np.zeros(len(distinct) + 1, dtype=bool)
    absent[-1] = True
    unknown: dict[int, object] = {}
    for i in np.flatnonzero(np.bincount(codes + 1, minlength=1)[1:]).tolist():
        value = distinct[i]
        code = code_of(value)
        if code is not None:
            found[i] = code
        elif isinstance(value, str) and value.strip() in MISSING_WORDS:
            absent[i] = True
        else:
            unknown[i] = value
    violations = _unknown_levels(codes, unknown, variable)
    return ColumnValues(canonical(found[codes]), absent[codes], violations)


def _unknown_levels(
    codes: NDArray[np.intp], unknown: dict[int, object], variable: Variable
) -> tuple[Violation, ...]:
    levels = [str(level) for level in variable.levels] or ["yes", "no"]
    violations = []
    unquoted = []
    for i, value in unknown.items():
        hint = _level_hint(value, levels)
        if hint is None:
            unquoted.append(i)
            continue
        rows = rows_of(codes == i)
        verb = "is" if len(rows) == 1 else "are"
        rule = f"{verb} '{value}'; allowed {_allowed_levels(variable)}.{hint}"
        violations.append(Violation(variable.column, rule, rows))
    if unquoted:
        rows = rows_of(np.isin(codes, unquoted))
        verb = "is" if len(rows) == 1 else "are"
        rule = f"{verb} none of the allowed levels; allowed {_allowed_levels(variable)}."
        violations.append(Violation(variable.column, rule, rows))
    return tuple(violations)


def _level_hint(value: object, levels: list[str]) -> str | None:
    """Say what may be meant, or nothing where the value must not be quoted."""
    if not isinstance(value, str) or len(value) > _LONGEST_QUOTED_LEVEL or not value.isprintable():
        return None
    if value.strip().lower() in _PLACEHOLDERS:
        return " Leave the cell empty where it is not known."
    return did_you_mean(value, levels) or None


def _allowed_levels(variable: Variable) -> str:
    if variable.is_yes_no:
        return "yes or no (also true, false, 1, 0)"
    shown = [str(level) for level in variable.levels[:_MOST_LEVELS_LISTED]]
    more = len(variable.levels) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")


def _read_identifiers(raw: pd.Series) -> ColumnValues:
    if isinstance(raw.dtype, pd.StringDtype):
        values = raw.astype("string")
    else:
        codes, distinct = _distinct(raw)
        texts = np.array([*map(_text, distinct), None], dtype=object)
        values = pd.Series(texts[codes], dtype="string")
    blank = values.str.strip().isin(MISSING_WORDS).to_numpy(dtype=bool, na_value=False)
    absent = values.isna().to_numpy() | blank
    return ColumnValues(values.mask(absent), absent, ())


def _read_numbers(raw: pd.Series, variable: Variable) -> ColumnValues:
    values, missing = _numbers(raw)
    bad = np.isnan(values) & ~missing
    infinite = np.isinf(values)
    values = numbers_in_unit(np.where(infinite, np.nan, values), variable)
    violations = [
        *_fault(variable, bad, "not a number", "not numbers", _allowed_range(variable)),
        *_fault(variable, infinite, "infinite", "infinite", _allowed_range(variable)),
    ]
    if variable.kind == "integer":
        broken = ~np.isnan(values) & (values != np.round(values))
        violations += _fault(
            variable, broken, "not a whole number", "not whole numbers", _allowed_range(variable)
        )
    violations += _range_faults(values, variable)
    return ColumnValues(pd.Series(values), missing, tuple(violations))


def _numbers(raw: pd.Series) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Read numbers; NaN that is not missing is no number."""
    numeric = pd.api.types.is_numeric_dtype(raw.dtype) and not pd.api.types.is_bool_dtype(raw.dtype)
    if numeric and not pd.api.types.is_complex_dtype(raw.dtype):
        values = raw.to_numpy(dtype=float, na_value=np.nan).astype(float)
        return values, np.isnan(values)
    codes, distinct = _distinct(raw)
    numbers = np.append(_numbers_of(distinct), np.nan)
    absent = np.array(
        [isinstance(v, str) and v.strip() in MISSING_WORDS for v in distinct] + [True], dtype=bool
    )
    return numbers[codes], absent[codes]


def _numbers_of(distinct: list[object]) -> NDArray[np.float64]:
    texts = [v if isinstance(v, str) else _number_text(v) for v in distinct]
    series = pd.Series(texts, dtype="str")
    found: NDArray[np.float64] = pd.to_numeric(series, errors="coerce").to_numpy(
        dtype=float, na_value=np.nan
    )
    return found


def _number_text(value: object) -> str:
    if isinstance(value, bool | np.bool_ | complex | np.complexfloating):
        return ""
    return str(value)


def _range_faults(values: NDArray[np.float64], variable: Variable) -> list[Violation]:
    low, high = variable.minimum, variable.maximum
    negative = np.zeros(values.size, dtype=bool)
    violations: list[Violation] = []
    if variable.kind == "duration":
        negative = values < 0
        times = (
            f"times are {variable.unit or 'durations'}, at least {low or 0:g}{_read_as(variable)}"
        )
        violations += _fault(variable, negative, "negative", "negative", times)
    outside = ~negative & (
        (values < (-np.inf if low is None else low)) | (values > (np.inf if high is None else high))
    )
    one = "out of range"
    if outside.sum() == 1:
        shown = f"{values[outside][0]:.15g}"
        one = shown if len(shown) <= _LONGEST_QUOTED_NUMBER else one
    violations += _fault(variable, outside, one, "out of range", _allowed_range(variable))
    return violations


def _allowed_range(variable: Variable) -> str:
    return _allowed(variable) + _read_as(variable)


def _allowed(variable: Variable) -> str:
    low, high = variable.minimum, variable.maximum
    if low is not None and high is not None:
        return f"allowed {low:g} to {high:g}"
    if low is not None or variable.kind == "duration":
        return f"allowed at least {low or 0:g}"
    if high is not None:
        return f"allowed at most {high:g}"
    return "allowed are whole numbers" if variable.kind == "integer" else "allowed are numbers"


def _read_as(variable: Variable) -> str:
    """Say that the limits are not in the unit of the column."""
    if not variable.column_unit:
        return ""
    return f" in {variable.unit}, to which the column ({variable.column_unit}) is converted"


def _fault(
    variable: Variable, mask: NDArray[np.bool_], one: str, many: str, allowed: str
) -> list[Violation]:
    rows = rows_of(mask)
    if not rows:
        return []
    found = f"is {one}" if len(rows) == 1 else f"are {many}"
    return [Violation(variable.column, f"{found}; {allowed}.", rows)]

"""All faults of a table against a data dictionary, found in one pass.

A data dictionary is all that is needed, so a risk model checks new patients with it. A study adds
the order of events: :func:`allsurv.cohort.order.check_order`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd

from allsurv.dictionary.derive import derive, derived_order
from allsurv.dictionary.filters import matches
from allsurv.dictionary.values import ColumnValues, read_values, rows_of
from allsurv.dictionary.variable import ALL_OTHERS, Filter, Ignored, Variable
from allsurv.errors import Violation
from allsurv.nearest import did_you_mean

__all__ = ["check_columns", "check_frame", "ignored_columns"]

_MOST_UNKNOWN_COLUMNS = 10
_LONGEST_QUOTED_COLUMN = 40


def check_columns(
    columns: Iterable[object], variables: Mapping[str, Variable], *, ignore: Ignored = ()
) -> tuple[Violation, ...]:
    """Compare column names with the data dictionary.

    Parameters
    ----------
    columns : iterable
        Names in the user's data.
    variables : mapping from str to Variable
        Data dictionary.
    ignore : tuple of str or "all others"
        Columns that are no part of the study.

    Returns
    -------
    tuple of Violation
        Duplicated, unknown and missing names, each with its near miss. Where not one name is
        known the names are not repeated: without a header line they are a patient's values.

    Examples
    --------
    >>> age = Variable("age", "Age", "integer", "age", required=True)
    >>> for violation in check_columns(["Age"], {"age": age}):
    ...     print(violation)
    age: is missing, but required. Is it the column 'Age'?
    Age: is not in the data dictionary; rename or remove it, or list it under 'ignore'. Did you
    mean 'age'?
    """
    names = [str(c) for c in columns]
    known = {v.column: v for v in variables.values()}
    kept = set(names) & set(known) if ignore == ALL_OTHERS else set(names) - set(ignore)
    if kept:
        names = [name for name in names if name in kept]
    if names and not any(_plain(n) in {_plain(k) for k in known} for n in names):
        first = ", ".join(list(known)[:5])
        return (
            Violation(
                "columns",
                "are none of the data dictionary; "
                f"the first line must name the columns ({first}, ...).",
            ),
        )
    unknown = [n for n in dict.fromkeys(names) if n not in known]
    repeated = [n for n in dict.fromkeys(names) if names.count(n) > 1] if _repeats(names) else []
    violations = [Violation(_shown(n), "occurs more than once; keep one.") for n in repeated]
    absent = _absent(variables, set(names))
    for variable in absent:
        near = did_you_mean(variable.column, unknown).replace("Did you mean", "Is it the column")
        violations.append(Violation(variable.column, f"is missing, but required.{near}"))
    open_names = [n for n in known if n not in names]
    for name in unknown[:_MOST_UNKNOWN_COLUMNS]:
        rule = "is not in the data dictionary; rename or remove it, or list it under 'ignore'."
        violations.append(Violation(_shown(name), rule + did_you_mean(name, open_names)))
    if len(unknown) > _MOST_UNKNOWN_COLUMNS:
        more = len(unknown) - _MOST_UNKNOWN_COLUMNS
        violations.append(Violation("columns", f"{more} more are not in the data dictionary."))
    return tuple(violations)


def ignored_columns(
    columns: Iterable[object], variables: Mapping[str, Variable]
) -> tuple[str, ...]:
    """List the columns that are not in the data dictionary, as they may be shown.

    Examples
    --------
    >>> age = Variable("age", "Age", "integer", "age")
    >>> ignored_columns(["age", "ward"], {"age": age})
    ('ward',)
    """
    known = {v.column for v in variables.values()}
    return tuple(_shown(name) for name in map(str, columns) if name not in known)


def _repeats(names: list[str]) -> bool:
    return len(set(names)) < len(names)


def _plain(name: str) -> str:
    return "".join(c for c in name.lower() if c.isalnum())


def _shown(name: str) -> str:
    if not name.strip() or name.startswith("Unnamed: "):
        return "(a column without a name)"
    if len(name) > _LONGEST_QUOTED_COLUMN or not name.isprintable():
        return "(a column with a long name)"
    return name


def _absent(variables: Mapping[str, Variable], names: set[str]) -> list[Variable]:
    given = {v.name for v in variables.values() if v.column in names}
    have = given | set(derived_order(variables, given))
    return [v for v in variables.values() if v.required and v.name not in have]


def check_frame(
    frame: pd.DataFrame, variables: Mapping[str, Variable], *, ignore: Ignored = ()
) -> tuple[pd.DataFrame, tuple[Violation, ...]]:
    """Read a table as a data dictionary says, and find everything that breaks it.

    Parameters
    ----------
    frame : DataFrame of shape (n_rows, n_columns)
        The user's data, of any dtypes; columns as the dictionary's ``column`` names them.
    variables : mapping from str to Variable
        Data dictionary.
    ignore : tuple of str or "all others"
        Columns that are no part of the study. Any other column that is not in the dictionary is a
        fault, as is a missing required or a repeated column.

    Returns
    -------
    clean : DataFrame of shape (n_rows, n_variables)
        Canonical values under the names of the dictionary, derived variables included, with an
        index from 0. Not to be used where there are violations.
    violations : tuple of Violation
        Everything found; empty for good data.

    Examples
    --------
    >>> sex = Variable("sex", "Sex", "nominal", "sex", levels=("male", "female"))
    >>> clean, violations = check_frame(pd.DataFrame({"sex": ["male", "femal"]}), {"sex": sex})
    >>> print(violations[0])
    sex: 1 row (2) is 'femal'; allowed male, female. Did you mean 'female'?
    """
    names = [str(c) for c in frame.columns]
    violations = list(check_columns(names, variables, ignore=ignore))
    position = {name: i for i, name in reversed(list(enumerate(names)))}
    read: dict[str, ColumnValues] = {}
    for variable in variables.values():
        if variable.column in position:
            column = frame.iloc[:, position[variable.column]].reset_index(drop=True)
            read[variable.name] = read_values(column, variable)
    given = {name: r.values for name, r in read.items()}
    clean = pd.DataFrame(given, index=pd.RangeIndex(len(frame)))
    for name in variables:
        if name in read:
            violations += read[name].violations
            violations += _presence_faults(clean, variables[name], read[name])
            violations += _repeated_identifiers(read[name], variables[name])
    for name in derived_order(variables, set(read)):
        computed = derive(clean, variables[name])
        if name in read:
            violations += _contradictions(read[name], computed, variables[name])
        clean[name] = computed
    return clean[[n for n in variables if n in clean.columns]].copy(), tuple(violations)


def _presence_faults(
    clean: pd.DataFrame, variable: Variable, read: ColumnValues
) -> list[Violation]:
    """Find values that are missing where refused, and present where there can be none."""
    violations = []
    applies = np.ones(len(clean), dtype=bool)
    sources = list(variable.only_if)
    if sources and set(sources) <= set(clean.columns):
        applies = matches(clean, variable.only_if)
        known = ~clean[sources].isna().any(axis=1).to_numpy()
        barred = rows_of(~applies & known & ~read.missing)
        if barred:
            verb = "has a value" if len(barred) == 1 else "have a value"
            rule = f"{verb}, but only patients with {_condition(variable.only_if)} can have one."
            violations.append(Violation(variable.column, rule, barred))
    elif sources:
        return violations
    refused = variable.missing == "refused" and variable.kind != "marker"
    if refused and variable.derivation is None:
        empty = rows_of(applies & read.missing)
        if empty:
            verb = "is missing" if len(empty) == 1 else "are missing"
            whom = f" for patients with {_condition(variable.only_if)}" if sources else ""
            violations.append(
                Violation(variable.column, f"{verb}; a value is required{whom}.", empty)
            )
    return violations


def _condition(condition: Filter) -> str:
    parts = []
    for name, wanted in condition.items():
        values = wanted if isinstance(wanted, tuple | list) else (wanted,)
        parts.append(f"{name} {' or '.join(_word(v) for v in values)}")
    return " and ".join(parts)


def _word(value: object) -> str:
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)


def _repeated_identifiers(read: ColumnValues, variable: Variable) -> list[Violation]:
    if variable.kind != "identifier":
        return []
    repeated = read.values.duplicated(keep=False).to_numpy() & ~read.missing
    alike = (
        _without_blanks_and_capitals(read.values).duplicated(keep=False).to_numpy()
        & ~read.missing
        & ~repeated
    )
    violations = []
    if repeated.any():
        rule = "share an identifier with another row; each patient has one row."
        violations.append(Violation(variable.column, rule, rows_of(repeated)))
    if alike.any():
        rule = (
            "have an identifier that another row has too but for blanks or capitals; write it "
            "alike if it is one patient, or else make them differ more."
        )
        violations.append(Violation(variable.column, rule, rows_of(alike)))
    return violations


def _without_blanks_and_capitals(identifiers: pd.Series) -> pd.Series:
    """Write identifiers as they would be typed by two hands; by pyarrow, a million in a blink."""
    import pyarrow as pa
    import pyarrow.compute as pc

    plain = pc.replace_substring_regex(pa.array(identifiers, pa.string()), r"\s+", "")
    return pd.Series(pc.utf8_lower(plain).to_numpy(zero_copy_only=False), dtype="string")


def _contradictions(read: ColumnValues, computed: pd.Series, variable: Variable) -> list[Violation]:
    rule = variable.derivation
    if rule is None:
        return []
    given = read.values.to_numpy(dtype=object, na_value=None)
    derived = computed.to_numpy(dtype=object, na_value=None)
    present = ~read.values.isna().to_numpy()
    rows = rows_of(present & (given != derived))
    if not rows:
        return []
    verb = "contradicts" if len(rows) == 1 else "contradict"
    sources = ", ".join(rule.sources)
    says = f"{verb} {sources}, from which it is derived; correct either, or leave the column out."
    return [Violation(variable.column, says, rows)]

"""Reading new patients: in full words of what is wrong, and fast where nothing is.

:func:`read_patients` first tries a :class:`Plan`, which takes every column in one look and knows
good data only. Whatever it does not recognise at once - an odd spelling, a fault, a rare kind of
derivation - is read by :func:`allsurv.dictionary.checks.check_frame`, which finds every fault. Both
give the same numbers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from allsurv.dictionary.checks import check_frame
from allsurv.dictionary.column import column_at
from allsurv.dictionary.derive import derive
from allsurv.dictionary.variable import ALL_OTHERS, Variable
from allsurv.errors import Violation
from allsurv.nearest import did_you_mean
from allsurv.riskmodel.encoding import Term, canonical_numbers
from allsurv.riskmodel.model import RiskModel
from allsurv.scoring.columns import Reader, make_reader

__all__ = ["Numbers", "Plan", "make_plan", "read_patients"]

Floats = NDArray[np.float64]
Numbers = Mapping[str, Floats]


@dataclass(frozen=True, eq=False)
class Plan:
    """How columns of one table become numbers.

    Parameters
    ----------
    columns : Index
        Columns of the table the plan was made for.
    needed : dict of str to Variable
        What is read, and what is derived from it.
    absent : tuple of Violation
        Columns that the table does not have.
    readers : dict of str to callable
        For each variable that is read, from column to numbers; ``None`` for what it does not know.
    positions : dict of str to int
        Where its column is.
    tables : dict of str to tuple
        For each derived variable its source and a number for each position of it, the last for a
        missing one.
    is_quick : bool
        Whether readers and tables cover all of ``needed``.
    """

    columns: pd.Index
    needed: dict[str, Variable]
    absent: tuple[Violation, ...]
    readers: dict[str, Reader]
    positions: dict[str, int]
    tables: dict[str, tuple[str, Floats]]
    is_quick: bool

    def quick_numbers(self, frame: pd.DataFrame) -> dict[str, Floats] | None:
        """Take every variable in one look."""
        if not self.is_quick:
            return None
        numbers: dict[str, Floats] = {}
        given: dict[str, Floats] = {}
        for name, read in self.readers.items():
            values = read(column_at(frame, self.positions[name]))
            if values is None:
                return None
            (given if self.needed[name].derivation is not None else numbers)[name] = values
        for name, (source, table) in self.tables.items():
            at = numbers[source]
            numbers[name] = table[np.where(np.isnan(at), len(table) - 1, at).astype(np.intp)]
            if name in given and np.any((given[name] != numbers[name]) & ~np.isnan(given[name])):
                return None
        return numbers


def read_patients(
    frame: pd.DataFrame, plan: Plan, terms: tuple[Term, ...]
) -> tuple[Numbers, tuple[Violation, ...]]:
    """Read patients as numbers, or say all that is wrong with them."""
    quick = plan.quick_numbers(frame)
    if quick is not None:
        return quick, ()
    clean, found = check_frame(frame, plan.needed, ignore=ALL_OTHERS)
    faults = (*plan.absent, *found)
    if faults:
        return {}, faults
    return canonical_numbers(clean, terms), ()


def make_plan(model: RiskModel, columns: pd.Index) -> Plan:
    """Decide how a table with these columns is read."""
    names = tuple(map(str, columns))
    needed = _needed(model, names)
    readers = {name: make_reader(v) for name, v in needed.items() if v.column in names}
    positions = {name: names.index(needed[name].column) for name in readers}
    tables: dict[str, tuple[str, Floats]] = {}
    for name, variable in needed.items():
        table = _table(variable, needed)
        if table is not None:
            tables[name] = table
    derived = {name for name, v in needed.items() if v.derivation is not None}
    quick = (
        columns.is_unique
        and all(isinstance(name, str) for name in columns)
        and set(needed) - derived <= set(readers)
        and derived == set(tables)
        and not any(v.only_if for v in needed.values())
    )
    return Plan(columns, needed, _absent(needed, names), readers, positions, tables, quick)


def _needed(model: RiskModel, names: tuple[str, ...]) -> dict[str, Variable]:
    known = {**model.variables, **model.derived}
    needed: dict[str, Variable] = {}
    waiting = list(model.predictors)
    while waiting:
        variable = _as_named(known[waiting.pop(0)], names)
        rule = variable.derivation
        if rule is not None and variable.column in names:
            sources = [_as_named(known[source], names) for source in rule.sources]
            if any(s.column not in names and s.derivation is None for s in sources):
                variable = replace(variable, derivation=None)
        if variable.derivation is not None:
            waiting += [s for s in variable.derivation.sources if s not in needed]
        needed[variable.name] = replace(variable, required=False)
    return needed


def _as_named(variable: Variable, names: tuple[str, ...]) -> Variable:
    """Let a column bear the variable's own name where the file's name is absent."""
    if variable.column not in names and variable.name in names:
        return variable.named()
    return variable


def _absent(needed: Mapping[str, Variable], names: tuple[str, ...]) -> tuple[Violation, ...]:
    wanted = {v.column for v in needed.values()}
    others = [name for name in names if name not in wanted]
    return tuple(
        Violation(
            v.column,
            "is missing, but required."
            + did_you_mean(v.column, others).replace("Did you mean", "Is it the column"),
        )
        for v in needed.values()
        if v.derivation is None and v.column not in names
    )


def _table(variable: Variable, needed: Mapping[str, Variable]) -> tuple[str, Floats] | None:
    """Derive once for every value of the source, where it has a list of values."""
    rule = variable.derivation
    if rule is None or len(rule.sources) != 1:
        return None
    source = needed[rule.sources[0]]
    if source.is_number or source.derivation is not None:
        return None
    values: pd.Series
    if source.is_yes_no:
        values = pd.Series(pd.array([False, True, None], dtype="boolean"))
    else:
        levels = list(source.levels)
        ordered = source.kind == "ordinal"
        values = pd.Series(pd.Categorical([*levels, None], categories=levels, ordered=ordered))
    derived = derive(pd.DataFrame({source.name: values}), variable)
    if isinstance(derived.dtype, pd.CategoricalDtype):
        codes = derived.cat.codes.to_numpy().astype(float)
        return source.name, np.where(codes < 0, np.nan, codes)
    return source.name, derived.to_numpy(dtype=float, na_value=np.nan)

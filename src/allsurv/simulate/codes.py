"""Patients as plain arrays while they are drawn: level numbers and floats, and back to a table."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from allsurv.dictionary.derive import derive
from allsurv.study.spec import Filter, Scalar, Study, Variable

__all__ = ["Codebook", "Columns", "decimals_of"]

Columns = dict[str, NDArray[Any]]
"""Level numbers (-1 where missing) of coded variables, floats (NaN where missing) of others."""

_MOST_CODED_NUMBERS = 12
_LARGEST_LOOKUP = 4096
_MOST_DECIMALS = 3
_NEARLY_ALL = 0.9


def decimals_of(values: NDArray[np.float64]) -> int:
    """Count the decimals that nearly all of some numbers were recorded with.

    Examples
    --------
    >>> decimals_of(np.array([1.5, 2.25])), decimals_of(np.array([3.0]))
    (2, 0)
    """
    if values.size == 0:
        return 0
    for decimals in range(_MOST_DECIMALS):
        if np.mean(np.abs(values - np.round(values, decimals)) < 1e-9) >= _NEARLY_ALL:
            return decimals
    return _MOST_DECIMALS


@dataclass(frozen=True, eq=False)
class Codebook:
    """How the variables of some patients are held as arrays.

    Attributes
    ----------
    study : Study
        The data dictionary.
    values : mapping from str to tuple
        Values of each coded variable, in the order of their numbers.
    dtypes : mapping from str to dtype
        Canonical dtype of each column.
    """

    study: Study
    values: Mapping[str, tuple[Scalar, ...]]
    dtypes: Mapping[str, Any]
    _lookups: dict[Any, NDArray[np.bool_]] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, study: Study, frame: pd.DataFrame) -> Codebook:
        """Say which variables are coded: levels, yes/no, and later counts of few values."""
        values = {}
        for name, column in frame.items():
            found = _values_of(study.variable(str(name)), column)
            if found is not None:
                values[str(name)] = found
        return cls(study, values, {str(n): frame[n].dtype for n in frame})

    def encode(self, frame: pd.DataFrame) -> Columns:
        """Turn a table into arrays."""
        return {
            name: self._encoded(name, frame[name])
            for name in map(str, frame.columns)
            if self.study.variable(name).kind != "identifier"
        }

    def _encoded(self, name: str, column: pd.Series) -> NDArray[Any]:
        if name not in self.values:
            found: NDArray[Any] = column.to_numpy(dtype=float)
            return found
        if isinstance(column.dtype, pd.CategoricalDtype):
            return np.asarray(column.cat.codes.to_numpy().astype(np.int8))
        if column.dtype == "boolean":
            return np.asarray(column.to_numpy(dtype=np.int8, na_value=-1))
        numbers = np.asarray(self.values[name], dtype=float)
        found = column.to_numpy(dtype=float)
        return np.where(np.isnan(found), -1, np.searchsorted(numbers, found)).astype(np.int8)

    def holds(self, columns: Columns, condition: Filter) -> NDArray[np.bool_]:
        """Tell which patients meet a filter."""
        met: NDArray[np.bool_] | None = None
        for name, wanted in condition.items():
            if name in self.values:
                part = self._allowed(name, wanted)[columns[name]]
            else:
                allowed = wanted if isinstance(wanted, tuple | list) else (wanted,)
                part = np.isin(columns[name], np.asarray(allowed, dtype=float))
            met = part if met is None else met & part
        if met is None:
            raise ValueError("the filter is empty; everybody meets it.")
        return met

    def _allowed(self, name: str, wanted: Any) -> NDArray[np.bool_]:
        """Tell which levels are wanted, last a missing value, which never is."""
        if (name, wanted) not in self._lookups:
            levels = wanted if isinstance(wanted, tuple | list) else (wanted,)
            found = [value in levels for value in self.values[name]]
            self._lookups[name, wanted] = np.array([*found, False])
        return self._lookups[name, wanted]

    def deriver(self, name: str) -> Callable[[Columns], NDArray[Any]]:
        """Prepare a derived variable to be computed on arrays."""
        variable = self.study.variable(name)
        sources = tuple(variable.derivation.sources) if variable.derivation else ()
        needed = tuple(
            dict.fromkeys([*sources, *(n for n in variable.only_if if n in self.dtypes)])
        )
        sizes = [len(self.values[n]) + 1 if n in self.values else 0 for n in needed]
        if 0 < np.prod(sizes) <= _LARGEST_LOOKUP:
            return self._lookup(variable, needed, sizes)

        rule = variable.derivation
        if rule is not None and not variable.only_if and sources[0] not in self.values:
            threshold = rule.threshold
            if rule.op in _COMPARES and threshold is not None and rule.missing_as is None:
                compare = _COMPARES[rule.op]
                return partial(_compared, compare, source=sources[0], threshold=threshold)
            if rule.op == "earliest":
                return partial(_earliest, sources=sources)

        def compute(columns: Columns) -> NDArray[Any]:
            frame = pd.DataFrame(self.arrays({n: columns[n] for n in needed}), copy=False)
            return self._encoded(name, derive(frame, variable))

        return compute

    def _lookup(
        self, variable: Variable, needed: Sequence[str], sizes: Sequence[int]
    ) -> Callable[[Columns], NDArray[Any]]:
        """Derive every combination of levels once, missing ones last."""
        grid = np.array(list(itertools.product(*map(range, sizes))), dtype=np.int8)
        missing = grid == np.array(sizes) - 1
        codes = np.where(missing, -1, grid).astype(np.int8)
        frame = pd.DataFrame(self.arrays(dict(zip(needed, codes.T, strict=True))), copy=False)
        table = self._encoded(variable.name, derive(frame, variable))

        def compute(columns: Columns) -> NDArray[Any]:
            cell: NDArray[Any] = np.zeros(columns[needed[0]].size, dtype=np.intp)
            for name, size in zip(needed, sizes, strict=True):
                cell = cell * size + columns[name] % np.int8(size)
            found: NDArray[Any] = table[cell]
            return found

        return compute

    def arrays(self, columns: Columns) -> dict[str, Any]:
        """Turn arrays into columns of canonical dtypes."""
        return {name: self._array(name, codes) for name, codes in columns.items()}

    def _array(self, name: str, codes: NDArray[Any]) -> Any:
        if name not in self.values:
            return codes
        dtype = self.dtypes[name]
        if isinstance(dtype, pd.CategoricalDtype):
            return pd.Categorical.from_codes(codes, dtype=dtype, validate=False)
        if dtype == "boolean":
            return pd.arrays.BooleanArray(codes == 1, codes < 0)
        return np.append(np.asarray(self.values[name], dtype=float), np.nan)[codes]


_COMPARES = {"at_least": np.greater_equal, "above": np.greater, "below": np.less}


def _compared(
    compare: np.ufunc, columns: Columns, *, source: str, threshold: float
) -> NDArray[Any]:
    values = columns[source]
    return np.where(np.isnan(values), np.int8(-1), compare(values, threshold).astype(np.int8))


def _earliest(columns: Columns, *, sources: Sequence[str]) -> NDArray[Any]:
    found: NDArray[Any] = np.fmin.reduce([columns[name] for name in sources])
    return found


def _values_of(variable: Variable, column: pd.Series) -> tuple[Scalar, ...] | None:
    if variable.is_yes_no:
        return (False, True)
    if variable.has_levels:
        return variable.levels
    if variable.kind == "integer" and variable.known != "baseline":
        found = np.unique(column.dropna().to_numpy(dtype=float))
        if 0 < found.size <= _MOST_CODED_NUMBERS:
            return tuple(found.tolist())
    return None

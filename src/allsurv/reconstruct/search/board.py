"""Patients as numbers: all labels of a patient as the bits of one number, times on one unit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from allsurv.errors import ConfigError
from allsurv.reconstruct.search.draws import Patients
from allsurv.reconstruct.search.plan import Plan
from allsurv.study.spec import Scalar

__all__ = ["Board", "lay_out"]

MOST_BITS = 62


@dataclass(frozen=True)
class Board:
    """The columns that a search looks at.

    Attributes
    ----------
    levels : mapping from str to tuple
        Labels of each column; ``None`` is a missing label. Every label has its own bit.
    numbers : tuple of str
        Names of the rows of ``values``.
    bits : ndarray of int of shape (n_patients,)
        Labels: of each column one bit is set.
    values : ndarray of float of shape (n_number_columns, n_patients)
        Numbers; NaN where a patient has none.
    """

    levels: Mapping[str, tuple[Scalar | None, ...]]
    numbers: tuple[str, ...]
    bits: NDArray[np.int64]
    values: NDArray[np.float64]

    def number(self, name: str) -> int:
        """Row of a column of numbers."""
        return self.numbers.index(name)

    def bit(self, name: str, level: Scalar | None) -> int:
        """Bit of a label."""
        before = 0
        for column, levels in self.levels.items():
            if column == name:
                return 1 << (before + levels.index(level))
            before += len(levels)
        raise KeyError(name)

    def mask(self, name: str) -> int:
        """All bits of a column."""
        return sum(self.bit(name, level) for level in self.levels[name])

    def columns(self, bits: NDArray[np.int64], values: NDArray[np.float64]) -> Patients:
        """Turn searched labels and numbers back into columns."""
        found: Patients = {}
        for name, levels in self.levels.items():
            column = np.full(bits.size, None, dtype=object)
            for level in levels:
                column[(bits & self.bit(name, level)) != 0] = level
            found[name] = column
        return found | {name: values[k].copy() for k, name in enumerate(self.numbers)}


def lay_out(people: Patients, plan: Plan) -> Board:
    """Code the columns of a plan."""
    levels: dict[str, tuple[Scalar | None, ...]] = {}
    bits = np.zeros(len(people[plan.labels[0]]), dtype=np.int64)
    used = 0
    for name in plan.labels:
        column = [_plain(v) for v in people[name].tolist()]
        levels[name] = tuple(sorted(set(column), key=lambda v: (v is None, str(v))))
        first, used = used, used + len(levels[name])
        if used > MOST_BITS:
            raise ConfigError(
                f"reconstruct: the plan's columns have {used} labels; allowed are {MOST_BITS}. "
                "Search fewer columns."
            )
        bits |= np.array([1 << (first + levels[name].index(v)) for v in column], dtype=np.int64)
    values = np.array([people[name].astype(float) for name in plan.numbers])
    return Board(levels, plan.numbers, bits, values)


def _plain(value: object) -> Scalar | None:
    return value.item() if isinstance(value, np.generic) else value  # type: ignore[return-value]

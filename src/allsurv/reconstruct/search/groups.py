"""Filters of a ledger as tables of conditions that compiled code can read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from allsurv.dictionary.derive import derive
from allsurv.errors import StudyError
from allsurv.reconstruct.search.arrays import Conditions
from allsurv.reconstruct.search.board import Board
from allsurv.reconstruct.search.plan import Plan
from allsurv.study.ledger import Population
from allsurv.study.spec import Study

__all__ = ["TIME_ROWS", "Groups", "NotSearched", "ragged", "time_row"]


class NotSearched(StudyError):
    """A filter names a variable that the search does not hold."""


class Clause(NamedTuple):
    """Labels that bar a patient, or (row 0 and up) a number that has to be above a value."""

    barred: int
    row: int = -1
    above: float = 0.0


Alternative = tuple[Clause, ...]
MOST_NUMBERS = 3
SMALLEST = 1e-9
TIME_ROWS = 3
"""Rows of an endpoint: its time, the same since the start of treatment, minus where it begins."""


@dataclass
class Groups:
    """Registers filters and numbers them.

    Attributes
    ----------
    study : Study
        Data dictionary, for derived variables.
    board : Board
        Columns.
    plan : Plan
        Endpoints.
    """

    study: Study
    board: Board
    plan: Plan
    _known: dict[tuple[Alternative, ...], int] = field(default_factory=dict)

    def add(self, *filters: Population, endpoint: str | None = None) -> int:
        """Register the patients who meet all of several filters."""
        parts = [self._alternatives(f, endpoint) for f in filters]
        merged = tuple(tuple(sorted(set(sum(c, ())))) for c in product(*parts))
        return self._known.setdefault(merged, len(self._known))

    def depends(self, group: int) -> tuple[int, set[int]]:
        """Say which labels (as bits) and rows of numbers a group depends on."""
        clauses = [c for a in list(self._known)[group] for c in a]
        bits = 0
        for name in self.board.levels:
            mask = self.board.mask(name)
            if any(c.barred & mask for c in clauses):
                bits |= mask
        return bits, {c.row for c in clauses if c.row >= 0}

    def conditions(self) -> Conditions:
        """Give all groups as arrays."""
        rows, above = [], []
        for alternative in (a for group in self._known for a in group):
            numbers = [c for c in alternative if c.row >= 0]
            if len(numbers) > MOST_NUMBERS:
                raise StudyError(f"filter: at most {MOST_NUMBERS} times may be asked of a patient.")
            numbers += [Clause(0)] * (MOST_NUMBERS - len(numbers))
            barred = 0
            for clause in alternative:
                barred |= clause.barred
            rows.append([barred, *(c.row for c in numbers)])
            above.append([c.above for c in numbers])
        starts = np.cumsum([0] + [len(g) for g in self._known])
        return Conditions(starts, np.array(rows, dtype=np.int64), np.array(above))

    def _alternatives(self, condition: Population, endpoint: str | None) -> list[Alternative]:
        found: list[Alternative] = [()]
        for name, wanted in condition.items():
            if name == "any_of":
                parts: Sequence[Any] = wanted  # type: ignore[assignment]
                options = [a for part in parts for a in self._alternatives(part, endpoint)]
            elif name == "event_free_at_month" and endpoint is not None:
                options = [self._event_free(wanted, endpoint)]
            else:
                options = [(self._clause(name, wanted),)]
            found = [a + b for a in found for b in options]
        return found

    def _event_free(self, wanted: Any, endpoint: str) -> Alternative:
        """At risk of an endpoint beyond a month: under way by then, and its event not yet seen."""
        row, month = time_row(self.board, self.plan, endpoint), float(wanted)
        return Clause(0, row + 1, month), Clause(0, row + 2, -month - SMALLEST)

    def _clause(self, name: str, wanted: Any) -> Clause:
        if name == "landmark_month":
            stop = self.plan.endpoints[self.study.prediction.endpoint].stop
            return Clause(0, self.board.number(stop), float(wanted))
        values = wanted if isinstance(wanted, tuple | list) else (wanted,)
        held = name in self.board.levels
        source, column = (name, self.board.levels[name]) if held else self._derived(name)
        barred = 0
        for level, seen in zip(self.board.levels[source], column, strict=True):
            if seen is None or seen is pd.NA or seen not in values:
                barred |= self.board.bit(source, level)
        return Clause(barred)

    def _derived(self, name: str) -> tuple[str, Sequence[Any]]:
        """Give the one column a variable is derived from, and its value for each label of that."""
        variable = self.study.variables.get(name)
        rule = variable.derivation if variable else None
        if variable is None or rule is None or len(rule.sources) != 1:
            raise NotSearched(f"filter: '{name}' is not searched.")
        (source,) = rule.sources
        if source not in self.board.levels:
            raise NotSearched(f"filter: '{name}' is not searched.")
        levels = pd.DataFrame({source: pd.Series(self.board.levels[source], dtype=object)})
        return source, derive(levels, variable).tolist()


def time_row(board: Board, plan: Plan, endpoint: str) -> int:
    """Row of an endpoint's time, which follows the numbers of the board."""
    return len(board.numbers) + TIME_ROWS * list(plan.endpoints).index(endpoint)


def ragged(lists: Sequence[Sequence[int]]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Lay lists end to end.

    Examples
    --------
    >>> starts, items = ragged([[5, 6], [], [7]])
    >>> starts.tolist(), items.tolist()
    ([0, 2, 2, 3], [5, 6, 7])
    """
    starts = np.cumsum([0] + [len(each) for each in lists])
    return starts, np.array([i for each in lists for i in each], dtype=np.int64)

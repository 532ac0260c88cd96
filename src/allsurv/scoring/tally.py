"""Faults of a file counted piece by piece, in memory that does not grow with the file.

Whether a column is in another unit is judged once, on the counts of the whole file: a piece of a
file sorted by that column would be suspected wrongly.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from pathlib import Path

import pandas as pd

from allsurv.errors import Violation
from allsurv.riskmodel.model import RiskModel
from allsurv.scoring.units import UnitCounts, violations_of_units

__all__ = ["Tally", "write_tally"]

_MOST_REASONS = 20
_MOST_ROWS = 1000


class Tally:
    """Reasons for which rows have no risk, the first rows of each by number."""

    def __init__(self) -> None:
        self.n_faulty = 0
        self._rows: dict[str, list[int]] = {}
        self._counts: dict[str, int] = {}
        self._units: UnitCounts = {}

    def add(self, path: Path) -> None:
        """Add what :func:`write_tally` wrote of one piece."""
        read = json.loads(path.read_text(encoding="utf-8"))
        for name, counts in read["units"].items():
            known = self._units.get(name, [0] * len(counts))
            self._units[name] = [a + b for a, b in zip(known, counts, strict=True)]
        for text, (n, rows) in read["reasons"].items():
            self.n_faulty += n
            if text in self._rows or len(self._rows) < _MOST_REASONS:
                named = self._rows.setdefault(text, [])
                named.extend(rows[: _MOST_ROWS - len(named)])
                self._counts[text] = self._counts.get(text, 0) + n

    def of_rows(self) -> list[Violation]:
        """Name the faults of single rows."""
        found = []
        for text, rows in self._rows.items():
            column, _, rule = text.partition(": ")
            more = self._counts[text] - len(rows)
            rule += f" And {more:,} rows more." if more else ""
            found.append(Violation(column, rule, tuple(rows)))
        others = self.n_faulty - sum(self._counts.values())
        if others:
            rule = f"has {others:,} rows more with other faults; on_error='report' names each."
            found.append(Violation("file", rule))
        return found

    def of_columns(self, model: RiskModel, trusted: Collection[str]) -> tuple[Violation, ...]:
        """Name the columns that look to be in another unit."""
        return violations_of_units(model, self._units, trusted)


def write_tally(scored: pd.DataFrame, units: UnitCounts, to: Path) -> None:
    """Write the faults of one piece."""
    faulty = scored.loc[scored["fault"] != "", ["row", "fault"]]
    reasons = {
        str(text): (len(rows), rows.iloc[:_MOST_ROWS].tolist())
        for text, rows in faulty.groupby("fault")["row"]
    }
    to.write_text(json.dumps({"reasons": reasons, "units": units}), encoding="utf-8")

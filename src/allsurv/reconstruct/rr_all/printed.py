"""What the paper printed, looked up by whom it is about."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from allsurv.errors import StudyError
from allsurv.study.ledger import Ledger, LedgerEntry, Population

__all__ = ["Printed", "Spread"]

_LOW, _MIDDLE, _HIGH = ("range_min",), ("median", "followup_median"), ("range_max",)


class Spread(NamedTuple):
    """Lowest, median and highest number, as printed.

    Attributes
    ----------
    low, median, high : float
        On the unit of the variable.
    """

    low: float
    median: float
    high: float


class Printed:
    """Counts and ranges of a ledger by population."""

    def __init__(self, ledger: Ledger) -> None:
        self._entries = [e for e in ledger.entries.values() if e.status != "external"]

    def count(self, event: Mapping[str, Any], among: Population | None = None) -> int:
        """Give a printed count."""
        kind = "count" if event else "denominator"
        for entry in self._about(among or {}):
            if entry.kind == kind and dict(entry.event) == dict(event):
                return int(_value(entry))
        raise StudyError(f"ledger: no count of {dict(event)} among {dict(among or {})}.")

    def spread(self, variable: str, among: Population | None = None) -> Spread:
        """Give a printed median with its range."""
        found = [
            next((_value(e) for e in self._about(among or {}, variable) if e.kind in kinds), None)
            for kinds in (_LOW, _MIDDLE, _HIGH)
        ]
        low, median, high = found
        if low is None or median is None or high is None:
            raise StudyError(f"ledger: no range of '{variable}' among {dict(among or {})}.")
        return Spread(low, median, high)

    def median(self, variable: str, among: Population | None = None) -> float:
        """Give a printed median."""
        for entry in self._about(among or {}, variable):
            if entry.kind in _MIDDLE:
                return _value(entry)
        raise StudyError(f"ledger: no median of '{variable}' among {dict(among or {})}.")

    def rank_test(self, variable: str) -> LedgerEntry:
        """Give the entry of a printed rank test between the study's groups."""
        for entry in self._about({}, variable):
            if entry.kind == "mannwhitney_p":
                return entry
        raise StudyError(f"ledger: no rank test of '{variable}'.")

    def _about(self, among: Population, variable: str | None = None) -> list[LedgerEntry]:
        wanted = dict(among)
        return [
            e
            for e in self._entries
            if dict(e.population) == wanted and variable in (None, e.variable)
        ]


def _value(entry: LedgerEntry) -> float:
    given = entry.authoritative_value if entry.status == "conflict" else None
    return float(entry.value if given is None else given)

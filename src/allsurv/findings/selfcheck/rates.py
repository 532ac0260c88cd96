"""Whether survival rates that a paper printed agree with their limits and group sizes."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import product
from typing import NamedTuple

from scipy.special import ndtri

from allsurv.findings.selfcheck.percents import group_key, printed_counts
from allsurv.findings.selfcheck.rounding import Check, Range, as_printed, span
from allsurv.study import LedgerEntry, load_ledger
from allsurv.study.spec import Study

__all__ = ["rate_checks"]

LOG_LOG, LOG, PLAIN = "log-log", "log", "plain"
_PARTS = {"km_rate": 0, "km_rate_ci_low": 1, "km_rate_ci_high": 2}


class _Rate(NamedTuple):
    """A survival rate with its limits, as entries of a ledger."""

    rate: LedgerEntry
    lower: LedgerEntry
    upper: LedgerEntry

    @property
    def printed(self) -> str:
        return f"{self.rate.printed} ({self.lower.printed} to {self.upper.printed})"

    @property
    def ranges(self) -> tuple[Range, Range, Range]:
        """Survival probabilities that print as these percents."""
        rate, lower, upper = (
            as_printed(float(entry.value) / 100, entry.decimals + 2) for entry in self
        )
        return rate, lower, upper


def rate_checks(study: Study) -> Iterator[Check]:
    """Hold every survival rate of the ledger against its limits and the size of its group."""
    if study.ledger is None:
        return
    entries = list(load_ledger(study).entries.values())
    sizes = printed_counts(entries)[1]
    for found in _rates(entries):
        yield from _checks(found, sizes.get(group_key(found.rate.population), set()))


def _rates(entries: list[LedgerEntry]) -> Iterator[_Rate]:
    """Rates printed with limits, one per curve and time however often it was printed."""
    parts: dict[tuple[object, ...], dict[int, LedgerEntry]] = {}
    for entry in entries:
        if entry.kind in _PARTS:
            curve = (entry.population, entry.endpoint, entry.time)
            parts.setdefault(curve, {}).setdefault(_PARTS[entry.kind], entry)
    for found in parts.values():
        if len(found) == len(_PARTS):
            yield _Rate(found[0], found[1], found[2])


def _checks(found: _Rate, sizes: set[float]) -> Iterator[Check]:
    ranges, item, label = found.ranges, found.rate.id, found.rate.statement
    fitting = [scale for scale in (LOG_LOG, LOG, PLAIN) if _in_the_middle(*ranges, scale)]
    nothing = Range(math.nan, math.nan, math.nan)
    note = f"symmetrical on scale: {', '.join(fitting) or 'none'}"
    yield Check(item, label, "limits", found.printed, nothing, bool(fitting), note)
    if not fitting:
        return
    corners = product(*((r.low, r.high) for r in ranges))
    effective = span(
        [_effective(s, a, b, fitting[0]) for s, a, b in corners],
        _effective(ranges[0].value, ranges[1].value, ranges[2].value, fitting[0]),
    )
    passes = effective.low <= max(sizes) if sizes else None
    printed = ", ".join(f"{n:g}" for n in sorted(sizes))
    note = f"patients without censoring that would give these limits ({fitting[0]})"
    yield Check(item, label, "n_effective", printed, effective, passes, note)


def _on_scale(value: float, scale: str) -> float:
    value = min(max(value, 1e-12), 1 - 1e-12)
    if scale == LOG_LOG:
        return math.log(-math.log(value))
    return math.log(value) if scale == LOG else value


def _slope(value: float, scale: str) -> float:
    """Differentiate the scale at a survival probability."""
    value = min(max(value, 1e-12), 1 - 1e-12)
    if scale == LOG_LOG:
        return 1 / (value * math.log(value))
    return 1 / value if scale == LOG else 1.0


def _in_the_middle(value: Range, lower: Range, upper: Range, scale: str) -> bool:
    ends = [
        (_on_scale(a, scale) + _on_scale(b, scale)) / 2
        for a, b in product((lower.low, lower.high), (upper.low, upper.high))
    ]
    middle = sorted((_on_scale(value.low, scale), _on_scale(value.high, scale)))
    return min(ends) <= middle[1] and middle[0] <= max(ends)


def _effective(value: float, lower: float, upper: float, scale: str) -> float:
    """Binomial size whose variance is that of the limits: S(1 - S) / var(S)."""
    z = float(ndtri(0.975))
    error = abs(_on_scale(upper, scale) - _on_scale(lower, scale)) / (2 * z)
    return value * (1 - value) * (_slope(value, scale) / error) ** 2

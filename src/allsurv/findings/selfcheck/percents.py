"""Whether the percents a paper printed agree with the counts it printed."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from itertools import product

from allsurv.findings.selfcheck.rounding import Check, Range, as_printed, span
from allsurv.study import LedgerEntry, load_ledger
from allsurv.study.spec import Study

__all__ = ["group_key", "percent_checks", "printed_counts"]


def percent_checks(study: Study) -> Iterator[Check]:
    """Hold every percent of the ledger against what was printed of the same patients."""
    if study.ledger is None:
        return
    entries = [e for e in load_ledger(study).entries.values() if e.status != "external"]
    counted, sizes = printed_counts(entries)
    n_passed = n_held = 0
    issues: list[str] = []
    for entry in entries:
        wholes = sizes.get(group_key(entry.population), set())
        if entry.kind != "percent" or not wholes:
            continue
        n_held += 1
        counts = counted.get(_place(entry))
        shares = _shares(entry, counts, wholes)
        printed = as_printed(float(entry.value), entry.decimals)
        if any(printed.meets(Range(x, x, x)) for x in shares):
            n_passed += 1
            continue
        nearest = min((abs(x - float(entry.value)), x) for x in shares)[1]
        among = "/".join(f"{whole:g}" for whole in sorted(wholes))
        said = f"{entry.printed}% of {among}"
        if counts:
            said = f"{entry.printed}%: {', '.join(f'{n:g}' for n in sorted(counts))} of {among}"
        issues.append(entry.issue or "")
        found = span(shares, nearest)
        what = (entry.id, entry.statement, "percent", said, found, False, entry.note)
        yield Check(*what, issue=issues[-1])
    for group, found_sizes in sizes.items():
        if len(found_sizes) > 1:
            among = ", ".join(f"{n:g}" for n in sorted(found_sizes))
            computed = span(found_sizes, max(found_sizes))
            note = "one group of patients, printed with several sizes"
            what = (group, f"Patients with {group}", "group_size", among, computed, False, note)
            yield Check(*what, issue=_issue_of(group, entries))
    note = f"{n_passed} of {n_held} percents agree with what was printed of the same patients"
    found = Range(float(n_passed), float(n_passed), float(n_passed))
    explained = ", ".join(dict.fromkeys(issues)) if all(issues) else ""
    what = ("percents", "All percents", "percent", f"{n_held}", found, n_passed == n_held, note)
    yield Check(*what, issue=explained)


def _issue_of(group: str, entries: list[LedgerEntry]) -> str:
    """Give the documented contradiction that a printed size of this group belongs to."""
    for entry in entries:
        place = (entry.population, entry.event) if entry.kind == "count" else (entry.population,)
        if entry.status == "conflict" and entry.issue and group_key(*place) == group:
            found: str = entry.issue
            return found
    return ""


def printed_counts(
    entries: list[LedgerEntry],
) -> tuple[dict[tuple[str, str], set[float]], dict[str, set[float]]]:
    """Gather the counts of a ledger, and the sizes of groups of patients they give."""
    counted: dict[tuple[str, str], set[float]] = {}
    sizes: dict[str, set[float]] = {}
    for entry in entries:
        if entry.kind == "count":
            counted.setdefault(_place(entry), set()).add(float(entry.value))
            sizes.setdefault(group_key(entry.population, entry.event), set()).add(
                float(entry.value)
            )
        elif entry.kind == "denominator":
            sizes.setdefault(group_key(entry.population), set()).add(float(entry.value))
    return counted, {key: {n for n in found if n} for key, found in sizes.items()}


def _shares(entry: LedgerEntry, counts: set[float] | None, wholes: set[float]) -> list[float]:
    if counts:
        return [100 * n / whole for n, whole in product(counts, wholes)]
    near = [math.floor(float(entry.value) * whole / 100) for whole in wholes]
    return [
        100 * (n + step) / whole for n, whole in zip(near, wholes, strict=True) for step in (0, 1)
    ]


def group_key(*conditions: Mapping[str, object]) -> str:
    """Name a group of patients, whatever the order of its conditions.

    Examples
    --------
    >>> group_key({"sct": True}, {"arm": "after"})
    'arm after, sct True'
    """
    merged = {name: value for condition in conditions for name, value in condition.items()}
    return ", ".join(sorted(f"{name} {value}" for name, value in merged.items()))


def _place(entry: LedgerEntry) -> tuple[str, str]:
    return group_key(entry.population), group_key(entry.event)

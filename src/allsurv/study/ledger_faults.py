"""Whether every entry of a ledger names what exists and holds what its kind needs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from allsurv.study.faults import Fault, Path
from allsurv.study.filters import filter_faults, unknown, value_fault
from allsurv.study.spec import Study

__all__ = ["ledger_faults"]

Plain = Mapping[str, Any]

_AT_RISK = ("landmark_month", "event_free_at_month")
_CURVE = ("endpoint", "time")
_NEEDS: Mapping[str, tuple[str, ...]] = {
    "count": ("event",),
    "percent": ("event",),
    "mannwhitney_p": ("compare",),
    "chi2_or_fisher_p": ("event", "compare"),
    "km_rate": _CURVE,
    "km_rate_ci_low": _CURVE,
    "km_rate_ci_high": _CURVE,
    "km_median": ("endpoint",),
    "logrank_p": ("endpoint", "compare"),
    "hazard_ratio": ("endpoint",),
    "hr_ci_low": ("endpoint",),
    "hr_ci_high": ("endpoint",),
    "wald_p": ("endpoint",),
}
_OF_MODEL = {"hazard_ratio", "hr_ci_low", "hr_ci_high", "wald_p"}


def ledger_faults(content: Plain, study: Study) -> Iterator[Fault]:
    """Hold the content of a ledger against the study it is about."""
    if content["study"] != study.name:
        yield Fault(("study",), f"'{content['study']}' is not this study, '{study.name}'.")
    seen: dict[str, int] = {}
    for position, entry in enumerate(content["entries"]):
        path: Path = ("entries", position)
        if entry["id"] in seen:
            message = f"'{entry['id']}' is the id of entry {seen[entry['id']]} too; ids differ."
            yield Fault((*path, "id"), message)
        seen.setdefault(entry["id"], position)
        yield from _entry_faults(entry, content, study, path)


def _entry_faults(entry: Plain, content: Plain, study: Study, path: Path) -> Iterator[Fault]:
    kind = entry["kind"]
    for key in _NEEDS.get(kind, ()):
        if key not in entry:
            yield Fault((*path, key), f"is missing; kind '{kind}' needs it.")
    yield from _number_faults(entry, path)
    yield from _status_faults(entry, content, path)
    if not isinstance(entry["value"], str) and entry["variable"] not in study.variables:
        yield Fault((*path, "variable"), unknown(entry["variable"], study.variables))
    endpoint = entry.get("endpoint")
    if endpoint is not None and endpoint not in study.endpoints:
        yield Fault((*path, "endpoint"), unknown(endpoint, study.endpoints, "endpoints"))
    yield from _filter_faults(entry.get("event", {}), study, (*path, "event"))
    population = (*path, "population")
    yield from _population_faults(
        entry.get("population", {}), content, study, population, endpoint=endpoint
    )
    if "compare" in entry:
        yield from _compare_faults(entry["compare"], content, study, (*path, "compare"))
    if kind in _OF_MODEL and not any(
        finding.variable == entry["variable"] and finding.endpoint == endpoint
        for finding in study.findings.values()
    ):
        message = f"no finding of the study is about '{entry['variable']}' and this endpoint."
        yield Fault((*path, "variable"), message)


def _number_faults(entry: Plain, path: Path) -> Iterator[Fault]:
    value, printed = entry["value"], entry["printed"].lstrip("<>=").rstrip("+%")
    try:
        number = float(printed)
    except ValueError:
        return
    decimals = len(printed.partition(".")[2])
    if isinstance(value, str) or number != value:
        yield Fault((*path, "printed"), f"says {printed}, but value is {value}.")
    elif decimals != entry.get("decimals", 0):
        message = f"is {entry.get('decimals', 0)}, but '{entry['printed']}' has {decimals}."
        yield Fault((*path, "decimals"), message)


def _status_faults(entry: Plain, content: Plain, path: Path) -> Iterator[Fault]:
    status, issue = entry.get("status", "ok"), entry.get("issue")
    if issue is not None and issue not in content.get("issues", {}):
        yield Fault((*path, "issue"), unknown(issue, content.get("issues", {}), "issues"))
    if issue is None and status != "ok":
        yield Fault((*path, "issue"), f"is missing; status '{status}' needs the reason.")
    if status in {"conflict", "rounding"} and "authoritative_value" not in entry:
        message = f"is missing; status '{status}' needs what the rest of the paper gives."
        yield Fault((*path, "authoritative_value"), message)
    if (status == "external") != ("cohort" in entry.get("population", {})):
        message = "'external' and a 'cohort' in the population go together."
        yield Fault((*path, "status"), message)


def _filter_faults(entry: Plain, study: Study, path: Path) -> Iterator[Fault]:
    values = {key: tuple(v) if isinstance(v, list) else v for key, v in entry.items()}
    yield from filter_faults(study.variables, values, path)


def _population_faults(
    entry: Plain, content: Plain, study: Study, path: Path, *, endpoint: str | None
) -> Iterator[Fault]:
    special = {"any_of", "cohort", *_AT_RISK}
    plain = {key: value for key, value in entry.items() if key not in special}
    yield from _filter_faults(plain, study, path)
    for position, part in enumerate(entry.get("any_of", ())):
        yield from _filter_faults(part, study, (*path, "any_of", position))
    if "cohort" in entry:
        yield from _cohort_faults(entry["cohort"], content, (*path, "cohort"))
    if "event_free_at_month" in entry and not endpoint:
        yield Fault((*path, "event_free_at_month"), "needs an endpoint whose event it means.")


def _cohort_faults(named: Any, content: Plain, path: Path) -> Iterator[Fault]:
    known = ["study", *content.get("cohorts", {})]
    for name in named if isinstance(named, list) else [named]:
        if name not in known:
            yield Fault(path, unknown(str(name), known, "cohorts"))


def _compare_faults(compare: Plain, content: Plain, study: Study, path: Path) -> Iterator[Fault]:
    name, levels = compare["variable"], compare.get("levels", ())
    if name == "cohort":
        yield from _cohort_faults(levels, content, (*path, "levels"))
        return
    if name not in study.variables:
        yield Fault((*path, "variable"), unknown(name, study.variables))
        return
    for position, level in enumerate(levels):
        yield from _level_faults(study, name, level, (*path, "levels", position))


def _level_faults(study: Study, name: str, level: Any, path: Path) -> Iterator[Fault]:
    together: Sequence[Any] = level if isinstance(level, list) else [level]
    for value in together:
        if message := value_fault(study.variables[name], value):
            yield Fault(path, message)

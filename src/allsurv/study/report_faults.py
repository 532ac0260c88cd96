"""Whether the tables, the screening and the alternative curves of a study name what exists."""

from __future__ import annotations

from collections.abc import Iterator

from allsurv.study.faults import Fault, Path
from allsurv.study.filters import filter_faults, unknown
from allsurv.study.model_faults import model_faults
from allsurv.study.report import Screening, Tabulation
from allsurv.study.spec import Comparison, Study

__all__ = ["reading_faults", "screening_faults", "tabulation_faults"]


def tabulation_faults(study: Study, table: Tabulation) -> Iterator[Fault]:
    """Hold a table of counts against the data dictionary."""
    path = ("tables", table.name)
    if bool(table.rows) == bool(table.grades):
        yield Fault(path, "needs either rows or grades, not both and not none.")
    if table.by is not None:
        if table.by not in study.variables:
            yield Fault((*path, "by"), unknown(table.by, study.variables))
        elif study.variables[table.by].is_number:
            yield Fault((*path, "by"), f"'{table.by}' is a number; columns need levels.")
    for position, row in enumerate(table.rows):
        if not row.event:
            message = "an empty filter counts everybody; name a variable."
            yield Fault((*path, "rows", position, "event"), message)
        for key in ("event", "population"):
            entry = getattr(row, key)
            yield from filter_faults(study.variables, entry, (*path, "rows", position, key))
    if (
        table.grades
        and not table.rows
        and not any(
            v.table == table.grades and v.kind == "ordinal" for v in study.variables.values()
        )
    ):
        message = f"no ordinal variable of the data dictionary is assigned to '{table.grades}'."
        yield Fault((*path, "grades"), message)


def screening_faults(study: Study, screening: Screening) -> Iterator[Fault]:
    """Hold the screening of variables against the data dictionary."""
    path: Path = ("screening",)
    if screening.endpoint not in study.endpoints:
        yield Fault((*path, "endpoint"), unknown(screening.endpoint, study.endpoints, "endpoints"))
    asked: list[tuple[str, str, str | int]] = [
        ("variables", n, i) for i, n in enumerate(screening.variables)
    ]
    asked += [("coded_as", new, old) for old, new in screening.coded_as.items()]
    for key, name, place in asked:
        if name not in study.variables:
            yield Fault((*path, key, place), unknown(name, study.variables))
        elif study.variables[name].known != "baseline":
            message = f"'{name}' is not known at baseline; list it under landmarks, or its event"
            yield Fault((*path, key, place), f"{message} under time_dependent.")
    asked = [("univariable_only", n, i) for i, n in enumerate(screening.univariable_only)]
    asked += [("coded_as", name, name) for name in screening.coded_as]
    for key, name, place in asked:
        if name not in screening.variables:
            what = "variables of the screening"
            yield Fault((*path, key, place), unknown(name, screening.variables, what))
    for key in ("time_dependent", "kept"):
        for position, name in enumerate(getattr(screening, key)):
            if name not in study.events:
                yield Fault((*path, key, position), unknown(name, study.events, "events"))
    yield from model_faults(study.variables, screening, path)
    for name in screening.landmarks:
        if name not in study.variables:
            yield Fault((*path, "landmarks", name), unknown(name, study.variables))


def reading_faults(study: Study, comparison: Comparison) -> Iterator[Fault]:
    """Hold the other readings of a published figure against it."""
    if comparison.instead_of is None:
        return
    path = ("comparisons", comparison.name, "instead_of")
    published = study.comparisons.get(comparison.instead_of)
    if published is None:
        yield Fault(path, unknown(comparison.instead_of, study.comparisons, "comparisons"))
    elif published.instead_of is not None:
        yield Fault(path, f"'{published.name}' is itself another reading; name the published one.")

"""Whether an endpoint says how each patient's follow-up can have ended."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from allsurv.dictionary.variable import Filter, Scalar, Variable
from allsurv.study.faults import Fault, Path
from allsurv.study.filters import filter_faults, written
from allsurv.study.spec import Endpoint, Study
from allsurv.study.states_faults import states_faults

__all__ = ["ending_faults"]

CENSORED = "censored"
KEYS = {
    "event": ("event",),
    "competing": ("causes", CENSORED),
    "states": ("initial", "states", "transitions", "order"),
}
OF_ANOTHER_KIND = {
    "event": "is for endpoints of one event; list it under 'causes' or 'states'.",
    "competing": "is for endpoints with 'kind: competing'; add that.",
    "states": "is for endpoints with 'kind: states'; add that.",
}


def ending_faults(study: Study, endpoint: Endpoint) -> Iterator[Fault]:
    """Hold the event, or the causes that compete, against the data dictionary."""
    path = ("endpoints", endpoint.name)
    for kind, keys in KEYS.items():
        for key in keys:
            if kind != endpoint.kind and getattr(endpoint, key):
                yield Fault((*path, key), OF_ANOTHER_KIND[kind])
    if endpoint.kind == "event":
        yield from _filters_faults(study, endpoint.event, (*path, "event"))
    elif endpoint.kind == "competing":
        yield from _causes_faults(study, endpoint)
    else:
        yield from states_faults(study, endpoint)


def _causes_faults(study: Study, endpoint: Endpoint) -> Iterator[Fault]:
    path = ("endpoints", endpoint.name)
    labels: dict[str, str] = {}
    for name, cause in endpoint.causes.items():
        here = (*path, "causes", name)
        yield from _filters_faults(study, cause.event, (*here, "event"))
        if name == CENSORED:
            yield Fault(here, "means follow-up without an event; give the cause another name.")
        if cause.label in labels:
            message = f"is that of '{labels[cause.label]}'; readers need to tell them apart."
            yield Fault((*here, "label"), message)
        labels[cause.label] = name
    yield from _filters_faults(study, endpoint.censored, (*path, CENSORED))
    yield from _unmapped(study, endpoint)


def _filters_faults(study: Study, filters: Sequence[Filter], path: Path) -> Iterator[Fault]:
    for position, one in enumerate(filters):
        if not one:
            message = "an empty filter makes everybody an event; name a variable."
            yield Fault((*path, position), message)
        yield from filter_faults(study.variables, one, (*path, position))


def _unmapped(study: Study, endpoint: Endpoint) -> Iterator[Fault]:
    """Ask for the values of a status that are neither a cause nor censored."""
    filters = (*endpoint.any_event, *endpoint.censored)
    for name in endpoint.status:
        variable = study.variables.get(name)
        if variable is None or not (variable.is_yes_no or variable.has_levels):
            continue
        listed = [value for one in filters for value in _values(one, name)]
        levels = _levels(variable)
        open_levels = [level for level in levels if level not in listed]
        if open_levels and all(name in one for one in filters):
            shown = ", ".join(written(level) for level in open_levels)
            is_are = "is" if len(open_levels) == 1 else "are"
            message = (
                f"{shown} of '{name}' {is_are} neither a cause nor censored; what happened to "
                f"those patients? List it under a cause, or under '{CENSORED}'."
            )
            yield Fault(("endpoints", endpoint.name, "causes"), message)


def _levels(variable: Variable) -> tuple[Scalar, ...]:
    return (True, False) if variable.is_yes_no else variable.levels


def _values(condition: Filter, name: str) -> tuple[Scalar, ...]:
    value = condition.get(name, ())
    return value if isinstance(value, tuple) else (value,)

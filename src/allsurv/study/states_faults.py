"""Whether states, transitions and the order of same-day events of an endpoint fit together."""

from __future__ import annotations

from collections.abc import Iterator

from allsurv.study.faults import Fault
from allsurv.study.filters import filter_faults, unknown
from allsurv.study.spec import Endpoint, Study

__all__ = ["START", "states_faults"]

START = "start"
"""Name of the state in which everybody begins."""


def states_faults(study: Study, endpoint: Endpoint) -> Iterator[Fault]:
    """Hold the states of an endpoint against the data dictionary and against one another."""
    path = ("endpoints", endpoint.name)
    if endpoint.origin_time is not None:
        yield Fault(
            (*path, "origin_time"), "states are entered after treatment start; leave it out."
        )
    for name, state in endpoint.states.items():
        here = (*path, "states", name)
        if name == START:
            yield Fault(here, f"'{START}' is where everybody begins; give the state another name.")
        variable = study.variables.get(state.time)
        if variable is None:
            yield Fault((*here, "time"), unknown(state.time, study.variables))
        elif variable.kind != "duration":
            message = f"'{state.time}' is {variable.kind}; a time must be a duration."
            yield Fault((*here, "time"), message)
        if not state.occurred:
            message = "an empty filter lets everybody enter; name a variable."
            yield Fault((*here, "occurred"), message)
        yield from filter_faults(study.variables, state.occurred, (*here, "occurred"))
    for origin, targets in endpoint.transitions.items():
        here = (*path, "transitions", origin)
        if origin not in (START, *endpoint.states):
            yield Fault(here, unknown(origin, (START, *endpoint.states), "states"))
        for position, target in enumerate(targets):
            if target not in endpoint.states:
                yield Fault((*here, position), unknown(target, endpoint.states, "states"))
            elif target == origin:
                yield Fault((*here, position), "is the state that is left.")
    yield from _reached(endpoint)
    for position, name in enumerate(endpoint.order):
        if name not in endpoint.states:
            yield Fault((*path, "order", position), unknown(name, endpoint.states, "states"))
    if left := [name for name in endpoint.states if name not in endpoint.order]:
        message = f"lacks {', '.join(left)}; name all states, the one that counts first."
        yield Fault((*path, "order"), message)


def _reached(endpoint: Endpoint) -> Iterator[Fault]:
    path = ("endpoints", endpoint.name, "transitions")
    if START not in endpoint.transitions:
        yield Fault(path, f"lacks '{START}'; say which states are entered first.")
    entered = {target for targets in endpoint.transitions.values() for target in targets}
    for name in endpoint.states:
        if name not in entered:
            yield Fault(path, f"never lead to '{name}'; say from which state it is entered.")

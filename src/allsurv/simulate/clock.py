"""Which recorded times and levels are bound to follow-up, read off a study's own rules."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from allsurv.dictionary.units import unit_ratio
from allsurv.study.spec import Endpoint, Filter, Study

__all__ = ["Clock", "read_clock"]


@dataclass(frozen=True)
class Clock:
    """Roles that variables play in the follow-up of a study.

    Attributes
    ----------
    main : str
        Time of the prediction endpoint.
    event_times : mapping from str to str
        Time of a time-dependent event to the event.
    copies : mapping from str to float
        Times that must equal ``main`` where they are known, and the largest they may be, in the
        study's unit.
    later : mapping from str to Endpoint
        Time of another endpoint to that endpoint.
    origins : tuple of str
        Times at which another endpoint's clock starts.
    bound : mapping from str to tuple of str
        Variable to what decides it: ``@event`` (the outcome was seen), ``@early`` (it was seen
        within a limit), ``@name`` (the time-dependent event happened).
    """

    main: str
    event_times: Mapping[str, str]
    copies: Mapping[str, float]
    later: Mapping[str, Endpoint]
    origins: tuple[str, ...]
    bound: Mapping[str, tuple[str, ...]]

    @property
    def limits(self) -> tuple[float, ...]:
        """Follow-up up to which something special is recorded, such as an early death."""
        return tuple(sorted({limit for limit in self.copies.values() if limit < float("inf")}))


def read_clock(study: Study) -> Clock:
    """Read the roles off endpoints, events and rules.

    Examples
    --------
    >>> from allsurv.study import load_study
    >>> clock = read_clock(load_study("rr-all"))
    >>> clock.bound["response"], clock.limits
    (('@responded', '@early'), (0.9199178644763861,))
    """
    endpoint = study.endpoint(study.prediction.endpoint)
    copies = _copies(study, endpoint.time)
    others = [e for e in study.endpoints.values() if e.name != endpoint.name]
    later: dict[str, Endpoint] = {}
    for other in others:
        if study.variable(other.time).derivation is None and other.time != endpoint.time:
            later.setdefault(other.time, other)  # one time may serve several endpoints
    origins = dict.fromkeys(e.origin_time for e in others if e.origin_time is not None)
    return Clock(
        main=endpoint.time,
        event_times={event.time: event.name for event in study.events.values()},
        copies=copies,
        later=later,
        origins=tuple(origins),
        bound=_bound(study, endpoint, copies),
    )


def _copies(study: Study, main: str) -> dict[str, float]:
    pairs = {(rule.first, rule.then) for rule in study.rules if rule.plus is None}
    found = {first for first, then in pairs if then == main and (main, first) in pairs}
    limits = {}
    for name in sorted(found):
        variable = study.variable(name)
        largest = float("inf") if variable.maximum is None else variable.maximum
        largest *= unit_ratio(variable.unit, study.time.unit)
        within = study.variable(main).maximum
        limits[name] = float("inf") if within is not None and largest >= within else largest
    return limits


def _bound(
    study: Study, endpoint: Endpoint, copies: Mapping[str, float]
) -> dict[str, tuple[str, ...]]:
    bound: dict[str, tuple[str, ...]] = {}
    times = {event.time for event in study.events.values()}
    for event in study.events.values():
        for name in _given(study, [event.occurred]):
            bound[name] = (f"@{event.name}",)
        required = [
            study.variable(rule.first).only_if
            for rule in study.rules
            if rule.then == event.time and rule.plus is None and rule.first not in times
        ]
        for name in _given(study, required):
            bound[name] = (*bound.get(name, ()), f"@{event.name}")
    for name in _given(study, endpoint.any_event):
        bound[name] = ("@event",)
    limited = [study.variable(n).only_if for n, limit in copies.items() if limit < float("inf")]
    for name in _given(study, limited):
        bound[name] = (*bound.get(name, ()), "@early")
    return bound


def _given(study: Study, conditions: Iterable[Filter]) -> list[str]:
    """Name the variables of filters, derived ones by their sources."""
    names: dict[str, None] = {}
    waiting = [name for condition in conditions for name in condition]
    while waiting:
        variable = study.variable(waiting.pop(0))
        if variable.derivation is None:
            names[variable.name] = None
        else:
            waiting += variable.derivation.sources
    return list(names)

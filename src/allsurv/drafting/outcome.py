"""Which columns hold follow-up and event, and which value of the event means that it happened."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from allsurv.dictionary.variable import Scalar
from allsurv.drafting import words
from allsurv.drafting.entry import Entry
from allsurv.errors import ConfigError
from allsurv.nearest import did_you_mean

__all__ = ["QUESTION", "DraftEndpoint", "find_endpoints", "stated_endpoint"]

QUESTION = "?"
"""Stands in a study file where the reader must answer."""

_LABELS = {
    "os": "Overall survival",
    "pfs": "Progression-free survival",
    "efs": "Event-free survival",
    "rfs": "Relapse-free survival",
    "dfs": "Disease-free survival",
    "ttp": "Time to progression",
    "tte": "Time to event",
}
_DEAD = frozenset(
    {"dead", "died", "deceased", "death", "verstorben", "tot", "exitus", "yes", "event"}
    | {"relapse", "relapsed", "failed"}
)
_ALIVE = frozenset(["alive", "living", "censored", "lebt", "lebend", "no", "none"])


@dataclass
class DraftEndpoint:
    """An endpoint as drafted.

    Parameters
    ----------
    name, label, time, event : str
        Its name and label, variables of follow-up and event; ``?`` where it must be asked.
    value : scalar
        Value of the event variable that means it happened; ``?`` where it must be asked.
    notes : list of str
        Reasons.
    questions : dict of str to str
        What the reader must say, by the key of the endpoint it is about.
    """

    name: str
    label: str
    time: str
    event: str
    value: Scalar
    notes: list[str]
    questions: dict[str, str]


def find_endpoints(entries: Sequence[Entry]) -> list[DraftEndpoint]:
    """Pair durations with events by their names; one endpoint at least, if only as a question."""
    times = [e for e in entries if e.kind == "duration"]
    strong = [e for e in times if words.has_word(e.column, words.TIMES - words.UNITS)]
    events = [e for e in entries if _may_be_event(e)]
    found = [
        DraftEndpoint(
            next(iter(_endpoint_words(time)), "os"),
            _label(time, [event]),
            time.name,
            event.name,
            *_happened(event),
        )
        for time in strong or times
        if (event := _partner(time, events, alone=len(strong or times) == 1)) is not None
    ]
    unique = {endpoint.name: endpoint for endpoint in reversed(found)}
    return [*reversed(unique.values())] or [_asked(strong or times, events)]


def stated_endpoint(entries: Sequence[Entry], time: str, event: str) -> DraftEndpoint:
    """Take follow-up and event as the user names them: ``event`` may be ``status=2``."""
    column, _, value = event.partition("=")
    follow_up = _named(entries, time, "time")
    happened = _named(entries, column, "event")
    if follow_up.kind in {"integer", "continuous"}:
        _make_duration(follow_up)
    if follow_up.kind != "duration":
        raise ConfigError(f"--time: '{time}' holds no numbers, so it is no follow-up.")
    level, notes, questions = _happened(happened)
    if value:
        level = _level(happened, value)
        notes, questions = [f"the event is {value}, as was stated"], {}
    name = next(iter(_endpoint_words(follow_up)), "os")
    label = _label(follow_up, [happened])
    return DraftEndpoint(name, label, follow_up.name, happened.name, level, notes, questions)


def _make_duration(entry: Entry) -> None:
    entry.kind, entry.unit = "duration", words.time_unit(entry.column)
    entry.minimum = entry.maximum = None
    entry.transform = ""
    entry.notes = ["follow-up, as was stated"]
    if not entry.unit:
        entry.unit_question = f"are the values of '{entry.column}' days, weeks, months or years?"


def _named(entries: Sequence[Entry], column: str, option: str) -> Entry:
    found = next((e for e in entries if column in (e.column, e.name)), None)
    if found is None:
        hint = did_you_mean(column, [e.column for e in entries])
        raise ConfigError(f"--{option}: '{column}' is no column that can be used.{hint}")
    return found


def _level(entry: Entry, value: str) -> Scalar:
    if entry.kind == "binary":
        codes: dict[str, Scalar] = {"1": True, "yes": True, "true": True}
        codes |= {"0": False, "no": False, "false": False}
        if value.lower() in codes:
            return codes[value.lower()]
    for level in entry.levels:
        if str(level) == value:
            return level
    shown = ", ".join(map(str, entry.levels)) or "1, 0"
    raise ConfigError(f"--event: '{entry.column}' is never {value}; it holds {shown}.")


def _may_be_event(entry: Entry) -> bool:
    fits = entry.kind == "binary" or (
        entry.kind in {"nominal", "ordinal"} and len(entry.levels) <= 5
    )
    return fits and words.has_word(entry.column, words.EVENTS)


def _endpoint_words(entry: Entry) -> list[str]:
    return [word for word in words.words_of(entry.column) if word in words.ENDPOINTS]


def _label(time: Entry, events: Sequence[Entry]) -> str:
    for word in _endpoint_words(time):
        if word in _LABELS:
            return _LABELS[word]
    dead = any(words.has_word(event.column, words.DEATHS) for event in events)
    return "Overall survival" if dead else "Time to event"


def _partner(time: Entry, events: Sequence[Entry], *, alone: bool) -> Entry | None:
    """Find the one event that a duration is about: by its name, or because there is no other."""
    if alone and len(events) == 1:
        return events[0]
    own = set(_endpoint_words(time))
    named = [e for e in events if own & set(words.words_of(e.column))]
    if len(named) == 1:
        return named[0]
    if "os" in own or (alone and not own):
        deaths = [e for e in events if words.has_word(e.column, words.DEATHS)]
        return deaths[0] if len(deaths) == 1 else None
    return None


def _happened(event: Entry) -> tuple[Scalar, list[str], dict[str, str]]:
    """Say which value means that the event happened."""
    is_reversed = words.has_word(event.column, words.CENSORED)
    if event.kind == "binary":
        if is_reversed:
            return False, [f"'{event.column}' is read as not having had the event"], {}
        sure = words.has_word(event.column, words.DEATHS | {"relapse", "recurrence", "progression"})
        notes = [] if sure else [f"1, or yes, of '{event.column}' is taken for the event"]
        return True, notes, {}
    labels = {level: str(event.level_labels.get(level, level)).lower() for level in event.levels}
    dead = [level for level, text in labels.items() if set(words.words_of(text)) & _DEAD]
    alive = [level for level, text in labels.items() if set(words.words_of(text)) & _ALIVE]
    if len(dead) == 1 and len(dead) + len(alive) == len(event.levels):
        return dead[0], [], {}
    shown = ", ".join(map(str, event.levels))
    return QUESTION, [], {"event": f"which value of '{event.column}' ({shown}) means the event?"}


def _asked(times: Sequence[Entry], events: Sequence[Entry]) -> DraftEndpoint:
    """Put what could not be told as questions."""
    time = times[0].name if len(times) == 1 else QUESTION
    event = events[0].name if len(events) == 1 else QUESTION
    questions: dict[str, str] = {}
    if time == QUESTION:
        among = ", ".join(e.name for e in times)
        hint = f"one of {among}" if times else "none was found; dates are not enough, see docs"
        questions["time"] = f"which variable holds the follow-up? ({hint})"
    if event == QUESTION:
        among = ", ".join(e.name for e in events)
        hint = f"one of {among}" if events else "none was found by its name"
        questions["event"] = f"which variable holds the event? ({hint})"
    value: Scalar = True
    notes: list[str] = []
    if events and event != QUESTION:
        value, notes, more = _happened(events[0])
        questions |= more
    return DraftEndpoint("os", "Overall survival", time, event, value, notes, questions)

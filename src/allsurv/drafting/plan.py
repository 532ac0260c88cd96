"""What a drafted study holds, before it is written."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from allsurv.dictionary.units import UNITS, unit_ratio
from allsurv.drafting import words
from allsurv.drafting.entry import Entry, LeftOut
from allsurv.drafting.guess import round_up
from allsurv.drafting.outcome import QUESTION, DraftEndpoint, find_endpoints

__all__ = ["Plan", "make_plan"]

_HORIZONS = {
    "days": (30, 90, 180, 365, 730, 1095, 1825, 3650),
    "weeks": (4, 12, 26, 52, 104, 156, 260, 520),
    "months": (3, 6, 12, 24, 36, 60, 120),
    "years": (1, 2, 3, 5, 10),
}
_FOLLOWED = 0.25
"""Share of patients whose follow-up must reach the last horizon."""

_MOST_HORIZONS = 3


@dataclass
class Plan:
    """A study as drafted.

    Parameters
    ----------
    name, title, source, understood : str
        Name and title of the study, the file it is drafted from, how that was read.
    entries : list of Entry
        The data dictionary.
    left_out, removed : list of LeftOut
        Columns of the file that are no part of it; columns that the cohort was written without.
    endpoints : list of DraftEndpoint
        What is followed.
    unit : str
        Unit of follow-up; ``?`` where it must be asked.
    horizons : tuple of float
        Times at which risk is predicted.
    group : str
        Variable of the treatment groups; empty for none.
    origin : str
        Where the clock starts, in words.
    """

    name: str
    title: str
    source: str
    understood: str
    entries: list[Entry]
    left_out: list[LeftOut]
    endpoints: list[DraftEndpoint]
    unit: str
    horizons: tuple[float, ...] = ()
    group: str = ""
    origin: str = "start of follow-up"
    predictors: list[str] = field(default_factory=list)
    removed: list[LeftOut] = field(default_factory=list)

    @property
    def questions(self) -> int:
        """How many questions the reader must answer."""
        of_entries = sum(bool(e.unit_question) + bool(e.missing_question) for e in self.entries)
        of_endpoints = sum(len(endpoint.questions) for endpoint in self.endpoints)
        others = (self.unit == QUESTION) + (not self.horizons) + (not self.predictors)
        return of_entries + of_endpoints + others

    def is_in_table_one(self, entry: Entry) -> bool:
        """Tell the characteristics at baseline."""
        return entry.is_predictor and entry.name != self.group


def make_plan(
    entries: list[Entry],
    left_out: list[LeftOut],
    frame: pd.DataFrame,
    *,
    name: str,
    source: str,
    understood: str,
    endpoints: Sequence[DraftEndpoint] = (),
) -> Plan:
    """Find endpoints, horizons, group and predictors among the variables."""
    found = list(endpoints) or find_endpoints(entries)
    by_name = {entry.name: entry for entry in entries}
    _mark_outcomes(by_name, found)
    for endpoint in found:
        if endpoint.time in by_name and by_name[endpoint.time].label == words.readable(
            by_name[endpoint.time].column
        ):
            by_name[
                endpoint.time
            ].label = f"Time of {endpoint.label[0].lower()}{endpoint.label[1:]}"
    main = by_name.get(found[0].time)
    unit = main.unit if main is not None and main.unit in UNITS else QUESTION
    if unit == QUESTION:
        _ask_unit_once(entries)
    _convert_times(by_name, found, unit)
    group = next((e.name for e in entries if _is_arm(e)), "")
    plan = Plan(
        name=re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "my-study",
        title=f"Draft of a study from {source}",
        source=source,
        understood=understood,
        entries=entries,
        left_out=left_out,
        endpoints=found,
        unit=unit,
        group=group,
    )
    if not plan.name[0].isalpha():
        plan.name = f"study-{plan.name}"
    plan.predictors = [e.name for e in entries if e.is_predictor]
    if main is not None:
        plan.horizons = _horizons(frame[main.column], unit, main)
    return plan


def _ask_unit_once(entries: Sequence[Entry]) -> None:
    """Where no header says the unit, leave it to the one question about the study's unit."""
    for entry in entries:
        if entry.unit_question:
            entry.unit_question = ""
            entry.notes.append("in the study's unit: please check")


def _mark_outcomes(by_name: Mapping[str, Entry], endpoints: Sequence[DraftEndpoint]) -> None:
    used = {name for endpoint in endpoints for name in (endpoint.time, endpoint.event)}
    asked = any(QUESTION in (e.time, e.event) for e in endpoints)
    for entry in by_name.values():
        is_event = entry.kind != "identifier" and words.has_word(entry.column, words.EVENTS)
        if entry.name in used:
            entry.known, entry.required = "outcome", True
        elif asked and (is_event or entry.kind == "duration"):
            entry.known = "outcome"
        elif entry.known == "baseline" and is_event and words.has_word(entry.column, words.DEATHS):
            entry.known = "outcome"
            entry.notes.append("an outcome, because of its name")
        elif entry.known == "baseline" and words.is_later(entry.column):
            entry.known = "post-baseline"
            entry.notes.append("known after the start, because of its name: no model may use it")


def _convert_times(
    by_name: Mapping[str, Entry], endpoints: Sequence[DraftEndpoint], unit: str
) -> None:
    """Have follow-up in another unit than the first endpoint's converted when it is read."""
    for endpoint in endpoints:
        entry = by_name.get(endpoint.time)
        if entry is None or unit == QUESTION or entry.unit in {unit, ""}:
            continue
        entry.notes.append(f"converted from {entry.unit} to {unit}, the study's unit")
        entry.column_unit, entry.unit = entry.unit, unit
        entry.name = words.clean_name(
            f"{entry.name.removesuffix(entry.column_unit)}_{unit}", by_name
        )
        endpoint.time = entry.name


def _is_arm(entry: Entry) -> bool:
    fits = entry.kind in {"nominal", "ordinal"} and 2 <= len(entry.levels) <= 4
    return fits and entry.known == "baseline" and words.has_word(entry.column, words.ARMS)


def _horizons(cells: pd.Series, unit: str, entry: Entry) -> tuple[float, ...]:
    """Choose usual times that a quarter of the patients reach; round ones without a unit."""
    times = pd.to_numeric(cells, errors="coerce").dropna().to_numpy(dtype=float)
    if not len(times) or times.max() <= 0:
        return ()
    last = float(np.quantile(times, 1 - _FOLLOWED))
    usual = _HORIZONS.get(unit, ())
    if usual:
        last *= unit_ratio(entry.column_unit or entry.unit, unit)
    fit = [float(h) for h in usual if h < last][-_MOST_HORIZONS:]
    middle = float(np.median(times[times > 0]))
    return tuple(fit) or (round_up(middle / 2),)

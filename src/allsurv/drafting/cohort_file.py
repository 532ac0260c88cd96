"""What imports have in common: follow-up from dates, a table without identifiers, a report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from allsurv.dictionary.units import UNITS
from allsurv.drafting import words
from allsurv.drafting.draft import Draft, decided
from allsurv.drafting.entry import Entry, LeftOut
from allsurv.drafting.outcome import DraftEndpoint, stated_endpoint
from allsurv.drafting.plan import make_plan
from allsurv.drafting.writing import study_text
from allsurv.errors import ConfigError
from allsurv.nearest import did_you_mean

__all__ = ["Import", "finish_import"]

FOLLOW_UP = "follow_up_days"


@dataclass(frozen=True)
class Import:
    """A study and a cohort made of another system's files.

    Parameters
    ----------
    draft : Draft
        The study file and what was decided.
    frame : DataFrame
        The patients: variables of the study alone, no identifiers but the record's, no dates.
    """

    draft: Draft
    frame: pd.DataFrame


def finish_import(
    frame: pd.DataFrame,
    entries: list[Entry],
    left_out: list[LeftOut],
    *,
    name: str,
    source: str,
    understood: Sequence[str] = (),
    dates: tuple[str, str] = ("", ""),
    outcome: tuple[str, str, str] = ("", "", ""),
    endpoints: Sequence[DraftEndpoint] = (),
) -> Import:
    """Draft the study, and keep of the table what the study names."""
    time, event, unit = outcome
    if unit and unit not in UNITS:
        raise ConfigError(f"--unit: '{unit}'; allowed are {', '.join(UNITS)}.")
    if any(dates):
        frame = frame.assign(**{FOLLOW_UP: _days_between(frame, *dates)})
        entries.append(_follow_up(*dates))
        time = time or FOLLOW_UP
    _unique_names(entries)
    if time and event:
        endpoints = [stated_endpoint(entries, time, event)]
    for entry in entries:
        if unit and entry.unit_question:
            entry.unit, entry.unit_question = unit, ""
            entry.notes.append(f"in {unit}, as was stated")
    kept = frame[[entry.column for entry in entries]]
    plan = make_plan(
        entries,
        [],
        frame,
        name=name,
        source=source,
        understood=f"Read as: {'; '.join(understood)}." if understood else "",
        endpoints=endpoints,
    )
    plan.removed = left_out
    lines = decided(plan)
    return Import(Draft(study_text(plan), lines, plan.questions), kept)


def _unique_names(entries: Sequence[Entry]) -> None:
    taken: set[str] = set()
    for entry in entries:
        entry.name = words.clean_name(entry.column, taken)
        taken.add(entry.name)


def _follow_up(start: str, end: str) -> Entry:
    return Entry(
        FOLLOW_UP,
        FOLLOW_UP,
        "Follow-up",
        "duration",
        unit="days",
        known="outcome",
        notes=[f"days from '{start}' to '{end}', which are left out"],
        has_missing=False,
    )


def _days_between(frame: pd.DataFrame, start: str, end: str) -> pd.Series:
    """Count the days; a date that is none leaves an empty cell, which check names."""
    found = []
    for option, column in (("--start", start), ("--end", end)):
        if column not in frame:
            hint = did_you_mean(column, map(str, frame.columns))
            raise ConfigError(f"{option}: '{column}' is no column of the export.{hint}")
        dates = pd.to_datetime(frame[column], format="ISO8601", errors="coerce")
        if dates.isna().all():
            raise ConfigError(
                f"{option}: '{column}' holds no date such as 2020-03-31; export raw data."
            )
        found.append(dates)
    days = (found[1].dt.normalize() - found[0].dt.normalize()).dt.days
    return days.map(lambda d: "" if pd.isna(d) else f"{int(d)}").astype(object)

"""A study file drafted from a file of patients."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from allsurv.dictionary.units import UNITS
from allsurv.drafting.entry import Entry, LeftOut
from allsurv.drafting.guess import guess_column
from allsurv.drafting.outcome import stated_endpoint
from allsurv.drafting.plan import Plan, make_plan
from allsurv.drafting.writing import study_text
from allsurv.errors import CohortError, ConfigError
from allsurv.files import FileAnswers, FileContent
from allsurv.files.sample import read_sample

__all__ = ["Draft", "draft_study", "entries_of"]

_OF_A_SAMPLE = 10.0
"""How far beyond the values of a sample the limits lie: the whole file has more extreme ones."""


@dataclass(frozen=True)
class Draft:
    """A drafted study file.

    Parameters
    ----------
    text : str
        The study file, YAML.
    decided : tuple of str
        What was decided, for whoever asked for the draft.
    n_questions : int
        How many questions must be answered before the study can be used.
    """

    text: str
    decided: tuple[str, ...]
    n_questions: int


def draft_study(
    path: str | os.PathLike[str],
    *,
    name: str = "",
    time: str = "",
    event: str = "",
    unit: str = "",
    answers: FileAnswers | None = None,
) -> Draft:
    """Draft a study file from a file of patients.

    Parameters
    ----------
    path : path
        Any file that ``read_cohort`` reads.
    name : str, optional
        Name of the study; the file's where left out.
    time, event : str, optional
        Columns of follow-up and of the event, such as ``status`` or ``status=2``; told by their
        names where left out.
    unit : {"days", "weeks", "months", "years"}, optional
        Unit of durations whose header does not say it.
    answers : FileAnswers, optional
        What the file leaves open.

    Returns
    -------
    Draft
        The study file with the reason for each guess, and what must be answered. Columns that
        may identify patients are left out of the study, and named.

    Raises
    ------
    CohortError
        If the file cannot be read.
    ConfigError
        If a column or a value that was named is not there.
    """
    if unit and unit not in UNITS:
        raise ConfigError(f"--unit: '{unit}'; allowed are {', '.join(UNITS)}.")
    if bool(time) != bool(event):
        raise ConfigError("--time and --event: name both, or neither.")
    where = Path(path)
    content, sampled = read_sample(where, answers=answers)
    if content.frame is None:
        raise CohortError(where.name, name or "draft", content.violations)
    understood = [*content.understood, *([sampled] if sampled else [])]
    entries, left_out = entries_of(content, spread=_OF_A_SAMPLE if sampled else 2.0)
    endpoints = [stated_endpoint(entries, time, event)] if time else []
    for entry in entries:
        if unit and entry.unit_question:
            entry.unit, entry.unit_question = unit, ""
            entry.notes.append(f"in {unit}, as was stated")
    plan = make_plan(
        entries,
        left_out,
        content.frame,
        name=name or where.stem,
        source=where.name,
        endpoints=endpoints,
        understood=f"Read as: {'; '.join(understood)}." if understood else "",
    )
    return Draft(study_text(plan), decided(plan), plan.questions)


def entries_of(content: FileContent, *, spread: float = 2.0) -> tuple[list[Entry], list[LeftOut]]:
    """Guess every column of a file; labels that the file holds are used."""
    frame = content.frame if content.frame is not None else pd.DataFrame()
    entries: list[Entry] = []
    left_out: list[LeftOut] = []
    names = [str(c) for c in frame.columns]
    for i, header in enumerate(names):
        if header in names[:i]:
            left_out.append(LeftOut(header, "occurs more than once; keep one in the file"))
            continue
        found = guess_column(
            header, frame.iloc[:, i], {entry.name for entry in entries}, spread=spread
        )
        if isinstance(found, LeftOut):
            left_out.append(found)
            continue
        _label(found, content.labels, content.value_labels)
        if found.kind == "identifier" and any(e.kind == "identifier" for e in entries):
            left_out.append(LeftOut(header, "a second identifier of patients", is_personal=True))
        else:
            entries.append(found)
    return entries, left_out


def _label(
    entry: Entry,
    labels: Mapping[str, str],
    value_labels: Mapping[str, Mapping[object, str]],
) -> None:
    entry.label = labels.get(entry.column, entry.label)
    codes = {_plain(code): text for code, text in value_labels.get(entry.column, {}).items()}
    if codes and entry.kind in {"nominal", "ordinal", "binary"} and entry.levels:
        entry.level_labels = {level: codes[level] for level in entry.levels if level in codes}
        entry.notes = [note for note in entry.notes if "level_labels" not in note]


def _plain(code: object) -> object:
    return int(code) if isinstance(code, float) and code.is_integer() else code


def decided(plan: Plan) -> tuple[str, ...]:
    """Say what was decided, one line each."""
    kinds: dict[str, int] = {}
    for entry in plan.entries:
        kinds[entry.kind] = kinds.get(entry.kind, 0) + 1
    counted = ", ".join(f"{n} {kind}" for kind, n in kinds.items())
    lines = [plan.understood] if plan.understood else []
    lines.append(f"{len(plan.entries)} variables: {counted}")
    for endpoint in plan.endpoints:
        lines.append(f"{endpoint.label}: follow-up '{endpoint.time}', event '{endpoint.event}'")
    absent = [*plan.left_out, *plan.removed]
    personal = [item.column for item in absent if item.is_personal]
    others = [item.column for item in absent if not item.is_personal]
    if personal:
        lines.append(f"Left out, as they may identify patients: {', '.join(personal)}")
    if others:
        lines.append(f"Left out for other reasons: {', '.join(others)}")
    return tuple(lines)

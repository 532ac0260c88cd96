"""ADaM data sets - ADSL and ADTTE - as a study file and a cohort.

ADTTE has a row per patient and parameter; in it ``CNSR`` 0 means that the event happened, and every
positive number that the patient was censored. A file with the two exchanged is caught by what it
says in words (``EVNTDESC``) and by the deaths in ADSL.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from allsurv.drafting import words
from allsurv.drafting.adsl import subject_entries
from allsurv.drafting.cohort_file import Import, finish_import
from allsurv.drafting.entry import Entry, LeftOut
from allsurv.drafting.outcome import DraftEndpoint
from allsurv.errors import CohortError, Violation
from allsurv.files import read_file

__all__ = ["import_adam"]

_KEY = "USUBJID"
_NEEDED = (_KEY, "PARAMCD", "AVAL", "CNSR")
_CENSORED = re.compile(
    r"censor|alive|ongoing|last |lost to|withdr|complet|data cut|cut-?off|study end|end of study",
    re.IGNORECASE,
)
_HAPPENED = re.compile(r"death|died|dead|progress|relapse|recurr|occur|event", re.IGNORECASE)
_REVERSE = re.compile(r"follow-?\s?up", re.IGNORECASE)
_DEATH = re.compile(r"overall survival|\bdeath\b|mortality", re.IGNORECASE)
_MOST = 0.5


@dataclass(frozen=True)
class _Table:
    """A data set with its labels."""

    frame: pd.DataFrame
    labels: Mapping[str, str]
    understood: tuple[str, ...] = field(default=())


def import_adam(
    adsl: str | os.PathLike[str],
    adtte: str | os.PathLike[str],
    *,
    name: str = "",
    unit: str = "",
) -> Import:
    """Make a study file and a cohort of ADSL and ADTTE.

    Parameters
    ----------
    adsl, adtte : path
        The data sets: SAS transport (.xpt), SAS, CSV or Excel.
    name : str, optional
        Name of the study; that of STUDYID where left out.
    unit : {"days", "weeks", "months", "years"}, optional
        Unit of AVAL, where neither AVALU nor PARAM nor the dates say it.

    Returns
    -------
    Import
        Study file with an endpoint for each parameter, a table with one row per patient, and
        what was decided.

    Raises
    ------
    CohortError
        If a data set lacks a variable, a patient has two rows, or CNSR contradicts the rest.
    """
    subjects, events = _read(Path(adsl), (_KEY,)), _read(Path(adtte), _NEEDED)
    faults = [*_subject_faults(subjects.frame, events.frame), *_censoring_faults(subjects, events)]
    if faults:
        raise CohortError(f"{Path(adsl).name}, {Path(adtte).name}", name or "adam", faults)
    entries, left_out = subject_entries(subjects.frame, subjects.labels)
    frame = subjects.frame.copy()
    endpoints = []
    for code, rows in events.frame.groupby("PARAMCD", sort=False):
        label = str(rows["PARAM"].iloc[0]).strip() if "PARAM" in rows else str(code)
        if _REVERSE.search(label):
            left_out.append(LeftOut(f"ADTTE {code}", f"'{label}': allsurv computes it itself"))
            continue
        frame, endpoint, columns = _with_parameter(frame, str(code).strip(), label, rows, unit)
        endpoints.append(endpoint)
        entries += columns
    study = name or _constant(subjects.frame, "STUDYID") or Path(adsl).stem
    return finish_import(
        frame,
        entries,
        left_out,
        name=study,
        source=f"{Path(adsl).name} and {Path(adtte).name}",
        understood=tuple(dict.fromkeys((*subjects.understood, *events.understood))),
        endpoints=_overall_survival_first(endpoints),
    )


def _read(path: Path, needed: tuple[str, ...]) -> _Table:
    content = read_file(path)
    if content.frame is None:
        raise CohortError(path.name, "adam", content.violations)
    frame = content.frame.rename(columns=lambda c: str(c).strip().upper())
    lacking = [c for c in needed if c not in frame]
    if lacking:
        says = f"has no variable {', '.join(lacking)}; give ADSL first, then ADTTE."
        raise CohortError(path.name, "adam", [Violation("file", says)])
    for i in range(frame.shape[1]):
        if frame.dtypes.iloc[i].kind not in "iufb":
            frame.isetitem(i, frame.iloc[:, i].astype("string").str.strip())
    labels = {name.upper(): label for name, label in content.labels.items()}
    return _Table(frame, labels, content.understood)


def _subject_faults(subjects: pd.DataFrame, events: pd.DataFrame) -> list[Violation]:
    faults = []
    repeated = subjects[_KEY].duplicated(keep=False)
    if repeated.any():
        rows = tuple((np.flatnonzero(repeated) + 1).tolist())
        faults.append(
            Violation("ADSL USUBJID", "share a patient; ADSL has one row for each.", rows)
        )
    twice = events.duplicated([_KEY, "PARAMCD"], keep=False)
    if twice.any():
        rows = tuple((np.flatnonzero(twice) + 1).tolist())
        says = "share patient and parameter; a time-to-event parameter has one row per patient."
        faults.append(Violation("ADTTE USUBJID, PARAMCD", says, rows))
    strange = ~events[_KEY].isin(subjects[_KEY])
    if strange.any():
        rows = tuple((np.flatnonzero(strange) + 1).tolist())
        faults.append(Violation("ADTTE USUBJID", "are of patients who are not in ADSL.", rows))
    codes = pd.to_numeric(events["CNSR"], errors="coerce")
    bad = events["CNSR"].notna() & ~((codes >= 0) & (codes == np.round(codes)))
    if bad.any():
        rows = tuple((np.flatnonzero(bad) + 1).tolist())
        says = (
            "are no censoring codes; allowed are 0 (event) and positive whole numbers (censored)."
        )
        faults.append(Violation("ADTTE CNSR", says, rows))
    return faults


def _censoring_faults(subjects: _Table, events: _Table) -> list[Violation]:
    """Find parameters whose CNSR says the reverse of their words, or of the deaths in ADSL."""
    faults = []
    for code, rows in events.frame.groupby("PARAMCD", sort=False):
        label = str(rows["PARAM"].iloc[0]) if "PARAM" in rows else str(code)
        codes = pd.to_numeric(rows["CNSR"], errors="coerce")
        happened, censored = (codes == 0).to_numpy(), (codes > 0).to_numpy()
        if _REVERSE.search(label):
            continue
        if "EVNTDESC" in rows:
            texts = rows["EVNTDESC"].fillna("")
            as_censored = texts.str.contains(_CENSORED).to_numpy(dtype=bool)
            as_event = texts.str.contains(_HAPPENED).to_numpy(dtype=bool) & ~as_censored
            told = as_censored | as_event
            wrong = (happened & as_censored) | (censored & as_event)
            if told.any() and wrong.sum() > _MOST * told.sum():
                says = (
                    "says the reverse of EVNTDESC in most rows; CNSR is 0 for an event and "
                    "positive for a censored patient. Exchange the codes."
                )
                faults.append(Violation(f"ADTTE CNSR of {code}", says))
        if str(code).strip() == "OS" or _DEATH.search(label):
            faults += _death_faults(str(code), rows[_KEY], happened, censored, subjects.frame)
    return faults


def _death_faults(
    code: str,
    keys: pd.Series,
    happened: NDArray[np.bool_],
    censored: NDArray[np.bool_],
    subjects: pd.DataFrame,
) -> list[Violation]:
    if "DTHFL" not in subjects:
        return []
    flags = subjects.set_index(_KEY)["DTHFL"].reindex(keys).fillna("").eq("Y").to_numpy(dtype=bool)
    wrong = (flags & censored) | (~flags & happened)
    if not wrong.any():
        return []
    share = wrong.mean()
    says = (
        "contradicts DTHFL of ADSL in most patients; CNSR is 0 for a death. Exchange the codes."
        if share > _MOST
        else "contradicts DTHFL of ADSL in some patients; correct either."
    )
    return [Violation(f"ADTTE CNSR of {code}", says)]


def _with_parameter(
    frame: pd.DataFrame, code: str, label: str, rows: pd.DataFrame, unit: str
) -> tuple[pd.DataFrame, DraftEndpoint, list[Entry]]:
    """Give each patient the time and the event of one parameter."""
    name = words.clean_name(code, ())
    of = rows.set_index(_KEY).reindex(frame[_KEY])
    codes = pd.to_numeric(of["CNSR"], errors="coerce").to_numpy(dtype=float)
    found, why = _unit(label, rows)
    unit = found or unit
    time = f"{name}_{unit}" if unit else f"{name}_time"
    event = f"{name}_event"
    times = pd.to_numeric(of["AVAL"], errors="coerce").to_numpy(dtype=float)
    happened = np.where(np.isnan(codes), "", np.where(codes == 0, "yes", "no"))
    frame = frame.assign(**{time: times, event: happened})
    missing = bool(np.isnan(codes).any() or np.isnan(times).any())
    follow_up = Entry(time, time, f"Time of {code}", "duration", unit=unit, has_missing=missing)
    follow_up.notes.append(f"AVAL of {code} ({label}); unit: {why if found else 'as was stated'}")
    if not unit:
        follow_up.unit_question = f"is AVAL of {code} ({label}) in days, weeks, months or years?"
    occurred = Entry(event, event, f"Event of {code}", "binary", has_missing=missing)
    occurred.notes.append("yes where CNSR is 0, no where it is positive" + _reasons(rows, codes))
    note = [f"{label}: parameter {code} of ADTTE"]
    endpoint = DraftEndpoint(name, _title(label), time, event, True, note, {})
    return frame, endpoint, [follow_up, occurred]


def _unit(label: str, rows: pd.DataFrame) -> tuple[str, str]:
    """Find the unit of AVAL: in AVALU, in the words of PARAM, or by the dates."""
    stated = _constant(rows, "AVALU")
    if stated and words.time_unit(stated):
        return words.time_unit(stated), "AVALU"
    if words.time_unit(label):
        return words.time_unit(label), "the words of PARAM"
    if {"STARTDT", "ADT"} <= set(rows):
        days = _days(rows["ADT"]) - _days(rows["STARTDT"])
        values = pd.to_numeric(rows["AVAL"], errors="coerce").to_numpy(dtype=float)
        known = ~np.isnan(days) & ~np.isnan(values)
        for extra in (0, 1):
            if known.any() and np.allclose(values[known], days[known] + extra):
                how = "ADT - STARTDT" + (" + 1" if extra else "")
                return "days", f"AVAL is {how} throughout"
    return "", ""


def _days(column: pd.Series) -> NDArray[np.float64]:
    numbers = pd.to_numeric(column, errors="coerce")
    if numbers.notna().any():  # SAS counts days; only differences are taken
        counted: NDArray[np.float64] = numbers.to_numpy(dtype=float, na_value=np.nan)
        return counted
    dates = pd.to_datetime(column, format="ISO8601", errors="coerce")
    since = (dates - pd.Timestamp("1960-01-01")).dt.days
    days: NDArray[np.float64] = since.to_numpy(dtype=float, na_value=np.nan)
    return days


def _reasons(rows: pd.DataFrame, codes: NDArray[np.float64]) -> str:
    """List what stands beside each code, for the reader to compare."""
    if "EVNTDESC" not in rows:
        return "; no EVNTDESC says in words what happened, so please check one patient"
    pairs = rows.assign(CNSR=pd.to_numeric(rows["CNSR"], errors="coerce"))
    understood = pairs.groupby("CNSR")["EVNTDESC"].agg(
        lambda v: " / ".join(sorted(set(v.dropna()))[:3])
    )
    return "; " + ", ".join(f"{code:g}: {text}" for code, text in understood.items())


def _title(label: str) -> str:
    text = re.sub(r"\s*[(\[][^)\]]*[)\]]\s*$", "", label).strip() or label
    return text[:1].upper() + text[1:]


def _constant(frame: pd.DataFrame, column: str) -> str:
    if column not in frame:
        return ""
    values = frame[column].dropna().astype(str).unique()
    return str(values[0]) if len(values) == 1 else ""


def _overall_survival_first(endpoints: list[DraftEndpoint]) -> list[DraftEndpoint]:
    return sorted(endpoints, key=lambda e: e.name != "os")

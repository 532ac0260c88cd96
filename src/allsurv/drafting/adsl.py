"""The variables of ADSL, by the naming rules of ADaM and by their labels."""

from __future__ import annotations

import re
from collections.abc import Mapping

import pandas as pd

from allsurv.drafting import words
from allsurv.drafting.entry import Entry, LeftOut
from allsurv.drafting.guess import guess_column

__all__ = ["subject_entries"]

_LABELS = {
    "AGE": "Age", "SEX": "Sex", "RACE": "Race", "ETHNIC": "Ethnicity", "DTHFL": "Death",
    "TRT01P": "Planned treatment", "TRT01A": "Actual treatment",
}  # fmt: skip
_POPULATIONS = re.compile(r"(SAF|ITT|FAS|EFF|RAND|ENRL|PPROT|COMPL|COMP\d+|MITT|SCRN|PK)FL")
_DATES = re.compile(r".*(DT|DTM|TM|DTC)")
_HELPERS = re.compile(r".*(DTF|TMF)")
_LATER = re.compile(
    r"discontinu|complet|disposition|cumulative|end of|duration of treatment|last exposure|died"
    r"|death|average daily|avg daily|withdraw",
    re.IGNORECASE,
)
_LATER_NAMES = frozenset(
    {"TRTDUR", "CUMDOSE", "AVGDD", "VISNUMEN", "DISCONFL", "DSRAEFL", "DCDECOD", "DCREASCD"}
    | {"DCSREAS", "DCSREASP", "DCTREAS", "EOSSTT", "EOTSTT"}
)
_CENTRES = ("SITEID", "SITEGR1", "INVID", "INVNAM", "COUNTRY", "REGION1")


def subject_entries(
    frame: pd.DataFrame, labels: Mapping[str, str]
) -> tuple[list[Entry], list[LeftOut]]:
    """Read every variable of ADSL as ADaM names it."""
    entries: list[Entry] = []
    left_out: list[LeftOut] = []
    names = [str(c) for c in frame.columns]
    for name in names:
        label = labels.get(name, _LABELS.get(name, words.readable(name)))
        reason = _reason(name, names, frame)
        found = reason or _typed(name, label, frame, names)
        if isinstance(found, LeftOut):
            left_out.append(found)
        else:
            entries.append(found)
    return entries, left_out


def _reason(name: str, names: list[str], frame: pd.DataFrame) -> LeftOut | None:
    if name in {"SUBJID", "SCRNID", "RANDID"}:
        return LeftOut(name, "a second identifier of patients", is_personal=True)
    if name in _CENTRES:
        return LeftOut(name, "the centre can identify patients", is_personal=True)
    if _HELPERS.fullmatch(name):
        return LeftOut(name, "says how a date was imputed")
    if _DATES.fullmatch(name) and name not in {"WEIGHTBL"}:
        return LeftOut(name, "dates can identify patients; durations say the same", is_date=True)
    if name.endswith("N") and name[:-1] in names:
        return LeftOut(name, f"the number of {name[:-1]}")
    if name.endswith("U") and any(n.startswith(name[:-1]) for n in names if n != name):
        return LeftOut(name, f"the unit of {name[:-1]}")
    twin = {"TRT01A": "TRT01P", "ARM": "TRT01P", "ACTARM": "TRT01P", "ARMCD": "ARM"}.get(name, "")
    if twin in names and _same(frame[name], frame[twin]):
        return LeftOut(name, f"the same as {twin}")
    return None


def _same(one: pd.Series, other: pd.Series) -> bool:
    return bool((one.fillna("") == other.fillna("")).all())


def _typed(name: str, label: str, frame: pd.DataFrame, names: list[str]) -> Entry | LeftOut:
    cells = frame[name]
    if name == "USUBJID":
        notes = ["one per patient; never shown in a result"]
        return Entry(name, "usubjid", label, "identifier", notes=notes)
    if name.endswith("FL"):
        return _flag(name, label, cells)
    found = guess_column(name, cells, set())
    if isinstance(found, LeftOut):
        return found
    found.label = label
    if found.kind == "duration":  # a length of time, such as the duration of disease, not follow-up
        found.kind, found.known = "continuous", "baseline"
    if found.kind in {"nominal", "ordinal"}:
        _order(found, frame, names)
    if name == "AGE":
        units = list(frame["AGEU"].dropna().unique()) if "AGEU" in names else []
        found.unit = words.time_unit(str(units[0])) if len(units) == 1 else found.unit
    elif not found.unit:
        found.unit = words.unit_of(label) or words.time_unit(label) * label.lower().startswith(
            "dur"
        )
    if _LATER.search(label) or name in _LATER_NAMES:
        found.known = "post-baseline"
        found.notes.append("known after the start, because of its label: no model may use it")
    return found


def _flag(name: str, label: str, cells: pd.Series) -> Entry | LeftOut:
    values = set(cells.dropna().astype(str)) - {""}
    if not values <= {"Y", "N"}:
        return LeftOut(name, "a flag that holds more than Y and N")
    entry = Entry(name, words.clean_name(name, ()), label, "binary")
    entry.has_missing = bool((cells.isna() | (cells.astype("string") == "")).any())
    if name == "DTHFL":
        entry.known = "outcome"
    elif _POPULATIONS.fullmatch(name) or _LATER.search(label) or name in _LATER_NAMES:
        entry.known = "post-baseline"
        entry.notes.append("a flag of populations or of what came later: no model may use it")
    return entry


def _order(entry: Entry, frame: pd.DataFrame, names: list[str]) -> None:
    """Order levels as their numbers do; pooled groups of a number are ordinal."""
    twin = f"{entry.column}N"
    grouped = re.fullmatch(r".*GR\d+", entry.column) is not None
    if twin in names:
        numbers = frame.groupby(entry.column)[twin].first()
        numbers = pd.to_numeric(numbers, errors="coerce")
        entry.levels = tuple(
            sorted(entry.levels, key=lambda level: (numbers.get(level), str(level)))
        )
        entry.reference = entry.levels[0]
        entry.notes = [f"levels in the order of {twin}"]
    if grouped:
        entry.kind = "ordinal"
        entry.notes = [*entry.notes, "groups of a number, taken as ordered: check the order"]

"""A REDCap project - its data dictionary and an export - as a study file and a cohort.

The dictionary has REDCap's eighteen columns, under the names of its web pages or of its API. The
export holds raw codes, or labels; a mixture of both is refused.
"""

from __future__ import annotations

import html
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from allsurv.drafting import words
from allsurv.drafting.cohort_file import Import, finish_import
from allsurv.drafting.entry import Entry, LeftOut
from allsurv.drafting.guess import round_up
from allsurv.drafting.redcap_export import DICTIONARY_COLUMNS, MARK, restored
from allsurv.errors import CohortError, Violation
from allsurv.files import read_file
from allsurv.files.missing import MISSING_WORDS

__all__ = ["Field", "import_redcap", "read_dictionary"]

_TYPES = frozenset(
    {"text", "notes", "radio", "dropdown", "checkbox", "yesno", "truefalse", "calc", "slider"}
    | {"file", "descriptive", "sql"}
)
_OF_REDCAP = {
    "redcap_event_name": "REDCap's own column of events",
    "redcap_repeat_instrument": "REDCap's own column of repeated forms",
    "redcap_repeat_instance": "REDCap's own column of repeated forms",
    "redcap_data_access_group": "the centre that may see a patient: it can identify patients",
    "redcap_survey_identifier": "identifies who filled in a survey",
    "redcap_survey_timestamp": "REDCap's own column of surveys",
}
_PERSONAL_VALIDATIONS = frozenset({"email", "phone", "zipcode", "ssn", "mrn_10d", "postalcode"})
_BREAK = re.compile(r"\s*\|\s*")
_TAG = re.compile(r"<[^>]{0,200}>")
_MOST_SHOWN = 5


@dataclass(frozen=True)
class Field:
    """One line of a REDCap dictionary.

    Parameters
    ----------
    name, kind, label, validation, form : str
        Field name, type, label without markup, validation, and form.
    choices : mapping from str to str
        Code to label.
    minimum, maximum : float, optional
        Limits of validation.
    is_identifier, is_required : bool
        As the project marks it.
    unit : str
        Unit that note or label state in brackets.
    annotation : str
        What the project notes about the field.
    """

    name: str
    kind: str
    label: str
    form: str = ""
    validation: str = ""
    choices: Mapping[str, str] = field(default_factory=dict)
    minimum: float | None = None
    maximum: float | None = None
    is_identifier: bool = False
    is_required: bool = False
    unit: str = ""
    annotation: str = ""


def import_redcap(
    dictionary: str | os.PathLike[str],
    export: str | os.PathLike[str],
    *,
    name: str = "",
    start: str = "",
    end: str = "",
    time: str = "",
    event: str = "",
    unit: str = "",
) -> Import:
    """Make a study file and a cohort of a REDCap project.

    Parameters
    ----------
    dictionary, export : path
        The data dictionary and an export of records, CSV.
    name : str, optional
        Name of the study.
    start, end : str, optional
        Date fields between which follow-up runs; the days between them become a column, the
        dates are left out.
    time, event, unit : str, optional
        Follow-up, event and unit of time, where their names do not say it.

    Returns
    -------
    Import
        Study file, table of patients without identifiers, and what was decided.

    Raises
    ------
    CohortError
        If a file is no dictionary or no export of it, or if patients have several rows.
    ConfigError
        If a field that was named is not there.
    """
    fields = read_dictionary(Path(dictionary))
    where = Path(export)
    content = read_file(where)
    if content.frame is None:
        raise CohortError(where.name, name or "redcap", content.violations)
    frame = content.frame
    record = next(iter(fields))
    _refuse_foreign(frame, fields, where)
    frame = _with_codes(frame, fields, where)
    _refuse_repeats(frame, record, where)
    entries: list[Entry] = []
    left_out = [LeftOut(c, why) for c, why in _OF_REDCAP.items() if c in frame]
    for column in map(str, frame.columns):
        if column in _OF_REDCAP:
            continue
        entry = _entry(column, fields, record, frame[column])
        (entries if isinstance(entry, Entry) else left_out).append(entry)  # type: ignore[arg-type]
    return finish_import(
        frame,
        entries,
        left_out,
        name=name or where.stem,
        source=f"the REDCap dictionary {Path(dictionary).name} and {where.name}",
        understood=content.understood,
        dates=(start, end),
        outcome=(time, event, unit),
    )


def read_dictionary(path: Path) -> dict[str, Field]:
    """Read the eighteen columns of a REDCap dictionary; raises CohortError."""
    content = read_file(path, numbers=())
    if content.frame is None:
        raise CohortError(path.name, "redcap", content.violations)
    frame = content.frame.rename(columns=DICTIONARY_COLUMNS)
    frame.columns = frame.columns.str.strip().str.lower()
    lacking = [c for c in ("field_name", "field_type", "field_label") if c not in frame]
    if lacking:
        says = f"is no REDCap dictionary: it has no column {', '.join(lacking)}."
        raise CohortError(path.name, "redcap", [Violation("file", says)])
    for column in DICTIONARY_COLUMNS.values():
        if column not in frame:
            frame[column] = ""
    frame = frame.fillna("").astype(str).apply(lambda column: column.str.strip())
    fields = {
        row["field_name"]: _field(row) for row in frame.to_dict("records") if row["field_name"]
    }
    unknown = sorted({f.kind for f in fields.values()} - _TYPES)
    if unknown or not fields:
        says = f"has types that REDCap does not: {', '.join(unknown[:_MOST_SHOWN])}."
        raise CohortError(
            path.name, "redcap", [Violation("field_type", says if unknown else "is empty.")]
        )
    return fields


def _field(row: Mapping[str, str]) -> Field:
    kind = row["field_type"].lower()
    label = _plain(row["field_label"]) or row["field_name"]
    return Field(
        name=row["field_name"],
        kind=kind,
        label=label,
        form=row["form_name"],
        validation=row["text_validation_type_or_show_slider_number"].lower(),
        choices=_choices(row["select_choices_or_calculations"]) if kind in _WITH_CHOICES else {},
        minimum=_number(row["text_validation_min"]),
        maximum=_number(row["text_validation_max"]),
        is_identifier=row["identifier"].lower() in {"y", "yes", "1", "true"},
        is_required=row["required_field"].lower() in {"y", "yes", "1", "true"},
        unit=words.unit_of(label) or words.unit_of(_plain(row["field_note"])),
        annotation=row["field_annotation"],
    )


_WITH_CHOICES = frozenset({"radio", "dropdown", "checkbox"})


def _plain(text: str) -> str:
    """Take the markup out of a label."""
    return re.sub(r"\s+", " ", html.unescape(_TAG.sub(" ", text))).strip().rstrip(":")


def _choices(text: str) -> dict[str, str]:
    """Read ``1, Male | 2, Female``; a label may hold commas.

    Examples
    --------
    >>> _choices("0, No | 1, Yes, twice or more|99, Unknown")
    {'0': 'No', '1': 'Yes, twice or more', '99': 'Unknown'}
    """
    pairs = (part.partition(",") for part in _BREAK.split(text) if part.strip())
    return {code.strip(): _plain(label) or code.strip() for code, _, label in pairs}


def _number(text: str) -> float | None:
    try:
        return float(text.replace(",", "."))
    except ValueError:
        return None  # a date, or nothing: no limit of a number


def _columns_of(item: Field) -> list[str]:
    if item.kind == "checkbox":
        return [f"{item.name}___{_code_of_column(code)}" for code in item.choices]
    return [item.name]


def _code_of_column(code: str) -> str:
    """Write a checkbox's code as REDCap does in the names of its columns: -1 becomes _1."""
    return code.lower().replace("-", "_")


def _refuse_foreign(frame: pd.DataFrame, fields: Mapping[str, Field], where: Path) -> None:
    known = {column for item in fields.values() for column in _columns_of(item)}
    known |= {f"{item.form}_complete" for item in fields.values()} | set(_OF_REDCAP)
    names = list(map(str, frame.columns))
    if not set(names) & known:
        says = (
            "are none of the dictionary's fields; export the records with 'CSV / Microsoft Excel "
            "(raw data)', whose header holds field names."
        )
        raise CohortError(where.name, "redcap", [Violation("columns", says)])
    unknown = [n for n in names if n not in known]
    if unknown:
        shown = ", ".join(unknown[:_MOST_SHOWN])
        says = f"{len(unknown)} are not in the dictionary ({shown}); export both anew."
        raise CohortError(where.name, "redcap", [Violation("columns", says)])


def _refuse_repeats(frame: pd.DataFrame, record: str, where: Path) -> None:
    if record not in frame or not frame[record].duplicated().any():
        return
    says = (
        "has several rows for a patient (events or repeated forms); export one event, or a report "
        "with one row per patient."
    )
    raise CohortError(where.name, "redcap", [Violation(record, says)])


def _with_codes(frame: pd.DataFrame, fields: Mapping[str, Field], where: Path) -> pd.DataFrame:
    """Turn an export of labels into codes; refuse a mixture of both."""
    changed, faults, raw, labelled = frame.copy(), [], [], []
    for item in fields.values():
        codes = _codes(item)
        for column in _columns_of(item):
            if not codes or column not in frame:
                continue
            cells = frame[column].astype("string").str.strip()
            known = cells[~cells.isin(MISSING_WORDS)].dropna()
            by_label = {label.casefold(): code for code, label in codes.items()}
            is_code, is_label = known.isin(list(codes)), known.str.casefold().isin(by_label)
            bad = ~(is_code | is_label)
            if bad.any():
                rows = tuple(int(i) + 1 for i in known.index[bad])
                says = f"hold none of its choices; allowed are {', '.join(codes)}, or their labels."
                faults.append(Violation(column, says, rows))
            only_codes, only_labels = (is_code & ~is_label).any(), (is_label & ~is_code).any()
            if item.kind in _WITH_CHOICES:  # a yes is a yes, in raw exports too
                raw += [column] * bool(only_codes)
                labelled += [column] * bool(only_labels)
            if only_labels:
                changed[column] = _as_codes(cells, by_label)
    if raw and labelled:
        says = (
            f"are a mixture of codes ({', '.join(raw[:_MOST_SHOWN])}) and labels "
            f"({', '.join(labelled[:_MOST_SHOWN])}); export either."
        )
        faults.append(Violation("columns", says))
    if faults:
        raise CohortError(where.name, "redcap", faults)
    return changed


def _as_codes(cells: pd.Series, by_label: Mapping[str, str]) -> pd.Series:
    texts = ["" if pd.isna(v) else str(v) for v in cells]
    return pd.Series([by_label.get(v.casefold(), v) for v in texts], cells.index, dtype=object)


def _codes(item: Field) -> dict[str, str]:
    if item.kind in {"radio", "dropdown"}:
        return dict(item.choices)
    if item.kind == "checkbox":
        return {"0": "Unchecked", "1": "Checked"}
    if item.kind == "yesno":
        return {"0": "No", "1": "Yes"}
    return {"0": "False", "1": "True"} if item.kind == "truefalse" else {}


def _entry(
    column: str, fields: Mapping[str, Field], record: str, cells: pd.Series
) -> Entry | LeftOut:
    """Read a field as the project defines it."""
    item = fields.get(column)
    if item is None:
        item = next((f for f in fields.values() if column in _columns_of(f)), None)
    if item is None:
        return LeftOut(column, "whether a form is complete")
    if column == record:
        if item.is_identifier:
            return LeftOut(column, "marked as an identifier in REDCap", is_personal=True)
        notes = ["the record number; never shown in a result"]
        return Entry(column, words.clean_name(column, ()), item.label, "identifier", notes=notes)
    reason = _reason_to_leave_out(item)
    if reason:
        return reason
    texts = cells.astype("string").str.strip()
    known = texts[~texts.isin(MISSING_WORDS)].dropna()
    entry = Entry(column, words.clean_name(column, ()), item.label, "nominal", unit=item.unit)
    entry.has_missing = len(known) < len(cells)
    if known.empty:
        return LeftOut(column, "holds no value")
    found = _typed(entry, item, known)
    return restored(found, item.annotation) if isinstance(found, Entry) else found


def _reason_to_leave_out(item: Field) -> LeftOut | None:
    if item.is_identifier:
        return LeftOut(item.name, "marked as an identifier in REDCap", is_personal=True)
    if item.validation in _PERSONAL_VALIDATIONS:
        return LeftOut(
            item.name, f"a field of {item.validation} identifies patients", is_personal=True
        )
    if words.has_word(item.name, words.PERSONAL | words.BIRTHS):
        return LeftOut(item.name, "identifies patients, or may", is_personal=True)
    if item.validation.startswith(("date", "datetime", "time")):
        return LeftOut(
            item.name, "dates can identify patients; durations say the same", is_date=True
        )
    if item.kind in {"notes", "file", "descriptive", "sql"}:
        return LeftOut(item.name, f"a field of type '{item.kind}' is no variable", is_personal=True)
    return None


def _typed(entry: Entry, item: Field, known: pd.Series) -> Entry | LeftOut:
    if item.kind == "checkbox":
        code = next(c for c in item.choices if entry.column.endswith(f"___{_code_of_column(c)}"))
        entry.kind, entry.label = "binary", f"{item.label}: {item.choices[code]}"
        entry.notes.append("a box: 0 means not ticked, which is 'no' only where the form was seen")
    elif item.kind in {"yesno", "truefalse"}:
        entry.kind = "binary"
    elif item.kind in {"radio", "dropdown"}:
        _chosen(entry, item)
    elif item.kind in {"calc", "slider"} or item.validation.startswith(("integer", "number")):
        numbers = pd.to_numeric(known, errors="coerce")
        if numbers.isna().all():
            return LeftOut(entry.column, "a calculation that gives no numbers")
        _measured(entry, item, numbers)
    else:
        return LeftOut(
            entry.column, "free text without validation may identify patients", is_personal=True
        )
    return entry


def _chosen(entry: Entry, item: Field) -> None:
    """Take choices as levels; those that say "unknown" mean no value."""
    is_ours = MARK in item.annotation
    unknown = [c for c, label in item.choices.items() if _means_unknown(label) and not is_ours]
    codes = [c for c in item.choices if c not in unknown]
    if set(codes) == {"0", "1"} and not is_ours:
        entry.kind = "binary"
        entry.level_labels = {True: item.choices["1"], False: item.choices["0"]}
    else:
        whole = all(re.fullmatch(r"-?\d+", code) for code in codes)
        levels = [int(code) if whole else code for code in codes]
        entry.levels = tuple(levels)
        entry.reference = levels[0]
        pairs = zip(levels, codes, strict=True)
        entry.level_labels = {level: item.choices[code] for level, code in pairs}
        if words.has_word(entry.column, words.GRADES):
            entry.kind = "ordinal"
            entry.notes.append("taken as ordered, because of its name")
        else:
            entry.notes.append(
                "choices in the project's order; 'ordinal' if that order has a meaning"
            )
    if unknown:
        entry.missing_codes = tuple(int(c) if re.fullmatch(r"-?\d+", c) else c for c in unknown)
        labels = ", ".join(f"'{item.choices[c]}'" for c in unknown)
        entry.notes.append(f"{labels} read as missing, because of its label")


def _means_unknown(label: str) -> bool:
    text = label.lower().strip(" .")
    return text in {
        "unknown",
        "not known",
        "missing",
        "unk",
        "n/a",
        "na",
        "not available",
        "not done",
    }


def _measured(entry: Entry, item: Field, numbers: pd.Series) -> None:
    values = numbers.dropna()
    is_calc = item.kind == "calc" or words.has_word(entry.column, words.TIMES)
    if words.is_time(entry.column) and is_calc and float(values.min()) >= 0:
        entry.kind, entry.known = "duration", "post-baseline"
        entry.unit = words.time_unit(entry.column) or words.time_unit(item.label)
        if not entry.unit:
            entry.unit_question = (
                f"are the values of '{entry.column}' days, weeks, months or years?"
            )
        return
    is_whole = item.validation.startswith("integer") or bool((values == values.round()).all())
    entry.kind = "integer" if is_whole else "continuous"
    entry.minimum, entry.maximum = item.minimum, item.maximum
    if item.minimum is None and item.maximum is None:
        low, high = float(values.min()), float(values.max())
        entry.minimum = 0.0 if low >= 0 else -round_up(-2 * low)
        entry.maximum = round_up(2 * high) if high > 0 else 0.0
        entry.notes.append("no limits in REDCap: twice what was seen, rounded")
    else:
        entry.notes.append("limits as validated in REDCap")

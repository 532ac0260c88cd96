"""A study's data dictionary as a REDCap dictionary, which can be imported again unchanged.

What REDCap has no column for - kind, unit, when a value is known - is kept in the annotation of the
field, where REDCap ignores it and :func:`allsurv.drafting.redcap.import_redcap` reads it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

import pandas as pd

from allsurv.dictionary.variable import Variable
from allsurv.drafting.entry import Entry
from allsurv.study.spec import Study

__all__ = ["DICTIONARY_COLUMNS", "MARK", "redcap_dictionary", "restored"]

DICTIONARY_COLUMNS = {
    "Variable / Field Name": "field_name",
    "Form Name": "form_name",
    "Section Header": "section_header",
    "Field Type": "field_type",
    "Field Label": "field_label",
    "Choices, Calculations, OR Slider Labels": "select_choices_or_calculations",
    "Field Note": "field_note",
    "Text Validation Type OR Show Slider Number": "text_validation_type_or_show_slider_number",
    "Text Validation Min": "text_validation_min",
    "Text Validation Max": "text_validation_max",
    "Identifier?": "identifier",
    "Branching Logic (Show field only if...)": "branching_logic",
    "Required Field?": "required_field",
    "Custom Alignment": "custom_alignment",
    "Question Number (surveys only)": "question_number",
    "Matrix Group Name": "matrix_group_name",
    "Matrix Ranking?": "matrix_ranking",
    "Field Annotation": "field_annotation",
}
"""The eighteen columns: on the web page, and in the API."""

MARK = "@ALLSURV="
_FORM = "patients"
_KEPT = ("kind", "unit", "column_unit", "reference", "transform", "known", "required", "table")


def redcap_dictionary(study: Study) -> pd.DataFrame:
    """Write the variables of a study as the eighteen columns of a REDCap dictionary.

    Parameters
    ----------
    study : Study
        Its identifier, if it has one, becomes the record; derived variables are left out, as
        they follow from the others.

    Returns
    -------
    DataFrame
        One row per field, to be saved as CSV and uploaded to REDCap.
    """
    given = [v for v in study.variables.values() if v.derivation is None]
    given.sort(key=lambda variable: variable.kind != "identifier")  # the first field is the record
    rows = [_row(variable) for variable in given]
    return pd.DataFrame(
        {page: [row.get(api, "") for row in rows] for page, api in DICTIONARY_COLUMNS.items()}
    )


def _row(variable: Variable) -> dict[str, str]:
    kept = {key: getattr(variable, key) for key in _KEPT if getattr(variable, key)}
    if variable.missing_codes:
        kept["missing_codes"] = list(variable.missing_codes)
    row = {
        "field_name": variable.column,
        "form_name": _FORM,
        "field_type": "text",
        "field_label": variable.label,
        "required_field": "y" if variable.required else "",
        "field_annotation": MARK + json.dumps(kept, ensure_ascii=False, sort_keys=True),
    }
    if variable.is_yes_no:
        row["field_type"] = "yesno"
    elif variable.has_levels:
        row["field_type"] = "radio"
        pairs = [f"{level}, {variable.level_label(level)}" for level in variable.levels]
        row["select_choices_or_calculations"] = " | ".join(pairs)
    elif variable.is_number:
        check = "integer" if variable.kind == "integer" else "number"
        row["text_validation_type_or_show_slider_number"] = check
        row["text_validation_min"] = _limit(variable.minimum)
        row["text_validation_max"] = _limit(variable.maximum)
    return row


def _limit(value: float | None) -> str:
    return "" if value is None else f"{value:.15g}"


def restored(entry: Entry, annotation: str) -> Entry:
    """Give a field back what its annotation keeps; do nothing where there is none.

    Examples
    --------
    >>> entry = Entry("stage", "stage", "Stage", "nominal")
    >>> restored(entry, '@ALLSURV={"kind": "ordinal", "known": "post-baseline"}').kind
    'ordinal'
    """
    _, mark, text = annotation.partition(MARK)
    if not mark:
        return entry
    try:
        kept, _ = json.JSONDecoder().raw_decode(text)
    except json.JSONDecodeError:
        return entry
    if not isinstance(kept, Mapping) or kept.get("kind") not in _KINDS:
        return entry
    entry.kind = kept["kind"]
    entry.unit = str(kept.get("unit", ""))
    entry.column_unit = str(kept.get("column_unit", ""))
    entry.reference = kept.get("reference")
    entry.transform = "log" if kept.get("transform") == "log" else ""
    entry.known = kept["known"] if kept.get("known") in _KNOWN else "baseline"
    entry.required = bool(kept.get("required"))
    codes = kept.get("missing_codes", [])
    entry.missing_codes = tuple(codes) if isinstance(codes, list) else ()
    entry.unit_question = ""
    entry.notes = ["as the annotation of the REDCap field says"]
    return entry


_KINDS = frozenset(
    {"identifier", "continuous", "integer", "binary", "marker", "nominal", "ordinal", "duration"}
)
_KNOWN = frozenset({"baseline", "post-baseline", "outcome"})

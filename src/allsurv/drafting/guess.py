"""What a column of a file is, guessed from its header and its values."""

from __future__ import annotations

import re
from math import floor, log10

import numpy as np
import pandas as pd

from allsurv.drafting import words
from allsurv.drafting.entry import Entry, LeftOut
from allsurv.files.missing import MISSING_WORDS

__all__ = ["guess_column", "round_up"]

_YES_NO = frozenset(["yes", "no", "y", "n", "true", "false", "t", "f", "ja", "nein", "oui", "non"])
_READ_AS_YES_NO = frozenset(["yes", "no", "y", "n", "true", "false", "t", "f", "1", "0"])
_DATE = re.compile(
    r"(\d{4}-\d{1,2}-\d{1,2}|\d{1,2}[./-]\d{1,2}[./-](\d{4}|\d{2})|\d{4}/\d{1,2}/\d{1,2}"
    r"|\d{1,2}-?[A-Za-z]{3}-?\d{4})([ T]\d{1,2}:\d{2}(:\d{2})?.*)?"
)
_CODES = (-9.0, -99.0, -999.0, -9999.0, -1.0, 9.0, 99.0, 999.0, 9999.0, 99999.0)
"""Numbers that data managers write for "not known"."""

_ORDERS = (
    ("low", "intermediate", "high"),
    ("low", "medium", "high"),
    ("mild", "moderate", "severe"),
    ("none", "mild", "moderate", "severe"),
    ("i", "ii", "iii", "iv"),
    ("poor", "moderate", "well"),
    ("good", "fair", "poor"),
)
_MOST_LEVELS = 12
_FEW_LEVELS = 6
_DIFFERENT = 0.2
"""Share of rows with an identifier of their own: several rows per patient are found by check."""

_LARGEST_CODE = 10
_NEARLY_ALL = 0.8
_SKEWED = 20.0
_FAR = 3.0


def guess_column(
    header: str, cells: pd.Series, taken: set[str], *, spread: float = 2.0
) -> Entry | LeftOut:
    """Guess the line of the data dictionary for one column, or say why it is left out.

    Limits of numbers are ``spread`` times what was seen.
    """
    texts = _texts(cells)
    known = texts.dropna()
    distinct = known.unique().tolist()
    if not header.strip():
        return LeftOut(header, "has no name")
    personal = _personal(header)
    if personal:
        return LeftOut(header, personal, is_personal=True)
    if not distinct:
        return LeftOut(header, "holds no value")
    dates = known.str.fullmatch(_DATE).mean()
    if dates > _NEARLY_ALL or (
        words.has_word(header, ["date", "datum", "dt", "dtc"]) and dates > 0
    ):
        return LeftOut(header, "dates can identify patients; durations say the same", is_date=True)
    entry = Entry(header, words.clean_name(header, taken), words.readable(header), "nominal")
    entry.has_missing = bool(texts.isna().any())
    numbers = pd.to_numeric(known, errors="coerce")
    is_unique = len(distinct) == len(known) > 1
    if words.has_word(header, words.ROW_NUMBERS) and is_unique:
        return LeftOut(header, "numbers the rows")
    if words.has_word(header, words.IDENTIFIERS) and len(distinct) > _DIFFERENT * len(known):
        entry.kind = "identifier"
        entry.notes.append("one per patient; never shown in a result")
        return entry
    if len(distinct) == 1 and not words.has_word(header, words.EVENTS):
        return LeftOut(header, "has the same value in every row")
    if words.has_word(header, words.CENTRES) and len(distinct) > _FEW_LEVELS:
        return LeftOut(header, "the centre can identify patients", is_personal=True)
    if numbers.notna().mean() > _NEARLY_ALL:
        return _of_numbers(entry, numbers, len(distinct), spread)
    return _of_texts(entry, known, distinct, is_unique)


def _texts(cells: pd.Series) -> pd.Series:
    """Write cells as texts, 1.0 as 1; missing where they hold no value."""
    if cells.dtype.kind in "iufb" and not isinstance(cells.dtype, pd.CategoricalDtype):
        texts = cells.map(lambda v: f"{v:.15g}" if pd.notna(v) else None)
    else:
        texts = cells.map(lambda v: None if pd.isna(v) else str(v).strip())
    texts = texts.astype("string").str.replace(r"^([-+]?\d+)\.0+$", r"\1", regex=True)
    return texts.mask(texts.isin(MISSING_WORDS))


def _personal(header: str) -> str:
    if words.has_word(header, words.BIRTHS):
        return "a date of birth identifies patients"
    if words.has_word(header, {"mrn", "ssn", "nhs", "insurance", "passport", "hospitalnumber"}):
        return "record numbers identify patients"
    if words.has_word(header, words.PERSONAL) and not words.has_word(header, {"group", "drug"}):
        return "identifies patients, or may"
    return ""


def _of_numbers(entry: Entry, found: pd.Series, n_distinct: int, spread: float) -> Entry:
    numbers = found.dropna()
    if len(numbers) < len(found):
        entry.notes.append(
            f"{len(found) - len(numbers)} cells are no numbers: check names their rows"
        )
    values = sorted(set(numbers.tolist()))
    whole = bool((numbers == np.round(numbers)).all())
    if values in ([0.0, 1.0], [0.0], [1.0]):
        entry.kind = "binary"
        entry.notes.append("holds 0 and 1: read as no and yes")
        return entry
    is_age = words.has_word(entry.column, words.AGE)
    if words.is_time(entry.column) and min(values) >= 0 and n_distinct > _MOST_LEVELS:
        return _duration(entry)
    is_group = words.has_word(entry.column, words.GROUPS | words.EVENTS)
    few = n_distinct <= (_MOST_LEVELS if is_group else _FEW_LEVELS)
    small = is_group or max(values) <= _LARGEST_CODE
    if whole and few and small and not is_age and len(numbers) > 2 * n_distinct:
        return _codes(entry, [int(v) for v in values])
    _missing_code(entry, values)
    entry.kind = "integer" if whole else "continuous"
    entry.unit = words.unit_of(entry.column)
    _limits(entry, numbers, spread, is_age=is_age)
    return entry


def _duration(entry: Entry) -> Entry:
    entry.kind = "duration"
    entry.known = "post-baseline"
    entry.unit = words.time_unit(entry.column)
    entry.notes.append("a duration, because of its name")
    if not entry.unit:
        entry.unit_question = f"are the values of '{entry.column}' days, weeks, months or years?"
    return entry


def _codes(entry: Entry, values: list[int]) -> Entry:
    entry.levels = tuple(values)
    consecutive = values == list(range(values[0], values[-1] + 1))
    is_group = words.has_word(entry.column, words.GROUPS | words.EVENTS)
    if len(values) > 2 and consecutive and not is_group:
        entry.kind = "ordinal"
        entry.notes.append("consecutive codes, taken as ordered; nominal if they are not")
    else:
        entry.notes.append("codes, taken as unordered; say what they mean in level_labels")
    entry.reference = values[0]
    return entry


def _missing_code(entry: Entry, values: list[float]) -> None:
    """Ask whether an extreme value is a code for "not known"."""
    codes = []
    for code in _CODES:
        rest = [v for v in values if v not in _CODES]
        if code not in values or not rest:
            continue
        beyond = code > 0 and code > _FAR * max(rest)
        if beyond or (code < 0 <= min(rest)):
            codes.append(int(code))
    if codes:
        shown = ", ".join(map(str, codes))
        entry.missing_question = (
            f"'{entry.column}' holds {shown}, far from its other values. Does it mean 'not known'? "
            f"Write [{shown}] if it does, [] if it is a value"
        )
        entry.missing_codes = tuple(codes)


def _limits(entry: Entry, numbers: pd.Series, spread: float, *, is_age: bool) -> None:
    seen = numbers[~numbers.isin(entry.missing_codes)]
    low, high = float(seen.min()), float(seen.max())
    if is_age and entry.unit == "years" and high <= 120:
        entry.minimum, entry.maximum = (0.0 if low < 18 else 18.0), 120.0
        entry.notes.append("limits as for ages" + (" of adults" if low >= 18 else ""))
        return
    entry.minimum = 0.0 if low >= 0 else -round_up(-spread * low)
    entry.maximum = round_up(spread * high) if high > 0 else 0.0
    times = "twice" if spread == 2 else f"{spread:g} times"
    entry.notes.append(f"limits are {times} what was seen, rounded; a value beyond them is refused")
    if entry.unit == "%" and high <= 100:
        entry.maximum = 100.0
    middle = float(seen.median())
    if low > 0 and middle > 0 and high > _SKEWED * middle:
        entry.transform = "log"
        entry.minimum = 10.0 ** floor(log10(low / spread))
        entry.notes.append("some values are far above the median: enters models as its logarithm")


def round_up(value: float) -> float:
    """Round up to 1, 2 or 5 times a power of ten.

    Examples
    --------
    >>> [round_up(value) for value in (0.3, 7, 130, 200)]
    [0.5, 10.0, 200.0, 200.0]
    """
    power = floor(log10(value))
    for digit in (1, 2, 5, 10):
        rounded = float(f"{digit}e{power}")
        if rounded >= value * (1 - 1e-9):
            return rounded
    return float(f"1e{power + 1}")


def _of_texts(
    entry: Entry, known: pd.Series, distinct: list[str], is_unique: bool
) -> Entry | LeftOut:
    lower = {value.lower() for value in distinct}
    if lower <= _READ_AS_YES_NO and len(distinct) <= 4:
        entry.kind = "binary"
        return entry
    if len(distinct) > _MOST_LEVELS or (len(distinct) > 2 and len(known) < 2 * len(distinct)):
        reason = (
            "looks like identifiers" if is_unique else "free text, or too many different values"
        )
        return LeftOut(entry.column, reason, is_personal=True)
    order = next((o for o in _ORDERS if lower <= set(o) and len(lower) > 2), None)
    if order:
        entry.kind = "ordinal"
        entry.levels = tuple(sorted(distinct, key=lambda value: order.index(str(value).lower())))
        entry.notes.append("ordered as such words are")
    else:
        counts = known.value_counts()
        entry.levels = tuple(sorted(distinct))
        entry.reference = str(counts.index[0])
        entry.notes.append("levels as found; the commonest is the reference")
        if lower <= _YES_NO:
            entry.notes.append("these look like yes and no in another language")
    return entry

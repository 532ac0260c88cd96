"""How a text file of patients is laid out: remarks, separator, column names, decimal sign."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import islice

from allsurv.files.answers import FileAnswers
from allsurv.files.decimals import find_decimal

__all__ = ["REMARK", "Layout", "Unreadable", "find_layout"]

REMARK = "# "
"""A line before the column names that starts so says where the file is from."""

SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "vertical bars"}
_EXCEL = re.compile(r'"?sep=(.)"?\r?\n', re.IGNORECASE)
"""The line by which Excel is told the separator."""

_LINES = 200
_ROWS = 2_000
_NEARLY_ALL = 0.9


class Unreadable(Exception):
    """Why a file cannot be read, as the rule of a violation."""


@dataclass(frozen=True)
class Layout:
    """How a text file is laid out.

    Parameters
    ----------
    separator : str
        Character between cells.
    names : tuple of str
        Column names, as in the file.
    start : int
        Characters before the line of column names.
    decimal_comma : bool
        Whether numbers have decimal commas.
    understood : tuple of str
        What differs from commas between cells and decimal points, for readers.
    """

    separator: str
    names: tuple[str, ...]
    start: int
    decimal_comma: bool
    understood: tuple[str, ...]


def find_layout(
    text: str, *, whole: bool, numbers: Collection[str] | None, answers: FileAnswers
) -> Layout:
    r"""Tell a text file's layout from its beginning.

    Parameters
    ----------
    text : str
        Beginning of the file, without byte order mark.
    whole : bool
        Whether that is all of it.
    numbers : collection of str, optional
        Columns that hold numbers, by which the decimal sign is told; all where left out.
    answers : FileAnswers
        What the user says.

    Raises
    ------
    Unreadable
        If it cannot be told; the rule says what to do.

    Examples
    --------
    >>> text = "id;wbc\nP1;2,29\nP2;13,98\n"
    >>> layout = find_layout(text, whole=True, numbers=None, answers=FileAnswers())
    >>> layout.names, layout.understood
    (('id', 'wbc'), ('semicolons', 'decimal commas'))
    """
    start = _start(text)
    named = _EXCEL.match(text, start)
    if named:
        start = _past_line_ends(text, named.end())
    body = text[start:]
    if not body.strip("\r\n\x1a"):
        raise Unreadable("is empty; it must have a line of column names and one line per patient.")
    separator = answers.separator or (named[1] if named else _separator(body, whole=whole))
    rows = _rows(body, separator, _ROWS, whole=whole)
    names = tuple(rows[0])
    decimal = answers.decimal or _decimal(names, rows[1:], separator, numbers)
    understood = (
        [] if separator == "," else [SEPARATORS.get(separator, f"'{separator}' between cells")]
    )
    if decimal == "comma":
        understood.append("decimal commas")
    return Layout(separator, names, start, decimal == "comma", tuple(understood))


def _start(text: str) -> int:
    """Find the first line that is neither blank nor a remark."""
    start = _past_line_ends(text, 0)
    while text.startswith(REMARK, start):
        end = text.find("\n", start)
        start = len(text) if end < 0 else end + 1
        start = _past_line_ends(text, start)
    return start


def _past_line_ends(text: str, start: int) -> int:
    return len(text) - len(text[start:].lstrip("\r\n"))


def _separator(body: str, *, whole: bool) -> str:
    """Find the character that cuts the lines into equally many cells."""
    shares = {}
    for separator in SEPARATORS:
        rows = [r for r in _rows(body, separator, _LINES, whole=whole) if any(c.strip() for c in r)]
        n = len(rows[0]) if rows else 0
        if n > 1:
            shares[separator] = sum(len(row) == n for row in rows) / len(rows)
    if not shares:
        return ","
    if len(shares) == 1:
        return next(iter(shares))
    fit = [separator for separator, share in shares.items() if share >= _NEARLY_ALL]
    whole_fit = [separator for separator in fit if shares[separator] == 1.0]
    if len(fit) == 1:
        return fit[0]
    if len(whole_fit) == 1:
        return whole_fit[0]
    words = " or ".join(SEPARATORS[s] for s in (fit or shares))
    raise Unreadable(
        f"has {words} between its cells, which cannot be told apart; say which by the option "
        "'separator', or by a first line such as sep=;."
    )


def _rows(body: str, separator: str, most: int, *, whole: bool) -> list[list[str]]:
    """Cut the first lines into cells; the last may be half a line and is left out."""
    reader = csv.reader(io.StringIO(body, newline=""), delimiter=separator)
    try:
        rows = list(islice(reader, most))
    except csv.Error:
        raise Unreadable("cannot be read as CSV; look for unclosed quotation marks.") from None
    complete = whole or len(rows) == most or len(rows) < 2
    return rows if complete else rows[:-1]


def _decimal(
    names: Sequence[str],
    rows: Sequence[Sequence[str]],
    separator: str,
    numbers: Collection[str] | None,
) -> str:
    columns = {
        name: [row[i] for row in rows if len(row) == len(names)]
        for i, name in enumerate(names)
        if numbers is None or name in numbers
    }
    decimal, where = find_decimal(columns, separator)
    if decimal == "mixed":
        raise Unreadable(
            f"has decimal commas and decimal points ({where}); correct either, or say which by "
            "the option 'decimal': the other is then no number."
        )
    if decimal == "unclear":
        raise Unreadable(
            f"has numbers such as 1,234 or 1.234 in {where} that can be a thousand and some, or "
            "one and some thousandths; say which is the decimal sign by the option 'decimal'."
        )
    return decimal

"""Decimal commas and decimal points: which a file has, and numbers with points out of either."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["Decimal", "find_decimal", "with_points"]

Decimal = Literal["", "comma", "point", "unclear", "mixed"]

_COMMA = re.compile(r"\s*[-+]?\d*,\d+([eE][-+]?\d+)?\s*")
_POINT = re.compile(r"\s*[-+]?\d*\.\d+([eE][-+]?\d+)?\s*")
_THOUSANDS = re.compile(r"\s*[-+]?[1-9]\d{0,2}[.,]\d{3}\s*")
"""One thousand and some, or one and some thousandths."""

_MOST_COLUMNS_NAMED = 3


def find_decimal(columns: Mapping[str, Sequence[str]], separator: str) -> tuple[Decimal, str]:
    """Tell the decimal sign from cells of columns that hold numbers.

    Parameters
    ----------
    columns : mapping from str to sequence of str
        Some cells of each column.
    separator : str
        Character between cells. In a file with commas between cells a point is never taken for
        a sign between thousands.

    Returns
    -------
    decimal : {"", "comma", "point", "unclear", "mixed"}
        Empty where no number has decimals; ``unclear`` where every one could be thousands;
        ``mixed`` where columns differ.
    where : str
        Columns that leave it open.

    Examples
    --------
    >>> find_decimal({"wbc": ["2,29", "13,98"], "age": ["34", "60"]}, ";")
    ('comma', '')
    >>> find_decimal({"wbc": ["1,234"]}, ";")
    ('unclear', "'wbc'")
    """
    commas: list[str] = []
    points: list[str] = []
    open_: list[str] = []
    for name, cells in columns.items():
        with_comma = [c for c in cells if _COMMA.fullmatch(c)]
        with_point = [c for c in cells if _POINT.fullmatch(c)]
        sure = any(not _THOUSANDS.fullmatch(c) for c in with_comma)
        if with_comma:
            (commas if sure else open_).append(name)
        if with_point:
            sure = separator == "," or any(not _THOUSANDS.fullmatch(c) for c in with_point)
            (points if sure else open_).append(name)
    if commas and points:
        return "mixed", _named([*commas, *points])
    if commas or points:
        return ("comma" if commas else "point"), ""
    return ("unclear", _named(open_)) if open_ else ("", "")


def _named(names: Sequence[str]) -> str:
    shown = [f"'{n}'" for n in dict.fromkeys(names)]
    more = len(shown) - _MOST_COLUMNS_NAMED
    return ", ".join(shown[:_MOST_COLUMNS_NAMED]) + (f" and {more} more" if more > 0 else "")


def with_points(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Write numbers with decimal commas with points; a cell with a point is made no number.

    Examples
    --------
    >>> import pyarrow as pa
    >>> with_points(pa.chunked_array([["2,29", "13", "1.234", "n/a", "."]])).to_pylist()
    ['2.29', '13', '1.234 (a point)', 'n/a', '.']
    """
    import pyarrow.compute as pc

    pointed = pc.match_substring_regex(column, r"\d\.|\.\d")
    column = pc.if_else(pointed, pc.binary_join_element_wise(column, "(a point)", " "), column)
    is_number = pc.match_substring_regex(column, r"^\s*[-+]?\d*,\d+([eE][-+]?\d+)?\s*$")
    return pc.if_else(is_number, pc.replace_substring(column, ",", "."), column)

"""A table as strings in rows: what HTML, LaTeX and Word print alike."""

from __future__ import annotations

import math
from dataclasses import dataclass

import pandas as pd

__all__ = ["PrintedRow", "PrintedTable", "cell_text"]


@dataclass(frozen=True)
class PrintedRow:
    """One line of a printed table.

    Attributes
    ----------
    cells : tuple of str
        One per column; the first is the row's label.
    indent : int
        How deep the label stands under its heading.
    is_heading : bool
        Whether the line has a label and nothing else.
    """

    cells: tuple[str, ...]
    indent: int = 0
    is_heading: bool = False


@dataclass(frozen=True)
class PrintedTable:
    """A table as a journal prints it.

    Attributes
    ----------
    key : str
        File names derive from it.
    title : str
        Caption.
    columns : tuple of str
        Headings; the first stands over the row labels.
    rows : tuple of PrintedRow
        Lines in their order.
    notes : tuple of str
        Footnotes.
    """

    key: str
    title: str
    columns: tuple[str, ...]
    rows: tuple[PrintedRow, ...]
    notes: tuple[str, ...] = ()


def cell_text(value: object) -> str:
    """Print one value.

    Examples
    --------
    >>> cell_text("per 10^9/L"), cell_text(float("nan"))
    ('per 10⁹/L', '')
    """
    if value is None or value is pd.NA or (isinstance(value, float) and math.isnan(value)):
        return ""
    return str(value).replace("10^9", "10⁹")

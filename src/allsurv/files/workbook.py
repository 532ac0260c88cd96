"""One sheet of an Excel workbook as a table."""

from __future__ import annotations

import re
import zipfile
import zlib
from collections.abc import Iterable
from datetime import date, datetime, time, timedelta
from itertools import dropwhile
from pathlib import Path
from typing import Any

import pandas as pd

from allsurv.errors import ConfigError
from allsurv.files.layout import Unreadable

__all__ = ["MAGIC", "read_workbook", "write_workbook"]

MAGIC = b"PK\x03\x04"
_LARGEST = 2**30
"""Bytes of an unpacked workbook: a full sheet of thirty columns has half of it."""

_MOST_CELLS = 40_000_000
_EMPTY_FORMULA = re.compile(rb"</f>(<v></v>|<v */>)?</c>|<f[^<>]*/>(<v></v>|<v */>)?</c>")
_SHEET = re.compile(r"xl/worksheets/[^/]+\.xml")
_BROKEN = (
    zipfile.BadZipFile,
    zlib.error,
    KeyError,
    ValueError,
    TypeError,
    IndexError,
    AttributeError,
    OSError,
    EOFError,
    OverflowError,
    RuntimeError,
    SyntaxError,  # of XML, as its parsers raise it
)
"""What openpyxl raises of a workbook whose parts do not fit together."""


def read_workbook(path: Path, sheet: str = "") -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Read a sheet, its name or the first; say which, and of how many."""
    _refuse_archive(path)
    openpyxl = _openpyxl()
    try:
        book = openpyxl.load_workbook(path, read_only=True, data_only=True)
        try:
            names = [s.title for s in book.worksheets]
            if not names:
                raise Unreadable("is a workbook without a sheet of cells.")
            if sheet and sheet not in names:
                listed = ", ".join(f"'{n}'" for n in names[:5])
                raise Unreadable(f"has no sheet '{sheet}'; its sheets are {listed}.")
            chosen = sheet or names[0]
            frame = _table(book[chosen].iter_rows(values_only=True))
        finally:
            book.close()
    except _BROKEN:
        raise Unreadable("is a damaged Excel workbook; save it again.") from None
    which = "" if sheet or len(names) == 1 else f", the first of {len(names)}"
    return frame, (f"Excel sheet '{chosen}'{which}",)


def write_workbook(
    frame: pd.DataFrame, path: Path, remark: str, *, sheet: str = "patients"
) -> None:
    """Write a table as the only sheet of a workbook, the remark among its properties."""
    openpyxl = _openpyxl()
    book = openpyxl.Workbook(write_only=True)
    book.properties.description = remark
    page = book.create_sheet(sheet)
    page.append(list(frame.columns))
    for row in frame.astype(object).where(frame.notna(), None).itertuples(index=False):
        page.append(list(row))
    book.save(path)


def _openpyxl() -> Any:
    try:
        import openpyxl
    except ImportError:
        raise ConfigError(
            "Excel workbooks need openpyxl, which is not installed; run: pip install "
            "'allsurv[files]', or save the sheet as CSV (UTF-8)."
        ) from None
    return openpyxl


def _refuse_archive(path: Path) -> None:
    """Refuse what is no workbook, would fill the memory, or holds formulas without results."""
    try:
        with zipfile.ZipFile(path) as archive:
            if "xl/workbook.xml" not in archive.namelist():
                raise Unreadable("is a zip archive, but no Excel workbook; unpack it.")
            if sum(item.file_size for item in archive.infolist()) > _LARGEST:
                raise Unreadable("is too large for a workbook; save the sheet as CSV (UTF-8).")
            empty = sum(
                _formulas_without_results(archive, item)
                for item in archive.infolist()
                if _SHEET.fullmatch(item.filename)
            )
    except _BROKEN:
        raise Unreadable("is a damaged Excel workbook; save it again.") from None
    if empty:
        raise Unreadable(
            f"has formulas without results ({empty}); open and save it in Excel, or replace them "
            "by their values."
        )


def _formulas_without_results(archive: zipfile.ZipFile, item: zipfile.ZipInfo) -> int:
    """Count them: read unchanged, they would be missing values that nobody notices."""
    found, rest = 0, b""
    with archive.open(item) as part:
        while block := part.read(2**20):
            block = rest + block
            cut = block.rfind(b"<c ") if len(block) < 2**24 else len(block)
            found += len(_EMPTY_FORMULA.findall(block[:cut]))
            rest = block[max(cut, 0) :]
    return found + len(_EMPTY_FORMULA.findall(rest))


def _table(rows: Iterable[tuple[Any, ...]]) -> pd.DataFrame:
    """Make the first row that holds anything the names, and the rest the cells."""
    filled = dropwhile(lambda row: all(cell is None for cell in row), rows)
    header = next(iter(filled), None)
    if header is None:
        raise Unreadable("is empty; it must have a row of column names and one row per patient.")
    body, n_cells = [], 0
    for row in filled:
        body.append(row)
        n_cells += len(row)
        if n_cells > _MOST_CELLS:
            raise Unreadable("is too large for a workbook; save the sheet as CSV (UTF-8).")
    width = max(map(len, [header, *body]))
    names = [*header, *[None] * (width - len(header))]
    body = [(*row, *[None] * (width - len(row))) for row in body]
    while names and names[-1] is None and all(row[len(names) - 1] is None for row in body):
        names.pop()
    columns = {i: _column([_cell(row[i]) for row in body]) for i in range(len(names))}
    frame = pd.DataFrame(columns, index=pd.RangeIndex(len(body)))
    frame.columns = pd.Index(["" if n is None else str(_cell(n)) for n in names], dtype=object)
    return frame


def _cell(value: object) -> object:
    """Turn a date or a time into text, so that it is never taken for a number."""
    if isinstance(value, datetime):
        has_time = value.time() != time(0)
        return value.isoformat(sep=" ") if has_time else value.date().isoformat()
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, timedelta):
        return f"{value.total_seconds() / 3600:g} h"
    return value


def _column(cells: list[object]) -> pd.Series:
    kinds = {type(cell) for cell in cells if cell is not None}
    if kinds == {int}:
        return pd.Series(cells, dtype=float if None in cells else "int64")
    if kinds and kinds <= {int, float}:
        return pd.Series(cells, dtype=float)
    return pd.Series(cells, dtype=object)

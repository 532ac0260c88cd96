"""Files of patients read a piece at a time, so that a million need no more memory than a thousand.

Cells are those :func:`allsurv.files.read_file` gives, except that a column of numbers comes as
numbers where every cell of the piece is one. Text and Parquet come in pieces, other files whole.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from pyarrow import csv as arrow

from allsurv.errors import CohortError, Violation
from allsurv.files import MISSING_WORDS, FileAnswers, read_file
from allsurv.files.content import is_text
from allsurv.files.decimals import with_points
from allsurv.files.layout import Layout, Unreadable
from allsurv.files.textfile import TextFile, survey_text
from allsurv.riskmodel.model import RiskModel

__all__ = ["Chunk", "read_chunks"]

_BLOCK = 2**19
"""Bytes read at once, and the longest row; pyarrow reads up to 32 blocks ahead."""

_ROWS = 32_768
_BYTES = 2**24
"""Rows, or bytes of cells, from which a piece is large enough."""

_BUFFER = 2**17
"""Bytes of each column of a Parquet file at once; the default is a whole row group."""

_HEAD = 2**10
_PARQUET = b"PAR1"


@dataclass(frozen=True, eq=False)
class Chunk:
    """Some successive rows of a file.

    Parameters
    ----------
    rows : ndarray of int of shape (n_rows,)
        Which data rows of the file they are, the first being 1.
    frame : DataFrame of shape (n_rows, n_columns)
        Their cells.
    broken : ndarray of int
        Data rows in between that have more or fewer cells than there are columns.
    """

    rows: NDArray[np.int64]
    frame: pd.DataFrame
    broken: NDArray[np.int64]


def read_chunks(
    path: Path, model: RiskModel, answers: FileAnswers | None = None
) -> Iterator[Chunk]:
    """Read a file of patients a piece at a time, as it is written."""

    def refuse(rule: str) -> CohortError:
        return CohortError(str(path), model.study, [Violation("file", rule)])

    try:
        with path.open("rb") as file:
            head = file.read(_HEAD)
    except FileNotFoundError:
        raise refuse("does not exist; check the path.") from None
    except OSError as error:
        raise refuse(f"cannot be opened ({error.strerror}).") from None
    numbers = _numbers(model)
    try:
        if head.startswith(_PARQUET):
            yield from _parquet(path)
        elif is_text(head, path):
            text = survey_text(path, numbers=numbers, answers=answers)
            yield from _csv(text, model, numbers)
        else:
            yield from _whole(path, model, numbers, answers)
    except Unreadable as error:
        raise refuse(str(error)) from None
    except (pa.ArrowException, OSError, ValueError) as error:
        if isinstance(error, CohortError):
            raise
        kind = "Parquet; write it again" if head.startswith(_PARQUET) else "CSV"
        raise refuse(
            f"is damaged, or cannot be read as {kind}; look for unclosed quotes."
        ) from None


def _numbers(model: RiskModel) -> set[str]:
    """Name the columns in which a model takes numbers."""
    known = [v for v in model.variables.values() if v.is_number]
    return {name for v in known for name in (v.column, v.name)}


def _whole(
    path: Path, model: RiskModel, numbers: set[str], answers: FileAnswers | None
) -> Iterator[Chunk]:
    """Give a workbook, or a file of SPSS, Stata or SAS, as one piece."""
    content = read_file(path, numbers=numbers, answers=answers)
    if content.frame is None:
        raise CohortError(str(path), model.study, content.violations)
    rows = np.arange(1, len(content.frame) + 1)
    yield Chunk(rows, content.frame, rows[:0])


def _parquet(path: Path) -> Iterator[Chunk]:
    first = 1
    with pq.ParquetFile(path, buffer_size=_BUFFER, pre_buffer=False) as file:
        names = file.schema_arrow.names
        for batch in file.iter_batches(_ROWS, use_threads=False):
            frame = (
                pa.Table.from_batches([batch])
                .rename_columns(_numbered(names))
                .to_pandas(use_threads=False)
            )
            frame.columns = pd.Index(names, dtype=object)
            rows = np.arange(first, first + len(frame))
            first += len(frame)
            yield Chunk(rows, frame.reset_index(drop=True), rows[:0])
        if first == 1:  # a table of no patients still has its header
            nothing = np.empty(0, dtype=np.int64)
            yield Chunk(nothing, _empty(names), nothing)


def _csv(text: TextFile, model: RiskModel, numbers: set[str]) -> Iterator[Chunk]:
    broken: list[int] = []

    def note(row: arrow.InvalidRow) -> str:
        broken.append(row.number - 1)
        return "skip"

    names = list(text.layout.names)
    places = {str(i) for i, name in enumerate(names) if name in numbers}
    first, blank = 1, 0
    for table in _gathered(_open_csv(text, model, note)):
        filled = _without_blank_end(table)
        empty = table.num_rows - filled
        if not filled:  # blank lines wait as a number: a file may end in them
            blank += empty
            continue
        for piece in (*_blank_rows(blank, table.schema), table.slice(0, filled)):
            rows = _numbers_of_rows(first, piece.num_rows, broken)
            first = int(rows[-1]) + 1
            frame = _frame(piece, text.layout, places)
            yield Chunk(rows, frame, _taken(broken, first))
        blank = empty
    rest = np.array(broken, dtype=np.int64)
    if len(rest) or first == 1:
        yield Chunk(rest[:0], _empty(names), rest)


def _empty(names: list[str]) -> pd.DataFrame:
    return pd.DataFrame(columns=pd.Index(names, dtype=object), dtype=object)


def _open_csv(text: TextFile, model: RiskModel, note: object) -> Iterator[pa.Table]:
    header = [str(i) for i in range(len(text.layout.names))]
    levels = {str(level) for v in model.variables.values() for level in v.levels}
    found: Iterator[pa.Table] = arrow.open_csv(
        text.open(),
        read_options=arrow.ReadOptions(
            use_threads=False, block_size=_BLOCK, column_names=header, skip_rows_after_names=1
        ),
        parse_options=arrow.ParseOptions(
            delimiter=text.layout.separator,
            newlines_in_values=True,
            ignore_empty_lines=False,
            invalid_row_handler=note,
        ),
        convert_options=arrow.ConvertOptions(
            column_types=dict.fromkeys(header, pa.string()),
            strings_can_be_null=True,
            null_values=sorted(MISSING_WORDS - levels),
        ),
    )
    return found


def _gathered(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.Table]:
    """Put small blocks together, up to what is worth scoring at once."""
    held: list[pa.RecordBatch] = []
    for batch in batches:
        held.append(batch)
        if sum(b.num_rows for b in held) >= _ROWS or sum(b.nbytes for b in held) >= _BYTES:
            yield pa.Table.from_batches(held)
            held = []
    if held:
        yield pa.Table.from_batches(held)


def _without_blank_end(table: pa.Table) -> int:
    """Count the rows up to the last that holds anything."""
    holds = np.zeros(table.num_rows, dtype=bool)
    for column in table.columns:
        holds |= column.is_valid().to_numpy()
    return int(np.flatnonzero(holds)[-1]) + 1 if holds.any() else 0


def _blank_rows(n: int, schema: pa.Schema) -> Iterator[pa.Table]:
    for start in range(0, n, _ROWS):
        size = min(_ROWS, n - start)
        yield pa.table([pa.nulls(size, kind) for kind in schema.types], schema=schema)


def _numbers_of_rows(first: int, n: int, broken: list[int]) -> NDArray[np.int64]:
    """Give good rows their numbers in the file, in which skipped ones count."""
    skipped = np.array(broken, dtype=np.int64)
    span = n
    while (reach := n + int(np.sum(skipped < first + span))) > span:
        span = reach
    return np.setdiff1d(np.arange(first, first + span), skipped)[:n]


def _taken(broken: list[int], first: int) -> NDArray[np.int64]:
    """Take the skipped rows before ``first`` off the list; the reader may be adding to its end."""
    n = bisect_left(broken, first)
    taken = np.array(broken[:n], dtype=np.int64)
    del broken[:n]
    return taken


def _frame(table: pa.Table, layout: Layout, numbers: set[str]) -> pd.DataFrame:
    columns = [
        _as_numbers(column, layout.decimal_comma) if name in numbers else column
        for name, column in zip(table.column_names, table.columns, strict=True)
    ]
    frame = pa.table(columns, names=table.column_names).to_pandas(use_threads=False)
    frame.columns = pd.Index(layout.names, dtype=object)
    return frame


def _as_numbers(column: pa.ChunkedArray, decimal_comma: bool) -> pa.ChunkedArray:
    if decimal_comma:
        column = with_points(column)
    try:
        return column.cast(pa.float64())
    except pa.ArrowInvalid:
        return column


def _numbered(names: list[str]) -> list[str]:
    return [str(i) for i in range(len(names))]

"""Files of patients: bytes in, a table of what they say out."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from allsurv.errors import Violation
from allsurv.files.answers import FileAnswers
from allsurv.files.decimals import with_points
from allsurv.files.layout import Unreadable
from allsurv.files.rows import blank_rows_at_end, words_read_as_missing
from allsurv.files.textfile import TextFile, survey_text

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["FileContent", "foreign_fault", "is_text", "read_file"]

_FOREIGN = {
    b"\xd0\xcf\x11\xe0": "is an old Excel workbook; save it as .xlsx, or the sheet as CSV (UTF-8).",
    b"\x1f\x8b": "is compressed (gzip); unpack it.",
    b"SQLite format 3": "is a database (SQLite); save the table as CSV (UTF-8).",
    b"%PDF": "is a PDF document; give the file of data.",
    b"RDX": "is an R file; write the table with write.csv or haven::write_sav.",
    b"BZh": "is compressed (bzip2); unpack it.",
}
_BLOCK = 2**22
_LONGEST_MAGIC = 2**10


@dataclass(frozen=True)
class FileContent:
    """What a file of patients holds.

    Parameters
    ----------
    frame : DataFrame of shape (n_rows, n_columns), optional
        Its cells unchanged, CSV as text; ``None`` where it cannot be read.
    digest : str
        SHA-256 of the file's bytes, in hexadecimal.
    violations : tuple of Violation
        Why it cannot be read, or which lines are broken.
    understood : tuple of str
        How it was understood, where that is not plain CSV in UTF-8.
    labels : mapping
        Column to label for readers, from files that hold labels (SPSS, Stata, SAS).
    value_labels : mapping
        Column to code to label, from the same files.
    """

    frame: pd.DataFrame | None
    digest: str
    violations: tuple[Violation, ...] = ()
    understood: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    value_labels: Mapping[str, Mapping[object, str]] = field(default_factory=dict)


def read_file(
    path: Path,
    *,
    numbers: Collection[str] | None = None,
    answers: FileAnswers | None = None,
) -> FileContent:
    """Read a file of patients; what it is is told from its bytes.

    Text (CSV and its relatives), Parquet, Excel, SPSS, Stata and SAS files.

    Parameters
    ----------
    path : Path
        The file.
    numbers : collection of str, optional
        Columns that hold numbers: only there is a decimal comma looked for, and written as a
        point. All columns where left out.
    answers : FileAnswers, optional
        What the user says where the file leaves it open.

    Returns
    -------
    FileContent
        Its table, or what is wrong with it. No line is left out but empty ones at the end.
    """
    try:
        with path.open("rb") as file:
            head = file.read(_LONGEST_MAGIC)
    except FileNotFoundError:
        return _refused("", "does not exist; check the path.")
    except IsADirectoryError:
        return _refused("", "is a folder; give the file in it.")
    except OSError as error:
        return _refused("", f"cannot be opened ({error.strerror}).")
    answers = answers or FileAnswers()
    try:
        return _read(path, head, numbers, answers)
    except Unreadable as error:
        return _refused(_digest(path), str(error))


def _read(
    path: Path, head: bytes, numbers: Collection[str] | None, answers: FileAnswers
) -> FileContent:
    from allsurv.files import statistical, workbook

    if head.startswith(b"PAR1"):
        return _read_parquet(path)
    foreign = foreign_fault(head)
    if foreign:
        raise Unreadable(foreign)
    if head.startswith(workbook.MAGIC):
        frame, understood = workbook.read_workbook(path, answers.sheet)
        return _tidied(frame, FileContent(None, _digest(path), understood=understood))
    if answers.sheet:
        raise Unreadable("is no Excel workbook, so it has no sheets; leave 'sheet' out.")
    kind = statistical.kind_of(head, path)
    if kind:
        found = statistical.read_statistical(path, kind)
        content = FileContent(
            None, _digest(path), (), (found.understood,), found.labels, found.value_labels
        )
        return _tidied(found.frame, content)
    if path.suffix.lower() in {".parquet", ".pq"}:
        raise Unreadable("is not Parquet, though its name says so.")
    return _read_text(survey_text(path, numbers=numbers, answers=answers), numbers)


def is_text(head: bytes, path: Path) -> bool:
    """Tell whether a file is taken for text: it begins like none that is not."""
    from allsurv.files import statistical, workbook

    others = (b"PAR1", workbook.MAGIC, *_FOREIGN)
    return not (
        head.startswith(others)
        or statistical.kind_of(head, path)
        or path.suffix.lower() in {".parquet", ".pq"}
    )


def foreign_fault(head: bytes) -> str:
    r"""Say what a file is that no reader is for.

    Examples
    --------
    >>> foreign_fault(b"\x1f\x8b\x08...")
    'is compressed (gzip); unpack it.'
    """
    return next((rule for magic, rule in _FOREIGN.items() if head.startswith(magic)), "")


def _refused(digest: str, *rules: str) -> FileContent:
    return FileContent(None, digest, tuple(Violation("file", rule) for rule in rules))


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _tidied(frame: pd.DataFrame, content: FileContent) -> FileContent:
    """Leave out empty rows at the end, and say so."""
    blank = blank_rows_at_end(frame)
    if not blank:
        return replace(content, frame=frame)
    noun = "row" if blank == 1 else "rows"
    understood = (*content.understood, f"{blank} empty {noun} at the end left out")
    return replace(content, frame=frame.iloc[: len(frame) - blank], understood=understood)


def _read_parquet(path: Path) -> FileContent:
    import pyarrow as pa
    import pyarrow.parquet as pq

    content = path.read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    try:
        table = pq.read_table(io.BytesIO(content))
        names = table.column_names
        frame = table.rename_columns(_numbered(names)).to_pandas(ignore_metadata=True)
    except (pa.ArrowException, OSError, ValueError, TypeError):
        return _refused(digest, "is a damaged Parquet file; write it again.")
    frame.columns = pd.Index(names, dtype=object)
    return FileContent(frame, digest)


def _read_text(text: TextFile, numbers: Collection[str] | None) -> FileContent:
    names = text.layout.names
    table, broken = _parse(text)
    if text.layout.decimal_comma:
        for i, name in enumerate(names):
            if numbers is None or name in numbers:
                table = table.set_column(i, str(i), with_points(table.column(i)))
    understood = [*text.understood, *words_read_as_missing(table)]
    frame = table.to_pandas(use_threads=False)
    del table
    if broken:
        total = len(frame) + len(broken)
        kept = pd.RangeIndex(1, total + 1).difference(pd.Index(broken), sort=False)
        frame = frame.set_axis(kept).reindex(range(1, total + 1))
    frame.columns = pd.Index(names, dtype=object)
    verb = "has" if len(broken) == 1 else "have"
    says = f"{verb} more or fewer cells than there are column names."
    faults = (Violation("file", says, broken),) if broken else ()
    content = FileContent(None, text.digest, faults, tuple(understood))
    return replace(content, frame=frame) if broken else _tidied(frame, content)


def _numbered(names: list[str]) -> list[str]:
    return [str(i) for i in range(len(names))]


def _parse(text: TextFile) -> tuple[pa.Table, tuple[int, ...]]:
    """Split lines into cells, as text; give the data rows that have another number of cells."""
    import pyarrow as pa
    from pyarrow import csv as arrow

    broken: list[int] = []

    def note(row: arrow.InvalidRow) -> str:
        broken.append(row.number - 1)
        return "skip"

    header = _numbered(list(text.layout.names))
    try:
        with text.open() as lines:
            table = arrow.read_csv(
                lines,
                read_options=arrow.ReadOptions(
                    use_threads=False, block_size=_BLOCK, column_names=header
                ),
                parse_options=arrow.ParseOptions(
                    delimiter=text.layout.separator,
                    newlines_in_values=True,
                    ignore_empty_lines=False,
                    invalid_row_handler=note,
                ),
                convert_options=arrow.ConvertOptions(
                    column_types=dict.fromkeys(header, pa.string()), strings_can_be_null=False
                ),
            )
    except UnicodeDecodeError:
        raise Unreadable(
            f"is not {text.encoding.name} text throughout; save it as CSV (UTF-8)."
        ) from None
    except pa.ArrowException:
        raise Unreadable("cannot be read as CSV; look for unclosed quotation marks.") from None
    return table.slice(1), tuple(broken)

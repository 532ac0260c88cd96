"""Files of patients: bytes in, a table of what they say out."""

from __future__ import annotations

import csv
import hashlib
import io
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from allsurv.errors import Violation

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["FileContent", "foreign_fault", "read_file"]

_FOREIGN = {
    b"PK\x03\x04": "is an Excel workbook or a zip archive; save the sheet as CSV (UTF-8).",
    b"\xd0\xcf\x11\xe0": "is an old Excel workbook; save the sheet as CSV (UTF-8).",
    b"\x1f\x8b": "is compressed (gzip); unpack it.",
    b"\xff\xfe": "is UTF-16 text; save it as CSV (UTF-8).",
    b"\xfe\xff": "is UTF-16 text; save it as CSV (UTF-8).",
    b"$FL2": "is an SPSS file; save it as CSV (UTF-8).",
    b"\x00": "is not a text file; save it as CSV (UTF-8) or Parquet.",
}
_BLOCK = 2**22
_REMARK = b"# "
"""A line before the column names that starts so says where the file is from."""
_SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "vertical bars"}


@dataclass(frozen=True)
class FileContent:
    """What a file of patients holds.

    Parameters
    ----------
    frame : DataFrame of shape (n_rows, n_columns), optional
        Its cells as they stand, CSV as text; ``None`` where it cannot be read.
    digest : str
        SHA-256 of the file's bytes, in hexadecimal.
    violations : tuple of Violation
        Why it cannot be read, or which lines are broken.
    """

    frame: pd.DataFrame | None
    digest: str
    violations: tuple[Violation, ...]


def read_file(path: Path) -> FileContent:
    """Read a CSV (UTF-8, commas) or Parquet file; which of them is told from its bytes.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    FileContent
        Its table, or what is wrong with it. No text is converted, no line left out.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return _refused("", "does not exist; check the path.")
    except IsADirectoryError:
        return _refused("", "is a folder; give the file in it.")
    except OSError as error:
        return _refused("", f"cannot be opened ({error.strerror}).")
    digest = hashlib.sha256(content).hexdigest()
    if content.startswith(b"PAR1"):
        return _read_parquet(content, digest)
    foreign = foreign_fault(content)
    if foreign:
        return _refused(digest, foreign)
    if path.suffix.lower() in {".parquet", ".pq"}:
        return _refused(digest, "is not Parquet, though its name says so.")
    return _read_csv(content, digest)


def foreign_fault(head: bytes) -> str:
    r"""Say what a file is that is neither CSV nor Parquet.

    Examples
    --------
    >>> foreign_fault(b"PK\x03\x04...")
    'is an Excel workbook or a zip archive; save the sheet as CSV (UTF-8).'
    """
    return next((rule for magic, rule in _FOREIGN.items() if head.startswith(magic)), "")


def _refused(digest: str, *rules: str) -> FileContent:
    return FileContent(None, digest, tuple(Violation("file", rule) for rule in rules))


def _read_parquet(content: bytes, digest: str) -> FileContent:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(io.BytesIO(content))
        names = table.column_names
        frame = table.rename_columns(_numbered(names)).to_pandas(ignore_metadata=True)
    except (pa.ArrowException, OSError, ValueError, TypeError):
        return _refused(digest, "is a damaged Parquet file; write it again.")
    frame.columns = pd.Index(names, dtype=object)
    return FileContent(frame, digest, ())


def _read_csv(content: bytes, digest: str) -> FileContent:
    content = content.removeprefix(b"\xef\xbb\xbf").strip(b"\r\n\x1a")
    while content.startswith(_REMARK):
        content = content.partition(b"\n")[2]
    fault = _csv_fault(content)
    if fault:
        return _refused(digest, fault)
    names = next(csv.reader(io.StringIO(content.decode("utf-8"), newline="")))
    if len(names) == 1:
        for separator, word in _SEPARATORS.items():
            if separator in names[0]:
                return _refused(digest, f"is separated by {word}; save it with commas.")
    table, broken = _parse(content + b"\n", len(names))
    if table is None:
        return _refused(digest, "cannot be read as CSV; look for unclosed quotation marks.")
    frame = table.to_pandas()
    if broken:
        total = len(frame) + len(broken)
        kept = pd.RangeIndex(1, total + 1).difference(pd.Index(broken), sort=False)
        frame = frame.set_axis(kept).reindex(range(1, total + 1))
    frame.columns = pd.Index(names, dtype=object)
    verb = "has" if len(broken) == 1 else "have"
    says = f"{verb} more or fewer cells than there are column names."
    faults = (Violation("file", says, broken),) if broken else ()
    return FileContent(frame, digest, faults)


def _csv_fault(content: bytes) -> str:
    if not content:
        return "is empty; it must have a line of column names and one line per patient."
    if b"\x00" in content:
        return "holds zero bytes; save it as CSV (UTF-8) or Parquet."
    try:
        content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        return f"is not UTF-8 (line {line}); save it as CSV (UTF-8)."
    if content.count(b'"') % 2:
        return "has an unclosed quotation mark; close it."
    return ""


def _numbered(names: list[str]) -> list[str]:
    return [str(i) for i in range(len(names))]


def _parse(content: bytes, n_columns: int) -> tuple[pa.Table | None, tuple[int, ...]]:
    """Split lines into cells, as text; give the data rows that have another number of cells."""
    import pyarrow as pa
    from pyarrow import csv as arrow

    broken: list[int] = []

    def note(row: arrow.InvalidRow) -> str:
        broken.append(row.number - 1)
        return "skip"

    header = [str(i) for i in range(n_columns)]
    try:
        table = arrow.read_csv(
            io.BytesIO(content),
            read_options=arrow.ReadOptions(
                use_threads=False, block_size=_BLOCK, column_names=header
            ),
            parse_options=arrow.ParseOptions(
                newlines_in_values=True, ignore_empty_lines=False, invalid_row_handler=note
            ),
            convert_options=arrow.ConvertOptions(
                column_types=dict.fromkeys(header, pa.string()), strings_can_be_null=False
            ),
        )
    except pa.ArrowException:
        return None, ()
    return table.slice(1), tuple(broken)

"""A card as a Word file."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from tempfile import TemporaryDirectory

from allsurv.cards.quotes import Tree, plain_text
from allsurv.cards.report.documents_word import write_word
from allsurv.cards.report.printed_table import PrintedRow, PrintedTable

__all__ = ["word_parts", "write_word_card"]

DATED = "docProps/core.xml"


def write_word_card(card: Tree) -> bytes:
    """Write a card as Word: every section a heading, its statements and tables editable."""
    opening = _statements("summary", "In five lines", card["summary"])
    tables = [opening, *(table for part in card["sections"] for table in _section(part))]
    with TemporaryDirectory() as folder:
        path = Path(folder) / "card.docx"
        write_word(tables, path, title=plain_text(card["title"]), statement=card["status"])
        return path.read_bytes()


def word_parts(raw: bytes) -> dict[str, bytes]:
    """Take a Word file apart."""
    with zipfile.ZipFile(io.BytesIO(raw)) as stored:
        return {name: stored.read(name) for name in stored.namelist() if name != DATED}


def _section(part: Tree) -> list[PrintedTable]:
    out = []
    if part["items"] or part["text"]:
        out.append(_statements(part["id"], part["title"], part["items"], part["text"]))
    for table in part["tables"]:
        rows = tuple(PrintedRow(tuple(map(plain_text, row))) for row in table["rows"])
        columns = tuple(map(plain_text, table["columns"]))
        out.append(PrintedTable(part["id"], table["caption"], columns, rows, ()))
    return out


def _statements(
    key: str, title: str, items: list[Tree], text: list[list[Tree]] | tuple[()] = ()
) -> PrintedTable:
    rows = tuple(PrintedRow((entry["label"], plain_text(entry["parts"]))) for entry in items)
    return PrintedTable(key, title, ("", ""), rows, tuple(map(plain_text, text)))

"""The tables of a reproduced paper on disk: numbers as CSV, print as LaTeX and Word."""

from __future__ import annotations

from pathlib import Path

from allsurv.cards.report.documents_latex import latex_document, latex_table
from allsurv.cards.report.documents_word import write_word
from allsurv.cards.report.printed import print_item
from allsurv.cards.report.printed_table import PrintedTable
from allsurv.reproduction.items import WITH_SUMMARY, Item, Reproduction

__all__ = ["write_documents"]

LEDGER = "ledger"


def write_documents(reproduction: Reproduction, folder: str | Path) -> tuple[Path, ...]:
    """Write every table as CSV, LaTeX and Word.

    Parameters
    ----------
    reproduction : Reproduction
        The whole analysis.
    folder : str or Path
        Made if need be.

    Returns
    -------
    tuple of Path
        ``tables/<key>.csv``, ``tables/<key>.tex``, ``tables/tables.tex`` (inputs the others) and
        ``tables.docx``; the ledger's printed form is in a file of its own, ``ledger.docx``.
    """
    folder = Path(folder)
    (folder / "tables").mkdir(parents=True, exist_ok=True)
    written: list[Path] = []
    printed: list[tuple[Item, PrintedTable]] = []
    for item in reproduction:
        table = print_item(item, reproduction.study)
        if table is None:
            continue
        printed.append((item, table))
        written += _write_table(item, table, folder / "tables")
    tables = [table for _, table in printed]
    text = latex_document(tables, statement=reproduction.statement)
    written.append(_write(folder / "tables" / "tables.tex", text))
    for name, kept in (
        ("tables.docx", [table for item, table in printed if item.kind != LEDGER]),
        ("ledger.docx", [table for item, table in printed if item.kind == LEDGER]),
    ):
        if kept:
            title, statement = reproduction.study.title, reproduction.statement
            written.append(write_word(kept, folder / name, title=title, statement=statement))
    return tuple(written)


def _write_table(item: Item, table: PrintedTable, folder: Path) -> list[Path]:
    numbers = item.extra["summary"] if item.kind in WITH_SUMMARY else item.table
    file = folder / f"{item.key}.csv"
    numbers.to_csv(file, index=False)
    return [file, _write(folder / f"{item.key}.tex", latex_table(table))]


def _write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path

"""Every published number beside the recomputed one, as printed rows."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd

from allsurv.cards.report.printed_table import PrintedRow, PrintedTable, cell_text
from allsurv.journal import percent
from allsurv.reproduction.items import Item

__all__ = [
    "LEDGER_COLUMNS",
    "NOT_RECOMPUTED",
    "ledger_rows",
    "print_ledger",
    "section_name",
    "tally",
]

LEDGER_COLUMNS = ("Statement", "Printed", "Recomputed", "Verdict", "Remark")
MATCH = {True: "agrees", False: "differs"}
NOT_RECOMPUTED = "not recomputed"


def print_ledger(item: Item) -> PrintedTable:
    """Print every published number beside the recomputed one, differing ones first."""
    rows: list[PrintedRow] = []
    for name, part in item.table.groupby("section", sort=False):
        of_section = ledger_rows(part)
        heading = f"{section_name(str(name))} ({_tally(part['match'])})"
        rows.append(_heading(heading, len(LEDGER_COLUMNS)))
        rows += [PrintedRow(row.cells, 1) for row in of_section]
    return PrintedTable(item.key, item.heading, LEDGER_COLUMNS, tuple(rows), item.notes)


def ledger_rows(part: pd.DataFrame) -> tuple[PrintedRow, ...]:
    """Print entries of a ledger, differing ones first, then those not recomputed."""
    order = np.array([1 if pd.isna(match) else 2 * bool(match) for match in part["match"]])
    return tuple(
        PrintedRow(
            (
                cell_text(record["statement"]),
                cell_text(record["printed"]),
                cell_text(record["recomputed"]),
                NOT_RECOMPUTED if pd.isna(record["match"]) else MATCH[bool(record["match"])],
                _remark(record),
            )
        )
        for record in part.iloc[order.argsort(kind="stable")].to_dict("records")
    )


def section_name(name: str) -> str:
    """Name a section of a ledger for readers.

    Examples
    --------
    >>> section_name("table1"), section_name("multivariate"), section_name("sos")
    ('Table 1', 'Multivariate', 'SOS')
    """
    if re.fullmatch(r"table\d+", name):
        return name.replace("table", "Table ")
    return name.upper() if len(name) <= 3 else name.replace("_", " ").capitalize()


def tally(match: Iterable[object]) -> dict[str, int]:
    """Count verdicts."""
    counts = {"agrees": 0, "differs": 0, NOT_RECOMPUTED: 0}
    for value in match:
        counts[NOT_RECOMPUTED if pd.isna(value) else MATCH[bool(value)]] += 1
    return counts


def _tally(match: pd.Series) -> str:
    counts = tally(match)
    agreed, of = counts["agrees"], len(match)
    return f"{agreed} of {of} agree, {percent(agreed, of):.0f}%"


def _heading(text: str, n: int) -> PrintedRow:
    return PrintedRow((text, *[""] * (n - 1)), 0, True)


def _remark(record: Mapping[str, object]) -> str:
    return cell_text(record.get("reason")) or cell_text(record.get("issue"))

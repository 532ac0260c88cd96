"""The tables of a results file held against the same tables as CSV beside it."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from allsurv.cards.quotes import Tree

__all__ = ["table_faults"]


def table_faults(folder: Path, results: Tree) -> Iterator[str]:
    """Find where the results file and its tables disagree."""
    for name, records in results["tables"].items():
        file = folder / "tables" / f"{name}.csv"
        if not file.is_file():
            yield f"tables/{file.name}: missing."
            continue
        with file.open(newline="", encoding="utf-8") as opened:
            rows = list(csv.DictReader(opened))
        different = [
            k
            for k, (row, record) in enumerate(zip(rows, records, strict=False), start=1)
            if row.keys() != record.keys() or not all(_same(row[c], record[c]) for c in row)
        ]
        if different or len(rows) != len(records):
            at = different[0] if different else min(len(rows), len(records)) + 1
            yield f"tables/{file.name}: is not what results.json holds, first in row {at}."


def _same(cell: str, value: Any) -> bool:
    if value is None or isinstance(value, bool | str):
        return cell == ("" if value is None else str(value))
    try:
        found: bool = float(cell) == value
        return found
    except ValueError:
        return False

"""The numbers behind a figure of a card, as a table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from allsurv.cards.quotes import Tree

__all__ = ["figure_data"]

LEFT_OUT = {"note", "statement", "reason", "how", "estimator", "comparison", "suppressed"}
LONGEST = 600


def figure_data(name: str, results: Tree) -> Tree | None:
    """Find the rows of the results file that a figure draws."""
    table, _, comparison = name.partition("-")
    rows = [
        row
        for row in results["tables"].get(table, [])
        if not comparison or row["comparison"] == comparison
    ]
    if not rows or len(rows) > LONGEST:
        return None
    columns = [key for key in rows[0] if key not in LEFT_OUT and _varies(rows, key)]
    return {
        "caption": f"Table {table} of the results file"
        + (f", comparison {comparison}" if comparison else ""),
        "columns": columns,
        "rows": [[_shown(row[key]) for key in columns] for row in rows],
    }


def _varies(rows: Sequence[Tree], key: str) -> bool:
    return any(row[key] != rows[0][key] for row in rows)


def _shown(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:.4g}" if isinstance(value, float) else str(value)

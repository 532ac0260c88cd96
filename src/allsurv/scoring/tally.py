"""Faults of a file counted piece by piece, in memory that does not grow with the file."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd

from allsurv.errors import Violation

__all__ = ["Tally", "write_tally"]

_MOST_REASONS = 20
_MOST_ROWS = 1000


class Tally:
    """Reasons for which rows have no risk, the first rows of each by number.

    Attributes
    ----------
    n_faulty : int
        Rows with any fault.
    """

    def __init__(self) -> None:
        self.n_faulty = 0
        self._rows: dict[str, list[int]] = {}
        self._counts: dict[str, int] = {}

    def add(self, path: Path) -> None:
        """Add what :func:`write_tally` wrote of one piece.

        Parameters
        ----------
        path : Path
            JSON.
        """
        for text, (n, rows) in json.loads(path.read_text(encoding="utf-8")).items():
            self.n_faulty += n
            if text in self._rows or len(self._rows) < _MOST_REASONS:
                known = self._rows.setdefault(text, [])
                known.extend(rows[: _MOST_ROWS - len(known)])
                self._counts[text] = self._counts.get(text, 0) + n

    def violations(self) -> list[Violation]:
        """Name the faults.

        Returns
        -------
        list of Violation
            Twenty reasons with a thousand rows each; of others how many rows there are.
        """
        found = []
        for text, rows in self._rows.items():
            column, _, rule = text.partition(": ")
            more = self._counts[text] - len(rows)
            rule += f" So do {more:,} rows more." if more else ""
            found.append(Violation(column, rule, tuple(rows)))
        others = self.n_faulty - sum(self._counts.values())
        if others:
            rule = f"has {others:,} rows more with other faults; on_error='report' names each."
            found.append(Violation("file", rule))
        return found


def write_tally(scored: pd.DataFrame, to: Path) -> None:
    """Write the faults of one piece.

    Parameters
    ----------
    scored : DataFrame of shape (n_rows, n_columns)
        With ``row`` and ``fault``.
    to : Path
        JSON: for each reason how many rows, and the first of them.
    """
    faulty = scored.loc[scored["fault"] != "", ["row", "fault"]]
    reasons = {
        str(text): (len(rows), rows.iloc[:_MOST_ROWS].tolist())
        for text, rows in faulty.groupby("fault")["row"]
    }
    to.write_text(json.dumps(reasons), encoding="utf-8")

"""A reproduced paper's tables as strings in rows: what HTML, LaTeX and Word print alike."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from allsurv.describe.journal import p_text, percent
from allsurv.plots.curve_numbers import horizon_text, median_text, percent_text
from allsurv.plots.items import item_title
from allsurv.reproduction.items import Item
from allsurv.study.spec import Study

__all__ = [
    "LEDGER_COLUMNS",
    "NOT_RECOMPUTED",
    "PrintedRow",
    "PrintedTable",
    "ledger_rows",
    "print_item",
    "print_ledger",
    "print_summary",
    "section_name",
    "tally",
]

INDENT = "  "
MOST_COLUMNS = 3
EXCLUDED = {
    "n_event_before": "had the event before it",
    "n_censored_before": "were censored before it",
    "n_later_origin": "started the clock after it",
}
MATCH = {True: "agrees", False: "differs"}
NOT_RECOMPUTED = "not recomputed"


@dataclass(frozen=True)
class PrintedRow:
    """One line of a printed table.

    Attributes
    ----------
    cells : tuple of str
        One per column; the first is the row's label.
    indent : int
        How deep the label stands under its heading.
    is_heading : bool
        Whether the line has a label and nothing else.
    """

    cells: tuple[str, ...]
    indent: int = 0
    is_heading: bool = False


@dataclass(frozen=True)
class PrintedTable:
    """A table as a journal prints it.

    Attributes
    ----------
    key : str
        File names derive from it.
    title : str
        Caption.
    columns : tuple of str
        Headings; the first stands over the row labels.
    rows : tuple of PrintedRow
        Lines in their order.
    notes : tuple of str
        Footnotes.
    """

    key: str
    title: str
    columns: tuple[str, ...]
    rows: tuple[PrintedRow, ...]
    notes: tuple[str, ...] = ()


def print_item(item: Item, study: Study) -> PrintedTable | None:
    """Print an item as a table, if it has one.

    Parameters
    ----------
    item : Item
        Of a reproduction.
    study : Study
        Names the unit of time.

    Returns
    -------
    PrintedTable or None
        Its journal-ready strings; for curves medians, survival at horizons and test; for a ledger
        every entry; ``None`` where nothing is printed.
    """
    if item.text is not None and len(item.text):
        rows = (
            _row(tuple(_cell(v) for v in values)) for values in item.text.itertuples(index=False)
        )
        columns = tuple(
            str(column).replace("n = ", "n\u00a0=\u00a0") for column in item.text.columns
        )
        return PrintedTable(item.key, item_title(item), columns, tuple(rows), item.notes)
    if item.kind == "ledger":
        return print_ledger(item)
    if item.kind == "curves" and "summary" in item.extra:
        return print_summary(item, study)
    return None


def print_summary(item: Item, study: Study) -> PrintedTable:
    """Print medians, survival at horizons and the test behind curves.

    Parameters
    ----------
    item : Item
        Curves with a ``summary``.
    study : Study
        Names the unit of time.

    Returns
    -------
    PrintedTable
        One column per curve, or one row where there are more than three.
    """
    summary, unit = item.extra["summary"], study.time.unit
    curves = [_curve(part, unit) for _, part in summary.groupby("group", sort=False)]
    measures = list(curves[0])[1:]
    if len(curves) <= MOST_COLUMNS:
        columns = ("", *(curve[""] for curve in curves))
        rows = [PrintedRow((name, *(curve[name] for curve in curves))) for name in measures]
    else:
        columns = ("", *measures)
        rows = [PrintedRow(tuple(curve.values())) for curve in curves]
    notes = [*item.notes, *_excluded(summary), "Kaplan-Meier with log-log limits."]
    if any("NR" in cell for row in rows for cell in row.cells[1:]):
        notes.append("NR, not reached.")
    if "suppressed" in summary and summary["suppressed"].any():
        notes.append("–, not shown: too few patients or events.")
    if p_value := _p_value(item):
        notes.insert(0, f"Log-rank P{p_value if p_value[0] in '<>' else f'={p_value}'}.")
    return PrintedTable(item.key, item_title(item), columns, tuple(rows), tuple(notes))


def _curve(rows: pd.DataFrame, unit: str) -> dict[str, str]:
    first = rows.iloc[0].to_dict()
    printed = {
        "": _cell(first["group_label"]),
        "Patients": _count(first["n"]),
        "Events": _count(first["n_events"]),
        f"Median, {unit} (95% CI)": median_text(first, "median", unit),
    }
    for row in rows[rows["horizon"].notna()].to_dict("records"):
        name = f"{horizon_text(float(row['horizon']), unit)} survival, % (95% CI)"
        printed[name] = percent_text(row)
    printed[f"Median follow-up, {unit} (95% CI)"] = median_text(first, "follow_up", unit)
    return printed


def print_ledger(item: Item) -> PrintedTable:
    """Print every published number beside the recomputed one, differing ones first.

    Parameters
    ----------
    item : Item
        A ledger.

    Returns
    -------
    PrintedTable
        A heading per section of the paper, one row per number.
    """
    rows: list[PrintedRow] = []
    for name, part in item.table.groupby("section", sort=False):
        of_section = ledger_rows(part)
        heading = f"{section_name(str(name))} ({_tally(part['match'])})"
        rows.append(_heading(heading, len(LEDGER_COLUMNS)))
        rows += [PrintedRow(row.cells, 1) for row in of_section]
    return PrintedTable(item.key, item_title(item), LEDGER_COLUMNS, tuple(rows), item.notes)


LEDGER_COLUMNS = ("Statement", "Printed", "Recomputed", "Verdict", "Remark")


def ledger_rows(part: pd.DataFrame) -> tuple[PrintedRow, ...]:
    """Print entries of a ledger, differing ones first, then those not recomputed.

    Parameters
    ----------
    part : DataFrame
        Rows of a ledger.

    Returns
    -------
    tuple of PrintedRow
        One per entry.
    """
    order = np.array([1 if pd.isna(match) else 2 * bool(match) for match in part["match"]])
    return tuple(
        PrintedRow(
            (
                _cell(record["statement"]),
                _cell(record["printed"]),
                _cell(record["recomputed"]),
                NOT_RECOMPUTED if pd.isna(record["match"]) else MATCH[bool(record["match"])],
                _remark(record),
            )
        )
        for record in part.iloc[order.argsort(kind="stable")].to_dict("records")
    )


def section_name(name: str) -> str:
    """Name a section of a ledger for readers.

    Parameters
    ----------
    name : str
        As in the ledger.

    Returns
    -------
    str
        For example ``Table 1`` or ``Landmark``.

    Examples
    --------
    >>> section_name("table1"), section_name("multivariate"), section_name("sos")
    ('Table 1', 'Multivariate', 'SOS')
    """
    if re.fullmatch(r"table\d+", name):
        return name.replace("table", "Table ")
    return name.upper() if len(name) <= 3 else name.replace("_", " ").capitalize()


def tally(match: Iterable[object]) -> dict[str, int]:
    """Count verdicts.

    Parameters
    ----------
    match : iterable of bool or missing
        Column of a ledger.

    Returns
    -------
    dict of str to int
        ``agrees``, ``differs``, ``not recomputed``.
    """
    counts = {"agrees": 0, "differs": 0, NOT_RECOMPUTED: 0}
    for value in match:
        counts[NOT_RECOMPUTED if pd.isna(value) else MATCH[bool(value)]] += 1
    return counts


def _tally(match: pd.Series) -> str:
    counts = tally(match)
    agreed, of = counts["agrees"], len(match)
    return f"{agreed} of {of} agree, {percent(agreed, of):.0f}%"


def _row(cells: tuple[str, ...]) -> PrintedRow:
    label = cells[0]
    indent = (len(label) - len(label.lstrip(" "))) // len(INDENT)
    heading = len(cells) > 1 and not any(cells[1:]) and bool(label.strip())
    return PrintedRow((label.strip(), *cells[1:]), indent, heading)


def _heading(text: str, n: int) -> PrintedRow:
    return PrintedRow((text, *[""] * (n - 1)), 0, True)


def _cell(value: object) -> str:
    if value is None or value is pd.NA or (isinstance(value, float) and math.isnan(value)):
        return ""
    return str(value).replace("10^9", "10⁹")


def _count(value: object) -> str:
    return "–" if pd.isna(value) else f"{int(value)}"  # type: ignore[call-overload]


def _p_value(item: Item) -> str:
    for name in ("tests", "summary"):
        table = item.extra.get(name)
        if table is not None and len(table) and "p_value" in table.columns:
            value = float(table["p_value"].astype(float).iloc[0])
            return p_text(value) if math.isfinite(value) else ""
    return ""


def _excluded(summary: pd.DataFrame) -> tuple[str, ...]:
    first = summary.iloc[0]
    at = float(first.get("landmark", math.nan))
    if not math.isfinite(at) or not set(EXCLUDED) <= set(summary.columns):
        return ()
    known = {name: first[name] for name in EXCLUDED if not pd.isna(first[name])}
    said = [f"{int(n)} {EXCLUDED[name]}" for name, n in known.items() if n]
    if len(known) < len(EXCLUDED):
        said.append("small counts are not shown")
    return (f"Excluded at the landmark: {', '.join(said) or 'nobody'}.",)


def _remark(record: dict[str, object]) -> str:
    return _cell(record.get("reason")) or _cell(record.get("issue"))

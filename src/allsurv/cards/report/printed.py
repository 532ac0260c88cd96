"""A reproduced paper's tables as strings in rows: what HTML, LaTeX and Word print alike."""

from __future__ import annotations

import math

import pandas as pd

from allsurv.cards.report.printed_incidence import print_incidence
from allsurv.cards.report.printed_ledger import print_ledger
from allsurv.cards.report.printed_table import PrintedRow, PrintedTable, cell_text
from allsurv.journal import p_text
from allsurv.plots.curve_numbers import horizon_text, median_text, percent_text, what_is_shown
from allsurv.reproduction.items import Item
from allsurv.study.spec import Study

__all__ = ["print_item", "print_summary"]

INDENT = "  "
MOST_COLUMNS = 3
EXCLUDED = {
    "n_event_before": "had the event before it",
    "n_censored_before": "were censored before it",
    "n_later_origin": "started the clock after it",
}


def print_item(item: Item, study: Study) -> PrintedTable | None:
    """Print an item as a table, if it has one."""
    if item.text is not None and len(item.text):
        rows = (
            _row(tuple(cell_text(v) for v in values))
            for values in item.text.itertuples(index=False)
        )
        columns = tuple(
            str(column).replace("n = ", "n\u00a0=\u00a0") for column in item.text.columns
        )
        return PrintedTable(item.key, item.heading, columns, tuple(rows), item.notes)
    if item.kind == "ledger":
        return print_ledger(item)
    if item.kind == "curves" and "summary" in item.extra:
        return print_summary(item, study)
    if item.kind == "incidence" and "summary" in item.extra:
        return print_incidence(item, study)
    return None


def print_summary(item: Item, study: Study) -> PrintedTable:
    """Print medians, survival at horizons and the test behind curves."""
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
    return PrintedTable(item.key, item.heading, columns, tuple(rows), tuple(notes))


def _curve(rows: pd.DataFrame, unit: str) -> dict[str, str]:
    first = rows.iloc[0].to_dict()
    printed = {
        "": cell_text(first["group_label"]),
        "Patients": _count(first["n"]),
        "Events": _count(first["n_events"]),
        f"Median, {unit} (95% CI)": median_text(first, "median", unit),
    }
    for row in rows[rows["horizon"].notna()].to_dict("records"):
        name = f"{horizon_text(float(row['horizon']), unit)} {what_is_shown(rows)}, % (95% CI)"
        printed[name] = percent_text(row)
    printed[f"Median follow-up, {unit} (95% CI)"] = median_text(first, "follow_up", unit)
    return printed


def _row(cells: tuple[str, ...]) -> PrintedRow:
    label = cells[0]
    indent = (len(label) - len(label.lstrip(" "))) // len(INDENT)
    heading = len(cells) > 1 and not any(cells[1:]) and bool(label.strip())
    return PrintedRow((label.strip(), *cells[1:]), indent, heading)


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

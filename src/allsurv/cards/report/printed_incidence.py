"""The table behind curves of events that compete: incidence of each at horizons, Gray's tests."""

from __future__ import annotations

import math

import pandas as pd

from allsurv.cards.report.printed_table import PrintedRow, PrintedTable, cell_text
from allsurv.journal import p_text
from allsurv.plots.curve_numbers import horizon_text, median_text, percent_text
from allsurv.reproduction.items import Item
from allsurv.study.spec import Study

__all__ = ["print_incidence"]

Printed = dict[tuple[str, str], str]
"""Cause and name of a line (no cause: of the group) to its cell."""


def print_incidence(item: Item, study: Study) -> PrintedTable:
    """Print, group by group, who had each event and its incidence at horizons."""
    summary, unit = item.extra["summary"], study.time.unit
    groups = [_group(part, unit) for _, part in summary.groupby("group", sort=False)]
    labels = summary.drop_duplicates("group")["group_label"].map(cell_text)
    tests = _gray(item.extra.get("tests"))
    rows: list[PrintedRow] = []
    heading = ""
    for cause, name in groups[0]:
        if cause and cause != heading:
            p_value = tests.get(cause, "")
            heads = (cause, *("" for _ in groups), *([p_value] if tests else []))
            rows.append(PrintedRow(heads, is_heading=not p_value))
            heading = cause
        cells = (name, *(group[(cause, name)] for group in groups), *([""] if tests else []))
        rows.append(PrintedRow(cells, indent=1 if cause else 0))
    notes = list(item.notes)
    if "suppressed" in summary and summary["suppressed"].any():
        notes.append("–, not shown: too few patients or events.")
    columns = ("", *labels, *(["Gray's P"] if tests else []))
    return PrintedTable(item.key, item.heading, columns, tuple(rows), tuple(notes))


def _group(rows: pd.DataFrame, unit: str) -> Printed:
    first = rows.iloc[0].to_dict()
    printed: Printed = {("", "Patients"): _count(first["n"])}
    printed[("", f"Median follow-up, {unit} (95% CI)")] = median_text(first, "follow_up", unit)
    for _, part in rows.groupby("cause", sort=False):
        cause = str(part["cause_label"].iloc[0])
        printed[(cause, "Events")] = _count(part["n_events"].iloc[0])
        for row in part[part["horizon"].notna()].to_dict("records"):
            name = f"{horizon_text(float(row['horizon']), unit)} incidence, % (95% CI)"
            printed[(cause, name)] = percent_text({**row, "survival": row["incidence"]})
    return printed


def _gray(tests: pd.DataFrame | None) -> dict[str, str]:
    if tests is None:
        return {}
    values = zip(tests["cause_label"], tests["p_value"].astype(float), strict=True)
    return {str(cause): p_text(p) if math.isfinite(p) else "–" for cause, p in values}


def _count(value: object) -> str:
    return "–" if pd.isna(value) else f"{int(value)}"  # type: ignore[call-overload]

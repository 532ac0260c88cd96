"""Tables of a paper as strings, the way a journal prints them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import pandas as pd

from allsurv.cohort.groups import OVERALL
from allsurv.describe.cox.fits import FIRTH
from allsurv.journal import p_text, per_text, ratio_text, round_half_up

__all__ = ["characteristics_text", "competing_text", "cox_text", "grades_text", "rates_text"]

INDENT = "  "
Row = dict[str, str]


def characteristics_text(table: pd.DataFrame, *, ordered: frozenset[str]) -> pd.DataFrame:
    """Print a table of characteristics."""
    heads = _heads(table)
    compared = len(heads) > 1
    rows: list[Row] = []
    for name, part in table.groupby("variable", sort=False):
        first = part.iloc[0]
        label = ", ".join(filter(None, [str(first["label"]), str(first["unit"])]))
        tested = _tested(first) if compared else {}
        levels = list(dict.fromkeys(part["level"]))
        if levels in ([""], ["true"]):
            rows.append({"": f"{label}, {first['statistic']}"} | _cells(part, heads) | tested)
            continue
        rows.append({"": f"{label}, {first['statistic']}"} | tested)
        for level in levels:
            of_level = part[part["level"] == level]
            row = {"": INDENT + str(of_level["level_label"].iloc[0])} | _cells(of_level, heads)
            if compared and name not in ordered and len(levels) > 2:
                row["P"] = _p(of_level["level_p_value"].iloc[0])
            rows.append(row)
    extra = ("P", "Test", "Standardised difference") if compared else ()
    return _frame(rows, ("", *heads.values(), *extra))


DIFFERENCE = "Difference, percentage points (95% CI)"


def rates_text(table: pd.DataFrame) -> pd.DataFrame:
    """Print a table of counts."""
    heads = _heads(table)
    rows: list[Row] = []
    section = ""
    for _, part in table.groupby("row", sort=False):
        first = part.iloc[0]
        if first["section"] and first["section"] != section:
            rows.append({"": str(first["section"])})
        section = str(first["section"])
        label = f"{INDENT if section else ''}{first['label']}"
        tested = {
            DIFFERENCE: _difference(first),
            "P": _p(first["p_value"]),
            "Test": str(first["test"]),
        }
        rows.append({"": label} | _rates(part, heads) | (tested if len(heads) > 1 else {}))
    extra = ("P", "Test") if len(heads) > 1 else ()
    if len(heads) == 3:
        extra = (DIFFERENCE, *extra)
    return _frame(rows, ("", *heads.values(), *extra))


def grades_text(table: pd.DataFrame) -> pd.DataFrame:
    """Print a table of toxicities, a column per grade."""
    everybody = table[table["group"] == OVERALL]
    grades = dict(zip(everybody["level"], everybody["level_label"], strict=True))
    heads = {level: f"{label}, n (%)" for level, label in grades.items()}
    rows = [
        {"": str(part["label"].iloc[0])}
        | {heads[level]: text for level, text in zip(part["level"], part["text"], strict=True)}
        for _, part in everybody.groupby("row", sort=False)
    ]
    return _frame(rows, ("", *heads.values()))


def cox_text(table: pd.DataFrame, *, decimals: int = 2) -> pd.DataFrame:
    """Print a table of hazard ratios."""
    several = table["analysis"].nunique() > 1
    rows: list[Row] = []
    for _, part in table.groupby("analysis", sort=False):
        if several:
            rows.append({"": str(part["analysis_label"].iloc[0])})
        shared = part["variable"].duplicated(keep=False)
        records = part.assign(shared=shared).to_dict("records")
        rows += [_cox_row(row, decimals, several) for row in records]
    columns = ["", "Patients", "Events", "Hazard ratio (95% CI)", "P", "P of proportionality"]
    if table.get("n_left_out", pd.Series([0])).fillna(1).ne(0).any():
        columns.insert(2, "Left out")
    if "variable_p_value" in table.columns:
        columns.insert(columns.index("P") + 1, "P, all levels")
    columns.append("Method")
    return _frame(rows, tuple(columns))


METHODS = {"cause_specific": "Cause-specific", "subdistribution": "Fine-Gray"}


def competing_text(table: pd.DataFrame, *, decimals: int = 2) -> pd.DataFrame:
    """Print cause-specific and Fine-Gray hazard ratios side by side, cause after cause."""
    rows: list[Row] = []
    for _, part in table.groupby("cause", sort=False):
        first = part.iloc[0]
        counts = {"Patients": _count(first["n"]), "Events": _count(first["n_events"])}
        counts |= {"Other events": _count(first["n_competing"])}
        rows.append({"": str(first["cause_label"])} | counts)
        for row in part.to_dict("records"):
            label = ", ".join(filter(None, [_string(row["label"]), per_text(_string(row["unit"]))]))
            printed = {"": INDENT + label}
            for method, name in METHODS.items():
                numbers = {
                    key: row[f"{method}_{key}"] for key in ("hazard_ratio", "lower", "upper")
                }
                printed[f"{name} hazard ratio (95% CI)"] = _ratio(numbers, decimals)
                printed[f"{name} P"] = _p(row[f"{method}_p_value"])
            rows.append(printed)
    columns = ["", "Patients", "Events", "Other events"]
    for name in METHODS.values():
        columns += [f"{name} hazard ratio (95% CI)", f"{name} P"]
    return _frame(rows, tuple(columns))


def _cox_row(row: Mapping[Any, Any], decimals: int, indented: bool) -> Row:
    label = ", ".join(filter(None, [_string(row["label"]), per_text(_string(row["unit"]))]))
    return {
        "": f"{INDENT if indented else ''}{label}",
        "Patients": _count(row["n"]),
        "Left out": _count(row.get("n_left_out", 0)),
        "Events": _count(row["n_events"]),
        "Hazard ratio (95% CI)": _ratio(row, decimals),
        "P": _p(row["p_value"]),
        "P, all levels": _p(row.get("variable_p_value", math.nan)) if row["shared"] else "",
        "P of proportionality": _p(row["ph_p_value"]),
        "Method": FIRTH if row["method"] == FIRTH else "",
    }


def _ratio(row: Mapping[Any, Any], decimals: int) -> str:
    if pd.isna(row["hazard_ratio"]):
        return "–"
    estimate, lower, upper = (
        ratio_text(float(row[name]), decimals) for name in ("hazard_ratio", "lower", "upper")
    )
    return f"{estimate} ({lower}–{upper})"


def _heads(table: pd.DataFrame) -> dict[str, str]:
    """Name each group's column, with its patients where they may be shown."""
    heads = {}
    for group, part in table.groupby("group", sort=False):
        n = part["n_group"].iloc[0]
        size = "" if pd.isna(n) else f" (n = {int(n)})"
        heads[str(group)] = f"{part['group_label'].iloc[0]}{size}"
    return heads


def _cells(part: pd.DataFrame, heads: Mapping[str, str]) -> Row:
    return {heads[str(g)]: str(t) for g, t in zip(part["group"], part["text"], strict=True)}


def _rates(part: pd.DataFrame, heads: Mapping[str, str]) -> Row:
    """Print counts with the exact limits of their percent."""
    cells: Row = {}
    for row in part.to_dict("records"):
        limits = ""
        if pd.notna(row["lower"]):
            limits = f" [{round_half_up(row['lower']):.0f}–{round_half_up(row['upper']):.0f}]"
        cells[heads[str(row["group"])]] = f"{row['text']}{limits}"
    return cells


def _difference(first: pd.Series) -> str:
    if pd.isna(first["difference"]):
        return ""
    numbers = (first[name] for name in ("difference", "difference_lower", "difference_upper"))
    value, lower, upper = (
        f"{round_half_up(float(x)) + 0.0:.0f}".replace("-", "−") for x in numbers
    )
    return f"{value} ({lower} to {upper})"


def _tested(first: pd.Series) -> Row:
    difference = first["difference"]
    return {
        "P": _p(first["p_value"]),
        "Test": _string(first["test"]),
        "Standardised difference": "" if pd.isna(difference) else f"{abs(difference):.2f}",
    }


def _p(value: object) -> str:
    return "" if pd.isna(value) else p_text(float(value))  # type: ignore[arg-type]


def _count(value: object) -> str:
    return "" if pd.isna(value) else str(int(value))  # type: ignore[call-overload]


def _string(value: object) -> str:
    return "" if value is None or pd.isna(value) else str(value)


def _frame(rows: list[Row], columns: tuple[str, ...]) -> pd.DataFrame:
    used = [c for c in columns if c in ("",) or any(row.get(c) for row in rows)]
    return pd.DataFrame([{c: row.get(c, "") for c in used} for row in rows], columns=used)

"""What is printed beside a survival curve: median and survival at a horizon, with limits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from allsurv.journal import number_text, round_half_up

__all__ = ["curve_numbers", "horizon_text", "median_text", "percent_text", "what_is_shown"]

HIDDEN = "–"
YEAR = {"days": 365.25, "weeks": 52.17857142857143}


def curve_numbers(
    summary: pd.DataFrame | None, groups: Sequence[str], unit: str
) -> tuple[str, ...]:
    """Print median and survival at the last horizon that each curve reaches."""
    if summary is None:
        return ("",) * len(groups)
    return tuple(_numbers(summary[summary["group"] == group], unit) for group in groups)


def what_is_shown(table: pd.DataFrame) -> str:
    """Say what a curve is the share of: survival, unless deaths are censored.

    Examples
    --------
    >>> what_is_shown(pd.DataFrame({"censors_deaths": [True]}))
    'free of the event, deaths censored'
    """
    if "censors_deaths" in table.columns and table["censors_deaths"].any():
        return "free of the event, deaths censored"
    return "survival"


def horizon_text(horizon: float, unit: str) -> str:
    """Name a horizon as readers do.

    Examples
    --------
    >>> horizon_text(36, "months"), horizon_text(1826, "days"), horizon_text(4, "months")
    ('3-year', '5-year', '4-month')
    """
    years = horizon / YEAR.get(unit, 12.0 if unit == "months" else 1.0)
    if unit and years > 0.5 and abs(years - round(years)) < 0.005:
        return f"{round(years)}-year"
    return f"{horizon:g}-{unit.removesuffix('s')}" if unit else f"{horizon:g}"


def median_text(row: Mapping[str, Any], name: str, unit: str) -> str:
    """Print a median time with its limits.

    Examples
    --------
    >>> median_text({"median": 17, "median_lower": 10.94, "median_upper": None}, "median", "months")
    '17 (10.9–NR)'
    >>> median_text(dict.fromkeys(["median", "median_lower", "median_upper"]), "median", "months")
    'NR'
    """
    columns = (name, f"{name}_lower", f"{name}_upper")
    if row.get("suppressed", False) and all(pd.isna(row[column]) for column in columns):
        return HIDDEN
    decimals = 0 if unit == "days" else 1
    value, lower, upper = (
        "NR" if pd.isna(row[column]) else number_text(float(row[column]), decimals)
        for column in columns
    )
    return value if {value, lower, upper} == {"NR"} else f"{value} ({lower}–{upper})"


def percent_text(row: Mapping[str, Any]) -> str:
    """Print survival in percent with its limits.

    Examples
    --------
    >>> percent_text({"survival": 0.11, "lower": 0.0083, "upper": 0.35})
    '11 (0.8–35)'
    """
    value, lower, upper = (_percent(row[name]) for name in ("survival", "lower", "upper"))
    return value if value == HIDDEN else f"{value} ({lower}–{upper})"


def _numbers(rows: pd.DataFrame, unit: str) -> str:
    said = []
    median = median_text(rows.iloc[0].to_dict(), "median", unit) if len(rows) else HIDDEN
    if median != HIDDEN:
        value, _, limits = median.partition(" ")
        reached = "not reached" if value == "NR" else f"{value} {unit}"
        said.append(f"median {reached} (95% CI {limits[1:]}" if limits else f"median {reached}")
    known = rows[rows["survival"].notna()]
    if len(known):
        row = known.sort_values("horizon").iloc[-1]
        value, limits = percent_text(row.to_dict()).split(" ", 1)
        said.append(f"{horizon_text(float(row['horizon']), unit)} {value}% {limits}")
    return ", ".join(said)


def _percent(value: Any) -> str:
    if pd.isna(value):
        return HIDDEN
    share = 100 * float(value)
    return f"{round_half_up(share, 1 if 0 < share < 1 else 0):g}"

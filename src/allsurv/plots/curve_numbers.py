"""What is printed beside a survival curve: median and survival at a horizon, with limits."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import pandas as pd

from allsurv.describe.journal import number_text, round_half_up

__all__ = ["curve_numbers", "horizon_text"]

YEAR = {"days": 365.25, "weeks": 52.17857142857143}


def curve_numbers(
    summary: pd.DataFrame | None, groups: Sequence[str], unit: str
) -> tuple[str, ...]:
    """Print median and survival at the last horizon that each curve reaches.

    Parameters
    ----------
    summary : DataFrame or None
        From ``survival_summary`` or ``comparison_summary``.
    groups : sequence of str
        Curves in their order.
    unit : str
        Unit of time.

    Returns
    -------
    tuple of str
        One per curve, such as ``median 17 months (95% CI 11–28), 3-year 40% (30–49)``; empty where
        nothing is known.
    """
    if summary is None:
        return ("",) * len(groups)
    return tuple(_numbers(summary[summary["group"] == group], unit) for group in groups)


def horizon_text(horizon: float, unit: str) -> str:
    """Name a horizon as readers do.

    Parameters
    ----------
    horizon : float
        Time, in the unit.
    unit : str
        Unit of time.

    Returns
    -------
    str
        In years where they are whole, a day or two apart.

    Examples
    --------
    >>> horizon_text(36, "months"), horizon_text(1826, "days"), horizon_text(4, "months")
    ('3-year', '5-year', '4-month')
    """
    years = horizon / YEAR.get(unit, 12.0 if unit == "months" else 1.0)
    if unit and years > 0.5 and abs(years - round(years)) < 0.005:
        return f"{round(years)}-year"
    return f"{horizon:g}-{unit.removesuffix('s')}" if unit else f"{horizon:g}"


def _numbers(rows: pd.DataFrame, unit: str) -> str:
    said = []
    if len(rows) and pd.notna(rows.iloc[0]["n"]):
        said.append(_median(rows.iloc[0].to_dict(), unit))
    known = rows[rows["survival"].notna()]
    if len(known):
        row = known.sort_values("horizon").iloc[-1]
        numbers = [_percent(row[name]) for name in ("survival", "lower", "upper")]
        said.append(
            f"{horizon_text(float(row['horizon']), unit)} {numbers[0]}% ({numbers[1]}–{numbers[2]})"
        )
    return ", ".join(said)


def _median(row: dict[str, Any], unit: str) -> str:
    decimals = 0 if unit == "days" else 1
    value, lower, upper = (
        number_text(float(row[name]), decimals) if pd.notna(row[name]) else "NR"
        for name in ("median", "median_lower", "median_upper")
    )
    if value == "NR":
        return f"median not reached (95% CI {lower}–{upper})"
    return f"median {value} {unit} (95% CI {lower}–{upper})"


def _percent(value: Any) -> str:
    if pd.isna(value):
        return "–"
    share = 100 * float(value)
    return f"{round_half_up(share, 1 if share < 1 else 0):g}" if math.isfinite(share) else "–"

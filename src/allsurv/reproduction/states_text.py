"""Tables of states as strings, the way a journal prints them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from allsurv.journal import number_text, p_text, per_text, ratio_text

__all__ = ["probabilities_text", "transitions_text"]

NONE = "–"
INDENT = "  "


def probabilities_text(table: pd.DataFrame, unit: str) -> pd.DataFrame:
    """Print the probability of each state at horizons, and mean time in it up to the last."""
    several = table["group"].nunique() > 1
    rows: list[dict[str, str]] = []
    for _, of_group in table.groupby("group", sort=False):
        first = of_group.iloc[0]
        rows.append({"": f"{first['group_label']} (n = {int(first['n'])})"} if several else {})
        for _, part in of_group.groupby("state", sort=False):
            row = {"": f"{INDENT if several else ''}{part['state_label'].iloc[0]}"}
            for record in part.to_dict("records"):
                row[f"{record['horizon']:g} {unit}, % (95% CI)"] = _percent(record)
            name = f"Mean {unit} by {part['horizon'].iloc[-1]:g} (95% CI)"
            rows.append(row | {name: _time(part.iloc[-1].to_dict())})
    kept = [row for row in rows if row]
    columns = list(dict.fromkeys(name for row in kept for name in row))
    return pd.DataFrame(kept, columns=columns).fillna("")


def transitions_text(table: pd.DataFrame, *, decimals: int = 2) -> pd.DataFrame:
    """Print hazard ratios, transition after transition."""
    rows: list[dict[str, str]] = []
    for _, part in table.groupby(["state", "to"], sort=False):
        first = part.iloc[0]
        moves = f"{int(first['n_moves'])}"
        rows.append({"": f"{first['state_label']} to {first['to_label']}", "Moves": moves})
        for row in part.to_dict("records"):
            label = ", ".join(filter(None, [str(row["label"]), per_text(str(row["unit"]))]))
            known = not pd.isna(row["p_value"])
            rows.append(
                {
                    "": INDENT + label,
                    "Hazard ratio (95% CI)": _ratio(row, decimals) if known else NONE,
                    "P": p_text(float(row["p_value"])) if known else NONE,
                }
            )
    columns = ["", "Moves", "Hazard ratio (95% CI)", "P"]
    return pd.DataFrame(rows, columns=columns).fillna("")


def _percent(row: Mapping[Any, Any]) -> str:
    if pd.isna(row["probability"]):
        return NONE
    value, lower, upper = (
        number_text(100 * float(row[k]), 0) for k in ("probability", "lower", "upper")
    )
    return f"{value} ({lower}–{upper})"


def _time(row: Mapping[Any, Any]) -> str:
    names = ("mean_time", "mean_time_lower", "mean_time_upper")
    if pd.isna(row["mean_time"]):
        return NONE
    value, lower, upper = (number_text(float(row[name]), 1) for name in names)
    return f"{value} ({lower}–{upper})"


def _ratio(row: Mapping[Any, Any], decimals: int) -> str:
    estimate, lower, upper = (
        ratio_text(float(row[name]), decimals) for name in ("hazard_ratio", "lower", "upper")
    )
    return f"{estimate} ({lower}–{upper})"

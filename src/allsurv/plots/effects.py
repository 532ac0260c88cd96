"""Effects with their limits on a log axis: hazard ratios of Cox models, published against ours."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pandas as pd
from matplotlib.axes import Axes

from allsurv.journal import p_text, per_text
from allsurv.plots.forest import Line, draw_forest, effect_line, heading_line, said
from allsurv.plots.paper import INK, Pen, check_table, finish, pen, root_figure

__all__ = ["plot_findings", "plot_hazard_ratios"]

ESTIMATES = ("hazard_ratio", "lower", "upper")
SHRINKAGE = "× is the model as it stands; the marker and its limits have its shrinkage undone."


def plot_hazard_ratios(
    table: pd.DataFrame,
    *,
    title: str = "",
    caption: str | None = None,
    width: float = 7.2,
) -> Axes:
    """Draw the hazard ratios of one or several Cox analyses as a forest plot.

    Parameters
    ----------
    table : DataFrame
        From ``cox_table`` or ``analysis_table``; of several analyses one after another each gets
        a heading.
    title : str, default=""
        Above the figure.
    caption : str, optional
        Below it; the table's own source where not given.
    width : float, default=7.2
        Of the figure, in inches.

    Returns
    -------
    Axes
        One line per row of the table, in its order; log axis.

    Raises
    ------
    ConfigError
        If the table has other columns, or no rows.
    """
    check_table(table, ("label", *ESTIMATES), "plot_hazard_ratios")
    caption = str(table.attrs.get("source", "")) if caption is None else caption
    headed = "analysis" in table.columns and table["analysis"].nunique() > 1
    rows: list[Line] = []
    for _, part in table.groupby("analysis", sort=False) if headed else [("", table)]:
        if headed:
            rows.append(heading_line(_heading(part), width))
        rows += [_hazard_ratio(record) for record in part.to_dict("records")]
    axes = draw_forest(rows, "Hazard ratio (95% CI)", "P", width)
    alt = f"Forest plot of hazard ratios: {title or 'Cox regression'}. {said(rows)}"
    finish(root_figure(axes), title=title, caption=caption, alt=alt)
    return axes


def plot_findings(
    table: pd.DataFrame,
    *,
    title: str = "",
    caption: str | None = None,
    width: float = 7.2,
) -> Axes:
    """Draw published effects beside those of models.

    Parameters
    ----------
    table : DataFrame
        ``finding``, ``label``, ``unit``, ``source`` (``published`` or a model's name),
        ``estimate``, ``lower``, ``upper``; or as from ``compare_findings``.
    title : str, default=""
        Above the figure.
    caption : str, optional
        Below it; the table's own source where not given.
    width : float, default=7.2
        Of the figure, in inches.

    Returns
    -------
    Axes
        Per finding a heading, the published effect and one line per model; log axis. Effects of
        numbers are those of the whole contrast; where a model's shrinkage was undone, a cross
        shows the model as it stands.

    Raises
    ------
    ConfigError
        If the table has other columns, or no rows.
    """
    long = _one_row_per_source(table)
    check_table(long, ("finding", "label", "source", "estimate", "lower", "upper"), "plot_findings")
    caption = str(table.attrs.get("source", "")) if caption is None else caption
    if "plain" in long and (long["plain"] != long["estimate"])[long["plain"].notna()].any():
        caption = f"{caption} {SHRINKAGE}".strip()
    sources = [s for s in dict.fromkeys(long["source"]) if s != "published"]
    rows: list[Line] = []
    for _, part in long.groupby("finding", sort=False):
        first = part.iloc[0]
        rows.append(heading_line(f"{first['label']}{_per(first)}", width))
        for record in part.to_dict("records"):
            source = str(record["source"])
            style = Pen(INK, "-", "s") if source == "published" else pen(sources.index(source))
            numbers = [record[name] for name in ("estimate", "lower", "upper")]
            name = "Published" if source == "published" else source
            row = effect_line(f"{name}", numbers, "", style)
            rows.append(replace(row, plain=float(record.get("plain", math.nan))))
    axes = draw_forest(rows, "Hazard ratio (95% CI)", "", width)
    alt = f"Published and modelled hazard ratios: {title or 'findings'}. {said(rows)}"
    finish(root_figure(axes), title=title, caption=caption, alt=alt)
    return axes


def _heading(part: pd.DataFrame) -> str:
    """Name an analysis, with its patients and events where all its rows are of the same."""
    first = part.iloc[0]
    name = str(first.get("analysis_label") or first["analysis"])
    counts = [part.get(column) for column in ("n", "n_events")]
    if any(count is None or count.isna().any() or count.nunique() != 1 for count in counts):
        return name
    return f"{name} ({first['n']:.0f} patients, {first['n_events']:.0f} events)"


def _hazard_ratio(record: dict[str, Any]) -> Line:
    p_value = float(record.get("p_value", math.nan))
    numbers = [record[name] for name in ESTIMATES]
    label = f"{record['label']}{_per(record)}"
    return effect_line(label, numbers, f"{p_text(p_value):>7}", Pen(INK, "-", "s"))


def _per(record: Mapping[str, Any] | pd.Series) -> str:
    unit = per_text(str(record.get("unit") or ""))
    return f", {unit}" if unit else ""


def _one_row_per_source(table: pd.DataFrame) -> pd.DataFrame:
    """Turn a comparison of findings, which has the published effect in columns, into rows.

    A number's effect is shown for its whole contrast: per unit it could not be seen.
    """
    if "source" in table.columns or "published" not in table.columns:
        return table
    model = "model_label" if "model_label" in table.columns else "model"
    ours = ("judged", "judged_lower", "judged_upper")
    if "judged" not in table.columns:
        ours = ("estimate", "lower", "upper")
    rows = []
    for _, part in table.groupby("finding", sort=False):
        head = part.iloc[0]
        span = float(head.get("span", 1.0))
        shared = {"finding": head["finding"], "label": head["label"], "unit": _unit(head, span)}
        published = [head[f"published{limit}"] for limit in ("", "_lower", "_upper")]
        rows.append(shared | {"source": "published"} | _raised(published, span))
        for record in part.to_dict("records"):
            numbers = _raised([record[name] for name in ours], span)
            plain = _raised([record["estimate"]], span)["estimate"]
            rows.append(shared | {"source": record[model], "plain": plain} | numbers)
    return pd.DataFrame(rows)


def _unit(head: pd.Series, span: float) -> str:
    if span == 1:
        return str(head.get("unit") or "")
    return f"{head['contrast']} (published {head['unit']}: {head['published']:g})"


def _raised(numbers: Sequence[float], span: float) -> dict[str, float]:
    """Hazard ratios of the whole contrast from those of one unit; missing ones stay missing."""
    return {
        name: math.nan if number is None else float(number) ** span
        for name, number in zip(("estimate", "lower", "upper"), numbers, strict=False)
    }

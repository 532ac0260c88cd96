"""Effects with their limits on a log axis: hazard ratios of Cox models, published against ours."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.transforms import blended_transform_factory

from allsurv.describe.journal import p_text, round_half_up
from allsurv.plots.paper import (
    GREY,
    INK,
    SMALL,
    TEXT,
    Pen,
    check_table,
    finish,
    make_figure,
    pen,
    root_figure,
    style_axes,
    wrap,
)

__all__ = ["plot_findings", "plot_hazard_ratios"]

ESTIMATES = ("hazard_ratio", "lower", "upper")
LABEL_WIDTH = 34
LINE = 0.165
FARTHEST = (1 / 64, 64.0)
SHRINKAGE = "× is the model as it stands; the marker and its limits have its shrinkage undone."


@dataclass(frozen=True)
class _Row:
    """One line of the figure: a heading, or an effect with limits."""

    label: str
    estimate: float = math.nan
    lower: float = math.nan
    upper: float = math.nan
    text: str = ""
    style: Pen | None = None
    plain: float = math.nan

    @property
    def n_lines(self) -> int:
        return self.label.count("\n") + 1


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
    rows: list[_Row] = []
    last = None
    for record in table.to_dict("records"):
        if headed and record["analysis"] != last:
            last = record["analysis"]
            rows.append(_Row(wrap(_heading(record), _heading_width(width))))
        unit = f", {record['unit']}".replace(" %", "%") if record.get("unit") else ""
        p_value = float(record.get("p_value", math.nan))
        rows.append(
            _effect(
                f"{record['label']}{unit}",
                [record[name] for name in ESTIMATES],
                f"{p_text(p_value):>7}",
                Pen(INK, "-", "s"),
            )
        )
    axes = _forest(rows, "Hazard ratio (95% CI)", "P", width)
    alt = f"Forest plot of hazard ratios: {title or 'Cox regression'}. {_said(rows)}"
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
    rows: list[_Row] = []
    for _, part in long.groupby("finding", sort=False):
        first = part.iloc[0]
        unit = f", {first['unit']}".replace(" %", "%") if first.get("unit") else ""
        rows.append(_Row(wrap(f"{first['label']}{unit}", _heading_width(width))))
        for record in part.to_dict("records"):
            source = str(record["source"])
            style = Pen(INK, "-", "s") if source == "published" else pen(sources.index(source))
            numbers = [record[name] for name in ("estimate", "lower", "upper")]
            name = "Published" if source == "published" else source
            row = _effect(f"{name}", numbers, "", style)
            rows.append(replace(row, plain=float(record.get("plain", math.nan))))
    axes = _forest(rows, "Hazard ratio (95% CI)", "", width)
    alt = f"Published and modelled hazard ratios: {title or 'findings'}. {_said(rows)}"
    finish(root_figure(axes), title=title, caption=caption, alt=alt)
    return axes


def _heading_width(width: float) -> int:
    """Characters of bold print that fit across the figure."""
    return int(width * 72 / (TEXT * 0.7))


def _heading(record: dict[str, Any]) -> str:
    name = str(record.get("analysis_label") or record["analysis"])
    counts = [record.get("n"), record.get("n_events")]
    if any(count is None or count != count for count in counts):
        return name
    return f"{name} ({counts[0]:.0f} patients, {counts[1]:.0f} events)"


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


def _effect(label: str, numbers: Sequence[object], p_value: str, style: Pen) -> _Row:
    estimate, lower, upper = (float(x) if x is not None else math.nan for x in numbers)  # type: ignore[arg-type]
    text = "–"
    if math.isfinite(estimate):
        decimals = 3 if math.isfinite(upper) and upper - lower < 0.1 else 2
        shown = [f"{round_half_up(x, decimals):.{decimals}f}" for x in (estimate, lower, upper)]
        text = shown[0]
        if math.isfinite(lower) and math.isfinite(upper):
            text += f" ({shown[1]}–{shown[2]})"
    return _Row(
        wrap(label, LABEL_WIDTH), estimate, lower, upper, f"{text}\t{p_value}".strip(), style
    )


def _forest(rows: Sequence[_Row], first: str, second: str, width: float) -> Axes:
    heights = np.array([row.n_lines * LINE + 0.1 for row in rows])
    middles = np.cumsum([0.0, *heights[:-1]]) + heights / 2
    figure = make_figure(width, float(heights.sum()) + 1.35)
    axes = figure.subplots()
    style_axes(axes)
    low, high = _span(rows)
    axes.set_xscale("log")
    axes.set_xlim(low, high)
    axes.set_ylim(float(heights.sum()), 0.0)
    for row, middle, half in zip(rows, middles, heights / 2, strict=True):
        if row.style is not None:
            axes.plot([1, 1], [middle - half, middle + half], color=GREY, linewidth=0.8, zorder=0)
        _whisker(axes, row, float(middle), low, high)
    axes.set_yticks(middles, [row.label if row.style else "" for row in rows])
    axes.tick_params(axis="y", length=0, pad=6)
    axes.spines["left"].set_visible(False)
    for tick in axes.get_yticklabels():
        tick.set_linespacing(1.05)
    from_left = blended_transform_factory(figure.transFigure, axes.transData)
    for row, middle in zip(rows, middles, strict=True):
        if row.style is None:
            axes.text(
                0.012,
                float(middle),
                row.label,
                transform=from_left,
                va="center",
                fontsize=TEXT,
                fontweight="bold",
                color=INK,
                in_layout=False,
            )
    _log_ticks(axes, low, high)
    _columns(axes, rows, middles, first, second)
    for text, align, shift in (("← fewer events", "right", -7), ("more events →", "left", 7)):
        axes.annotate(
            text,
            (1.0, 0.0),
            xycoords=("data", "axes fraction"),
            xytext=(shift, -20),
            textcoords="offset points",
            ha=align,
            va="top",
            fontsize=SMALL,
            color=GREY,
        )
    return axes


def _whisker(axes: Axes, row: _Row, y: float, low: float, high: float) -> None:
    if row.style is None or not math.isfinite(row.estimate):
        return
    color = row.style.color
    if math.isfinite(row.lower) and math.isfinite(row.upper):
        axes.plot(
            [max(row.lower, low), min(row.upper, high)],
            [y, y],
            color=color,
            linewidth=1.3,
            linestyle=row.style.dashes,
            solid_capstyle="butt",
        )
        for beyond, edge, marker in (
            (row.lower < low, low, "<"),
            (row.upper > high, high, ">"),
        ):
            if beyond:
                axes.plot([edge], [y], marker, color=color, markersize=5, clip_on=False)
    if low <= row.plain <= high and row.plain != row.estimate:
        axes.plot([row.plain], [y], "x", color=GREY, markersize=5)
    if low <= row.estimate <= high:
        axes.plot([row.estimate], [y], row.style.marker, color=color, markersize=5.5)


def _span(rows: Sequence[_Row]) -> tuple[float, float]:
    numbers = [x for row in rows for x in (row.estimate, row.lower, row.upper)]
    logs = np.log([x for x in numbers if math.isfinite(x) and x > 0] or [0.5, 2.0])
    low, high = min(float(logs.min()), math.log(0.8)), max(float(logs.max()), math.log(1.25))
    pad = 0.06 * (high - low)
    return max(math.exp(low - pad), FARTHEST[0]), min(math.exp(high + pad), FARTHEST[1])


def _log_ticks(axes: Axes, low: float, high: float) -> None:
    fine = [0.5, 0.7, 0.8, 0.9, 1, 1.1, 1.25, 1.5, 2]
    coarse = [0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50]
    ticks = [t for t in (fine if high / low < 4 else coarse) if low <= t <= high]
    axes.set_xticks(ticks, [f"{t:g}" for t in ticks])
    axes.set_xticks([], minor=True)


def _columns(
    axes: Axes, rows: Sequence[_Row], middles: np.ndarray, first: str, second: str
) -> None:
    """Print the numbers right of the axes: estimate with limits, and P."""
    across = axes.get_yaxis_transform()
    offsets = (10.0, 128.0)
    for row, y in zip(rows, middles, strict=True):
        for text, offset in zip(row.text.split("\t"), offsets, strict=False):
            axes.annotate(
                text.strip(),
                (1.0, float(y)),
                xycoords=across,
                xytext=(offset, 0),
                textcoords="offset points",
                va="center",
                fontsize=TEXT - 0.5,
                color=INK,
            )
    for text, offset in zip((first, second), offsets, strict=True):
        axes.annotate(
            text,
            (1.0, 1.0),
            xycoords="axes fraction",
            xytext=(offset, 2),
            textcoords="offset points",
            va="bottom",
            fontsize=SMALL,
            color=GREY,
        )


def _said(rows: Sequence[_Row]) -> str:
    parts = []
    for row in rows:
        label = row.label.replace("\n", " ")
        numbers = row.text.split("\t")[0]
        parts.append(f"{label}:" if row.style is None else f"{label} {numbers};")
    return " ".join(parts).rstrip(";") + "."

"""Kaplan-Meier curves with their limits and the numbers at risk under the axis."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import PercentFormatter
from numpy.typing import NDArray

from allsurv.errors import ConfigError
from allsurv.journal import p_text
from allsurv.plots.curve_numbers import YEAR, curve_numbers, what_is_shown
from allsurv.plots.paper import (
    GREY,
    INK,
    SMALL,
    TEXT,
    check_table,
    finish,
    make_figure,
    pen,
    style_axes,
    wrap,
)
from allsurv.plots.risk_table import count_rows, draw_at_risk, draw_counts, is_complete

__all__ = ["count_ticks", "mark_landmark", "plot_kaplan_meier", "scale_axes", "time_ticks"]

COLUMNS = ("group", "time", "n_at_risk", "survival", "lower", "upper")
LABEL_WIDTH = 24
LINE = 0.17
EVERYBODY = "All patients"
MOST_MARKS = 100
MOST_TICKS = 11
SHADE = 0.13


def plot_kaplan_meier(
    table: pd.DataFrame,
    *,
    title: str = "",
    caption: str | None = None,
    unit: str = "",
    p_value: float | None = None,
    ylabel: str = "",
    width: float = 6.4,
    limits: bool = True,
    counts: pd.DataFrame | None = None,
    summary: pd.DataFrame | None = None,
) -> Axes:
    """Draw the survival curves of one comparison.

    Parameters
    ----------
    table : DataFrame
        From ``kaplan_meier``, ``comparison_curves`` (one comparison) or ``safe_curve``.
    title : str, default=""
        Above the figure; the table's ``label`` where it has one.
    caption : str, optional
        Below it; the table's own source where not given.
    unit : str, default=""
        Unit of time; the table's own where not given.
    p_value : float, optional
        Of the log-rank test, printed above the curves.
    ylabel : str, default=""
        What is shown; where not given ``Survival``, or, where the table says that deaths are
        censored, ``Free of the event, deaths censored``.
    width : float, default=6.4
        Of the figure, in inches.
    limits : bool, default=True
        Shade the confidence limits. Censored patients are ticks, where there are not too many.
    counts : DataFrame, optional
        ``group``, ``time``, ``n_at_risk``, and ``n_censored`` and ``n_events`` so far: printed
        under the axis at these times. Without it the numbers at risk of ``table`` are.
    summary : DataFrame, optional
        From ``survival_summary`` or ``comparison_summary``: median and survival at the last horizon
        are printed beside each curve's name.

    Returns
    -------
    Axes
        The curves; the numbers at risk are the figure's second axes.

    Raises
    ------
    ConfigError
        If the table has other columns, no rows, or several comparisons.

    Notes
    -----
    Steps, limits and numbers are those of the table; a coarse curve, without ``n_events``, is drawn
    in straight lines from point to point. A number at risk stands under a time only
    where the table gives it for that very time.
    """
    check_table(table, COLUMNS, "plot_kaplan_meier")
    if "comparison" in table.columns and table["comparison"].nunique() > 1:
        raise ConfigError(
            "plot_kaplan_meier: the table holds several comparisons; draw one at a time."
        )
    unit = unit or str(table.attrs.get("unit", ""))
    ylabel = ylabel or what_is_shown(table).capitalize()
    caption = str(table.attrs.get("source", "")) if caption is None else caption
    title = title or (str(table["label"].iloc[0]) if "label" in table.columns else "")
    groups = list(dict.fromkeys(table["group"]))
    labels = [_label(table, group) for group in groups]
    ticks = time_ticks(table, unit) if counts is None else count_ticks(counts)
    # One curve left of several, the others being too small to show, keeps its name.
    several = len(groups) > 1 or not _is_everybody(table, labels[0], title)
    beside = [wrap(label, LABEL_WIDTH) for label in labels] if several else ["All"]
    beside = ["Censored"] if counts is not None else beside
    numbers = curve_numbers(summary, groups, unit)
    above = _legend_texts(labels if several else [""], numbers, _legend_width(width, beside))
    under = LINE * (_n_lines(beside) if counts is None else count_rows(labels, width))
    over = 1.15 * LINE * (_n_lines(above) * any(above) + (p_value is not None))
    figure = make_figure(width, 3.5 + over + under + 0.3 * bool(title))
    axes, below = figure.subplots(2, 1, sharex=True, gridspec_kw={"height_ratios": [2.5, under]})
    shade = min(SHADE, 0.36 / len(groups)) if limits else 0.0
    for index, (group, label) in enumerate(zip(groups, above, strict=True)):
        _draw(axes, table[table["group"] == group], index, label, shade)
    scale_axes(axes, ticks, unit, ylabel, float(table["time"].max()))
    mark_landmark(axes, table)
    if counts is None:
        draw_at_risk(below, table, groups, beside if several else ["All"], ticks)
    else:
        draw_counts(below, counts, groups, labels, ticks)
    _legend(axes, any(above), p_value)
    alt = _alt(table, groups, numbers, title, unit, p_value)
    finish(figure, title=title, caption=caption, alt=alt)
    found: Axes = axes
    return found


def _legend_texts(labels: Sequence[str], numbers: Sequence[str], width: int) -> list[str]:
    """Name and numbers of each curve, each starting a line of its own."""
    pairs = zip(labels, numbers, strict=True)
    return ["\n".join(wrap(part, width) for part in pair if part) for pair in pairs]


def count_ticks(counts: pd.DataFrame) -> NDArray[np.float64]:
    """Take the times of a table of counts, or so many of them as have room."""
    times = np.unique(counts["time"].to_numpy(float))
    return np.asarray(times[:: math.ceil(times.size / MOST_TICKS)], dtype=np.float64)


def mark_landmark(axes: Axes, table: pd.DataFrame) -> None:
    """Mark the landmark by a thin line: before it nobody could have the event."""
    at = float(table["landmark"].iloc[0]) if "landmark" in table.columns else math.nan
    if math.isfinite(at) and at > 0:
        axes.axvline(at, color=GREY, linewidth=0.8, linestyle=(0, (1, 2)), zorder=0)


def _label(table: pd.DataFrame, group: str) -> str:
    rows = table[table["group"] == group]
    return str(rows["group_label"].iloc[0]) if "group_label" in rows.columns else str(group)


def _is_everybody(table: pd.DataFrame, label: str, title: str) -> bool:
    """Tell whether the only curve is of all patients, not of one group."""
    named = str(table["label"].iloc[0]) if "label" in table.columns else title
    return "group_label" not in table.columns or label in {EVERYBODY, title, named}


def _legend_width(width: float, beside: Sequence[str]) -> int:
    """Characters that fit between the labels of the numbers at risk and the right edge."""
    longest = max(len(line) for label in beside for line in label.split("\n"))
    points = width * 72 - longest * SMALL * 0.62 - 95
    return max(12, int(points / (TEXT * 0.62)))


def _n_lines(labels: Sequence[str]) -> int:
    return sum(label.count("\n") + 1 for label in labels)


def _draw(axes: Axes, part: pd.DataFrame, index: int, label: str, shade: float) -> None:
    part = part[part["survival"].notna()]
    style = pen(index)
    time, survival = part["time"].to_numpy(float), part["survival"].to_numpy(float)
    # A coarse curve is known at its points only: steps between them would hold it too high.
    is_whole = "n_events" in part.columns
    axes.plot(
        time,
        survival,
        drawstyle="steps-post" if is_whole else "default",
        color=style.color,
        linestyle=style.dashes,
        linewidth=1.6,
        label=label,
        gid=f"curve-{index}",
    )
    if shade:
        axes.fill_between(
            time,
            part["lower"].to_numpy(float),
            part["upper"].to_numpy(float),
            step="post" if is_whole else None,
            color=style.color,
            alpha=shade,
            linewidth=0,
        )
    if "n_censored" in part.columns:
        left = part["n_censored"].to_numpy(float) > 0
        if left.sum() <= MOST_MARKS:
            axes.plot(
                time[left],
                survival[left],
                "|",
                color=style.color,
                markersize=5,
                markeredgewidth=0.8,
            )


def scale_axes(axes: Axes, ticks: NDArray[np.float64], unit: str, ylabel: str, end: float) -> None:
    """Scale time, in years where the ticks are whole years, and percent."""
    style_axes(axes)
    axes.set_ylim(0, 1.02)
    axes.set_xlim(0, max(end, ticks[-1]))
    axes.yaxis.set_major_formatter(PercentFormatter(1.0))
    axes.set_ylabel(ylabel, fontsize=TEXT, color=INK)
    per_year = YEAR.get(unit)
    in_years = per_year is not None and bool(np.allclose(ticks % per_year, 0))
    shown = ticks / per_year if in_years and per_year else ticks
    axes.set_xticks(ticks, [f"{tick:g}" for tick in shown])
    axes.tick_params(labelbottom=True)
    said = "years" if in_years else unit
    axes.set_xlabel(f"Time ({said})" if said else "Time", fontsize=TEXT, color=INK)


def time_ticks(table: pd.DataFrame, unit: str) -> NDArray[np.float64]:
    """Choose the ticks of the time axis."""
    end = float(table["time"].max())
    per_year = YEAR.get(unit, 12.0 if unit == "months" else 1.0)
    steps = [per_year * k for k in (1, 2, 5, 10)]
    whole = all(is_complete(part) for _, part in table.groupby("group"))
    if unit == "months" and whole:
        steps = [1.0, 3.0, 6.0, *steps]
    if unit in YEAR and end < 2 * per_year:
        steps = [30.0, 90.0, 180.0] if unit == "days" else [4.0, 13.0, 26.0]
    if not unit:
        steps = [10.0**k * m for k in range(-2, 5) for m in (1, 2, 5)]
    step = next((s for s in steps if end / s <= 10), steps[-1] * math.ceil(end / steps[-1] / 10))
    n_ticks = int(math.floor(end / step + 1e-9)) + 1
    return np.asarray([step * k for k in range(n_ticks)], dtype=np.float64)


def _legend(axes: Axes, named: bool, p_value: float | None) -> None:
    said = ""
    if p_value is not None and math.isfinite(p_value):
        text = p_text(p_value)
        said = f"Log-rank P{text if text[0] in '<>' else f'={text}'}"
    if named:
        axes.legend(
            loc="lower left",
            bbox_to_anchor=(0.0, 1.01),
            frameon=False,
            fontsize=TEXT,
            labelcolor=INK,
            handlelength=3.2,
            borderaxespad=0.0,
            title=said or None,
            title_fontsize=TEXT,
            alignment="left",
        )


def _alt(
    table: pd.DataFrame,
    groups: Sequence[str],
    numbers: Sequence[str],
    title: str,
    unit: str,
    p_value: float | None,
) -> str:
    said = [f"Kaplan-Meier curves: {title or 'survival'}."]
    for group, known in zip(groups, numbers, strict=True):
        part = table[(table["group"] == group) & table["survival"].notna()]
        label = str(part["group_label"].iloc[0]) if "group_label" in part else group
        n = part["n_at_risk"].iloc[0]
        start = "" if pd.isna(n) else f"{int(n)} patients at the start, "
        end = part.iloc[-1]
        last = f"{100 * end['survival']:.0f}% at {end['time']:g} {unit}".rstrip()
        said.append(f"{label}: {start}{known or last}.")
    if p_value is not None and math.isfinite(p_value):
        said.append(f"Log-rank P {p_text(p_value)}.")
    return " ".join(said)

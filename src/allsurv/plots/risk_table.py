"""Counts of patients under the axis of survival curves, each under its own time."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.transforms import blended_transform_factory
from numpy.typing import NDArray

from allsurv.plots.paper import INK, SMALL, pen, root_figure, wrap

__all__ = [
    "count_rows",
    "draw_at_risk",
    "draw_counts",
    "draw_panel_counts",
    "heading_width",
    "is_complete",
    "panel_rows",
]

SAMPLE = 0.045
PANEL_NAME, PANEL_LABEL = 26, 52
COUNTS = {"n_at_risk": "At risk", "n_censored": "Censored", "n_events": "Events"}


def heading_width(width: float) -> int:
    """Count the characters of bold small print that fit across a figure."""
    return int(width * 72 * (0.97 - SAMPLE) / (SMALL * 0.68))


def count_rows(labels: Sequence[str], width: float) -> int:
    """Count the lines that the counts of :func:`draw_counts` take."""
    headings = [wrap(label, heading_width(width)) for label in labels] if len(labels) > 1 else []
    return sum(text.count("\n") + 1 for text in headings) + len(COUNTS) * len(labels)


def draw_counts(
    axes: Axes,
    counts: pd.DataFrame,
    groups: Sequence[str],
    labels: Sequence[str],
    ticks: NDArray[np.float64],
) -> None:
    """Print who is at risk, censored and has had the event by each tick, curve by curve.

    Notes
    -----
    The layout that readers preferred in the KMunicate study [1]_.

    References
    ----------
    .. [1] Morris TP, et al. BMJ Open. 2019;9(9):e030215. doi:10.1136/bmjopen-2019-030215
    """
    figure = root_figure(axes)
    from_left = blended_transform_factory(figure.transFigure, axes.transData)
    places: list[float] = []
    names: list[str] = []
    at = 0.0
    for index, (group, label) in enumerate(zip(groups, labels, strict=True)):
        if len(groups) > 1:
            text = wrap(label, heading_width(figure.get_figwidth()))
            lines = text.count("\n") + 1
            style = pen(index)
            (sample,) = axes.plot(
                [0.012, 0.012 + SAMPLE],
                [at + 0.5, at + 0.5],
                color=style.color,
                linestyle=style.dashes,
                linewidth=1.6,
                transform=from_left,
                clip_on=False,
            )
            sample.set_in_layout(False)
            axes.text(
                0.022 + SAMPLE,
                at + lines / 2,
                text,
                transform=from_left,
                va="center",
                fontsize=SMALL,
                fontweight="bold",
                color=INK,
                in_layout=False,
            )
            at += lines
        part = counts[counts["group"] == group].set_index("time")
        for column, name in COUNTS.items():
            _print_row(axes, part[column], ticks, at + 0.5, INK)
            places.append(at + 0.5)
            names.append(name)
            at += 1
    _bare(axes, at, places, names)


def panel_rows(n_groups: int, n_causes: int) -> int:
    """Count the lines that the counts of :func:`draw_panel_counts` take."""
    return n_groups * (n_causes + 2 + (n_groups > 1))


def draw_panel_counts(
    axes: Axes,
    counts: pd.DataFrame,
    groups: Mapping[str, str],
    columns: Mapping[str, str],
    ticks: NDArray[np.float64],
) -> None:
    """Print chosen columns of counts by each tick, group after group, under one of several panels.

    The name of a group is on a line of its own, beside a sample of its curve.
    """
    places: list[float] = []
    names: list[str] = []
    at = 0.0
    for index, (group, label) in enumerate(groups.items()):
        if len(groups) > 1:
            _group_line(axes, index, label, at + 0.5)
            at += 1
        part = counts[counts["group"] == group].set_index("time")
        for column, name in columns.items():
            _print_row(axes, part[column], ticks, at + 0.5, INK)
            places.append(at + 0.5)
            names.append(textwrap.shorten(name, PANEL_NAME, placeholder="…"))
            at += 1
    _bare(axes, at, places, names)


def _group_line(axes: Axes, index: int, label: str, y: float) -> None:
    inside = blended_transform_factory(axes.transAxes, axes.transData)
    style = pen(index)
    (sample,) = axes.plot(
        [0.0, 0.07], [y, y], color=style.color, linestyle=style.dashes, linewidth=1.6,
        transform=inside, clip_on=False,
    )  # fmt: skip
    sample.set_in_layout(False)
    axes.text(
        0.09, y, textwrap.shorten(label, PANEL_LABEL, placeholder="…"), transform=inside,
        va="center", fontsize=SMALL, fontweight="bold", color=INK, in_layout=False,
    )  # fmt: skip


def draw_at_risk(
    axes: Axes,
    table: pd.DataFrame,
    groups: Sequence[str],
    labels: Sequence[str],
    ticks: NDArray[np.float64],
) -> None:
    """Print the numbers at risk that a table of curves gives, one line a curve."""
    heights = [label.count("\n") + 1 for label in labels]
    middles = np.cumsum([0, *heights[:-1]]) + np.array(heights) / 2
    _bare(axes, float(sum(heights)), middles.tolist(), labels)
    blank = False
    for index, (group, middle) in enumerate(zip(groups, middles, strict=True)):
        color = pen(index).color if len(groups) > 1 else INK
        axes.get_yticklabels()[index].set_color(color)
        part = table[table["group"] == group]
        known = {float(t): _at_risk(part, float(t)) for t in ticks}
        blank |= None in known.values()
        _print_row(axes, pd.Series(known, dtype=object), ticks, float(middle), color)
    said = "Number at risk" + (" (blank where not shown: too few patients)" if blank else "")
    axes.set_title(said, loc="left", fontsize=SMALL, color=INK, pad=3)


def is_complete(part: pd.DataFrame) -> bool:
    """Tell whether a curve's table skips no time."""
    if not {"n_events", "n_censored"} <= set(part.columns) or part["n_at_risk"].isna().any():
        return False
    left = (part["n_at_risk"] - part["n_events"] - part["n_censored"]).to_numpy(float)
    return bool(np.array_equal(left[:-1], part["n_at_risk"].to_numpy(float)[1:]))


def _bare(axes: Axes, height: float, places: Sequence[float], names: Sequence[str]) -> None:
    axes.set_ylim(height, 0)
    axes.set_yticks(list(places), list(names))
    axes.tick_params(length=0, labelsize=SMALL, pad=14)
    axes.xaxis.set_visible(False)
    for spine in axes.spines.values():
        spine.set_visible(False)
    axes.patch.set_visible(False)


def _print_row(
    axes: Axes, numbers: pd.Series, ticks: NDArray[np.float64], y: float, color: str
) -> None:
    times = numbers.index.to_numpy(float)
    for tick in ticks:
        at = np.flatnonzero(np.abs(times - tick) < 1e-6)
        if at.size and not pd.isna(numbers.iloc[at[0]]):
            said = f"{int(numbers.iloc[at[0]])}"
            axes.text(
                tick,
                y,
                said,
                ha="center",
                va="center_baseline",
                fontsize=SMALL,
                color=color,
                in_layout=tick in (ticks[0], ticks[-1]),
            )


def _at_risk(part: pd.DataFrame, time: float) -> int | None:
    times = part["time"].to_numpy(float)
    counts = part["n_at_risk"]
    at = int(np.searchsorted(times, time - 1e-9))
    if at < times.size and abs(times[at] - time) < 1e-6:
        return None if pd.isna(counts.iloc[at]) else int(counts.iloc[at])
    if not is_complete(part):
        return None
    return int(counts.iloc[at]) if at < times.size else 0

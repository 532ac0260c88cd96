"""Swimmer plot: one bar a patient, what happened along it. For the study team alone."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from allsurv.plots.paper import (
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

__all__ = ["plot_swimmer"]

COLUMNS = ("patient", "group", "time", "event")
LIGHT = ("#d3e2ee", "#dcae90", "#e9f2ec", "#c3a3b8", "#f3e6c8", "#9fc0d4", "#d9d9d9")
BAR = 0.085
DEATH, ALIVE = "Died", "Alive at last follow-up"


def plot_swimmer(
    table: pd.DataFrame,
    marks: pd.DataFrame | None = None,
    *,
    title: str = "",
    caption: str | None = None,
    unit: str = "",
    width: float = 6.4,
) -> Axes:
    """Draw every patient's course as a bar, with what happened along it.

    Parameters
    ----------
    table : DataFrame
        One row per patient, from top to bottom: ``patient`` (a running number, no identifier),
        ``group``, ``time`` followed up, ``event`` (died); ``group_label`` if there is one.
    marks : DataFrame, optional
        ``patient``, ``time``, ``mark``: what happened, in words.
    title : str, default=""
        Above the figure.
    caption : str, optional
        Below it; the table's own source where not given.
    unit : str, default=""
        Unit of time; the table's own where not given.
    width : float, default=6.4
        Of the figure, in inches.

    Returns
    -------
    Axes
        One bar per patient.

    Raises
    ------
    ConfigError
        If the table has other columns, or no rows.

    Notes
    -----
    It shows single patients with their times, so it must not leave the study team.
    """
    check_table(table, COLUMNS, "plot_swimmer")
    caption = str(table.attrs.get("source", "")) if caption is None else caption
    unit = unit or str(table.attrs.get("unit", ""))
    happened = {} if marks is None else dict(list(marks.groupby("mark", sort=False)))
    labels = _labels(table)
    entries = _entries(table, labels, list(happened), int(width * 36 / (SMALL * 0.6)) - 6)
    lines = sum(label.count("\n") + 1 for _, label in entries)
    figure = make_figure(width, BAR * len(table) + 0.085 * lines + 1.5)
    axes = figure.subplots()
    _axes(axes, table, unit)
    _bars(axes, table, list(labels))
    for index, part in enumerate(happened.values()):
        _marks(axes, table, part, index)
    _legend(axes, entries)
    counts = [f"{len(part)} with {name}" for name, part in happened.items()]
    said = [f"{len(table)} patients", f"{int(table['event'].sum())} died", *counts]
    alt = f"Swimmer plot: {title or 'courses of patients'}. {', '.join(said)}."
    finish(figure, title=title, caption=caption, alt=alt)
    return axes


def _axes(axes: Axes, table: pd.DataFrame, unit: str) -> None:
    style_axes(axes)
    axes.set_xlim(0, 1.03 * float(table["time"].max()))
    axes.set_ylim(len(table) - 0.3, -0.7)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.xaxis.set_major_locator(MaxNLocator(8, steps=[1, 1.2, 2, 2.4, 3, 5, 6, 10], integer=True))
    axes.set_xlabel(f"Time ({unit})" if unit else "Time", fontsize=TEXT, color=INK)
    axes.set_ylabel(f"{len(table)} patients", fontsize=TEXT, color=INK)


def _marks(axes: Axes, table: pd.DataFrame, part: pd.DataFrame, index: int) -> None:
    place = {patient: row for row, patient in enumerate(table["patient"])}
    style = pen(index)
    axes.plot(
        part["time"].to_numpy(float),
        [place[patient] for patient in part["patient"]],
        style.marker,
        color=style.color,
        markersize=3.4,
        markeredgecolor="white",
        markeredgewidth=0.3,
        gid=f"mark-{index}",
    )


def _labels(table: pd.DataFrame) -> dict[str, str]:
    shown = "group_label" if "group_label" in table.columns else "group"
    return {
        str(group): str(label) for group, label in zip(table["group"], table[shown], strict=True)
    }


def _bars(axes: Axes, table: pd.DataFrame, groups: Sequence[str]) -> None:
    rows = range(len(table))
    time = table["time"].to_numpy(float)
    colors = [LIGHT[groups.index(str(group)) % len(LIGHT)] for group in table["group"]]
    axes.barh(rows, time, height=0.72, color=colors, linewidth=0)
    died = table["event"].to_numpy(bool)
    for chosen, marker, size in ((died, "x", 3.0), (~died, ">", 3.0)):
        axes.plot(
            time[chosen],
            [row for row in rows if chosen[row]],
            marker,
            color=INK,
            markersize=size,
            markeredgewidth=0.8,
            clip_on=False,
        )


def _entries(
    table: pd.DataFrame, labels: dict[str, str], names: Sequence[str], width: int
) -> list[tuple[Line2D, str]]:
    entries = []
    for index, label in enumerate(labels.values()):
        line = Line2D([], [], color=LIGHT[index % len(LIGHT)], linewidth=6)
        if len(labels) > 1:
            entries.append((line, wrap(label, width)))
    for index, name in enumerate(names):
        style = pen(index)
        line = Line2D([], [], linestyle="", marker=style.marker, color=style.color, markersize=5)
        entries.append((line, wrap(name, width)))
    ends = [(DEATH, "x", True), (ALIVE, ">", False)]
    entries += [
        (Line2D([], [], linestyle="", marker=marker, color=INK, markersize=4.5), name)
        for name, marker, died in ends
        if (table["event"].to_numpy(bool) == died).any()
    ]
    return entries


def _legend(axes: Axes, entries: Sequence[tuple[Line2D, str]]) -> None:
    axes.legend(
        [line for line, _ in entries],
        [label for _, label in entries],
        loc="lower left",
        bbox_to_anchor=(0.0, 1.005),
        ncols=2,
        frameon=False,
        fontsize=SMALL,
        labelcolor=INK,
        borderaxespad=0.0,
        columnspacing=1.2,
    )

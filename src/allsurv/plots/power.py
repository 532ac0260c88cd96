"""How often studies of a given size would find what is true, and what is not."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from allsurv.models.catalog import find_family
from allsurv.plots.paper import (
    GREY,
    INK,
    PALE,
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

__all__ = ["plot_power"]

COLUMNS = ("n", "family", "protocol", "label", "truth", "true_hazard_ratio", "found", "type_m")
NAMES = {
    "published model": "paper's model",
    "screening, one by one": "screening, one by one",
    "model after screening": "model after screening",
}
RULE: dict[str, Any] = {"linewidth": 0.8, "linestyle": (0, (4, 3))}
KEY_COLUMNS = 3
LINE = 0.21
LABEL_WIDTH = 30
READ = (
    "If found: the hazard ratio that studies which find the effect show on average. What has no "
    "effect of its own may go along with what has."
)
REAL, NOTHING = "Real effects: found", "No effect of their own: found all the same"


def plot_power(
    table: pd.DataFrame,
    *,
    title: str = "",
    caption: str | None = None,
    width: float = 7.2,
) -> Axes:
    """Draw in how many of 100 studies each effect would be found, and false ones raised.

    Parameters
    ----------
    table : DataFrame
        From :func:`allsurv.findings.operating_characteristics`.
    title : str, default=""
        Above the figure.
    caption : str, optional
        Below it; the table's own source where not given.
    width : float, default=7.2
        Of the figure, in inches.

    Returns
    -------
    Axes
        The panel of the smallest size; one line per variable, effects above, a mark per protocol;
        the other sizes are panels of its figure. With one size, the true hazard ratio and the
        one that studies which find it would show stand beside each effect.

    Raises
    ------
    ConfigError
        If the table has other columns, or no rows.
    """
    check_table(table, COLUMNS, "plot_power")
    caption = f"{table.attrs.get('source', '')} {READ}".strip() if caption is None else caption
    table = table.assign(
        series=[
            NAMES.get(p, p) if f == "cox" else find_family(f).short
            for p, f in zip(table["protocol"], table["family"], strict=True)
        ]
    )
    series = {str(name): pen(k) for k, name in enumerate(dict.fromkeys(table["series"]))}
    sizes = sorted(table["n"].unique().tolist())
    lines = [REAL, *_lines(table, "effect"), NOTHING, *_lines(table, "no effect")]
    labels = ["" if line in (REAL, NOTHING) else wrap(line, LABEL_WIDTH) for line in lines]
    above = 0.8 * math.ceil((len(series) + 1) / KEY_COLUMNS) + 0.4
    heights = np.array([0.9 * label.count("\n") + 1.0 for label in labels])
    bottoms = above + np.cumsum(heights)
    middles = dict(zip(lines, (bottoms - heights / 2).tolist(), strict=True))
    figure = make_figure(width, LINE * float(bottoms[-1]) + 1.15)
    panels = figure.subplots(1, len(sizes), squeeze=False)[0]
    for axes, size in zip(panels, sizes, strict=True):
        _panel(axes, table[table["n"] == size], middles, series, size)
        axes.set_ylim(float(bottoms[-1]) + 0.2, 0)
        axes.set_yticks(list(middles.values()), labels if axes is panels[0] else [""] * len(labels))
    first: Axes = panels[0]
    for heading in (REAL, NOTHING):
        words = first.text(0, middles[heading], heading, va="center", fontsize=TEXT, color=INK)
        words.set(fontweight="bold", in_layout=False, zorder=4)
        words.set_bbox({"facecolor": "white", "edgecolor": "none", "pad": 1.5})
    if len(sizes) == 1:
        _shown(first, table, middles)
    _key(first, series)
    alt = f"Dot plot of how often effects would be found: {title}. {_said(table, sizes)}"
    finish(figure, title=title, caption=caption, alt=alt)
    return first


def _lines(table: pd.DataFrame, truth: str) -> list[str]:
    part = table[table["truth"] == truth]
    order = part.groupby("label", sort=False)["found"].mean().sort_values(ascending=False)
    return [str(label) for label in order.index]


def _panel(
    axes: Axes, part: pd.DataFrame, middles: dict[str, float], series: dict[str, Pen], size: int
) -> None:
    for line, at in middles.items():
        if line not in (REAL, NOTHING):
            axes.axhline(at, color=PALE, linewidth=0.6, zorder=0)
    bottom = max(middles.values())
    axes.plot([5, 5], [min(middles.values()) + 0.5, bottom + 0.7], color=GREY, **RULE)
    for row in part.itertuples():
        style = series[str(row.series)]
        filled = style.color if row.truth == "effect" else "white"
        axes.plot(
            100 * float(row.found), middles[str(row.label)], style.marker, color=style.color,
            markerfacecolor=filled, markersize=5.5, alpha=0.9, zorder=3, linestyle="none",
            clip_on=False,
        )  # fmt: skip
    axes.set_xlim(-3, 103)
    axes.set_xticks([0, 25, 50, 75, 100])
    axes.set_xlabel(f"of 100 studies\nwith {size:,} patients", fontsize=TEXT, color=INK)
    style_axes(axes)
    axes.patch.set_visible(False)
    axes.spines["left"].set_visible(False)
    axes.tick_params(axis="y", length=0)


def _shown(axes: Axes, table: pd.DataFrame, middles: dict[str, float]) -> None:
    """Write beside each effect how large it is, and how large it looks where it is found."""
    real = table[(table["truth"] == "effect") & table["type_m"].notna()]
    first = real.drop_duplicates("label")
    across = axes.get_yaxis_transform()

    def write(x: float, y: float, words: str, color: str) -> None:
        axes.text(
            x, y, words, transform=across, ha="center", va="center", fontsize=SMALL
        ).set_color(color)

    write(1.08, middles[REAL], "true HR", GREY)
    write(1.215, middles[REAL], "if found", GREY)
    for row in first.itertuples():
        shown = math.exp(math.log(float(row.true_hazard_ratio)) * float(row.type_m))
        write(1.08, middles[str(row.label)], _short(float(row.true_hazard_ratio)), INK)
        write(1.215, middles[str(row.label)], _short(shown), INK)


def _short(value: float) -> str:
    return f"{value:.3f}" if abs(value - 1) < 0.05 else f"{value:.2f}"


def _key(axes: Axes, series: dict[str, Pen]) -> None:
    marks = [
        Line2D([], [], color=style.color, marker=style.marker, linestyle="none", markersize=5.5)
        for style in series.values()
    ]
    key = root_figure(axes).legend(
        [*marks, Line2D([], [], color=GREY, **RULE)], [*series, "chance alone: 5 of 100"],
        loc="upper left", bbox_to_anchor=(0, 1), bbox_transform=axes.transAxes, ncols=KEY_COLUMNS,
        frameon=False, fontsize=SMALL, handletextpad=0.3, columnspacing=1.2, borderaxespad=0,
    )  # fmt: skip
    key.set_in_layout(False)


def _said(table: pd.DataFrame, sizes: Sequence[int]) -> str:
    real = table[(table["truth"] == "effect") & (table["n"] == sizes[0])]
    parts = [
        f"{row.label}, {row.series}: {100 * float(row.found):.0f}"
        for row in real.drop_duplicates(["label", "series"]).itertuples()
    ]
    return f"Of 100 studies with {sizes[0]} patients, found in: {'; '.join(parts)}."

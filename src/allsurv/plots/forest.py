"""A forest: effects with their limits as lines of one figure, on a log axis."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.transforms import blended_transform_factory

from allsurv.journal import ratio_text
from allsurv.plots.paper import GREY, INK, SMALL, TEXT, Pen, make_figure, style_axes, wrap

__all__ = ["Line", "draw_forest", "effect_line", "heading_line", "said"]

LABEL_WIDTH = 34
LINE = 0.165
FARTHEST = (1 / 64, 64.0)


@dataclass(frozen=True)
class Line:
    """One line of the figure: a heading, or an effect with limits.

    Attributes
    ----------
    label : str
        Left of the axes, broken into lines.
    estimate, lower, upper : float
        Effect with its limits; missing where there is none.
    text : str
        Right of the axes: the effect, a tab, and P.
    style : Pen or None
        How it is drawn; ``None`` for a heading.
    plain : float
        A second estimate, drawn as a cross; missing where there is none.
    """

    label: str
    estimate: float = math.nan
    lower: float = math.nan
    upper: float = math.nan
    text: str = ""
    style: Pen | None = None
    plain: float = math.nan

    @property
    def n_lines(self) -> int:
        """Lines of print that the label takes."""
        return self.label.count("\n") + 1


def heading_line(text: str, width: float) -> Line:
    """Make a heading in bold print across the figure."""
    return Line(wrap(text, int(width * 72 / (TEXT * 0.7))))


def effect_line(label: str, numbers: Sequence[object], p_value: str, style: Pen) -> Line:
    """Make the line of an effect, printed as journals do."""
    estimate, lower, upper = (float(x) if x is not None else math.nan for x in numbers)  # type: ignore[arg-type]
    text = "–"
    if math.isfinite(estimate):
        decimals = 3 if math.isfinite(upper) and upper - lower < 0.1 else 2
        shown = [ratio_text(x, decimals) for x in (estimate, lower, upper)]
        text = shown[0]
        if math.isfinite(lower) and math.isfinite(upper):
            text += f" ({shown[1]}–{shown[2]})"
    return Line(
        wrap(label, LABEL_WIDTH), estimate, lower, upper, f"{text}\t{p_value}".strip(), style
    )


def draw_forest(rows: Sequence[Line], first: str, second: str, width: float) -> Axes:
    """Draw lines one under another."""
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


def _whisker(axes: Axes, row: Line, y: float, low: float, high: float) -> None:
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


def _span(rows: Sequence[Line]) -> tuple[float, float]:
    numbers = [x for row in rows for x in (row.estimate, row.lower, row.upper)]
    logs = np.log([x for x in numbers if math.isfinite(x) and x > 0] or [0.5, 2.0])
    low, high = min(float(logs.min()), math.log(0.8)), max(float(logs.max()), math.log(1.25))
    pad = 0.06 * (high - low)
    return max(math.exp(low - pad), FARTHEST[0]), min(math.exp(high + pad), FARTHEST[1])


def _log_ticks(axes: Axes, low: float, high: float) -> None:
    fine = [0.5, 0.7, 0.8, 0.9, 1, 1.1, 1.25, 1.5, 2]
    coarse = [0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50]
    sparse = [0.02, 0.1, 0.3, 1, 3, 10, 50]
    chosen = fine if high / low < 4 else coarse if high / low < 100 else sparse
    ticks = [t for t in chosen if low <= t <= high]
    axes.set_xticks(ticks, [f"{t:g}" for t in ticks])
    axes.set_xticks([], minor=True)


def _columns(
    axes: Axes, rows: Sequence[Line], middles: np.ndarray, first: str, second: str
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


def said(rows: Sequence[Line]) -> str:
    """Tell the lines in words."""
    parts = []
    for row in rows:
        label = row.label.replace("\n", " ")
        numbers = row.text.split("\t")[0]
        parts.append(f"{label}:" if row.style is None else f"{label} {numbers};")
    return " ".join(parts).rstrip(";") + "."

"""What all figures share: colours readable in grey, text that never overlaps, caption, alt text."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from allsurv.errors import ConfigError

__all__ = [
    "GREY",
    "INK",
    "SMALL",
    "TEXT",
    "Pen",
    "alt_text",
    "check_table",
    "finish",
    "make_figure",
    "pen",
    "wrap",
]

INK, GREY, PALE = "#1a1a1a", "#6b6b6b", "#d9d9d9"
TEXT, SMALL = 9.0, 7.5
DPI = 200
OKABE_ITO = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
DASHES = (
    "-",
    (0, (6, 2)),
    (0, (2, 1.5)),
    (0, (6, 1.5, 1.5, 1.5)),
    (0, (1, 1)),
    (0, (10, 3)),
    (0, (6, 1.5, 1.5, 1.5, 1.5, 1.5)),
    (0, (4, 4)),
)
MARKERS = ("o", "s", "^", "D", "v", "P", "X")


@dataclass(frozen=True)
class Pen:
    """How one series is drawn, so that grey print tells it apart.

    Parameters
    ----------
    color : str
        Of the Okabe-Ito palette.
    dashes : str or tuple
        Line style, as matplotlib takes it.
    marker : str
        Shape of a point.
    """

    color: str
    dashes: str | tuple[float, tuple[float, ...]]
    marker: str


def pen(index: int) -> Pen:
    """Pick the pen of a series."""
    at = index % len(OKABE_ITO)
    return Pen(OKABE_ITO[at], DASHES[index % len(DASHES)], MARKERS[at])


def wrap(text: str, width: int) -> str:
    r"""Break a label into lines.

    Examples
    --------
    >>> wrap("Overall survival by regimen", 16)
    'Overall survival\nby regimen'
    """
    return "\n".join(textwrap.wrap(str(text), width)) or ""


def check_table(table: pd.DataFrame, columns: Sequence[str], where: str) -> None:
    """Refuse a table that cannot be drawn."""
    missing = [column for column in columns if column not in table.columns]
    if missing:
        raise ConfigError(
            f"{where}: the table has no column {', '.join(map(repr, missing))}; it draws tables "
            f"with {', '.join(columns)}."
        )
    if table.empty:
        raise ConfigError(f"{where}: the table has no rows; there is nothing to draw.")


def make_figure(width: float, height: float, *, gap: float = 0.02) -> Figure:
    """Make an empty figure that lays itself out, without touching pyplot."""
    layout = ConstrainedLayoutEngine(w_pad=0.06, h_pad=0.06, wspace=gap)
    figure = Figure(figsize=(width, height), dpi=DPI, layout=layout, facecolor="white")
    FigureCanvasAgg(figure)
    return figure


def finish(figure: Figure, *, title: str, caption: str, alt: str) -> None:
    """Give a figure its title, its caption line and its alternative text."""
    characters = int(figure.get_figwidth() * 72 / (SMALL * 0.55))
    if title:
        at = int(figure.get_figwidth() * 72 / (11 * 0.62))
        figure.suptitle(
            wrap(title, at), x=0.012, ha="left", fontsize=11, fontweight="bold", color=INK
        )
    if caption:
        figure.supxlabel(wrap(caption, characters), x=0.012, ha="left", fontsize=SMALL, color=GREY)
    figure.set_label(alt)


def alt_text(axes: Axes) -> str:
    """Read a figure's alternative text.

    Parameters
    ----------
    axes : Axes
        As returned by a ``plot_`` function.

    Returns
    -------
    str
        What somebody who cannot see the figure should be told.
    """
    return str(root_figure(axes).get_label())


def root_figure(axes: Axes) -> Figure:
    """Find the figure that axes stand in."""
    figure = axes.get_figure(root=True)
    if not isinstance(figure, Figure):
        raise ConfigError("these axes stand in no figure; draw them anew.")
    return figure


def style_axes(axes: Axes) -> None:
    """Draw axes plainly: two spines, small grey ticks."""
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        axes.spines[side].set_color(GREY)
    axes.tick_params(labelsize=TEXT - 0.5, color=GREY, labelcolor=INK)

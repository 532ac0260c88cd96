"""States that patients enter in turn: a diagram with counts, and shares of patients over time."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.text import Text

from allsurv.errors import ConfigError
from allsurv.plots.paper import GREY, INK, SMALL, TEXT, check_table, finish, make_figure, wrap
from allsurv.plots.stacked import plot_stacked_incidence

__all__ = ["plot_state_diagram", "plot_state_shares"]

CURVES = ("group", "state", "time", "probability")
COUNTS = ("state", "state_label", "to", "to_label", "n", "n_moves")
WIDTH, HEIGHT = 7.0, 4.2
BOX = 17
BEND = 0.16
Point = tuple[float, float]


def plot_state_shares(
    curves: pd.DataFrame, *, title: str = "", caption: str | None = None, unit: str = ""
) -> Axes:
    """Draw what share of patients is in each state over time, one panel per group.

    Parameters
    ----------
    curves : DataFrame
        From ``state_curves``.
    title : str, default=""
        Above the figure.
    caption : str, optional
        Below it; the table's own source where not given.
    unit : str, default=""
        Unit of time; the table's own where not given.

    Returns
    -------
    Axes
        The panel of the first group; the initial state is the white part on top.

    Raises
    ------
    ConfigError
        If the table has other columns or no rows.
    """
    check_table(curves, CURVES, "plot_state_shares")
    states = list(dict.fromkeys(curves["state"]))
    first = curves[curves["state"] == states[0]]
    rest = str(first["state_label"].iloc[0]) if "state_label" in curves.columns else states[0]
    names = {"state": "cause", "state_label": "cause_label", "probability": "incidence"}
    # The last state of the study file, as a rule death, is at the bottom.
    parts = [
        curves[(curves["group"] == group) & (curves["state"] == state)]
        for group in dict.fromkeys(curves["group"])
        for state in reversed(states[1:])
    ]
    table = pd.concat(parts, ignore_index=True).rename(columns=names)
    table = table.assign(n_at_risk=pd.NA, lower=np.nan, upper=np.nan)
    table.attrs.update(curves.attrs)
    return plot_stacked_incidence(table, title=title, caption=caption, unit=unit, rest=rest)


def plot_state_diagram(
    counts: pd.DataFrame, *, title: str = "", caption: str | None = None
) -> Axes:
    """Draw states as boxes and moves as arrows, each with the number of patients.

    Parameters
    ----------
    counts : DataFrame
        From ``transition_counts``, of one group.
    title : str, default=""
        Above the figure.
    caption : str, optional
        Below it; the table's own source where not given.

    Returns
    -------
    Axes
        One panel without scales.

    Raises
    ------
    ConfigError
        If the table has other columns, no rows, or several groups.
    """
    where = "plot_state_diagram"
    check_table(counts, COUNTS, where)
    if "group" in counts.columns and counts["group"].nunique() > 1:
        raise ConfigError(f"{where}: the table holds several groups; draw one at a time.")
    caption = str(counts.attrs.get("source", "")) if caption is None else caption
    places = _places(counts)
    figure = make_figure(WIDTH, HEIGHT + 0.3 * bool(title))
    axes: Axes = figure.subplots()
    axes.set_xlim(0, WIDTH)
    axes.set_ylim(0, HEIGHT)
    axes.set_aspect("equal")
    axes.axis("off")
    boxes = {
        name: axes.text(
            *places[name],
            text,
            ha="center",
            va="center",
            fontsize=TEXT,
            color=INK,
            zorder=3,
            bbox={"boxstyle": "round,pad=0.45", "facecolor": "white", "edgecolor": INK},
            gid=name,
        )
        for name, text in _boxes(counts).items()
    }
    for row in counts[counts["n_moves"] > 0].to_dict("records"):
        _arrow(axes, boxes[row["state"]], boxes[row["to"]], f"{int(row['n_moves'])}")
    finish(figure, title=title, caption=caption, alt=_alt(counts, title))
    return axes


def _places(counts: pd.DataFrame) -> dict[str, Point]:
    """Place where all begin on the left, final states on the right, the others between."""
    left = list(dict.fromkeys(counts["state"]))
    final = [name for name in dict.fromkeys(counts["to"]) if name not in left]
    between = left[1:]
    places: dict[str, Point] = {left[0]: (0.8, HEIGHT / 2)}
    for k, name in enumerate(between):
        x = WIDTH / 2 if len(between) == 1 else 2.5 + (WIDTH - 5.0) * k / (len(between) - 1)
        places[name] = (x, HEIGHT - 0.45 if k % 2 == 0 else 0.45)
    for k, name in enumerate(final):
        places[name] = (WIDTH - 0.8, HEIGHT * (k + 1) / (len(final) + 1))
    return places


def _boxes(counts: pd.DataFrame) -> dict[str, str]:
    """Name each state, with the patients ever in it."""
    texts = {}
    ever = counts.drop_duplicates("state").set_index("state")["n"]
    entered = counts.groupby("to")["n_moves"].sum()
    labels = dict(zip(counts["state"], counts["state_label"], strict=True))
    labels |= dict(zip(counts["to"], counts["to_label"], strict=True))
    for name, label in labels.items():
        n = int(ever[name] if name in ever.index else entered[name])
        texts[name] = f"{wrap(label, BOX)}\nn = {n}"
    return texts


def _arrow(axes: Axes, start: Text, end: Text, text: str) -> None:
    (x0, y0), (x1, y1) = start.get_position(), end.get_position()
    # Drawn after the boxes, whose outlines, where it begins and ends, are known only then.
    axes.annotate(
        "", xy=(x1, y1), xytext=(x0, y0), zorder=4,
        arrowprops={
            "arrowstyle": "-|>", "color": GREY, "linewidth": 0.9, "shrinkA": 2, "shrinkB": 2,
            "patchA": start.get_bbox_patch(), "patchB": end.get_bbox_patch(),
            "connectionstyle": f"arc3,rad={BEND}",
        },
    )  # fmt: skip
    # Where the bent arrow is halfway: beside the middle, to the right of its direction.
    x, y = (x0 + x1) / 2 + BEND / 2 * (y1 - y0), (y0 + y1) / 2 - BEND / 2 * (x1 - x0)
    axes.text(
        x, y, text, ha="center", va="center", fontsize=SMALL, color=INK, zorder=5,
        bbox={"boxstyle": "round,pad=0.15", "facecolor": "white", "edgecolor": "none"},
    )  # fmt: skip


def _alt(counts: pd.DataFrame, title: str) -> str:
    moves = [
        f"{row['state_label']} to {row['to_label']} {int(row['n_moves'])}"
        for row in counts.to_dict("records")
    ]
    return f"Diagram of states: {title or 'moves of patients'}. Moves: {'; '.join(moves)}."

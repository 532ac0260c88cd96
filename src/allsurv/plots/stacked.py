"""Shares of patients free of every event, and with each as their first, stacked over time."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Patch

from allsurv.plots.curves import mark_landmark, scale_axes, time_ticks
from allsurv.plots.incidence import COLUMNS, any_event, named, refuse_several
from allsurv.plots.paper import INK, TEXT, check_table, finish, make_figure, pen, wrap
from allsurv.plots.risk_table import draw_at_risk

__all__ = ["plot_stacked_incidence"]

FREE = "Free of these events"
HATCHES = ("", "///", "...", "xx", "\\\\\\", "++")
LINE = 0.17
MOST_IN_A_ROW = 3


def plot_stacked_incidence(
    table: pd.DataFrame,
    *,
    title: str = "",
    caption: str | None = None,
    unit: str = "",
    rest: str = FREE,
) -> Axes:
    """Draw, for each group, what share of patients is in each situation by each time.

    Parameters
    ----------
    table : DataFrame
        From ``cumulative_incidence``, ``comparison_incidence`` (one comparison) or
        ``safe_incidence``.
    title : str, default=""
        Above the figure; the table's ``label`` where it has one.
    caption : str, optional
        Below it; the table's own source where not given.
    unit : str, default=""
        Unit of time; the table's own where not given.
    rest : str, default="Free of these events"
        What the part above the bands is called.

    Returns
    -------
    Axes
        The panel of the first group.

    Raises
    ------
    ConfigError
        If the table has other columns, no rows, or several comparisons.

    Notes
    -----
    The height of a band is the cumulative incidence of its cause; the bands and the part above
    them add up to 100%.
    """
    where = "plot_stacked_incidence"
    check_table(table, COLUMNS, where)
    refuse_several(table, where)
    unit = unit or str(table.attrs.get("unit", ""))
    caption = str(table.attrs.get("source", "")) if caption is None else caption
    title = title or (str(table["label"].iloc[0]) if "label" in table.columns else "")
    groups, causes = named(table, "group"), named(table, "cause")
    n_columns = min(len(groups), MOST_IN_A_ROW)
    n_rows = -(-len(groups) // n_columns)
    ticks = time_ticks(table, unit)
    width = 6.4 if n_columns == 1 else 3.4 * n_columns
    figure = make_figure(width, 3.6 * n_rows + 0.3 * bool(title) + LINE * (len(causes) + 1))
    grid = figure.subplots(
        2 * n_rows, n_columns, squeeze=False, gridspec_kw={"height_ratios": [2.5, 0.3] * n_rows}
    )
    for place in range(n_rows * n_columns):
        row, column = divmod(place, n_columns)
        axes, below = grid[2 * row, column], grid[2 * row + 1, column]
        if place >= len(groups):
            axes.axis("off")
            below.axis("off")
            continue
        group, label = list(groups.items())[place]
        part = table[table["group"] == group]
        _stack(axes, part, causes)
        ylabel = "Share of patients" if column == 0 else ""
        scale_axes(axes, ticks, unit, ylabel, float(table["time"].max()))
        axes.set_ylim(0, 1)
        mark_landmark(axes, table)
        if len(groups) > 1:
            # The corner where hardly anybody has had an event yet.
            axes.text(
                0.03, 0.97, wrap(label, 34), transform=axes.transAxes, va="top", fontsize=TEXT,
                color=INK,
            )  # fmt: skip
        if part["n_at_risk"].isna().all():
            below.axis("off")
            continue
        draw_at_risk(below, any_event(part), [group], ["At risk"], ticks)
        if place:
            below.set_title("")
        below.set_xlim(axes.get_xlim())
    grid[0, 0].legend(
        handles=_key(causes, rest), loc="lower left", bbox_to_anchor=(0.0, 1.01), frameon=False,
        fontsize=TEXT, labelcolor=INK, borderaxespad=0.0,
    )  # fmt: skip
    finish(figure, title=title, caption=caption, alt=_alt(table, title, unit, rest))
    found: Axes = grid[0, 0]
    return found


def _stack(axes: Axes, part: pd.DataFrame, causes: dict[str, str]) -> None:
    time = part.loc[part["cause"] == next(iter(causes)), "time"].to_numpy(float)
    floor = np.zeros(time.size)
    for index, cause in enumerate(causes):
        height = part.loc[part["cause"] == cause, "incidence"].to_numpy(float)
        top = floor + height
        axes.fill_between(
            time, floor, top, step="post", facecolor=pen(index).color, alpha=0.55,
            hatch=HATCHES[index % len(HATCHES)], edgecolor="white", linewidth=0.0,
            gid=f"band-{index}",
        )  # fmt: skip
        axes.step(time, top, where="post", color=INK, linewidth=0.7)
        floor = top


def _key(causes: dict[str, str], rest: str) -> list[Patch]:
    free = Patch(facecolor="white", edgecolor=INK, linewidth=0.5, label=rest)
    bands = [
        Patch(
            facecolor=pen(k).color,
            alpha=0.55,
            hatch=HATCHES[k % len(HATCHES)],
            edgecolor="white",
            linewidth=0.0,
            label=label,
        )
        for k, label in enumerate(causes.values())
    ]
    return [free, *reversed(bands)]


def _alt(table: pd.DataFrame, title: str, unit: str, rest: str) -> str:
    said = [f"Shares of patients over time: {title or 'competing events'}."]
    for group, part in table.groupby("group", sort=False):
        known = part[part["incidence"].notna()]
        last = known[known["time"] == known["time"].max()]
        label = named(part, "group")[str(group)]
        shares = dict(zip(last["cause"].astype(str), 100 * last["incidence"], strict=True))
        labels = named(part, "cause")
        words = [f"{labels[cause].lower()} {share:.0f}%" for cause, share in shares.items()]
        free = 100 - sum(shares.values())
        at = f"{float(last['time'].iloc[0]):g} {unit}".rstrip()
        said.append(f"{label}, at {at}: {', '.join(words)}, {rest.lower()} {free:.0f}%.")
    return " ".join(said)

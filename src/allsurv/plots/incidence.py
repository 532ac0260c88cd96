"""Cumulative incidence of events that compete: curves with limits, and stacked shares."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from numpy.typing import NDArray

from allsurv.errors import ConfigError
from allsurv.journal import p_text
from allsurv.plots.curve_numbers import horizon_text, percent_text
from allsurv.plots.curves import count_ticks, mark_landmark, scale_axes, time_ticks
from allsurv.plots.paper import (
    INK,
    TEXT,
    check_table,
    finish,
    make_figure,
    pen,
    wrap,
)
from allsurv.plots.risk_table import draw_at_risk, draw_panel_counts, panel_rows

__all__ = ["COLUMNS", "plot_cumulative_incidence"]

COLUMNS = ("group", "cause", "time", "n_at_risk", "incidence", "lower", "upper")
LINE = 0.17
PANEL = 4.3
WIDTH = 6.4
SHADE = 0.13
LEGEND_WIDTH = 44


def plot_cumulative_incidence(
    table: pd.DataFrame,
    *,
    title: str = "",
    caption: str | None = None,
    unit: str = "",
    p_values: Mapping[str, float] | None = None,
    ylabel: str = "Cumulative incidence",
    limits: bool = True,
    counts: pd.DataFrame | None = None,
    summary: pd.DataFrame | None = None,
) -> Axes:
    """Draw the cumulative incidence of every cause: one panel, or a panel per cause for groups.

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
    p_values : mapping from str to float, optional
        P of Gray's test by cause, printed above the panel of the cause.
    ylabel : str, default="Cumulative incidence"
        What is shown.
    limits : bool, default=True
        Shade the confidence limits.
    counts : DataFrame, optional
        From ``competing_numbers_at_risk``: printed under the axis, every cause. Without it the
        numbers at risk of ``table`` are.
    summary : DataFrame, optional
        From ``incidence_table`` or ``comparison_incidence_table``: incidence at the last horizon is
        printed beside each curve's name.

    Returns
    -------
    Axes
        The first panel.

    Raises
    ------
    ConfigError
        If the table has other columns, no rows, or several comparisons.

    Notes
    -----
    Steps, limits and numbers are those of the table. All panels have one scale, from 0 to 100%.
    """
    where = "plot_cumulative_incidence"
    check_table(table, COLUMNS, where)
    refuse_several(table, where)
    unit = unit or str(table.attrs.get("unit", ""))
    caption = str(table.attrs.get("source", "")) if caption is None else caption
    title = title or (str(table["label"].iloc[0]) if "label" in table.columns else "")
    groups, causes = named(table, "group"), named(table, "cause")
    panels = {"": causes} if len(groups) == 1 else dict.fromkeys(causes, groups)
    ticks = time_ticks(table, unit) if counts is None else count_ticks(counts)
    under = LINE * _n_under(table, groups, causes, counts)
    legends = {name: _legend(table, name, curves, summary, unit) for name, curves in panels.items()}
    over = 1.15 * LINE * max(sum(t.count("\n") + 1 for t in texts) for texts in legends.values())
    over += 1.15 * LINE * (len(panels) > 1)
    width = WIDTH if len(panels) == 1 else PANEL * len(panels)
    figure = make_figure(width, 3.5 + over + under + 0.3 * bool(title))
    grid = figure.subplots(
        2, len(panels), sharex=True, squeeze=False, gridspec_kw={"height_ratios": [2.5, under]}
    )
    for column, (name, curves) in enumerate(panels.items()):
        axes, below = grid[0, column], grid[1, column]
        of_panel = table[table["cause"] == name] if name else table
        key = "group" if name else "cause"
        for index, (curve, text) in enumerate(zip(curves, legends[name], strict=True)):
            shade = min(SHADE, 0.36 / len(curves)) if limits else 0.0
            _draw(axes, of_panel[of_panel[key] == curve], index, text, shade, f"{column}-{index}")
        scale_axes(axes, ticks, unit, ylabel if column == 0 else "", float(table["time"].max()))
        mark_landmark(axes, table)
        _name_panel(axes, causes.get(name, ""), (p_values or {}).get(name, math.nan))
        _draw_under(below, table, counts, groups, causes, ticks)
    alt = _alt(table, title, unit, p_values or {})
    finish(figure, title=title, caption=caption, alt=alt)
    found: Axes = grid[0, 0]
    return found


def refuse_several(table: pd.DataFrame, where: str) -> None:
    """Refuse a table of several comparisons."""
    if "comparison" in table.columns and table["comparison"].nunique() > 1:
        raise ConfigError(f"{where}: the table holds several comparisons; draw one at a time.")


def named(table: pd.DataFrame, key: str) -> dict[str, str]:
    """List groups or causes with their labels, in order."""
    label = f"{key}_label" if f"{key}_label" in table.columns else key
    first = table.drop_duplicates(key)
    return dict(zip(first[key].astype(str), first[label].astype(str), strict=True))


def any_event(part: pd.DataFrame) -> pd.DataFrame:
    """Give the numbers at risk of groups: the rows of one cause, with the events of all."""
    first = part[part["cause"] == part["cause"].iloc[0]]
    if "n_events" not in part.columns:
        return first
    events = part.groupby(["group", "time"], sort=False)["n_events"].sum()
    return first.assign(n_events=events.to_numpy())


def _draw(axes: Axes, part: pd.DataFrame, index: int, label: str, shade: float, gid: str) -> None:
    part = part[part["incidence"].notna()]
    style, time = pen(index), part["time"].to_numpy(float)
    axes.step(
        time,
        part["incidence"].to_numpy(float),
        where="post",
        color=style.color,
        linestyle=style.dashes,
        linewidth=1.6,
        label=label,
        gid=f"curve-{gid}",
    )
    if shade:
        lower, upper = part["lower"].to_numpy(float), part["upper"].to_numpy(float)
        axes.fill_between(
            time, lower, upper, step="post", color=style.color, alpha=shade, linewidth=0
        )


def _legend(
    table: pd.DataFrame,
    panel: str,
    curves: Mapping[str, str],
    summary: pd.DataFrame | None,
    unit: str,
) -> list[str]:
    """Name each curve of a panel, with its incidence at the last horizon it reaches."""
    texts = []
    for curve, label in curves.items():
        cause, group = (panel, curve) if panel else (curve, str(table["group"].iloc[0]))
        number = "" if summary is None else _number(summary, group, cause, unit)
        texts.append("\n".join(wrap(part, LEGEND_WIDTH) for part in (label, number) if part))
    return texts


def _number(summary: pd.DataFrame, group: str, cause: str, unit: str) -> str:
    rows = summary[(summary["group"] == group) & (summary["cause"] == cause)]
    known = rows[rows["incidence"].notna()]
    if known.empty:
        return ""
    row = known.sort_values("horizon").iloc[-1]
    value, limits = percent_text(row.rename({"incidence": "survival"}).to_dict()).split(" ", 1)
    return f"{horizon_text(float(row['horizon']), unit)} {value}% (95% CI {limits[1:]}"


def _name_panel(axes: Axes, cause: str, p_value: float) -> None:
    said = wrap(cause, LEGEND_WIDTH)
    if math.isfinite(p_value):
        text = p_text(p_value)
        said += f"\nGray's P{text if text[0] in '<>' else f'={text}'}"
    axes.legend(
        loc="lower left",
        bbox_to_anchor=(0.0, 1.01),
        frameon=False,
        fontsize=TEXT,
        labelcolor=INK,
        handlelength=3.2,
        borderaxespad=0.0,
        title=said or None,
        title_fontproperties={"size": TEXT, "weight": "bold"},
        alignment="left",
    )


def _n_under(
    table: pd.DataFrame,
    groups: Mapping[str, str],
    causes: Mapping[str, str],
    counts: pd.DataFrame | None,
) -> int:
    if counts is None:
        return sum(wrap(label, 24).count("\n") + 1 for label in groups.values())
    return panel_rows(len(groups), len(causes))


def _draw_under(
    below: Axes,
    table: pd.DataFrame,
    counts: pd.DataFrame | None,
    groups: Mapping[str, str],
    causes: Mapping[str, str],
    ticks: NDArray[np.float64],
) -> None:
    if counts is None:
        labels = [wrap(label, 24) for label in groups.values()] if len(groups) > 1 else ["All"]
        draw_at_risk(below, any_event(table), list(groups), labels, ticks)
        return
    columns = {"n_at_risk": "At risk"} | {f"n_{cause}": label for cause, label in causes.items()}
    columns |= {"n_censored": "Censored"}
    draw_panel_counts(below, counts, groups, columns, ticks)


def _alt(table: pd.DataFrame, title: str, unit: str, p_values: Mapping[str, float]) -> str:
    said = [f"Cumulative incidence curves: {title or 'competing events'}."]
    for (group, cause), part in table.groupby(["group", "cause"], sort=False):
        known = part[part["incidence"].notna()]
        names = _names(known, str(group), str(cause))
        end = known.iloc[-1]
        last = f"{100 * end['incidence']:.0f}% at {end['time']:g} {unit}".rstrip()
        said.append(f"{', '.join(names)}: {last}.")
    for cause, value in p_values.items():
        if math.isfinite(value):
            said.append(f"Gray's P of {named(table, 'cause').get(cause, cause)} {p_text(value)}.")
    return " ".join(said)


def _names(part: pd.DataFrame, group: str, cause: str) -> Sequence[str]:
    return [named(part, "group")[group], named(part, "cause")[cause]]

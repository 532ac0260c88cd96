"""Do hazard ratios change with time? Scaled Schoenfeld residuals, a panel per term."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from allsurv.journal import p_text
from allsurv.plots.paper import (
    GREY,
    INK,
    SMALL,
    check_table,
    finish,
    make_figure,
    pen,
    style_axes,
    wrap,
)

__all__ = ["plot_residuals"]

COLUMNS = ("term", "time", "residual")
PER_ROW = 3


def plot_residuals(
    table: pd.DataFrame,
    *,
    smooth: pd.DataFrame | None = None,
    tests: pd.DataFrame | None = None,
    title: str = "",
    caption: str | None = None,
    unit: str = "",
    width: float = 7.2,
) -> Axes:
    """Draw log hazard ratios against time, term by term.

    A level band means that one hazard ratio describes the whole follow-up.

    Parameters
    ----------
    table : DataFrame
        ``term``, ``time`` of an event, ``residual`` (scaled Schoenfeld residual plus coefficient);
        ``label`` of the term if there is one.
    smooth : DataFrame, optional
        ``term``, ``time``, ``estimate``, ``lower``, ``upper``: a smooth line through them.
    tests : DataFrame, optional
        ``term``, ``p_value`` of the test of proportional hazards; one row may be ``GLOBAL``.
    title : str, default=""
        Above the figure.
    caption : str, optional
        Below it; the table's own source where not given.
    unit : str, default=""
        Unit of time; the table's own where not given.
    width : float, default=7.2
        Of the figure, in inches.

    Returns
    -------
    Axes
        The first panel; the others are in its figure.

    Raises
    ------
    ConfigError
        If the table has other columns, or no rows.
    """
    check_table(table, COLUMNS, "plot_residuals")
    caption = str(table.attrs.get("source", "")) if caption is None else caption
    unit = unit or str(table.attrs.get("unit", ""))
    parts = dict(list(table.groupby("term", sort=False)))
    p_values = {} if tests is None else dict(zip(tests["term"], tests["p_value"], strict=True))
    n_columns = min(PER_ROW, len(parts))
    n_rows = math.ceil(len(parts) / n_columns)
    characters = int(width * 72 / n_columns / (SMALL * 0.66)) - 8
    labels = {term: _label(term, part, p_values, characters) for term, part in parts.items()}
    deepest = max(label.count("\n") + 1 for label in labels.values())
    figure = make_figure(width, n_rows * (1.75 + 0.14 * deepest) + 0.8, gap=0.04)
    panels = figure.subplots(n_rows, n_columns, squeeze=False)
    for axes, (term, part) in zip(panels.flat, parts.items(), strict=False):
        _panel(axes, part, None if smooth is None else smooth[smooth["term"] == term])
        axes.set_title(labels[term], fontsize=SMALL + 0.5, color=INK, loc="left")
        axes.set_xlabel(f"Time ({unit})" if unit else "Time", fontsize=SMALL, color=INK)
    for row in panels:
        row[0].set_ylabel("Log hazard ratio", fontsize=SMALL, color=INK)
    for axes in list(panels.flat)[len(parts) :]:
        axes.remove()
    finish(figure, title=title, caption=caption, alt=_alt(labels, p_values, title))
    first: Axes = panels[0, 0]
    return first


def _label(term: object, part: pd.DataFrame, p_values: dict[object, float], width: int) -> str:
    name = str(part["label"].iloc[0]) if "label" in part.columns else str(term)
    p_value = float(p_values.get(term, math.nan))
    if not math.isfinite(p_value):
        return wrap(name, width)
    text = p_text(p_value)
    return f"{wrap(name, width)}\nP{text if text[0] in '<>' else f'={text}'}"


def _panel(axes: Axes, part: pd.DataFrame, smooth: pd.DataFrame | None) -> None:
    style_axes(axes)
    axes.tick_params(labelsize=SMALL)
    time, residual = part["time"].to_numpy(float), part["residual"].to_numpy(float)
    axes.axhline(0.0, color=GREY, linewidth=0.8, linestyle=(0, (4, 2)), zorder=0)
    axes.plot(time, residual, "o", color=GREY, markersize=2.2, alpha=0.7, linewidth=0)
    seen = residual
    if smooth is not None and len(smooth):
        style = pen(0)
        at = smooth["time"].to_numpy(float)
        lower, upper = (smooth[name].to_numpy(float) for name in ("lower", "upper"))
        axes.fill_between(at, lower, upper, color=style.color, alpha=0.15, linewidth=0)
        axes.plot(at, smooth["estimate"].to_numpy(float), color=style.color, linewidth=1.6)
        seen = np.concatenate([residual, smooth["estimate"].to_numpy(float)])
    low, high = (float(x) for x in np.nanpercentile(seen, [0, 100]))
    pad = 0.06 * max(high - low, 0.1)
    axes.set_ylim(min(low - pad, -pad), max(high + pad, pad))
    axes.xaxis.set_major_locator(MaxNLocator(4))
    axes.yaxis.set_major_locator(MaxNLocator(5))


def _alt(labels: dict[object, str], p_values: dict[object, float], title: str) -> str:
    said = [label.replace("\n", " ") for label in labels.values()]
    whole = float(p_values.get("GLOBAL", math.nan))
    if math.isfinite(whole):
        said.append(f"all terms together P {p_text(whole)}")
    heading = title or "log hazard ratios against time"
    return f"Test of proportional hazards: {heading}. {'; '.join(said)}."

"""How good models are: measures with limits, and observed against predicted risk."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, MaxNLocator, PercentFormatter
from matplotlib.transforms import ScaledTranslation

from allsurv.plots.paper import (
    GREY,
    INK,
    PALE,
    SMALL,
    TEXT,
    check_table,
    finish,
    make_figure,
    pen,
    root_figure,
    style_axes,
    wrap,
)
from allsurv.validation.catalogue import find_measure, where_to_draw

__all__ = ["plot_calibration", "plot_performance"]

MODEL_WIDTH = 22


def plot_performance(
    table: pd.DataFrame,
    *,
    title: str = "",
    caption: str | None = None,
    unit: str = "",
    null: str = "kaplan_meier",
    width: float = 7.2,
) -> Axes:
    """Draw measures of models with their limits, one panel per measure.

    Parameters
    ----------
    table : DataFrame
        ``model``, ``measure``, ``horizon`` (missing where a measure has none), ``estimate``,
        ``lower``, ``upper``; ``label`` of the measure and ``model_label`` if there are any.
    title : str, default=""
        Above the figure.
    caption : str, optional
        Below it; the table's own source where not given.
    unit : str, default=""
        Unit of the horizons.
    null : str, default="kaplan_meier"
        Model that knows nothing of the patient, drawn in grey.
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
    check_table(
        table, ("model", "measure", "horizon", "estimate", "lower", "upper"), "plot_performance"
    )
    caption = str(table.attrs.get("source", "")) if caption is None else caption
    measures = list(dict.fromkeys(table["measure"]))
    models = list(dict.fromkeys(table["model"]))
    labels = [wrap(_model_label(table, model), MODEL_WIDTH) for model in models]
    horizons = sorted(table["horizon"].dropna().unique().tolist())
    n_columns = min(3, len(measures))
    n_rows = math.ceil(len(measures) / n_columns)
    slots = max(1, len(horizons))
    heights = [max(0.12 * slots + 0.1, 0.15 * (label.count("\n") + 1) + 0.08) for label in labels]
    figure = make_figure(width, n_rows * (sum(heights) + 0.75) + 0.75)
    panels = figure.subplots(n_rows, n_columns, squeeze=False)
    middles = np.cumsum([0.0, *heights[:-1]]) + np.array(heights) / 2
    for index, measure in enumerate(measures):
        axes = panels.flat[index]
        part = table[table["measure"] == measure]
        _measure(axes, part, str(measure), models, middles, horizons, null)
        axes.set_ylim(sum(heights), 0)
        axes.set_yticks(middles, labels if index % n_columns == 0 else [""] * len(labels))
    for axes in list(panels.flat)[len(measures) :]:
        axes.remove()
    if horizons:
        _horizon_legend(panels[0, -1], horizons, unit)
    alt = f"Performance of models: {title or 'measures with limits'}. {_performance_alt(table)}"
    finish(figure, title=title, caption=caption, alt=alt)
    first: Axes = panels[0, 0]
    return first


def plot_calibration(
    table: pd.DataFrame,
    *,
    title: str = "",
    caption: str | None = None,
    unit: str = "",
    width: float = 7.2,
) -> Axes:
    """Draw observed against predicted risk, a row of panels per model, a column per horizon.

    Parameters
    ----------
    table : DataFrame
        ``model``, ``horizon``, ``predicted``, ``observed``, ``lower``, ``upper``: probabilities of
        the event by the horizon; ``model_label`` if there is one.
    title : str, default=""
        Above the figure.
    caption : str, optional
        Below it; the table's own source where not given.
    unit : str, default=""
        Unit of the horizons.
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
    columns = ("model", "horizon", "predicted", "observed", "lower", "upper")
    check_table(table, columns, "plot_calibration")
    caption = str(table.attrs.get("source", "")) if caption is None else caption
    models = list(dict.fromkeys(table["model"]))
    horizons = sorted(table["horizon"].unique().tolist())
    side = min(2.2, (width - 0.9) / len(horizons))
    figure = make_figure(width, side * len(models) + 0.95, gap=0.05)
    panels = figure.subplots(len(models), len(horizons), squeeze=False, sharex=True, sharey=True)
    for row, model in enumerate(models):
        for column, horizon in enumerate(horizons):
            axes = panels[row, column]
            chosen = table[(table["model"] == model) & (table["horizon"] == horizon)]
            _calibrated(axes, chosen.dropna(subset=["predicted", "observed"]), row)
            if row == 0:
                axes.set_title(f"{horizon:g} {unit}".strip(), fontsize=TEXT, color=INK)
            if column == 0:
                label = wrap(_model_label(table, model), 20)
                axes.set_ylabel(f"{label}\nobserved risk", fontsize=SMALL, color=INK)
            if row == len(models) - 1:
                axes.set_xlabel("predicted risk", fontsize=SMALL, color=INK)
    alt = f"Calibration: {title or 'observed against predicted risk'}. {_calibration_alt(table)}"
    finish(figure, title=title, caption=caption, alt=alt)
    first: Axes = panels[0, 0]
    return first


def _model_label(table: pd.DataFrame, model: object) -> str:
    rows = table[table["model"] == model]
    return str(rows["model_label"].iloc[0]) if "model_label" in rows.columns else str(model)


def _measure(
    axes: Axes,
    part: pd.DataFrame,
    measure: str,
    models: Sequence[object],
    middles: np.ndarray,
    horizons: Sequence[float],
    null: str,
) -> None:
    style_axes(axes)
    axes.spines["left"].set_visible(False)
    axes.tick_params(axis="y", length=0, labelsize=SMALL + 0.5)
    axes.tick_params(axis="x", labelsize=SMALL)
    label = str(part["label"].iloc[0]) if "label" in part.columns else measure
    axes.set_title(wrap(label, 24), fontsize=TEXT, color=INK, loc="left")
    line = where_to_draw(find_measure(measure))
    if line is not None:
        axes.axvline(line, color=GREY, linewidth=0.8, linestyle=(0, (4, 2)), zorder=0)
    for record in part.to_dict("records"):
        if not np.isfinite(float(record["estimate"])):
            continue
        has_horizon = record["horizon"] == record["horizon"] and record["horizon"] is not None
        slot = list(horizons).index(record["horizon"]) if has_horizon else None
        offset = 0.0 if slot is None else 0.12 * (slot - (len(horizons) - 1) / 2)
        y = float(middles[list(models).index(record["model"])]) + offset
        style = pen(0 if slot is None else slot)
        color = INK if slot is None else style.color
        color = GREY if record["model"] == null else color
        axes.plot([record["lower"], record["upper"]], [y, y], color=color, linewidth=1.1)
        axes.plot(
            [record["estimate"]],
            [y],
            style.marker,
            color=color,
            markersize=4.2,
            markerfacecolor="white" if record["model"] == null else color,
        )
    for edge in (middles[:-1] + middles[1:]) / 2:
        axes.axhline(float(edge), color=PALE, linewidth=0.5, zorder=0)
    axes.xaxis.set_major_locator(MaxNLocator(4))


def _horizon_legend(axes: Axes, horizons: Sequence[float], unit: str) -> None:
    """Say above the last panel of the first row, clear of its title, what the markers mean."""
    handles = [
        Line2D([], [], linestyle="", marker=pen(i).marker, color=pen(i).color, markersize=4.5)
        for i in range(len(horizons))
    ]
    raised = axes.transAxes + ScaledTranslation(0, 0.27, root_figure(axes).dpi_scale_trans)
    axes.legend(
        handles,
        [f"{horizon:g} {unit}".strip() for horizon in horizons],
        loc="lower right",
        bbox_to_anchor=(1.0, 1.0),
        bbox_transform=raised,
        ncols=min(4, len(horizons)),
        frameon=False,
        fontsize=SMALL,
        labelcolor=INK,
        handletextpad=0.1,
        borderaxespad=0.0,
        columnspacing=1.0,
    ).set_in_layout(False)
    axes.annotate(" ", (0, 1), xycoords="axes fraction", xytext=(0, 27), textcoords="offset points")


def _calibrated(axes: Axes, part: pd.DataFrame, index: int) -> None:
    style_axes(axes)
    axes.tick_params(labelsize=SMALL)
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1)
    axes.set_aspect("equal")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(FixedLocator([0.0, 0.5, 1.0]))
        axis.set_major_formatter(PercentFormatter(1.0))
    axes.plot([0, 1], [0, 1], color=GREY, linewidth=0.8, linestyle=(0, (4, 2)))
    if part.empty:
        axes.text(0.5, 0.5, "not evaluated", ha="center", va="center", fontsize=SMALL, color=GREY)
        return
    style = pen(index)
    part = part.sort_values("predicted")
    predicted = part["predicted"].to_numpy(float)
    lower, upper = part["lower"].to_numpy(float), part["upper"].to_numpy(float)
    axes.fill_between(predicted, lower, upper, color=style.color, alpha=0.15, linewidth=0)
    axes.plot(predicted, part["observed"].to_numpy(float), color=style.color, linewidth=1.6)


def _performance_alt(table: pd.DataFrame) -> str:
    said = []
    for (measure, model), part in table.groupby(["measure", "model"], sort=False):
        label = str(part["label"].iloc[0]) if "label" in part.columns else str(measure)
        numbers = ", ".join(
            "not evaluated"
            if not np.isfinite(float(r["estimate"]))
            else f"{r['estimate']:.2f} ({r['lower']:.2f} to {r['upper']:.2f})"
            for r in part.to_dict("records")
        )
        said.append(f"{label}, {_model_label(table, model)}: {numbers}.")
    return " ".join(said)


def _calibration_alt(table: pd.DataFrame) -> str:
    said = []
    for (model, horizon), part in table.groupby(["model", "horizon"], sort=False):
        known = part.dropna(subset=["predicted", "observed"])
        gap = (known["observed"] - known["predicted"]).abs()
        how = f"largest gap {100 * gap.max():.0f} points" if len(gap) else "not evaluated"
        said.append(f"{_model_label(table, model)} at {horizon:g}: {how}.")
    return " ".join(said)

"""What a model is good for and how much it wavers: net benefit, and instability of predictions."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import PercentFormatter

from allsurv.plots.paper import (
    GREY,
    INK,
    PALE,
    SMALL,
    check_table,
    finish,
    make_figure,
    pen,
    style_axes,
    wrap,
)

__all__ = ["plot_instability", "plot_net_benefit"]

STRATEGIES = {"treat_all": "-", "treat_none": ":"}
LABEL_WIDTH = 26


def plot_net_benefit(
    table: pd.DataFrame, *, caption: str = "", unit: str = "", width: float = 7.2
) -> Axes:
    """Draw decision curves, a panel per horizon."""
    check_table(table, ("model", "model_label", "horizon", "threshold", "estimate"), "net benefit")
    models = [m for m in dict.fromkeys(table["model"]) if m not in STRATEGIES]
    horizons = sorted(table["horizon"].unique())
    figure = make_figure(width, 3.4)
    panels = figure.subplots(1, len(horizons), squeeze=False, sharey=True)[0]
    lowest = max(-0.1, float(table["estimate"].min()))
    highest = float(table["estimate"].max())
    for axes, horizon in zip(panels, horizons, strict=True):
        part = table[table["horizon"] == horizon]
        for name, dashes in STRATEGIES.items():
            _line(axes, part[part["model"] == name], GREY, dashes, 1.0)
        for k, name in enumerate(models):
            style = pen(k)
            _line(axes, part[part["model"] == name], style.color, style.dashes, 1.4)
        style_axes(axes)
        axes.set_title(f"{horizon:g} {unit}", fontsize=SMALL + 1, color=INK, loc="left")
        axes.set_ylim(lowest - 0.02, highest + 0.02)
        axes.xaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
        axes.set_xlabel("Threshold of risk", fontsize=SMALL, color=INK)
    panels[0].set_ylabel("Net benefit", fontsize=SMALL, color=INK)
    labels = [wrap(text, LABEL_WIDTH) for text in dict.fromkeys(_ordered(table, models))]
    figure.legend(
        _handles(panels[0], len(labels)), labels, loc="outside upper left", ncols=3,
        fontsize=SMALL, frameon=False,
    )  # fmt: skip
    alt = (
        f"Net benefit of {len(models)} models over thresholds of risk at "
        f"{', '.join(f'{h:g}' for h in horizons)} {unit}, beside treating all and treating none."
    )
    finish(figure, title="", caption=caption, alt=alt)
    found: Axes = panels[0]
    return found


def plot_instability(
    table: pd.DataFrame, *, caption: str = "", unit: str = "", width: float = 7.2
) -> Axes:
    """Draw how far refits move predictions: a row per model, a panel per horizon."""
    check_table(table, ("model", "model_label", "horizon", "risk", "lower", "upper"), "instability")
    models = list(dict.fromkeys(table["model"]))
    horizons = sorted(table["horizon"].unique())
    figure = make_figure(width, 0.6 + 1.75 * len(models))
    grid = figure.subplots(len(models), len(horizons), squeeze=False, sharex=True, sharey=True)
    for k, name in enumerate(models):
        for axes, horizon in zip(grid[k], horizons, strict=True):
            part = table[(table["model"] == name) & (table["horizon"] == horizon)]
            _band(axes, part, pen(k).color)
            if k == 0:
                axes.set_title(f"{horizon:g} {unit}", fontsize=SMALL + 1, color=INK, loc="left")
            if k == len(models) - 1:
                axes.set_xlabel("Risk predicted by the model", fontsize=SMALL, color=INK)
        label = str(table.loc[table["model"] == name, "model_label"].iloc[0])
        grid[k][0].set_ylabel(f"{wrap(label, 18)}\nrefits", fontsize=SMALL, color=INK)
    alt = (
        f"Instability of the predictions of {len(models)} models at "
        f"{', '.join(f'{h:g}' for h in horizons)} {unit}: for bands of predicted risk, the limits "
        "between which most refits on other samples of the cohort predict."
    )
    finish(figure, title="", caption=caption, alt=alt)
    first: Axes = grid[0][0]
    return first


def _line(axes: Axes, part: pd.DataFrame, color: str, dashes: object, width: float) -> None:
    if len(part):
        axes.plot(
            part["threshold"], part["estimate"], color=color, linestyle=dashes, linewidth=width
        )


def _ordered(table: pd.DataFrame, models: list[str]) -> list[str]:
    label = table.drop_duplicates("model").set_index("model")["model_label"]
    return [str(label[name]) for name in [*STRATEGIES, *models] if name in label.index]


def _handles(axes: Axes, n: int) -> list[Line2D]:
    return list(axes.get_lines())[:n]


def _band(axes: Axes, part: pd.DataFrame, color: str) -> None:
    part = part.sort_values("risk")
    axes.plot([0, 1], [0, 1], color=PALE, linewidth=1.0)
    axes.fill_between(part["risk"], part["lower"], part["upper"], color=color, alpha=0.25, lw=0)
    for side, dashes in (("lower", "-"), ("upper", "--")):
        axes.plot(part["risk"], part[side], color=color, linewidth=1.1, linestyle=dashes)
    style_axes(axes)
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(PercentFormatter(1.0, decimals=0))

"""A nomogram: each predictor's scale of points, and total points against survival."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from numpy.typing import NDArray

from allsurv.plots.paper import GREY, INK, SMALL, check_table, finish, make_figure, wrap

__all__ = ["plot_nomogram"]

LABEL_WIDTH = 30
ROW = 0.42
CLOSEST = 6.0
_FEWEST_SHOWN = 2
SHOWN = (0.99, 0.95, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1, 0.05, 0.01)


def plot_nomogram(
    scales: pd.DataFrame, survival: pd.DataFrame, *, unit: str = "", caption: str = ""
) -> Axes:
    """Draw a nomogram."""
    check_table(scales, ("predictor", "label", "value_label", "scale"), "plot_nomogram")
    check_table(survival, ("scale", "horizon", "survival"), "plot_nomogram")
    groups = list(scales.groupby("predictor", sort=False))
    horizons = list(dict.fromkeys(survival["horizon"]))
    n_rows = len(groups) + len(horizons) + 2
    figure = make_figure(7.6, 0.9 + ROW * n_rows)
    axes = figure.subplots()
    axes.axis("off")
    axes.set_xlim(-45, 104)
    axes.set_ylim(n_rows - 0.4, -0.8)
    _scale(axes, 0, "Points", np.arange(0.0, 101.0, 10.0), [f"{k:g}" for k in range(0, 101, 10)])
    for y, (_, part) in enumerate(groups, 1):
        name = str(part["label"].iloc[0])
        _scale(axes, y, name, part["scale"].to_numpy(float), list(part["value_label"]))
    most = float(survival["scale"].max())
    _totals(axes, len(groups) + 1, most)
    for k, horizon in enumerate(horizons):
        curve = survival[survival["horizon"] == horizon]
        _survival_scale(axes, len(groups) + 2 + k, f"Survival at {horizon:g} {unit}", curve, most)
    alt = (
        f"Nomogram of {len(groups)} predictors: a value's points are read on the top scale, added, "
        f"and the total points lead to survival at {len(horizons)} horizons."
    )
    finish(figure, title="Nomogram", caption=caption, alt=alt)
    return axes


def _scale(axes: Axes, y: float, label: str, at: NDArray[np.float64], names: Sequence[str]) -> None:
    axes.text(-3, y, wrap(label, LABEL_WIDTH), ha="right", va="center", fontsize=SMALL, color=INK)
    axes.plot([at.min(), at.max()], [y, y], color=INK, linewidth=0.9, solid_capstyle="butt")
    above, below = -np.inf, -np.inf
    for place in np.argsort(at, kind="stable"):
        x, width = float(at[place]), CLOSEST + 0.9 * len(str(names[place]))
        axes.plot([x, x], [y - 0.09, y + 0.09], color=INK, linewidth=0.7)
        up = x - width / 2 >= above
        if not up and x - width / 2 < below:
            continue
        above, below = (x + width / 2, below) if up else (above, x + width / 2)
        offset, side = (-0.15, "bottom") if up else (0.15, "top")
        axes.text(x, y + offset, str(names[place]), ha="center", va=side, fontsize=6, color=GREY)


def _totals(axes: Axes, y: float, most: float) -> None:
    step = next(s for s in (10, 20, 25, 50, 100, 200) if most / s <= 12)
    totals = np.arange(0.0, most + 1e-9, step)
    _scale(axes, y, "Total points", totals / most * 100, [f"{total:g}" for total in totals])


def _survival_scale(axes: Axes, y: float, label: str, curve: pd.DataFrame, most: float) -> None:
    survival = curve["survival"].to_numpy(float)[::-1]
    scale = curve["scale"].to_numpy(float)[::-1]
    shown = [p for p in SHOWN if survival[0] <= p <= survival[-1]]
    if len(shown) < _FEWEST_SHOWN:  # a model that separates patients little: its own ends
        shown = sorted({float(survival[0]), *shown, float(survival[-1])})
    with np.errstate(divide="ignore"):
        straight = np.log(-np.log(np.clip(survival, 1e-300, 1 - 1e-12)))
        at = np.interp(-np.log(-np.log(shown)), -straight, scale)
    _scale(axes, y, label, np.asarray(at) / most * 100, [f"{100 * p:.3g}%" for p in shown])

"""What moves a model: variables ranked, their effect as time goes on, and one patient's sum."""

from __future__ import annotations

import math
import warnings
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator, PercentFormatter

from allsurv.errors import ConfigError
from allsurv.explain.explanation import Explanation
from allsurv.plots.paper import (
    GREY,
    INK,
    SMALL,
    TEXT,
    check_table,
    finish,
    make_figure,
    pen,
    style_axes,
    wrap,
)

if TYPE_CHECKING:
    import shap

__all__ = ["plot_effects_over_time", "plot_importance", "plot_waterfall", "shap_explanation"]

PER_ROW = 3
LABEL_WIDTH = 30


def plot_importance(
    table: pd.DataFrame, *, title: str = "", caption: str | None = None, width: float = 7.2
) -> Axes:
    """Draw each variable's share of what moves the risk score, with limits over refits.

    Parameters
    ----------
    table : DataFrame
        From :func:`allsurv.explain.importance`: ``label``, ``share``, ``lower``, ``upper``
        (missing without refits); ``model`` or ``model_label`` where there are several models.
    title : str, default=""
        Above the figure.
    caption : str, optional
        Below it; the table's ``attrs["source"]`` unless given.
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
    check_table(table, ("label", "share"), "plot_importance")
    by = next((name for name in ("model_label", "model") if name in table.columns), None)
    parts = {"": table} if by is None else {str(k): v for k, v in table.groupby(by, sort=False)}
    order = table.groupby("label", sort=False)["share"].mean().sort_values().index
    figure = make_figure(width, 0.28 * len(order) + 1.4, gap=0.03)
    panels = figure.subplots(1, len(parts), squeeze=False, sharey=True)[0]
    for axes, (name, part) in zip(panels, parts.items(), strict=True):
        _bars(axes, part.set_index("label").reindex(order))
        axes.set_title(wrap(name, 60 // len(parts)), fontsize=TEXT, color=INK, loc="left")
    panels[0].set_yticks(range(len(order)), [wrap(label, LABEL_WIDTH) for label in order])
    panels[0].set_xlabel("Share of mean |SHAP value|", fontsize=SMALL, color=INK)
    first = next(iter(parts.values())).sort_values("share", ascending=False)
    said = ", ".join(f"{r.label} {100 * r.share:.0f}%" for r in first.head(5).itertuples())
    finish(
        figure,
        title=title,
        caption=_caption(table, caption),
        alt=f"What moves the risk score: {title or 'shares by variable'}. {said}.",
    )
    axes_first: Axes = panels[0]
    return axes_first


def _bars(axes: Axes, part: pd.DataFrame) -> None:
    style_axes(axes)
    share = part["share"].fillna(0.0).to_numpy(dtype=float)
    axes.barh(range(len(part)), share, height=0.6, color=pen(0).color)
    if {"lower", "upper"} <= set(part.columns):
        lower, upper = (part[name].to_numpy(dtype=float) for name in ("lower", "upper"))
        known = np.isfinite(lower) & np.isfinite(upper)
        at = np.flatnonzero(known)
        axes.hlines(at, lower[known], upper[known], color=INK, linewidth=1.2)
        for limit in (lower, upper):
            axes.plot(limit[known], at, "|", color=INK, markersize=5)
    axes.xaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    axes.xaxis.set_major_locator(MaxNLocator(3))
    axes.tick_params(labelsize=SMALL)
    axes.set_xlim(left=0)


def plot_effects_over_time(
    table: pd.DataFrame,
    *,
    most: int = 6,
    title: str = "",
    caption: str | None = None,
    unit: str = "",
    width: float = 7.2,
) -> Axes:
    """Draw what each variable does to predicted survival, for and against, as time goes on.

    Parameters
    ----------
    table : DataFrame
        From :func:`allsurv.explain.effects_over_time`: ``label``, ``time``, ``mean_abs_shap``,
        ``adverse``, ``favourable``.
    most : int, default=6
        Variables drawn: those that move survival most.
    title : str, default=""
        Above the figure.
    caption : str, optional
        Below it; the table's ``attrs["source"]`` unless given.
    unit : str, default=""
        Of time.
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
    columns = ("label", "time", "mean_abs_shap", "adverse", "favourable")
    check_table(table, columns, "plot_effects_over_time")
    size = table.groupby("label", sort=False)["mean_abs_shap"].mean()
    labels = list(size.sort_values(ascending=False).index[:most])
    n_rows = math.ceil(len(labels) / PER_ROW)
    figure = make_figure(width, 1.9 * n_rows + 0.9, gap=0.04)
    panels = figure.subplots(
        n_rows, min(PER_ROW, len(labels)), squeeze=False, sharex=True, sharey=True
    )
    for axes, label in zip(panels.flat, labels, strict=False):
        part = table[table["label"] == label].sort_values("time")
        style_axes(axes)
        axes.tick_params(labelsize=SMALL)
        axes.axhline(0.0, color=GREY, linewidth=0.8)
        for k, name in enumerate(("adverse", "favourable")):
            axes.plot(part["time"], part[name], color=pen(1 - k).color, linestyle=pen(k).dashes)
        axes.set_title(wrap(label, 28), fontsize=SMALL + 0.5, color=INK, loc="left")
        axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0, symbol=""))
        axes.yaxis.set_major_locator(MaxNLocator(4))
    for axes in list(panels.flat)[len(labels) :]:
        axes.remove()
    for axes in panels[-1]:
        axes.set_xlabel(f"Time ({unit})" if unit else "Time", fontsize=SMALL, color=INK)
    for row in panels:
        row[0].set_ylabel("Survival, points", fontsize=SMALL, color=INK)
    figure.legend(
        handles=list(panels[0, 0].get_lines()[1:]),
        labels=["Tenth of patients whose survival it lowers most", "Tenth it raises most"],
        loc="outside upper left",
        ncols=2,
        frameon=False,
        fontsize=SMALL,
    )
    finish(
        figure,
        title=title,
        caption=_caption(table, caption),
        alt=f"Effect on predicted survival over time: {', '.join(map(str, labels))}.",
    )
    first: Axes = panels[0, 0]
    return first


def shap_explanation(explanation: Explanation) -> shap.Explanation:
    """Hand an explanation to shap, for shap's own figures (``shap.plots.beeswarm`` and others).

    They show single patients: they are for the patients' own clinic only.

    Parameters
    ----------
    explanation : Explanation
        From ``shap_values``.

    Returns
    -------
    shap.Explanation
        The same values.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PendingDeprecationWarning)  # of shap's own colour maps
        import shap
    return shap.Explanation(**vars(explanation))


def plot_waterfall(explanation: Explanation, *, title: str = "", width: float = 6.0) -> Axes:
    """Draw how one patient's prediction is made up. For the patient's own clinic only.

    It shows one patient's values: it is not written by ``write_figures``, not tracked and not put
    on a card, and says so on its face.

    Parameters
    ----------
    explanation : Explanation
        Of one patient and one output, as ``shap_values(model, cohort)[3]`` or
        ``shap_values(model, cohort, times)[3, :, 0]``.
    title : str, default=""
        Above the figure.
    width : float, default=6.0
        Of the figure, in inches.

    Returns
    -------
    Axes
        The figure's only panel.

    Raises
    ------
    ConfigError
        If more than one patient or output is given.
    """
    values = np.asarray(explanation.values, dtype=float)
    base = np.asarray(explanation.base_values, dtype=float)
    if values.ndim != 1 or base.size != 1:
        raise ConfigError(
            f"plot_waterfall: values of shape {values.shape}; give one patient and one output, "
            "as explanation[3] or explanation[3, :, 0]."
        )
    order = np.argsort(-np.abs(values), kind="stable")
    moved = values[order]
    start = float(base.ravel()[0]) + np.concatenate([[0.0], np.cumsum(moved)[:-1]])
    figure = make_figure(width, 0.3 * values.size + 1.4)
    axes: Axes = figure.subplots()
    style_axes(axes)
    at = np.arange(values.size)[::-1]
    colors = [pen(1).color if move > 0 else pen(0).color for move in moved]
    axes.barh(at, moved, left=start, height=0.6, color=colors)
    for y, move, left in zip(at, moved, start, strict=True):
        axes.annotate(
            f"{move:+.2f}",
            (max(left, left + move), y),
            xytext=(3, 0),
            textcoords="offset points",
            va="center",
            fontsize=SMALL,
            color=INK,
        )
    names = [f"{explanation.feature_names[i]} = {_shown(explanation.data[i])}" for i in order]
    axes.set_yticks(at, [wrap(name, LABEL_WIDTH) for name in names], fontsize=SMALL)
    axes.axvline(float(base.ravel()[0]), color=GREY, linewidth=0.8, linestyle=(0, (4, 2)))
    axes.use_sticky_edges = False
    axes.margins(x=0.15)
    total = float(base.ravel()[0] + values.sum())
    axes.set_xlabel(f"From {float(base.ravel()[0]):.2f} to {total:.2f}", fontsize=SMALL, color=INK)
    finish(
        figure,
        title=title,
        caption="One patient's values: for local use, not to be shared.",
        alt=f"One patient's prediction of {total:.2f}, split into {values.size} variables.",
    )
    return axes


def _shown(value: object) -> str:
    if value is None or value is pd.NA or (isinstance(value, float) and math.isnan(value)):
        return "not known"
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float | np.floating) else str(value)


def _caption(table: pd.DataFrame, caption: str | None) -> str:
    return str(table.attrs.get("source", "")) if caption is None else caption

"""Figures of a reproduced paper, each drawn as its kind asks, and the numbers behind them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from pathlib import Path

from matplotlib.axes import Axes

from allsurv.plots.curve_numbers import what_is_shown
from allsurv.plots.curves import plot_kaplan_meier
from allsurv.plots.effects import plot_hazard_ratios
from allsurv.plots.files import FORMATS, write_figure
from allsurv.plots.incidence import plot_cumulative_incidence
from allsurv.plots.residuals import plot_residuals
from allsurv.plots.stacked import plot_stacked_incidence
from allsurv.plots.states import plot_state_diagram, plot_state_shares
from allsurv.plots.swimmer import plot_swimmer
from allsurv.reproduction.items import Item
from allsurv.study.spec import Study

__all__ = ["plot_item", "write_item", "write_items"]

JOURNAL_DPI = 300


def plot_item(item: Item, study: Study, *, caption: str = "") -> Axes:
    """Draw one figure of a reproduction.

    Parameters
    ----------
    item : Item
        Curves, a forest, residuals or courses of patients.
    study : Study
        Names endpoints and the unit of time.
    caption : str, default=""
        Below it: where the data come from.

    Returns
    -------
    Axes
        The first axes of the figure.
    """
    return DRAWINGS[item.kind](item, study, caption)


def write_items(
    items: Iterable[Item],
    study: Study,
    folder: str | Path,
    *,
    caption: str = "",
    dpi: int = JOURNAL_DPI,
    formats: tuple[str, ...] = FORMATS,
) -> tuple[Path, ...]:
    """Write the figures of a reproduction, each with the numbers it is drawn from.

    Parameters
    ----------
    items : iterable of Item
        Of a reproduction; tables are passed over.
    study : Study
        Names endpoints and the unit of time.
    folder : str or Path
        Made if need be.
    caption : str, default=""
        Line under every figure: where the data come from.
    dpi : int, default=300
        Dots per inch of the PNG files.
    formats : tuple of str, default=("png", "svg")
        What to draw.

    Returns
    -------
    tuple of Path
        Files written: ``<key>.png``, ``<key>.svg``, ``<key>.csv``, and one CSV for each further
        table behind a figure.
    """
    figures = [item for item in items if item.is_figure]
    written = [
        write_item(i, study, folder, caption=caption, dpi=dpi, formats=formats) for i in figures
    ]
    return tuple(file for files in written for file in files)


def write_item(
    item: Item,
    study: Study,
    folder: str | Path,
    *,
    caption: str = "",
    dpi: int = JOURNAL_DPI,
    formats: tuple[str, ...] = FORMATS,
) -> tuple[Path, ...]:
    """Write one figure of a reproduction with the numbers it is drawn from.

    Parameters
    ----------
    item : Item
        Curves, a forest, residuals or courses of patients.
    study : Study
        Names endpoints and the unit of time.
    folder : str or Path
        Made if need be.
    caption : str, default=""
        Line under the figure.
    dpi : int, default=300
        Dots per inch of the PNG file.
    formats : tuple of str, default=("png", "svg")
        What to draw.

    Returns
    -------
    tuple of Path
        As of :func:`write_items`.
    """
    folder = Path(folder)
    axes = plot_item(item, study, caption=caption)
    files = list(write_figure(axes, folder / item.key, dpi=dpi, formats=formats))
    tables = {item.key: item.table} | {f"{item.key}-{k}": table for k, table in item.extra.items()}
    for name, table in tables.items():
        files.append(folder / f"{name}.csv")
        table.to_csv(files[-1], index=False)
    return tuple(files)


def _curves(item: Item, study: Study, caption: str) -> Axes:
    return plot_kaplan_meier(
        item.table.drop(columns="comparison", errors="ignore"),  # one figure, whatever it compares
        title=item.heading,
        caption=caption,
        unit=study.time.unit,
        p_value=_p_value(item),
        ylabel=_ylabel(item, study),
        counts=item.extra.get("at_risk"),
        summary=item.extra.get("summary"),
    )


def _ylabel(item: Item, study: Study) -> str:
    """Name the endpoint, if it is one; an endpoint that censors deaths is called no survival."""
    endpoints = item.table["endpoint"].unique() if "endpoint" in item.table.columns else []
    shown = what_is_shown(item.table)
    if len(endpoints) == 1 and shown == "survival":
        return study.endpoint(endpoints[0]).label
    return shown.capitalize()


def _p_value(item: Item) -> float | None:
    """P of the first test; where there is none, of the summary."""
    for name in ("tests", "summary"):
        table = item.extra.get(name)
        if table is not None and len(table) and "p_value" in table.columns:
            value = float(table["p_value"].astype(float).iloc[0])
            return value if math.isfinite(value) else None
    return None


def _incidence(item: Item, study: Study, caption: str) -> Axes:
    tests = item.extra.get("tests")
    p_values = {} if tests is None else dict(zip(tests["cause"], tests["p_value"], strict=True))
    return plot_cumulative_incidence(
        item.table.drop(columns="comparison", errors="ignore"),
        title=item.heading,
        caption=caption,
        unit=study.time.unit,
        p_values=p_values,
        counts=item.extra.get("at_risk"),
        summary=item.extra.get("summary"),
    )


def _stacked(item: Item, study: Study, caption: str) -> Axes:
    return plot_stacked_incidence(
        item.table.drop(columns="comparison", errors="ignore"),
        title=item.heading,
        caption=caption,
        unit=study.time.unit,
    )


def _diagram(item: Item, study: Study, caption: str) -> Axes:
    return plot_state_diagram(item.table, title=item.heading, caption=caption)


def _shares(item: Item, study: Study, caption: str) -> Axes:
    return plot_state_shares(item.table, title=item.heading, caption=caption, unit=study.time.unit)


def _forest(item: Item, study: Study, caption: str) -> Axes:
    return plot_hazard_ratios(item.table, title=item.heading, caption=caption)


def _residuals(item: Item, study: Study, caption: str) -> Axes:
    return plot_residuals(
        item.table,
        smooth=item.extra.get("smooth"),
        tests=item.extra.get("tests"),
        title=item.heading,
        caption=caption,
        unit=study.time.unit,
    )


def _swimmer(item: Item, study: Study, caption: str) -> Axes:
    return plot_swimmer(
        item.table,
        item.extra.get("marks"),
        title=item.heading,
        caption=caption,
        unit=study.time.unit,
    )


DRAWINGS: dict[str, Callable[[Item, Study, str], Axes]] = {
    "curves": _curves,
    "diagram": _diagram,
    "forest": _forest,
    "incidence": _incidence,
    "residuals": _residuals,
    "shares": _shares,
    "stacked": _stacked,
    "swimmer": _swimmer,
}

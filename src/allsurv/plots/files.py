"""Figures on disk: PNG and SVG, the same bytes every time, readable to those who cannot see."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape, quoteattr

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from allsurv.plots.accuracy import plot_calibration, plot_performance
from allsurv.plots.curves import plot_kaplan_meier
from allsurv.plots.decisions import plot_instability, plot_net_benefit
from allsurv.plots.effects import plot_findings, plot_hazard_ratios
from allsurv.plots.explanation import plot_importance
from allsurv.plots.incidence import plot_cumulative_incidence
from allsurv.plots.nomogram import plot_nomogram
from allsurv.plots.paper import alt_text, root_figure
from allsurv.plots.png import png_bytes
from allsurv.plots.stacked import plot_stacked_incidence

__all__ = ["write_figure", "write_figures"]

FORMATS = ("png", "svg")
STEADY: dict[Any, Any] = {"svg.hashsalt": "allsurv", "svg.fonttype": "none", "text.hinting": "none"}


def write_figure(
    axes: Axes, path: str | Path, *, dpi: int = 200, formats: tuple[str, ...] = FORMATS
) -> tuple[Path, ...]:
    """Write a figure as PNG and SVG, with its alternative text inside.

    Parameters
    ----------
    axes : Axes
        As returned by a ``plot_`` function.
    path : str or Path
        Without extension, or with one that is replaced.
    dpi : int, default=200
        Dots per inch of the PNG.
    formats : tuple of str, default=("png", "svg")
        What to write.

    Returns
    -------
    tuple of Path
        Files written; the same figure gives the same bytes.
    """
    figure = root_figure(axes)
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    alt = alt_text(axes)
    figure.set_dpi(dpi)
    with rc_context(STEADY):
        if (layout := figure.get_layout_engine()) is not None:
            layout.execute(figure)
        figure.set_layout_engine("none")
        written = []
        for extension in formats:
            file = path.with_name(f"{_stem(path)}.{extension}")
            if extension == "svg":
                file.write_text(_svg(figure, alt), encoding="utf-8")
            else:
                _write_png(figure, file, alt)
            written.append(file)
    return tuple(written)


def _stem(path: Path) -> str:
    return path.stem if path.suffix.lstrip(".") in FORMATS else path.name


# The canvases are asked directly: ``savefig`` would lay out and draw everything a second time.
# The canvas that the layout has measured texts on is drawn on: it remembers them.


def _write_png(figure: Figure, file: Path, alt: str) -> None:
    known = figure.canvas
    canvas = known if isinstance(known, FigureCanvasAgg) else FigureCanvasAgg(figure)
    canvas.draw()
    pixels = np.asarray(canvas.buffer_rgba())
    file.write_bytes(png_bytes(pixels, dpi=round(figure.dpi), words={"Description": alt}))


def _svg(figure: Figure, alt: str) -> str:
    buffer = io.StringIO()
    FigureCanvasSVG(figure).print_svg(buffer, metadata={"Date": None, "Creator": None})
    text = buffer.getvalue()
    start = text.index("<svg")
    end = text.index(">", start) + 1
    opened = text[start : end - 1] + f' role="img" aria-label={quoteattr(alt)}>'
    headline = alt.split(". ", 1)[0].rstrip(".")
    named = f"\n <title>{escape(headline)}</title>\n <desc>{escape(alt)}</desc>"
    return text[:start] + opened + named + text[end:]


def write_figures(
    tables: Mapping[str, pd.DataFrame],
    folder: str | Path,
    *,
    caption: str = "",
    unit: str = "",
    dpi: int = 200,
    formats: tuple[str, ...] = FORMATS,
    n_jobs: int = 1,
) -> tuple[Path, ...]:
    """Write every figure that the tables of a result allow.

    Parameters
    ----------
    tables : mapping from str to DataFrame
        By name; drawn are ``curves`` (a file per comparison), ``incidence_curves`` (two), ``cox``,
        ``performance``, ``calibration``, ``findings``, ``net_benefit``, ``instability_bands``, and
        a nomogram from ``nomogram`` and ``points_survival``.
    folder : str or Path
        Made if need be.
    caption : str, default=""
        Line under every figure: where the data come from.
    unit : str, default=""
        Unit of time and of horizons.
    dpi : int, default=200
        Dots per inch of the PNG files.
    formats : tuple of str, default=("png", "svg")
        What to write.
    n_jobs : int, default=1
        Processes; the files do not depend on it.

    Returns
    -------
    tuple of Path
        Files written, named after table and comparison.
    """
    folder = Path(folder)
    tasks = (
        delayed(_draw_and_write)(partial(draw, caption=caption), folder / name, dpi, formats)
        for name, draw in _drawings(tables, unit).items()
    )
    return tuple(file for files in Parallel(n_jobs=n_jobs)(tasks) for file in files)


def _draw_and_write(
    draw: Callable[[], Axes], path: Path, dpi: int, formats: tuple[str, ...]
) -> tuple[Path, ...]:
    return write_figure(draw(), path, dpi=dpi, formats=formats)


def _drawings(tables: Mapping[str, pd.DataFrame], unit: str) -> dict[str, Callable[..., Axes]]:
    drawings: dict[str, Callable[..., Axes]] = {}
    if "curves" in tables and len(tables["curves"]):
        p_values = _p_values(tables)
        for comparison, part in tables["curves"].groupby("comparison", sort=False):
            drawings[f"curves-{comparison}"] = partial(
                plot_kaplan_meier, part, p_value=p_values.get(str(comparison)), unit=unit
            )
    drawings |= _incidences(tables, unit)
    plain: dict[str, Callable[..., Axes]] = {
        "cox": plot_hazard_ratios,
        "performance": partial(plot_performance, unit=unit),
        "calibration": partial(plot_calibration, unit=unit),
        "findings": plot_findings,
        "importance": plot_importance,
        "net_benefit": partial(plot_net_benefit, unit=unit),
        "instability_bands": partial(plot_instability, unit=unit),
    }
    if len(tables.get("nomogram", ())):
        drawings["nomogram"] = partial(
            plot_nomogram, tables["nomogram"], tables["points_survival"], unit=unit
        )
    for name, plot in plain.items():
        if name in tables and len(tables[name]):
            drawings[name] = partial(plot, tables[name])
    return drawings


def _incidences(tables: Mapping[str, pd.DataFrame], unit: str) -> dict[str, Callable[..., Axes]]:
    """Draw every comparison of events that compete: curves, and shares over time."""
    drawings: dict[str, Callable[..., Axes]] = {}
    if not len(tables.get("incidence_curves", ())):
        return drawings
    summaries = dict(list(tables["incidence"].groupby("comparison", sort=False)))
    for comparison, part in tables["incidence_curves"].groupby("comparison", sort=False):
        summary = summaries[comparison]
        first = summary.groupby("cause", sort=False)["p_value"].first()
        drawings[f"incidence-{comparison}"] = partial(
            plot_cumulative_incidence, part, p_values=first.to_dict(), summary=summary, unit=unit
        )
        drawings[f"shares-{comparison}"] = partial(plot_stacked_incidence, part, unit=unit)
    return drawings


def _p_values(tables: Mapping[str, pd.DataFrame]) -> dict[str, float]:
    if "survival" not in tables:
        return {}
    first = tables["survival"].groupby("comparison", sort=False)["p_value"].first()
    return {str(name): float(value) for name, value in first.items() if value == value}

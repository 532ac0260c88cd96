"""The page over the cards of several endpoints."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from allsurv.cards.pages import make_environment
from allsurv.cards.words import interval
from allsurv.experiment.result import Result
from allsurv.models.catalog import model_label
from allsurv.validation.catalogue import MEASURES
from allsurv.whole_file import whole_file

__all__ = ["write_overview"]


def write_overview(results: Mapping[str, Result], file: Path) -> Path:
    """Write a page that names each endpoint, how well it is predicted, and where its card is.

    Parameters
    ----------
    results : mapping from str to Result
        By endpoint; the card of each lies in a folder of that name beside the page.
    file : Path
        Page to be written, such as ``index.html``.

    Returns
    -------
    Path
        The page.
    """
    first = next(iter(results.values()))
    page = (
        make_environment()
        .get_template("endpoints.html.j2")
        .render(
            title=first.study.title,
            question=first.question,
            source=first.provenance.source_statement,
            rows=[_row(endpoint, result) for endpoint, result in results.items()],
        )
    )
    with whole_file(file) as part:
        part.write_text(page, encoding="utf-8")
    return file


def _row(endpoint: str, result: Result) -> dict[str, Any]:
    return {
        "endpoint": endpoint,
        "label": result.study.endpoint(endpoint).label,
        "n": result.provenance.n,
        "n_events": result.provenance.n_events,
        "model": model_label(result.chosen),
        "how_good": _how_good(result),
        "validation": result.statements["validation"],
    }


def _how_good(result: Result) -> list[str]:
    """Quote the headline measures of the recommended model, at the last horizon."""
    table, said = result.tables["performance"], []
    for name in (name for name, measure in MEASURES.items() if measure.headline):
        rows = table[(table["model"] == result.chosen) & (table["measure"] == name)]
        if not len(rows):
            continue
        row = rows.iloc[-1]
        at = "" if pd.isna(row["horizon"]) else f" at {row['horizon']:g} {result.study.time.unit}"
        estimate = interval(row["estimate"], row["lower"], row["upper"])
        said.append(f"{row['label']}{at} {estimate}")
    return said

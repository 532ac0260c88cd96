"""The report of a reproduced paper: one HTML page that needs no other file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from allsurv.cards.pages import embed, make_environment
from allsurv.cards.report.printed import print_item
from allsurv.cards.report.printed_ledger import (
    LEDGER_COLUMNS,
    NOT_RECOMPUTED,
    ledger_rows,
    section_name,
    tally,
)
from allsurv.cards.report.printed_table import PrintedRow, PrintedTable
from allsurv.policy.rules import disclosure_policy
from allsurv.reproduction.items import ANOTHER, CORRECT, PUBLISHED, Item, Reproduction
from allsurv.study.spec import Study

__all__ = ["write_report"]

OTHERS = (CORRECT, ANOTHER)
REPEATED = ("comparison", "label", "endpoint", "landmark", "note", "analysis", "analysis_label")


@dataclass(frozen=True)
class _Data:
    """The numbers behind a figure, shown when asked for."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class _Section:
    """One section of a ledger; what differs comes first."""

    name: str
    agrees: int
    of: int
    rows: tuple[PrintedRow, ...]


@dataclass(frozen=True)
class _LedgerPage:
    """Every published number beside the recomputed one."""

    columns: tuple[str, ...]
    totals: tuple[tuple[str, int], ...]
    n: int
    misses: tuple[PrintedRow, ...]
    sections: tuple[_Section, ...]


@dataclass(frozen=True)
class _View:
    """One item as the template shows it."""

    key: str
    title: str
    label: str
    table: PrintedTable | None
    figure: Path | None
    data: _Data | None
    notes: tuple[str, ...]
    ledger: _LedgerPage | None


def write_report(reproduction: Reproduction, folder: str | Path) -> Path:
    """Write ``report.html``, with its figures inside.

    Parameters
    ----------
    reproduction : Reproduction
        The whole analysis.
    folder : str or Path
        Figures are taken from ``figures/`` in it.

    Returns
    -------
    Path
        The page: readable on paper, on a telephone and in the dark, and without seeing the figures.
    """
    folder = Path(folder)
    views = [_view(item, reproduction.study, folder / "figures") for item in reproduction]
    environment = make_environment()
    environment.globals["embed"] = embed
    page = environment.get_template("report.html.j2").render(
        title=reproduction.study.title,
        subtitle=_subtitle(reproduction.study),
        statement=reproduction.statement,
        summary=_summary(reproduction),
        views=views,
        blocks=_blocks(reproduction.items, views),
    )
    path = folder / "report.html"
    path.write_text(page.rstrip() + "\n", encoding="utf-8")
    return path


def _subtitle(study: Study) -> str:
    """Say whose analysis the report holds."""
    published = bool(study.findings) or study.ledger is not None
    return (
        "the paper's analysis, recomputed" if published else "analysis as the study file defines it"
    )


def _summary(reproduction: Reproduction) -> list[tuple[str, str]]:
    study, source = reproduction.study, reproduction.source
    versions = ", ".join(f"{name} {version}" for name, version in reproduction.versions.items())
    lines = [
        ("Publication", study.citation.get("text", "")),
        ("DOI", study.citation.get("doi", "")),
        ("Patients", f"{source.name} ({source.kind})"),
        ("Disclosure policy", disclosure_policy(reproduction.policy).statement),
        ("Digests", f"study {study.digest[:12]}, patients {source.digest[:12]}"),
        ("Software", versions),
    ]
    return [(label, text) for label, text in lines if text]


def _view(item: Item, study: Study, figures: Path) -> _View:
    is_ledger = item.kind == "ledger"
    table = None if is_ledger else print_item(item, study)
    figure = figures / f"{item.key}.svg"
    shown = item.is_figure and figure.is_file()
    return _View(
        key=item.key,
        title=item.title,
        label=item.label,
        table=table,
        figure=figure if shown else None,
        data=_data(item.table) if shown else None,
        notes=item.notes if table is None else table.notes,
        ledger=_ledger_page(item.table) if is_ledger else None,
    )


def _blocks(items: Sequence[Item], views: Sequence[_View]) -> list[list[_View]]:
    """Set the paper's reading and the other definitions that follow it side by side."""
    blocks: list[list[_View]] = []
    for before, item, view in zip((None, *items), items, views, strict=False):
        beside = (
            item.label in OTHERS
            and before is not None
            and before.label in (PUBLISHED, *OTHERS)
            and before.kind == item.kind == "curves"
        )
        if beside:
            blocks[-1].append(view)
        else:
            blocks.append([view])
    return blocks


def _data(table: pd.DataFrame) -> _Data:
    said = [name for name in REPEATED if name in table and table[name].nunique(dropna=False) < 2]
    shown = table.drop(columns=said)
    columns = [[_number(value) for value in shown[name]] for name in shown.columns]
    return _Data(tuple(map(str, shown.columns)), tuple(zip(*columns, strict=True)))


def _number(value: object) -> str:
    if pd.isna(value):
        return ""
    return f"{value:.5g}" if isinstance(value, float) else str(value)


def _ledger_page(table: pd.DataFrame) -> _LedgerPage:
    sections = [
        _Section(
            section_name(str(name)), tally(part["match"])["agrees"], len(part), ledger_rows(part)
        )
        for name, part in table.groupby("section", sort=False)
    ]
    differing = table[~table["match"].astype("boolean").fillna(True)]
    misses = ledger_rows(differing)
    counts = tally(table["match"])
    shown = tuple(counts.items()) if counts[NOT_RECOMPUTED] else tuple(counts.items())[:2]
    return _LedgerPage(LEDGER_COLUMNS, shown, len(table), misses, tuple(sections))

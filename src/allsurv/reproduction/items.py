"""The tables and figures of a paper as values: numbers, printed strings, notes, nothing drawn."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

import pandas as pd

from allsurv.cohort import Source
from allsurv.errors import ConfigError
from allsurv.nearest import did_you_mean
from allsurv.policy.rules import CMS
from allsurv.study.spec import Study

__all__ = [
    "ANOTHER",
    "CORRECT",
    "PROTOCOL",
    "PUBLISHED",
    "REPORTED",
    "WITH_SUMMARY",
    "Item",
    "Kind",
    "Reproduction",
    "safe",
]

Kind = Literal[
    "table",
    "curves",
    "incidence",
    "stacked",
    "diagram",
    "shares",
    "forest",
    "swimmer",
    "residuals",
    "ledger",
]

FIGURES = (
    "curves", "incidence", "stacked", "diagram", "shares", "forest", "swimmer", "residuals"
)  # fmt: skip
WITH_SUMMARY = ("curves", "incidence")
"""Figures printed as a table too, that of their summary."""
PROTOCOL, REPORTED = "the paper's protocol", "what we would report"
PUBLISHED, CORRECT, ANOTHER = "the paper's reading", "correct definition", "another reading"


@dataclass(frozen=True, eq=False)
class Item:
    """One table or figure of the report.

    Attributes
    ----------
    key : str
        ``table-1``, ``figure-1a``, ``cox-univariable``: file names derive from it.
    title : str
        As printed above it.
    label : str
        Whose reading it is: ``the paper's protocol`` or ``what we would report``, ``the paper's
        reading``, ``correct definition`` or ``another reading``; empty where there is one only.
    kind : {"table", "curves", "incidence", "stacked", "diagram", "shares", "forest", ...}
        How it is drawn; a forest also comes as its table.
    table : DataFrame
        The numbers, tidy.
    text : DataFrame or None
        The same as a journal prints it; the first column is the row's label. ``None`` for figures.
    notes : tuple of str
        Footnotes: tests, denominators, readings.
    extra : mapping from str to DataFrame
        For curves ``at_risk`` (at risk, censored, events), ``summary`` (medians, survival or
        incidence at horizons) and ``tests`` (log-rank, Gray's of each cause).
    local_only : bool
        Shows single patients: never logged.
    safe : Item or None
        The same as it may be shown outside the study team; ``None`` where it may not.
    """

    key: str
    title: str
    label: str
    kind: Kind
    table: pd.DataFrame
    text: pd.DataFrame | None = None
    notes: tuple[str, ...] = ()
    extra: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    local_only: bool = False
    safe: Item | None = None

    @property
    def is_figure(self) -> bool:
        """Whether it is drawn."""
        return self.kind in FIGURES

    @property
    def heading(self) -> str:
        """Title, with whose reading it is in brackets."""
        return f"{self.title} ({self.label})" if self.label else self.title


@dataclass(frozen=True, eq=False)
class Reproduction:
    """A paper's whole analysis of one cohort, in the order of the report.

    Attributes
    ----------
    study : Study
        What was published, and how.
    source : Source
        Where the patients came from.
    policy : str
        Disclosure policy: ``journal`` shows everything, ``cms`` no count under 11.
    items : tuple of Item
        Tables and figures.
    statement : str
        The one plain sentence on the data that stands on every page.
    versions : mapping from str to str
        Versions of the software.
    """

    study: Study
    source: Source
    policy: str
    items: tuple[Item, ...]
    statement: str
    versions: Mapping[str, str]

    def __iter__(self) -> Iterator[Item]:
        """Go through the items in order."""
        return iter(self.items)

    def __len__(self) -> int:
        """Count the items."""
        return len(self.items)

    def __getitem__(self, key: str) -> Item:
        """Find an item by its key."""
        for item in self.items:
            if item.key == key:
                return item
        keys = [item.key for item in self.items]
        raise ConfigError(
            f"reproduction of '{self.study.name}': there is no '{key}'.{did_you_mean(key, keys)} "
            f"It has {', '.join(keys)}."
        )


def safe(reproduction: Reproduction) -> Reproduction:
    """Keep what may be shown outside the study team: no count under 11, no single patient.

    Parameters
    ----------
    reproduction : Reproduction
        With every count.

    Returns
    -------
    Reproduction
        Its policy is ``cms``; its source is described as those of exported models are.
    """
    from allsurv.cohort.source_digest import describe_source

    source = replace(reproduction.source, digest=describe_source(reproduction.source)["digest"])
    shown = tuple(item.safe for item in reproduction.items if item.safe is not None)
    return replace(reproduction, source=source, policy=CMS.name, items=shown)

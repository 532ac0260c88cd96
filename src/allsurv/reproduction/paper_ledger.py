"""What a paper printed beside what the cohort gives, and the paper's own contradictions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pandas as pd

from allsurv.cohort import Cohort
from allsurv.reproduction.items import Item
from allsurv.reproduction.ledger import ledger_table
from allsurv.study.ledger import Ledger, load_ledger

__all__ = ["VERDICTS", "ledger_items"]

VERDICTS = ("agree", "differ", "not_recomputed")


def ledger_items(cohort: Cohort, comparison: Cohort | None) -> Iterator[Item]:
    """Recompute every published number."""
    if cohort.study.ledger is None:
        return
    ledger = load_ledger(cohort.study)
    table = ledger_table(cohort, comparison=comparison, ledger=ledger)
    notes = ["Recomputed with the decimals of the print, halves rounded up."]
    if cohort.source.is_synthetic:
        notes.append(cohort.source.statement)
    title = "Printed against recomputed"
    tally = _tally(table)
    item = Item("ledger", title, "", "ledger", table, None, tuple(notes), extra={"tally": tally})
    yield replace(item, safe=_safe(item, tally))
    yield _contradictions(ledger, table)


def _tally(table: pd.DataFrame) -> pd.DataFrame:
    match = table["match"].astype("boolean")
    verdict = match.map({True: "agree", False: "differ"}).fillna("not_recomputed")
    counts = pd.crosstab([table["section"], table["kind"]], verdict)
    return counts.reindex(columns=list(VERDICTS), fill_value=0).reset_index()


def _safe(item: Item, tally: pd.DataFrame) -> Item:
    """Keep how many numbers agree: one that agrees gives a small count away."""
    rows = tally.assign(numbers=tally[list(VERDICTS)].sum(axis=1))
    columns = {"section": "Section", "kind": "Kind", "numbers": "Numbers"}
    columns |= {"agree": "Agree", "differ": "Differ", "not_recomputed": "Not recomputed"}
    text = rows.rename(columns=columns)[list(columns.values())].astype(str)
    notes = (*item.notes, "The numbers themselves are shown to the study team only.")
    return replace(item, kind="table", table=tally, text=text, notes=notes)


def _contradictions(ledger: Ledger, table: pd.DataFrame) -> Item:
    concerned = table["issue"].value_counts()
    text = pd.DataFrame(
        {
            "Contradiction": list(ledger.issues),
            "Numbers concerned": [str(int(concerned.get(name, 0))) for name in ledger.issues],
            "What is printed, what follows, and how it is read here": list(ledger.issues.values()),
        }
    )
    title = "The paper's own contradictions and ambiguities"
    item = Item("contradictions", title, "", "table", text, text)
    return replace(item, safe=item)

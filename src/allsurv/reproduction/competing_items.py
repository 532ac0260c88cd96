"""Where events compete: curves, shares, incidences at horizons, and models side by side."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from allsurv.cohort import Cohort
from allsurv.describe import (
    comparison_gray_tests,
    comparison_incidence,
    comparison_incidence_table,
    competing_analysis_table,
    competing_numbers_at_risk,
)
from allsurv.describe.competing.regression import ANSWERS
from allsurv.disclosure.incidence import safe_competing, safe_incidence, safe_incidence_table
from allsurv.disclosure.survival import medians_on_grid
from allsurv.errors import OutcomeError
from allsurv.policy.rules import DisclosurePolicy
from allsurv.reproduction.items import Item
from allsurv.reproduction.paper_text import competing_text
from allsurv.study.spec import Analysis, Comparison, Study

__all__ = ["competing_items", "incidence_items"]

SHARES = "shares of patients over time"
INCIDENCE = (
    "Cumulative incidence (Aalen-Johansen) with log-log limits: the share of patients in whom the "
    "event came first. One minus a Kaplan-Meier estimate that censors the other events would be "
    "too high."
)


def incidence_items(
    cohort: Cohort,
    comparison: Comparison,
    other: Cohort | None,
    policy: DisclosurePolicy,
    *,
    key: str,
    title: str,
    label: str,
    ticks: Sequence[float],
) -> Iterator[Item]:
    """Make the curves of every cause, with a table, and the stacked shares."""
    if comparison.against is not None and other is None:
        raise OutcomeError(
            f"the cohort '{comparison.against}' that it is against is not at hand; give it as "
            "comparison= to allsurv.reproduction.reproduce."
        )
    curves = comparison_incidence(cohort, comparison, against=other)
    summary = comparison_incidence_table(cohort, comparison, against=other)
    tests = comparison_gray_tests(cohort, comparison, against=other)
    reached = np.asarray(ticks)[np.asarray(ticks) <= float(curves["time"].max())]
    counts = competing_numbers_at_risk(curves, reached)
    notes = [*dict.fromkeys(n for n in curves["note"] if n), INCIDENCE]
    extra = {"at_risk": counts, "summary": summary} | ({"tests": tests} if len(tests) else {})
    item = Item(key, title, label, "incidence", curves, notes=tuple(notes), extra=extra)
    shown = _safe(item, cohort.study, policy)
    yield replace(item, safe=shown)
    stacked = Item(f"{key}-shares", f"{title}: {SHARES}", label, "stacked", curves)
    bare = None if shown is None else replace(stacked, table=shown.table)
    yield replace(stacked, safe=bare)


def competing_items(
    cohort: Cohort, analysis: Analysis, policy: DisclosurePolicy, *, label: str
) -> Iterator[Item]:
    """Make a table of cause-specific and Fine-Gray models, with what each answers."""
    table = competing_analysis_table(cohort, analysis)
    title = f"{analysis.paper}. {analysis.label}" if analysis.paper else analysis.label
    notes = list(ANSWERS.values())
    notes += [
        f"{cause}: {note}."
        for cause, note in zip(table["cause_label"], table["note"], strict=True)
        if note
    ]
    key = f"competing-{analysis.name}".replace("_", "-")
    decimals = max((f.decimals for f in cohort.study.findings.values()), default=2)

    def item(shown: pd.DataFrame) -> Item:
        text = competing_text(shown, decimals=decimals)
        return Item(key, title, label, "table", shown, text, tuple(dict.fromkeys(notes)))

    yield replace(item(table), safe=item(safe_competing(table, policy)))


def _safe(item: Item, study: Study, policy: DisclosurePolicy) -> Item | None:
    curves = safe_incidence(item.table, study, policy)
    if curves.empty:
        return None
    summary = safe_incidence_table(item.extra["summary"], policy)
    extra = {"summary": medians_on_grid(summary, study, policy)}
    if "tests" in item.extra:
        extra["tests"] = item.extra["tests"]
    return replace(item, table=curves, extra=extra)

"""Tables of a paper: characteristics, responses, complications, toxicities."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pandas as pd

from allsurv.cohort import Cohort
from allsurv.describe import rate_tables, table_one
from allsurv.disclosure.characteristics import safe_characteristics
from allsurv.policy.rules import DisclosurePolicy
from allsurv.reproduction.items import Item
from allsurv.reproduction.keys import paper_key, paper_title
from allsurv.reproduction.paper_text import characteristics_text, grades_text, rates_text
from allsurv.study.spec import Study, Tabulation

__all__ = ["table_items"]

TESTED = "Denominators are shown where only some patients were tested or asked."


def table_items(cohort: Cohort, policy: DisclosurePolicy) -> Iterator[Item]:
    """Make the tables of counts that the study reports."""
    yield _characteristics(cohort, policy)
    study = cohort.study
    names = [name for name, table in study.tables.items() if _has(cohort, table)]
    if not names:
        return
    full, safe = rate_tables(cohort, names), rate_tables(cohort, names, threshold=policy.threshold)
    for name in names:
        item = _rates(study.tables[name], full[name])
        yield replace(item, safe=_rates(study.tables[name], safe[name]))


def _characteristics(cohort: Cohort, policy: DisclosurePolicy) -> Item:
    study = cohort.study
    table = table_one(cohort, by=study.group, differences=True)
    by = f" by {_lowered(study.variable(study.group).label)}" if study.group else ""
    ordered = frozenset(v.name for v in study.variables.values() if v.kind == "ordinal")
    notes = [TESTED]
    if study.group:
        notes += [
            "P of a level: that level against all others. P are two-sided, each on its own.",
            "Standardised difference: Yang and Dalton's for levels; 0.1 is called negligible.",
        ]

    def item(shown: pd.DataFrame, *more: str) -> Item:
        text = characteristics_text(shown, ordered=ordered)
        title = f"Table 1. Characteristics of the patients{by}"
        return Item("table-1", title, "", "table", shown, text, (*notes, *more))

    safe = safe_characteristics(table, cohort.study, policy)
    return replace(item(table), safe=item(safe, _hidden(policy)))


def _rates(table: Tabulation, shown: pd.DataFrame) -> Item:
    notes = [table.note] if table.note else []
    if not table.grades:
        notes.append(TESTED)
    if shown["test"].any():
        tests = ", ".join(dict.fromkeys(filter(None, shown["test"])))
        notes.append(f"P between groups: {tests}; chi-squared without continuity correction.")
        n_tests = int(shown["test"].ne("").sum())
        if n_tests > 1:
            by_chance = f"by chance alone {n_tests / 20:.1f} would have P < 0.05"
            notes.append(f"{n_tests} tests, each on its own: {by_chance}.")
    if not table.grades and shown["lower"].notna().any():
        notes.append("In brackets: exact 95% limits of the rate, in percent.")
        if shown["difference"].notna().any():
            notes.append("Difference: the second group less the first, Newcombe's limits.")
    text = grades_text(shown) if table.grades else rates_text(shown)
    key, title = paper_key(table.paper, table.name), paper_title(table.paper, table.label)
    return Item(key, title, "", "table", shown, text, tuple(notes))


def _hidden(policy: DisclosurePolicy) -> str:
    return f"Counts under {policy.threshold}, and those from which they follow, are not shown."


def _has(cohort: Cohort, table: Tabulation) -> bool:
    if table.grades:
        return bool(_graded(cohort.study, table) & set(cohort.frame.columns))
    needed = {name for row in table.rows for name in (*row.event, *row.population)}
    return needed <= set(cohort.frame.columns)


def _graded(study: Study, table: Tabulation) -> set[str]:
    variables = study.variables.values()
    return {v.name for v in variables if v.table == table.grades and v.kind == "ordinal"}


def _lowered(label: str) -> str:
    return label if label[1:2].isupper() else label[:1].lower() + label[1:]

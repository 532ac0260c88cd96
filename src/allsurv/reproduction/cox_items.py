"""Cox analyses of a paper: as it did them, and as we would report them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import pandas as pd

from allsurv.cohort import Cohort
from allsurv.describe import analysis_table, screened_table, univariable_table
from allsurv.describe.cox.tables import landmark_cox_table
from allsurv.disclosure.cox import safe_hazard_ratios
from allsurv.errors import ModelError, OutcomeError
from allsurv.policy.rules import DisclosurePolicy
from allsurv.reproduction.competing_items import competing_items
from allsurv.reproduction.items import ANOTHER, PROTOCOL, REPORTED, Item
from allsurv.reproduction.paper_text import cox_text
from allsurv.reproduction.states_items import states_analysis_items
from allsurv.study.spec import Analysis, Study

__all__ = [
    "PROPORTIONAL",
    "analysis_items",
    "excluded_text",
    "forest",
    "has_columns",
    "landmark_items",
    "screening_items",
]

PROPORTIONAL = "P of proportionality: score test of scaled Schoenfeld residuals (R's cox.zph)."
SELECTED = (
    "P values and limits after selection by the same data are too small and too narrow: this is "
    "the paper's protocol, not advice."
)
FIRTH_NOTE = "Firth: the ordinary estimate is infinite; profile penalised likelihood instead."


def forest(
    key: str,
    title: str,
    label: str,
    table: pd.DataFrame,
    study: Study,
    policy: DisclosurePolicy,
    notes: Sequence[str] = (),
    counts: Sequence[str] = (),
) -> Item:
    """Make a table of hazard ratios and its forest plot."""
    decimals = max((f.decimals for f in study.findings.values()), default=2)
    fitted = table["hazard_ratio"].notna()
    said = [*notes, *dict.fromkeys(note for note in table.loc[fitted, "note"] if note)]
    counts = [*counts, *dict.fromkeys(note for note in table.loc[~fitted, "note"] if note)]
    if (table["method"] == "Firth").any() and not any("Firth" in note for note in said):
        said.append(FIRTH_NOTE)
    if table["ph_p_value"].notna().any():
        said.append(PROPORTIONAL)

    def item(shown: pd.DataFrame, said: Sequence[str]) -> Item:
        drawn = shown[shown["hazard_ratio"].notna()].reset_index(drop=True)
        text = cox_text(shown, decimals=decimals)
        if drawn.empty:
            return Item(key, title, label, "table", shown, text, tuple(said))
        return Item(key, title, label, "forest", drawn, text, tuple(said))

    hidden = safe_hazard_ratios(table, policy)
    if not hidden["hazard_ratio"].notna().any():
        return item(table, [*said, *counts])
    return replace(item(table, [*said, *counts]), safe=item(hidden, said))


def screening_items(cohort: Cohort, policy: DisclosurePolicy) -> Iterator[Item]:
    """Make the univariable analyses and the multivariable model of what passed them."""
    screening, study = cohort.study.screening, cohort.study
    if screening is None:
        return
    table = univariable_table(cohort)
    notes = ["Each variable alone; patients of unknown value are left out of its model."]
    counts = [
        f"{row['label']}: {int(row['n_excluded'])} patients with an event, or censored, before the "
        "landmark left out."
        for row in table[table["n_excluded"] > 0].to_dict("records")
    ]
    if screening.note:
        notes.append(screening.note)
    outcome = study.endpoint(screening.endpoint).label.lower()
    yield forest(
        "cox-univariable",
        f"Univariable Cox models for {outcome}",
        PROTOCOL,
        table,
        study,
        policy,
        notes,
        counts,
    )
    try:
        chosen = screened_table(cohort, table)
    except (ModelError, OutcomeError) as error:
        names = ", ".join(table.loc[table["selected"], "variable"].unique()) or "nothing"
        raise ModelError(f"the model of what screening selected ({names}): {error}") from None
    kept = ", ".join(study.events[name].label.lower() for name in screening.kept)
    notes = [f"All variables with univariable P < {screening.p_value:g}.", SELECTED]
    if kept:
        notes.insert(1, f"In the model whatever its P, as it happens: {kept}.")
    title = f"Multivariable Cox model for {outcome}, of what passed the screening"
    yield forest("cox-screened", title, PROTOCOL, chosen, study, policy, notes)


def analysis_items(cohort: Cohort, analysis: Analysis, policy: DisclosurePolicy) -> Iterator[Item]:
    """Make a Cox model that the study file defines."""
    study = cohort.study
    if not has_columns(cohort, analysis):
        return
    label = (PROTOCOL if analysis.paper else ANOTHER) if study.screening else ""
    kind = study.endpoint(analysis.endpoint).kind
    if kind != "event":
        make = competing_items if kind == "competing" else states_analysis_items
        yield from make(cohort, analysis, policy, label=REPORTED if label == ANOTHER else label)
        return
    table = analysis_table(cohort, analysis)
    title = f"{analysis.paper}. {analysis.label}" if analysis.paper else analysis.label
    key = f"cox-{analysis.name}".replace("_", "-")
    published = analysis.missing_as_published
    notes = [f"Missing values, as published: {published}"] if published else []
    yield forest(key, title, label, table, study, policy, notes)


def landmark_items(cohort: Cohort, policy: DisclosurePolicy) -> Iterator[Item]:
    """Make, beside time-dependent models, those from the study's landmarks on."""
    study = cohort.study
    asked = next((a for a in study.analyses.values() if a.time_dependent), None)
    if asked is None or not has_columns(cohort, asked):
        return
    parts, counts = [], []
    for at in study.landmarks:
        label = f"From {at:g} {study.time.unit} on"
        try:
            table = landmark_cox_table(
                cohort.where(asked.population),
                asked.endpoint,
                asked.variables,
                at=at,
                events=asked.time_dependent,
                scales=asked.scales,
                strata=asked.strata,
                cluster=asked.cluster,
                weights=asked.weights,
                ties=asked.ties,
                missing=asked.missing,
                firth=asked.firth,
            )
        except (ModelError, OutcomeError) as error:
            counts.append(f"{label}: not fitted. {error}")
            continue
        counts.append(f"{label}: left out {excluded_text(table)}.")
        parts.append(table.assign(analysis=f"landmark_{at:g}", analysis_label=label))
    if parts:
        table = pd.concat(parts, ignore_index=True)
        title = "Cox models from landmarks on, of what had happened by then"
        notes = [f"Variables and events of: {asked.label}."]
        yield forest("cox-landmark", title, "", table, study, policy, notes, counts)


def excluded_text(table: pd.DataFrame) -> str:
    """Say whom a landmark leaves out."""
    first = table.iloc[0]
    died, censored = int(first["n_event_before"]), int(first["n_censored_before"])
    return f"{died} with the event before it, {censored} censored before it"


def has_columns(cohort: Cohort, analysis: Analysis) -> bool:
    """Tell whether a cohort has what an analysis needs."""
    needed = {*analysis.columns, *analysis.population}
    events = all(cohort.has_event(name) for name in analysis.time_dependent)
    return events and needed <= set(cohort.frame.columns)

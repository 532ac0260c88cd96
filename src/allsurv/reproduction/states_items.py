"""Where patients move between states: a diagram, shares over time, probabilities, effects."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pandas as pd

from allsurv.cohort import Cohort
from allsurv.describe import (
    state_curves,
    state_table,
    transition_counts,
    transition_table,
)
from allsurv.describe.needed import only_needed
from allsurv.errors import OutcomeError
from allsurv.policy.rules import DisclosurePolicy
from allsurv.reproduction.items import Item
from allsurv.reproduction.states_text import probabilities_text, transitions_text
from allsurv.study.spec import Analysis, Comparison

__all__ = ["states_analysis_items", "states_items"]

PROBABILITIES = (
    "Probability of being in each state (Aalen-Johansen), with log-log limits; mean time in it up "
    "to the last horizon."
)
EFFECTS = (
    "One Cox model with a baseline hazard for each transition; time runs from the start, errors "
    "are robust. A hazard ratio above 1: the move comes earlier among those who can make it."
)


def states_items(
    cohort: Cohort, comparison: Comparison, policy: DisclosurePolicy, *, key: str, title: str
) -> Iterator[Item]:
    """Make the diagram, the shares over time and the table of probabilities."""
    if comparison.landmark is not None or comparison.against is not None:
        raise OutcomeError(
            f"comparison '{comparison.name}': states are described from the start and of one "
            "cohort; leave landmark and against out."
        )
    endpoint, by, study = comparison.endpoint, comparison.by, cohort.study
    names = [*comparison.population, *([by] if by else [])]
    patients = only_needed(cohort, endpoint, names).where(comparison.population)
    counts = transition_counts(patients, endpoint)
    of_groups = transition_counts(patients, endpoint, by=by)["n_moves"].to_numpy()
    shown = not policy.is_small(of_groups).any()
    diagram = Item(f"{key}-diagram", f"{title}: moves", "", "diagram", counts)
    yield replace(diagram, safe=diagram if shown else None)
    curves = state_curves(patients, endpoint, by=by)
    yield Item(f"{key}-shares", f"{title}: shares of patients over time", "", "shares", curves)
    table = state_table(patients, endpoint, by=by)
    text = probabilities_text(table, study.time.unit)
    notes = (*filter(None, [comparison.note]), PROBABILITIES)
    item = Item(key, title, "", "table", table, text, notes)
    yield replace(item, safe=item if shown else None)


def states_analysis_items(
    cohort: Cohort, analysis: Analysis, policy: DisclosurePolicy, *, label: str
) -> Iterator[Item]:
    """Make the table of effects on each transition."""
    patients = cohort.where(analysis.population)
    table = transition_table(
        patients, analysis.endpoint, analysis.variables, missing=analysis.missing
    )
    decimals = max((f.decimals for f in cohort.study.findings.values()), default=2)
    notes = [EFFECTS]
    if (fewer := table["note"].ne("")).any():
        notes.append(f"–: {table.loc[fewer, 'note'].iloc[0]}.")
    key = f"transitions-{analysis.name}".replace("_", "-")
    text = transitions_text(table, decimals=decimals)
    item = Item(key, analysis.label, label, "table", table, text, tuple(notes))
    small = policy.is_small(table[["n_moves", "n_left_out"]].to_numpy()).any()
    yield replace(item, safe=None if small or _few_of_a_level(patients, analysis, policy) else item)


def _few_of_a_level(cohort: Cohort, analysis: Analysis, policy: DisclosurePolicy) -> bool:
    """Tell whether a level of a variable is too rare to show an effect of it."""
    frame = cohort.eligible(analysis.endpoint).frame
    sizes = [
        frame[name].value_counts()
        for name in analysis.variables
        if not pd.api.types.is_float_dtype(frame[name])
    ]
    return any(policy.is_small(found.to_numpy()).any() for found in sizes)

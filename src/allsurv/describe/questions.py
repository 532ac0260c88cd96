"""What a comparison of the study asks: of whom, in which groups, from when."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from allsurv.cohort import Cohort
from allsurv.cohort.deaths import CENSORS_DEATHS, censors_deaths
from allsurv.cohort.groups import Groups, check_known_at_origin, group_patients, is_late
from allsurv.describe.landmarks import Landmark, reach_landmark
from allsurv.describe.needed import only_needed
from allsurv.errors import ModelError, OutcomeError
from allsurv.policy.columns import BEFORE_LANDMARK
from allsurv.study.spec import Comparison

__all__ = ["OF_COMPARISON", "Question", "ask"]

OF_COMPARISON = ("comparison", "label", "endpoint", "landmark", "censors_deaths", "note")


@dataclass(frozen=True, eq=False)
class Question:
    """A comparison, and the patients it is about.

    Attributes
    ----------
    comparison : Comparison
        As the study file has it, or made like it.
    cohorts : tuple of Cohort
        The patients, those of the other cohort after those of the study.
    groups : Groups
        Which of them is in which group.
    censors_deaths : bool
        Whether patients who died first are censored, so that the curve is no survival.
    landmark : Landmark or None
        Whom a landmark excludes.
    note : str
        What a reader must know.
    """

    comparison: Comparison
    cohorts: tuple[Cohort, ...]
    groups: Groups
    landmark: Landmark | None
    censors_deaths: bool
    note: str

    @property
    def y(self) -> NDArray[np.void]:
        """Outcome of all patients, with their entry where that is delayed."""
        if self.landmark is not None:
            return self.landmark.y
        return np.concatenate([one.follow_up(self.comparison.endpoint) for one in self.cohorts])

    @property
    def stated(self) -> dict[str, object]:
        """What every row of its tables states."""
        asked = self.comparison
        at = float("nan") if asked.landmark is None else float(asked.landmark)
        values = (asked.name, asked.label, asked.endpoint, at, self.censors_deaths, self.note)
        return dict(zip(OF_COMPARISON, values, strict=True))

    @property
    def excluded(self) -> dict[str, object]:
        """Patients the landmark excludes, by reason."""
        reached = self.landmark
        return {n: 0 if reached is None else getattr(reached, n) for n in BEFORE_LANDMARK}


def ask(cohort: Cohort, comparison: Comparison, against: Cohort | None = None) -> Question:
    """Find the patients of a comparison, and their groups."""
    study = cohort.study
    if comparison.against is not None:
        return _ask_against(cohort, comparison, against)
    by = comparison.by
    late = by is not None and study.variable(by).known != "baseline"
    # Keeping only those with a later course looks into the future as grouping by it does.
    restricted = tuple(name for name in comparison.population if is_late(study, name))
    if study.endpoint(comparison.endpoint).origin_time is not None:
        restricted = ()  # the clock starts at that event
    if study.comparisons.get(comparison.name) != comparison:
        where = f"comparison '{comparison.name}'"
        check_known_at_origin(study, (str(by),) if late else (), where)
        check_known_at_origin(study, restricted, f"{where}, population")
    names = [*comparison.population, *([by] if by else [])]
    events = (comparison.by_event,) if comparison.by_event else ()
    patients = only_needed(cohort, comparison.endpoint, names, events)
    for population in (comparison.population, study.endpoint(comparison.endpoint).population):
        patients = patients.where(population) if population else patients
    if not patients.n:
        raise OutcomeError(
            f"comparison '{comparison.name}': none of {cohort.n} patients belongs to its "
            "population; leave it out, or look at its filter."
        )
    reached = None
    if comparison.landmark is not None:
        reached = reach_landmark(patients, comparison.endpoint, comparison.landmark, events=events)
        patients = reached.cohort
    if comparison.by_event:
        groups = _by_event(cohort, comparison, reached)
    else:
        groups = group_patients(patients, by)
    deaths = bool(censors_deaths(patients, comparison.endpoint).any())
    notes = [comparison.note, CENSORS_DEATHS if deaths else ""]
    if late and comparison.reading != "correct":
        notes.append("Groups known only after baseline (immortal time), shown as published.")
    if restricted and comparison.landmark is None and comparison.reading != "correct":
        notes.append("Restricted to patients by what is known only after baseline (immortal time).")
    note = " ".join(filter(None, notes))
    return Question(comparison, (patients,), groups, reached, deaths, note)


def _ask_against(cohort: Cohort, comparison: Comparison, other: Cohort | None) -> Question:
    if other is None:
        raise ModelError(
            f"comparison '{comparison.name}': it is against cohort '{comparison.against}'; give "
            f"it as against=load_cohort('{comparison.against}')."
        )
    ours = cohort.where(comparison.population).eligible(comparison.endpoint)
    theirs = other.eligible(comparison.endpoint)
    code = np.repeat(np.arange(2), (ours.n, theirs.n))
    groups = Groups(("study", "against"), ("This study", comparison.against_label), code)
    note = f"{comparison.note} {comparison.against_label}: {theirs.source.statement}".strip()
    deaths = bool(censors_deaths(ours, comparison.endpoint).any())
    note = " ".join(filter(None, [note, CENSORS_DEATHS if deaths else ""]))
    return Question(comparison, (ours, theirs), groups, None, deaths, note)


def _by_event(cohort: Cohort, comparison: Comparison, reached: Landmark | None) -> Groups:
    event = str(comparison.by_event)
    if reached is None:
        raise ModelError(
            f"comparison '{comparison.name}': groups by event '{event}' need a landmark by which "
            "it has happened or not; give one."
        )
    happened = reached.happened[event].to_numpy(dtype=bool)
    label = f"{cohort.study.events[event].label} by {reached.at:g} {cohort.study.time.unit}"
    states = [state for state in (False, True) if np.any(happened == state)]
    code = np.searchsorted(states, happened).astype(np.intp)
    return Groups(
        tuple(str(state).lower() for state in states),
        tuple(f"{label}: {'yes' if state else 'no'}" for state in states),
        code,
    )

"""The study's own comparisons of curves, with population, landmark and what a reader must know."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from allsurv.cohort import Cohort
from allsurv.cohort.groups import Groups, check_known_at_origin, group_patients, tidy
from allsurv.describe.landmarks import Landmark, reach_landmark
from allsurv.describe.needed import only_needed
from allsurv.describe.survival import (
    CURVE_COLUMNS,
    SUMMARY_COLUMNS,
    curve_rows,
    logrank,
    summary_rows,
)
from allsurv.errors import ModelError, OutcomeError
from allsurv.policy.columns import BEFORE_LANDMARK
from allsurv.study.spec import Comparison

__all__ = ["comparison_curves", "comparison_summary", "comparison_test", "landmark"]

OF_COMPARISON = ("comparison", "label", "endpoint", "landmark", "note")


@dataclass(frozen=True, eq=False)
class _Question:
    comparison: Comparison
    y: NDArray[np.void]
    groups: Groups
    landmark: Landmark | None
    note: str

    @property
    def said(self) -> dict[str, object]:
        """What every row of its tables says."""
        asked = self.comparison
        at = float("nan") if asked.landmark is None else float(asked.landmark)
        values = (asked.name, asked.label, asked.endpoint, at, self.note)
        return dict(zip(OF_COMPARISON, values, strict=True))


def comparison_curves(
    cohort: Cohort,
    comparison: Comparison,
    *,
    against: Cohort | None = None,
    times: ArrayLike | None = None,
    level: float = 0.95,
) -> pd.DataFrame:
    """Kaplan-Meier curves of one of the study's comparisons.

    Parameters
    ----------
    cohort : Cohort
        The patients; the comparison says which of them it is about.
    comparison : Comparison
        One of ``cohort.study.comparisons``, or made like them. Published groups that form only
        after baseline are drawn as published; ``note`` then says so.
    against : Cohort, optional
        The other cohort, where the comparison is against one.
    times : array-like of shape (n_times,), optional
        Rising times, in the study's unit, at which to read the curves; every distinct time of
        follow-up where not given.
    level : float, default=0.95
        Confidence level, in (0, 1).

    Returns
    -------
    DataFrame
        ``comparison``, ``label``, ``endpoint``, ``landmark``, ``note``, then the columns of
        :func:`allsurv.describe.kaplan_meier`.

    Raises
    ------
    ModelError
        If its groups form after baseline and the study file does not hold this comparison.
    OutcomeError
        If times or events are missing or impossible, or nobody belongs to its population or reaches
        the landmark.
    StudyError
        If it names what the study does not have.
    """
    asked = _ask(cohort, comparison, against)
    rows = curve_rows(asked.y, asked.groups, times=times, level=level)
    return tidy([asked.said | row for row in rows], OF_COMPARISON + CURVE_COLUMNS, cohort)


def comparison_summary(
    cohort: Cohort,
    comparison: Comparison,
    *,
    against: Cohort | None = None,
    horizons: Sequence[float] | None = None,
    level: float = 0.95,
) -> pd.DataFrame:
    """Medians, survival at horizons and log-rank test of one of the study's comparisons.

    Parameters
    ----------
    cohort : Cohort
        The patients; the comparison says which of them it is about.
    comparison : Comparison
        One of ``cohort.study.comparisons``, or made like them.
    against : Cohort, optional
        The other cohort, where the comparison is against one.
    horizons : sequence of float, optional
        Times, in the study's unit; the study's prediction horizons where not given.
    level : float, default=0.95
        Confidence level, in (0, 1).

    Returns
    -------
    DataFrame
        ``comparison``, ``label``, ``endpoint``, ``landmark``, ``note``, the columns of
        :func:`allsurv.describe.survival_summary`, and ``n_event_before``, ``n_censored_before``,
        ``n_later_origin``: patients the landmark excludes.

    Raises
    ------
    ModelError
        If its groups form after baseline and the study file does not hold this comparison.
    OutcomeError
        If times or events are missing or impossible, or nobody belongs to its population or reaches
        the landmark.
    StudyError
        If it names what the study does not have.
    """
    asked = _ask(cohort, comparison, against)
    wanted = cohort.study.prediction.horizons if horizons is None else horizons
    rows = summary_rows(asked.y, asked.groups, horizons=wanted, level=level)
    excluded = {
        name: 0 if asked.landmark is None else getattr(asked.landmark, name)
        for name in BEFORE_LANDMARK
    }
    return tidy(
        [asked.said | row | excluded for row in rows],
        OF_COMPARISON + SUMMARY_COLUMNS + BEFORE_LANDMARK,
        cohort,
    )


def comparison_test(
    cohort: Cohort, comparison: Comparison, *, against: Cohort | None = None
) -> pd.DataFrame:
    """Log-rank test of one of the study's comparisons.

    Parameters
    ----------
    cohort : Cohort
        The patients; the comparison says which of them it is about.
    comparison : Comparison
        One of ``cohort.study.comparisons``, or made like them.
    against : Cohort, optional
        The other cohort, where the comparison is against one.

    Returns
    -------
    DataFrame
        ``test``, ``statistic``, ``df``, ``p_value``; no row for a single curve or without events.

    Raises
    ------
    ModelError
        If its groups form after baseline and the study file does not hold this comparison.

    Notes
    -----
    Checked against R ``survival::survdiff``.
    """
    asked = _ask(cohort, comparison, against)
    known, code = asked.groups.code >= 0, asked.groups.code
    rows: list[dict[str, object]] = []
    if np.unique(code[known]).size > 1 and asked.y["event"][known].any():
        test = logrank(asked.y[known], code[known])
        numbers: dict[str, object] = {"statistic": test.statistic, "df": test.df}
        rows.append(numbers | {"test": "Log-rank test", "p_value": test.p_value})
    return tidy(rows, ("test", "statistic", "df", "p_value"), cohort)


def landmark(
    cohort: Cohort,
    endpoint: str,
    event: str,
    *,
    at: float,
    horizons: Sequence[float] | None = None,
    level: float = 0.95,
) -> pd.DataFrame:
    """Survival from a landmark on, by whether an event had happened by then.

    Groups are fixed at the landmark, so no patient has to live on to enter one: no immortal time.

    Parameters
    ----------
    cohort : Cohort
        The patients; those outside the endpoint's population are not part of the question.
    endpoint : str
        Name of an endpoint of the study.
    event : str
        Event of the study, such as a transplant.
    at : float
        Landmark: time after treatment start, in the study's unit.
    horizons : sequence of float, optional
        Times, in the study's unit, on the endpoint's own clock; the study's prediction horizons
        where not given.
    level : float, default=0.95
        Confidence level, in (0, 1).

    Returns
    -------
    DataFrame
        Columns as of :func:`comparison_summary`; groups ``false`` and ``true``.

    Raises
    ------
    OutcomeError
        If nobody reaches the landmark.
    StudyError
        If the study has no such endpoint or event.

    Notes
    -----
    Patients with the endpoint's event, or censored, by the landmark are excluded and counted [1]_.

    References
    ----------
    .. [1] Anderson JR, Cain KC, Gelber RD. J Clin Oncol. 1983;1(11):710-719.
       doi:10.1200/JCO.1983.1.11.710
    """
    asked = Comparison(
        name=f"landmark_{event}",
        label=f"Landmark at {at:g} {cohort.study.time.unit}",
        endpoint=endpoint,
        by_event=event,
        landmark=at,
    )
    return comparison_summary(cohort, asked, horizons=horizons, level=level)


def _ask(cohort: Cohort, comparison: Comparison, against: Cohort | None) -> _Question:
    study = cohort.study
    if comparison.against is not None:
        return _ask_against(cohort, comparison, against)
    by = comparison.by
    late = by is not None and study.variable(by).known != "baseline"
    if late and study.comparisons.get(comparison.name) != comparison:
        check_known_at_origin(study, (str(by),), f"comparison '{comparison.name}'")
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
    notes = [comparison.note]
    if late and comparison.reading != "correct":
        notes.append("Groups known only after baseline (immortal time), shown as published.")
    y = patients.follow_up(comparison.endpoint) if reached is None else reached.y
    return _Question(comparison, y, groups, reached, " ".join(filter(None, notes)))


def _ask_against(cohort: Cohort, comparison: Comparison, other: Cohort | None) -> _Question:
    if other is None:
        raise ModelError(
            f"comparison '{comparison.name}': it is against cohort '{comparison.against}'; give "
            f"it as against=load_cohort('{comparison.against}')."
        )
    ours = cohort.where(comparison.population).eligible(comparison.endpoint)
    theirs = other.eligible(comparison.endpoint)
    y = np.concatenate([one.follow_up(comparison.endpoint) for one in (ours, theirs)])
    code = np.repeat(np.arange(2), (ours.n, theirs.n))
    groups = Groups(("study", "against"), ("This study", comparison.against_label), code)
    note = f"{comparison.note} {comparison.against_label}: {theirs.source.statement}".strip()
    return _Question(comparison, y, groups, None, note)


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

"""Fits of Cox models on a cohort: who is in them, and in which terms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from allsurv.cohort import Cohort
from allsurv.describe.cox.terms import (
    Term,
    check_columns_present,
    check_complete,
    event_terms,
    interaction_terms,
    variable_terms,
)
from allsurv.describe.landmarks import Landmark, reach_landmark
from allsurv.describe.needed import only_needed
from allsurv.errors import ModelError, MonotoneError
from allsurv.stats.cox.fit import CoxFit, fit_cox
from allsurv.stats.cox.zph import ProportionalHazardsTest
from allsurv.stats.outcome import entry_of
from allsurv.study.evidence import Missing
from allsurv.study.spec import Analysis

__all__ = [
    "FIRTH",
    "IMPUTED",
    "ORDINARY",
    "CohortFit",
    "Ties",
    "baseline_terms",
    "check_missing",
    "complete_patients",
    "fit_analysis",
    "fit_finite",
    "fit_from_landmark",
]

Ties = Literal["efron", "breslow"]

ORDINARY, FIRTH, IMPUTED = "partial likelihood", "Firth", "multiple imputation"
LEFT_OUT = "patients with a missing value of any of its variables are left out"
LEFT_OUT_OF_NUMBERS = "patients with a missing number are left out"


@dataclass(frozen=True, eq=False)
class CohortFit:
    """A Cox model fitted to patients of a cohort.

    Attributes
    ----------
    terms : tuple of Term
        Every term asked for, those of levels that nobody has included.
    fit : CoxFit
        The fit, over the terms that somebody has.
    cohort : Cohort
        The patients in it.
    patient : ndarray of int of shape (n_rows,)
        Position of each row's patient in ``cohort``.
    n_left_out : int
        Patients left out because a value is missing.
    method : str
        ``partial likelihood`` or ``Firth``.
    landmark : Landmark or None
        Whom a landmark excludes.
    missing : str
        What was done where a value is missing.
    """

    terms: tuple[Term, ...]
    fit: CoxFit
    cohort: Cohort
    patient: NDArray[np.intp]
    n_left_out: int
    method: str = ORDINARY
    landmark: Landmark | None = None
    missing: Missing = "complete cases"

    @property
    def left_out_note(self) -> str:
        """Say in words that patients were left out; how many is in a column of its own."""
        if not self.n_left_out:
            return ""
        return LEFT_OUT_OF_NUMBERS if self.missing == "level" else LEFT_OUT

    def proportional_hazards(self) -> ProportionalHazardsTest:
        """Test all coefficients of each variable together."""
        columns: dict[str, list[str]] = {}
        for term in self.terms:
            if term.name in self.fit.names:
                columns.setdefault(term.variable, []).append(term.name)
        return self.fit.proportional_hazards_test(terms=columns)


def fit_analysis(
    cohort: Cohort,
    analysis: Analysis,
    where: str,
    *,
    level: float = 0.95,
    missing: Missing = "complete cases",
    firth: bool = False,
) -> CohortFit:
    """Fit a Cox model whose time-dependent events switch on as they happen."""
    slim = only_needed(
        cohort, analysis.endpoint, analysis.variables, analysis.time_dependent
    ).eligible(analysis.endpoint)
    chosen, n_left_out = complete_patients(slim, analysis.variables, missing, where)
    events = analysis.time_dependent
    terms = baseline_terms(chosen, analysis.variables, where)
    start, patient = None, np.arange(chosen.n)
    if events:
        rows = chosen.intervals(analysis.endpoint, list(events))
        terms = [replace(term, values=term.values[rows.patient]) for term in terms]
        terms += event_terms(chosen, events, rows.X)
        time, event, start, patient = rows.stop, rows.event, rows.start, rows.patient
    else:
        y = chosen.follow_up(analysis.endpoint)
        time, event, start = y["time"], y["event"], entry_of(y)
    terms += interaction_terms(terms, analysis.interactions)
    fit = _fit(terms, time, event, start, ties=analysis.ties, level=level, firth=firth, where=where)
    method = FIRTH if firth else ORDINARY
    return CohortFit(tuple(terms), fit, chosen, patient, n_left_out, method, missing=missing)


def fit_finite(
    cohort: Cohort,
    analysis: Analysis,
    where: str,
    *,
    level: float = 0.95,
) -> CohortFit:
    """Fit a Cox model, by Firth's method where the ordinary estimate would be infinite."""
    try:
        return fit_analysis(cohort, analysis, where, level=level)
    except MonotoneError:
        return fit_analysis(cohort, analysis, where, level=level, firth=True)


def fit_from_landmark(
    cohort: Cohort,
    endpoint: str,
    variables: Sequence[str],
    where: str,
    *,
    at: float,
    events: Sequence[str],
    ties: Ties = "efron",
    level: float = 0.95,
    missing: Missing = "complete cases",
    firth: bool = False,
) -> CohortFit:
    """Fit a Cox model from a landmark on, of what was known or had happened by then."""
    slim = only_needed(cohort, endpoint, variables, events).eligible(endpoint)
    chosen, n_left_out = complete_patients(slim, variables, missing, where)
    reached = reach_landmark(chosen, endpoint, at, events=events)
    terms = baseline_terms(reached.cohort, variables, where)
    terms += event_terms(reached.cohort, events, reached.happened)
    y = reached.y
    fit = _fit(terms, y["time"], y["event"], None, ties=ties, level=level, where=where, firth=firth)
    patient = np.arange(reached.cohort.n)
    method = FIRTH if firth else ORDINARY
    return CohortFit(
        tuple(terms), fit, reached.cohort, patient, n_left_out, method, reached, missing
    )


def check_missing(missing: str, where: str) -> None:
    """Refuse a word that says nothing of missing values."""
    if missing not in get_args(Missing):
        allowed = ", ".join(map(repr, get_args(Missing)))
        raise ModelError(f"{where}: missing={missing!r}; allowed are {allowed}.")


def complete_patients(
    cohort: Cohort, names: Sequence[str], missing: Missing, where: str
) -> tuple[Cohort, int]:
    """Keep who can be in one fit, and count the others."""
    check_missing(missing, where)
    if missing == "impute":
        raise TypeError(f"{where}: imputed values are of several fits; see pooled.pool_fits.")
    check_columns_present(cohort, names, where)
    if missing == "refuse":
        check_complete(cohort, names, where)
        return cohort, 0
    if missing == "level":
        names = [name for name in names if cohort.study.variable(name).is_number]
    known = cohort.frame[list(names)].notna().all(axis=1).to_numpy()
    if not known.any():
        raise ModelError(
            f"{where}: no patient has values of all of {', '.join(names)}; leave one out."
        )
    return (cohort, 0) if known.all() else (cohort.take(np.flatnonzero(known)), int(np.sum(~known)))


def baseline_terms(cohort: Cohort, names: Sequence[str], where: str) -> list[Term]:
    """Make the columns of variables known at baseline."""
    return [
        term
        for name in names
        for term in variable_terms(cohort.frame, cohort.study.variable(name), where)
    ]


def _fit(
    terms: Sequence[Term],
    time: NDArray[np.float64],
    event: NDArray[np.bool_],
    start: NDArray[np.float64] | None,
    *,
    ties: Ties,
    level: float,
    where: str,
    firth: bool = False,
) -> CoxFit:
    fitted = [term for term in terms if term.values.any()]
    if not fitted:
        raise ModelError(f"{where}: there is no variable to fit; name at least one.")
    X = np.column_stack([term.values for term in fitted])
    names = [term.name for term in fitted]
    return fit_cox(time, event, X, start=start, ties=ties, level=level, firth=firth, names=names)

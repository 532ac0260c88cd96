"""Fits of Cox models on a cohort: who is in them, and in which terms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

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
from allsurv.study.spec import Analysis

__all__ = [
    "FIRTH",
    "IMPUTED",
    "ORDINARY",
    "CohortFit",
    "Missing",
    "Ties",
    "fit_analysis",
    "fit_finite",
    "fit_from_landmark",
]

Ties = Literal["efron", "breslow"]
Missing = Literal["refused", "leave_out"]

ORDINARY, FIRTH, IMPUTED = "partial likelihood", "Firth", "multiple imputation"
LEFT_OUT = "patients with a missing value of any of its variables are left out"


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
    """

    terms: tuple[Term, ...]
    fit: CoxFit
    cohort: Cohort
    patient: NDArray[np.intp]
    n_left_out: int
    method: str = ORDINARY
    landmark: Landmark | None = None

    @property
    def left_out_note(self) -> str:
        """Say in words that patients were left out; how many is in a column of its own."""
        return LEFT_OUT if self.n_left_out else ""


def fit_analysis(
    cohort: Cohort,
    analysis: Analysis,
    where: str,
    *,
    level: float = 0.95,
    missing: Missing = "leave_out",
    firth: bool = False,
) -> CohortFit:
    """Fit a Cox model whose time-dependent events switch on as they happen."""
    slim = only_needed(
        cohort, analysis.endpoint, analysis.variables, analysis.time_dependent
    ).eligible(analysis.endpoint)
    chosen, n_left_out = _complete(slim, analysis.variables, missing)
    events = analysis.time_dependent
    terms = _baseline_terms(chosen, analysis.variables, where)
    start, patient = None, np.arange(chosen.n)
    if events:
        rows = chosen.intervals(analysis.endpoint, list(events))
        terms = [replace(term, values=term.values[rows.patient]) for term in terms]
        terms += event_terms(chosen, events, rows.X)
        time, event, start, patient = rows.stop, rows.event, rows.start, rows.patient
    else:
        y = chosen.y(analysis.endpoint)
        time, event = y["time"], y["event"]
    terms += interaction_terms(terms, analysis.interactions)
    fit = _fit(terms, time, event, start, ties=analysis.ties, level=level, firth=firth, where=where)
    return CohortFit(tuple(terms), fit, chosen, patient, n_left_out, FIRTH if firth else ORDINARY)


def fit_finite(
    cohort: Cohort,
    analysis: Analysis,
    where: str,
    *,
    level: float = 0.95,
    missing: Missing = "leave_out",
) -> CohortFit:
    """Fit a Cox model, by Firth's method where the ordinary estimate would be infinite."""
    try:
        return fit_analysis(cohort, analysis, where, level=level, missing=missing)
    except MonotoneError:
        return fit_analysis(cohort, analysis, where, level=level, missing=missing, firth=True)


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
    missing: Missing = "leave_out",
    firth: bool = False,
) -> CohortFit:
    """Fit a Cox model from a landmark on, of what was known or had happened by then."""
    slim = only_needed(cohort, endpoint, variables, events).eligible(endpoint)
    chosen, n_left_out = _complete(slim, variables, missing)
    reached = reach_landmark(chosen, endpoint, at, events=events)
    terms = _baseline_terms(reached.cohort, variables, where)
    terms += event_terms(reached.cohort, events, reached.happened)
    y = reached.y
    fit = _fit(terms, y["time"], y["event"], None, ties=ties, level=level, where=where, firth=firth)
    patient = np.arange(reached.cohort.n)
    method = FIRTH if firth else ORDINARY
    return CohortFit(tuple(terms), fit, reached.cohort, patient, n_left_out, method, reached)


def _complete(cohort: Cohort, names: Sequence[str], missing: Missing) -> tuple[Cohort, int]:
    if missing not in ("refused", "leave_out"):
        raise ModelError(f"cox_table: missing={missing!r}; allowed are 'refused' and 'leave_out'.")
    if missing == "refused":
        check_complete(cohort, names, "cox_table")
        return cohort, 0
    check_columns_present(cohort, names, "cox_table")
    known = cohort.frame[list(names)].notna().all(axis=1).to_numpy()
    if not known.any():
        raise ModelError(
            f"cox_table: no patient has values of all of {', '.join(names)}; leave one out."
        )
    return (cohort, 0) if known.all() else (cohort.take(np.flatnonzero(known)), int(np.sum(~known)))


def _baseline_terms(cohort: Cohort, names: Sequence[str], where: str) -> list[Term]:
    check_complete(cohort, names, where)
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

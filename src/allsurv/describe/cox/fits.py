"""Fits of Cox models on a cohort: who is in them, and in which terms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from allsurv.cohort import Cohort
from allsurv.describe.cox.design import Design, read_design
from allsurv.describe.cox.scales import NO_SCALES, Scales, fix_scales
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
from allsurv.stats.outcome import ChiSquared, entry_of
from allsurv.study.evidence import Missing
from allsurv.study.spec import Analysis

__all__ = [
    "FIRTH",
    "IMPUTED",
    "ORDINARY",
    "ROBUST",
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
ROBUST = "partial likelihood, robust standard errors"
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
        ``partial likelihood``, with ``robust standard errors`` or without, or ``Firth``.
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

    @property
    def covariance(self) -> NDArray[np.float64]:
        """Covariance of the coefficients that the standard errors are of."""
        robust = self.fit.robust_covariance
        return self.fit.covariance if robust is None else robust

    def columns(self, *, curved: bool = False) -> dict[str, list[int]]:
        """Positions of the coefficients of each variable, or of the curves alone."""
        place = {name: k for k, name in enumerate(self.fit.names)}
        found: dict[str, list[int]] = {}
        for term in self.terms:
            if term.name in place and (term.curved or not curved):
                found.setdefault(term.variable, []).append(place[term.name])
        return found

    def p_values(self, *, curved: bool = False) -> dict[str, float]:
        """Test all coefficients of each variable, or those of its curve, at once (Wald)."""
        return {name: self._wald(at) for name, at in self.columns(curved=curved).items()}

    def _wald(self, at: list[int]) -> float:
        coef = self.fit.coef[at]
        statistic = float(coef @ np.linalg.solve(self.covariance[np.ix_(at, at)], coef))
        return ChiSquared.of(statistic, len(at)).p_value

    def proportional_hazards(self) -> ProportionalHazardsTest:
        """Test all coefficients of each variable together."""
        names = self.fit.names
        columns = {name: [names[k] for k in at] for name, at in self.columns().items()}
        return self.fit.proportional_hazards_test(terms=columns)


def fit_analysis(
    cohort: Cohort,
    analysis: Analysis,
    where: str,
    *,
    level: float = 0.95,
    missing: Missing = "complete cases",
    firth: bool = False,
    scales: Scales | None = None,
) -> CohortFit:
    """Fit a Cox model whose time-dependent events switch on as they happen."""
    slim = only_needed(
        cohort, analysis.endpoint, analysis.columns, analysis.time_dependent
    ).eligible(analysis.endpoint)
    chosen, n_left_out = complete_patients(
        slim, analysis.variables, missing, where, design=analysis.design
    )
    events = analysis.time_dependent
    fixed = fix_scales(chosen, analysis.scales, where) if scales is None else scales
    terms = baseline_terms(chosen, analysis.variables, where, fixed)
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
    design = read_design(chosen, analysis, patient, where)
    firth = firth or analysis.firth
    ties = analysis.ties
    fit = _fit(terms, time, event, start, design, ties=ties, level=level, firth=firth, where=where)
    method = _method(firth, design)
    return CohortFit(tuple(terms), fit, chosen, patient, n_left_out, method, missing=missing)


def fit_finite(
    cohort: Cohort,
    analysis: Analysis,
    where: str,
    *,
    level: float = 0.95,
    missing: Missing = "complete cases",
) -> CohortFit:
    """Fit a Cox model, by Firth's method where the ordinary estimate would be infinite."""
    try:
        return fit_analysis(cohort, analysis, where, level=level, missing=missing)
    except MonotoneError:
        return fit_analysis(cohort, analysis, where, level=level, missing=missing, firth=True)


def fit_from_landmark(
    cohort: Cohort,
    analysis: Analysis,
    where: str,
    *,
    at: float,
    level: float = 0.95,
    missing: Missing = "complete cases",
    firth: bool = False,
    scales: Scales | None = None,
) -> CohortFit:
    """Fit a Cox model from a landmark on, of what was known or had happened by then."""
    endpoint, events = analysis.endpoint, analysis.time_dependent
    slim = only_needed(cohort, endpoint, analysis.columns, events).eligible(endpoint)
    chosen, n_left_out = complete_patients(
        slim, analysis.variables, missing, where, design=analysis.design
    )
    reached = reach_landmark(chosen, endpoint, at, events=events)
    fixed = fix_scales(reached.cohort, analysis.scales, where) if scales is None else scales
    terms = baseline_terms(reached.cohort, analysis.variables, where, fixed)
    terms += event_terms(reached.cohort, events, reached.happened)
    y, patient = reached.y, np.arange(reached.cohort.n)
    design = read_design(reached.cohort, analysis, patient, where)
    firth = firth or analysis.firth
    ties, time, event = analysis.ties, y["time"], y["event"]
    fit = _fit(terms, time, event, None, design, ties=ties, level=level, where=where, firth=firth)
    method = _method(firth, design)
    return CohortFit(
        tuple(terms), fit, reached.cohort, patient, n_left_out, method, reached, missing
    )


def check_missing(missing: str, where: str) -> None:
    """Refuse a word that says nothing of missing values."""
    if missing not in get_args(Missing):
        allowed = ", ".join(map(repr, get_args(Missing)))
        raise ModelError(f"{where}: missing={missing!r}; allowed are {allowed}.")


def _method(firth: bool, design: Design) -> str:
    if firth:
        return FIRTH
    return ROBUST if design.cluster is not None else ORDINARY


def complete_patients(
    cohort: Cohort,
    names: Sequence[str],
    missing: Missing,
    where: str,
    *,
    design: Sequence[str] = (),
) -> tuple[Cohort, int]:
    """Keep who can be in one fit, and count the others."""
    check_missing(missing, where)
    if missing == "impute":
        raise TypeError(f"{where}: imputed values are of several fits; see pooled.pool_fits.")
    needed = [*names, *(name for name in design if name not in names)]
    check_columns_present(cohort, needed, where)
    if missing == "refuse":
        check_complete(cohort, needed, where)
        return cohort, 0
    if missing == "level":
        needed = [n for n in needed if n in design or cohort.study.variable(n).is_number]
    known = cohort.frame[needed].notna().all(axis=1).to_numpy()
    if not known.any():
        raise ModelError(
            f"{where}: no patient has values of all of {', '.join(needed)}; leave one out."
        )
    return (cohort, 0) if known.all() else (cohort.take(np.flatnonzero(known)), int(np.sum(~known)))


def baseline_terms(
    cohort: Cohort, names: Sequence[str], where: str, scales: Scales = NO_SCALES
) -> list[Term]:
    """Make the columns of variables known at baseline."""
    return [
        term
        for name in names
        for term in variable_terms(cohort.frame, cohort.study.variable(name), where, scales)
    ]


def _fit(
    terms: Sequence[Term],
    time: NDArray[np.float64],
    event: NDArray[np.bool_],
    start: NDArray[np.float64] | None,
    design: Design,
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
    return fit_cox(
        time,
        event,
        X,
        start=start,
        weights=design.weights,
        strata=design.strata,
        cluster=design.cluster,
        ties=ties,
        level=level,
        firth=firth,
        names=names,
    )

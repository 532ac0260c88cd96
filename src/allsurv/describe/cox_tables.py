"""Cox regression tables: hazard ratios in clinical units, of any model and of the study's own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from allsurv.cohort import Cohort
from allsurv.describe.groups import check_known_at_origin, tidy
from allsurv.describe.landmarks import reach_landmark
from allsurv.describe.terms import Term, check_complete, event_terms, variable_terms
from allsurv.errors import ModelError
from allsurv.stats.cox import CoxFit, fit_cox
from allsurv.study.spec import Analysis

__all__ = ["analysis_table", "cox_table", "landmark_cox_table"]

Ties = Literal["efron", "breslow"]
Missing = Literal["refused", "leave_out"]

COLUMNS = (
    "analysis",
    "analysis_label",
    "variable",
    "level",
    "term",
    "label",
    "unit",
    "coef",
    "std_error",
    "hazard_ratio",
    "lower",
    "upper",
    "z",
    "p_value",
    "ph_p_value",
    "n",
    "n_rows",
    "n_events",
    "n_left_out",
    "note",
)
NOBODY = "no patient has this level"


def cox_table(
    cohort: Cohort,
    endpoint: str,
    variables: Sequence[str],
    *,
    time_dependent: Sequence[str] = (),
    ties: Ties = "efron",
    level: float = 0.95,
    missing: Missing = "refused",
) -> pd.DataFrame:
    """Hazard ratios of a multivariable Cox model.

    A hazard ratio above 1 means earlier events: of a number per one unit, of a level against the
    reference level of its variable, of a time-dependent event after it against before it.

    Parameters
    ----------
    cohort : Cohort
        The patients; those outside the endpoint's population are not part of the question.
    endpoint : str
        Name of an endpoint of the study.
    variables : sequence of str
        Variables known at baseline; numbers enter as they are, unscaled.
    time_dependent : sequence of str, default=()
        Events of the study that switch on during follow-up.
    ties : {"efron", "breslow"}, default="efron"
        Method of ties.
    level : float, default=0.95
        Confidence level, in (0, 1).
    missing : {"refused", "leave_out"}, default="refused"
        ``leave_out`` keeps patients with complete values only and counts the others.

    Returns
    -------
    DataFrame
        One row per term: ``analysis`` and ``analysis_label``, ``variable``, ``level``, ``term``,
        ``label``, ``unit``, ``coef``, ``std_error``, ``hazard_ratio``, ``lower``, ``upper``, ``z``,
        ``p_value``, ``ph_p_value`` (all terms of the variable: do their hazard ratios change with
        time), ``n`` patients, ``n_rows`` (start, stop] rows, ``n_events``, ``n_left_out``,
        ``note``.

    Raises
    ------
    ModelError
        If a variable is not known at baseline (immortal time), if values are missing, or if the
        model cannot be fitted.
    OutcomeError
        If times or events are missing or impossible.
    StudyError
        If the study has no such endpoint, variable or event.

    Notes
    -----
    Vouched for by R ``survival::coxph``, ``survival::tmerge`` and ``survival::cox.zph``.
    """
    check_known_at_origin(cohort.study, tuple(variables), "cox_table")
    question = Analysis(
        "", "", endpoint, tuple(variables), time_dependent=tuple(time_dependent), ties=ties
    )
    return _table(cohort, question, level, missing)


def analysis_table(
    cohort: Cohort, analysis: Analysis, *, level: float = 0.95, missing: Missing = "refused"
) -> pd.DataFrame:
    """Hazard ratios of a Cox analysis that the study file defines.

    Parameters
    ----------
    cohort : Cohort
        The patients; the analysis and its endpoint say which of them it is about.
    analysis : Analysis
        One of ``cohort.study.analyses``, or made like them. What the study has published is
        fitted as published, variables known only after baseline included; ``note`` then says so.
    level : float, default=0.95
        Confidence level, in (0, 1).
    missing : {"refused", "leave_out"}, default="refused"
        ``leave_out`` keeps patients with complete values only and counts the others.

    Returns
    -------
    DataFrame
        Columns as of :func:`cox_table`; ``analysis`` is its name.

    Raises
    ------
    ModelError
        As :func:`cox_table`; variables known only after baseline are refused unless the analysis
        stands in the study file.
    """
    late = [name for name in analysis.variables if cohort.study.variable(name).known != "baseline"]
    if late and cohort.study.analyses.get(analysis.name) != analysis:
        check_known_at_origin(cohort.study, analysis.variables, f"analysis '{analysis.name}'")
    table = _table(cohort.where(analysis.population), analysis, level, missing)
    note = analysis.note
    if late:
        note = f"{note} {', '.join(late)}: not known at baseline (immortal time).".strip()
    table["note"] = [f"{n} {note}".strip() for n in table["note"]]
    return table


def landmark_cox_table(
    cohort: Cohort,
    endpoint: str,
    variables: Sequence[str],
    *,
    at: float,
    events: Sequence[str],
    ties: Ties = "efron",
    level: float = 0.95,
    missing: Missing = "refused",
) -> pd.DataFrame:
    """Hazard ratios from a landmark on, of what had happened by then.

    Parameters
    ----------
    cohort : Cohort
        The patients.
    endpoint : str
        Name of an endpoint of the study.
    variables : sequence of str
        Variables known at baseline.
    at : float
        Landmark: time after treatment start, in the study's unit.
    events : sequence of str
        Events of the study; patients are compared by whether each had happened by the landmark.
    ties : {"efron", "breslow"}, default="efron"
        Method of ties.
    level : float, default=0.95
        Confidence level, in (0, 1).
    missing : {"refused", "leave_out"}, default="refused"
        ``leave_out`` keeps patients with complete values only and counts the others.

    Returns
    -------
    DataFrame
        Columns as of :func:`cox_table`, and ``n_event_before``, ``n_censored_before``,
        ``n_later_origin``: patients the landmark excludes.

    Raises
    ------
    ModelError
        As :func:`cox_table`.

    Notes
    -----
    Patients with an event or censored by the landmark are excluded, and counted. Vouched for by R
    ``survival::coxph`` on the remaining patients.
    """
    check_known_at_origin(cohort.study, tuple(variables), "landmark_cox_table")
    chosen, n_left_out = _complete(cohort.eligible(endpoint), variables, missing)
    reached = reach_landmark(chosen, endpoint, at, events=events)
    terms = _baseline_terms(reached.cohort, variables, "landmark_cox_table")
    terms += event_terms(reached.cohort, events, reached.happened)
    y = reached.y
    fit = _fit(
        terms, y["time"], y["event"], None, ties=ties, level=level, where="landmark_cox_table"
    )
    table = _rows(None, terms, fit, reached.cohort, n_left_out)
    for name in ("n_event_before", "n_censored_before", "n_later_origin"):
        table[name] = getattr(reached, name)
    return table


def _table(cohort: Cohort, analysis: Analysis, level: float, missing: Missing) -> pd.DataFrame:
    where = f"analysis '{analysis.name}'" if analysis.name else "cox_table"
    chosen, n_left_out = _complete(cohort.eligible(analysis.endpoint), analysis.variables, missing)
    events = analysis.time_dependent
    terms = _baseline_terms(chosen, analysis.variables, where)
    if events:
        rows = chosen.intervals(analysis.endpoint, list(events))
        terms = [replace(term, values=term.values[rows.patient]) for term in terms]
        terms += event_terms(chosen, events, rows.X)
        time, event, start = rows.stop, rows.event, rows.start
    else:
        y = chosen.y(analysis.endpoint)
        time, event, start = y["time"], y["event"], None
    fit = _fit(terms, time, event, start, ties=analysis.ties, level=level, where=where)
    return _rows(analysis, terms, fit, chosen, n_left_out)


def _complete(cohort: Cohort, names: Sequence[str], missing: Missing) -> tuple[Cohort, int]:
    if missing not in ("refused", "leave_out"):
        raise ModelError(f"cox_table: missing={missing!r}; allowed are 'refused' and 'leave_out'.")
    if missing == "leave_out":
        known = cohort.frame.reindex(columns=list(names)).notna().all(axis=1).to_numpy()
        if known.any():
            return cohort.take(np.flatnonzero(known)), int(np.sum(~known))
    check_complete(cohort, names, "cox_table")
    return cohort, 0


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
) -> CoxFit:
    fitted = [term for term in terms if term.values.any()]
    if not fitted:
        raise ModelError(f"{where}: there is no variable to fit; name at least one.")
    X = np.column_stack([term.values for term in fitted])
    names = [term.name for term in fitted]
    return fit_cox(time, event, X, start=start, ties=ties, level=level, names=names)


def _rows(
    analysis: Analysis | None, terms: Sequence[Term], fit: CoxFit, cohort: Cohort, n_left_out: int
) -> pd.DataFrame:
    numbers = ("coef", "std_error", "hazard_ratio", "lower", "upper", "z", "p_value")
    proportional = _proportional(terms, fit)
    position = {term: index for index, term in enumerate(fit.names)}
    rows = []
    for term in terms:
        at = position.get(term.name)
        row: dict[str, object] = {
            "analysis": analysis.name if analysis else "",
            "analysis_label": analysis.label if analysis else "",
            "variable": term.variable,
            "level": term.level,
            "term": term.name,
            "label": term.label,
            "unit": term.unit,
            "n": cohort.n,
            "n_rows": fit.n,
            "n_events": fit.n_events,
            "n_left_out": n_left_out,
            "note": NOBODY if at is None else "",
        }
        if at is not None:
            row |= {number: float(getattr(fit, number)[at]) for number in numbers}
            row["ph_p_value"] = proportional.get(term.variable, float("nan"))
        rows.append(row)
    return tidy(rows, COLUMNS, cohort)


def _proportional(terms: Sequence[Term], fit: CoxFit) -> dict[str, float]:
    columns: dict[str, list[str]] = {}
    for term in terms:
        if term.name in fit.names:
            columns.setdefault(term.variable, []).append(term.name)
    test = fit.proportional_hazards_test(terms=columns)
    return dict(zip(test.names, map(float, test.p_value), strict=True))

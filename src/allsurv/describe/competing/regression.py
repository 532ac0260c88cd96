"""Fine-Gray and cause-specific Cox models side by side, with what each of them answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from allsurv.cohort import Cohort
from allsurv.cohort.causes import CompetingOutcome
from allsurv.cohort.groups import check_known_at_origin, tidy
from allsurv.describe.cox.fits import LEFT_OUT, baseline_terms, complete_patients
from allsurv.describe.cox.scales import fix_scales
from allsurv.describe.cox.terms import Term
from allsurv.describe.needed import only_needed
from allsurv.errors import ModelError, MonotoneError
from allsurv.stats.competing.fine_gray import FineGrayFit, fit_fine_gray
from allsurv.stats.cox.fit import CoxFit, fit_cox
from allsurv.study.evidence import Missing
from allsurv.study.spec import Analysis

__all__ = ["ANSWERS", "FEWEST_EVENTS", "competing_analysis_table", "competing_table"]

FEWEST_EVENTS = 10
"""A cause of fewer events is shown as curves and not modelled."""

ANSWERS = {
    "cause_specific": (
        "The cause-specific hazard ratio compares the rate of the event among patients still free "
        "of every event: it is the one to read for what causes the event."
    ),
    "subdistribution": (
        "The subdistribution hazard ratio (Fine and Gray) compares the share of patients who ever "
        "have the event while others happen too: it is the one to read for prognosis. Its size is "
        "not a ratio of risks."
    ),
}
NUMBERS = ("coef", "std_error", "hazard_ratio", "lower", "upper", "p_value")
COLUMNS = (
    "analysis",
    "analysis_label",
    "cause",
    "cause_label",
    "variable",
    "level",
    "term",
    "label",
    "unit",
    *(f"{method}_{number}" for method in ANSWERS for number in NUMBERS),
    "n",
    "n_events",
    "n_competing",
    "n_left_out",
    "n_level",
    "n_level_events",
    "note",
)
TOO_FEW = f"fewer than {FEWEST_EVENTS} events: shown as curves, not modelled"
NOBODY = "no patient has this level"

Floats = NDArray[np.float64]


def competing_table(
    cohort: Cohort,
    endpoint: str,
    variables: Sequence[str],
    *,
    level: float = 0.95,
    missing: Missing = "complete cases",
) -> pd.DataFrame:
    """Hazard ratios of each cause from two models: cause-specific Cox, and Fine-Gray.

    A variable can lower the rate of relapse and yet raise the share who relapse, because it keeps
    patients from dying first. So both models are shown for *every* cause [1]_; ``ANSWERS`` says in
    a sentence what each answers.

    Parameters
    ----------
    cohort : Cohort
        The patients; those outside the endpoint's population are not part of the question.
    endpoint : str
        Name of an endpoint of the study, of kind ``competing``.
    variables : sequence of str
        Variables known at baseline; numbers enter as they are, unscaled.
    level : float, default=0.95
        Confidence level, in (0, 1).
    missing : {"complete cases", "level", "refuse"}, default="complete cases"
        Patients with a missing value: left out and counted; in a level of their own (with a missing
        number left out); or nothing is computed.

    Returns
    -------
    DataFrame
        One row per cause and term: ``analysis``, ``analysis_label``, ``cause``, ``cause_label``,
        ``variable``, ``level``, ``term``, ``label``, ``unit``; then ``coef``, ``std_error``,
        ``hazard_ratio``, ``lower``, ``upper``, ``p_value`` once as ``cause_specific_...`` and once
        as ``subdistribution_...``; ``n`` patients, ``n_events`` of the cause, ``n_competing`` of
        the others, ``n_left_out``, ``n_level`` patients with the level and ``n_level_events`` of
        the cause among them, ``note``. The estimates of a cause of fewer than ten events are
        missing. ``attrs["answers"]`` are the two sentences.

    Raises
    ------
    ModelError
        If a variable is not known at baseline (immortal time), if values are missing or to be
        imputed, or if the model cannot be fitted.
    OutcomeError
        If times or causes are missing or impossible.
    StudyError
        If the study has no such endpoint or variable, or one event alone is its endpoint.

    Notes
    -----
    Efron's ties in the Cox models; Fine-Gray as ``cmprsk::crr``, with robust errors. Checked
    against R ``survival::coxph`` and ``cmprsk::crr``.

    References
    ----------
    .. [1] Latouche A, et al. J Clin Epidemiol. 2013;66(6):648-653.
       doi:10.1016/j.jclinepi.2012.09.017
    """
    where = "competing_table"
    check_known_at_origin(cohort.study, tuple(variables), where)
    question = Analysis("", "", endpoint, tuple(variables), missing=missing)
    return _table(cohort, question, where, level)


def competing_analysis_table(
    cohort: Cohort, analysis: Analysis, *, level: float = 0.95
) -> pd.DataFrame:
    """Hazard ratios of each cause in an analysis that the study file defines.

    Parameters
    ----------
    cohort : Cohort
        The patients; the analysis and its endpoint say which of them it is about.
    analysis : Analysis
        One of ``cohort.study.analyses``, or made like them; its endpoint is of kind ``competing``.
    level : float, default=0.95
        Confidence level, in (0, 1).

    Returns
    -------
    DataFrame
        Columns as of :func:`competing_table`; ``analysis`` is its name.

    Raises
    ------
    ModelError
        As :func:`competing_table`.
    OutcomeError
        If times or causes are missing or impossible.
    StudyError
        If it names what the study does not have, or its endpoint is one event.
    """
    where = f"analysis '{analysis.name}'"
    check_known_at_origin(cohort.study, analysis.variables, where)
    return _table(cohort.where(analysis.population), analysis, where, level)


@dataclass(frozen=True, eq=False)
class _Data:
    """Patients with all that a model needs."""

    outcome: CompetingOutcome
    terms: tuple[Term, ...]
    n_left_out: int
    level: float

    @property
    def fitted(self) -> list[Term]:
        """Terms that somebody has."""
        return [term for term in self.terms if term.values.any()]

    @property
    def X(self) -> Floats:
        """Design of those terms."""
        return np.column_stack([term.values for term in self.fitted])

    @property
    def names(self) -> list[str]:
        """Names of those terms."""
        return [term.name for term in self.fitted]


def _table(cohort: Cohort, analysis: Analysis, where: str, level: float) -> pd.DataFrame:
    if analysis.missing == "impute":
        raise ModelError(
            f"{where}: values are not imputed where events compete; choose missing: 'complete "
            "cases', 'level' or 'refuse'."
        )
    if analysis.time_dependent or analysis.interactions:
        raise ModelError(
            f"{where}: a Fine-Gray model takes baseline variables, one by one; for variables that "
            "change, or products, take cox_table of an endpoint of one event."
        )
    if analysis.design or analysis.firth or any(s.is_curved for s in analysis.scales.values()):
        raise ModelError(
            f"{where}: a Fine-Gray model takes neither strata, cluster, weights, Firth's method "
            "nor splines here; leave them out, or take an endpoint of one event."
        )
    slim = only_needed(cohort, analysis.endpoint, analysis.variables).eligible(analysis.endpoint)
    outcome = slim.competing(analysis.endpoint)  # a faulty status is no reason to leave one out
    chosen, n_left_out = complete_patients(slim, analysis.variables, analysis.missing, where)
    if n_left_out:
        outcome = chosen.competing(analysis.endpoint)
    scales = fix_scales(chosen, analysis.scales, where)
    terms = tuple(baseline_terms(chosen, analysis.variables, where, scales))
    data = _Data(outcome, terms, n_left_out, level)
    if not data.fitted:
        raise ModelError(f"{where}: there is no variable to fit; name at least one.")
    rows = [row for cause in outcome.names for row in _rows_of_cause(data, cause)]
    stated = {"analysis": analysis.name, "analysis_label": analysis.label}
    table = tidy([stated | row for row in rows], COLUMNS, cohort)
    counts = ["n_level", "n_level_events"]
    table[counts] = table[counts].astype("Int64")
    table.attrs["answers"] = dict(ANSWERS)
    return table


def _rows_of_cause(data: _Data, cause: str) -> list[dict[str, object]]:
    outcome = data.outcome
    code = outcome.code(cause)
    counts = outcome.counts()
    said = [LEFT_OUT] * bool(data.n_left_out)
    estimates: dict[str, dict[str, dict[str, float]]] = {}
    if counts[cause] < FEWEST_EVENTS:
        said.insert(0, TOO_FEW)
    else:
        for method in ANSWERS:
            found, note = _estimates(data, code, method)
            estimates[method] = found
            said += [note] * bool(note)
    rows = []
    for term in data.terms:
        row: dict[str, object] = {
            "cause": cause,
            "cause_label": outcome.labels[code - 1],
            "variable": term.variable,
            "level": term.level,
            "term": term.name,
            "label": term.label,
            "unit": term.unit,
            "n": len(outcome),
            "n_events": counts[cause],
            "n_competing": sum(counts.values()) - counts[cause],
            "n_left_out": data.n_left_out,
            "note": "; ".join([NOBODY] * (not term.values.any()) + said),
        }
        for method, found in estimates.items():
            row |= {f"{method}_{name}": v for name, v in found.get(term.name, {}).items()}
        if term.level:
            has = term.values > 0
            row |= {"n_level": int(has.sum())}
            row |= {"n_level_events": int(np.sum(outcome.cause[has] == code))}
        rows.append(row)
    return rows


def _estimates(data: _Data, code: int, method: str) -> tuple[dict[str, dict[str, float]], str]:
    """Fit one model of one cause; a note says where its estimate is none or not the ordinary."""
    outcome = data.outcome
    if method == "subdistribution":
        try:
            fit = fit_fine_gray(
                outcome.time, outcome.cause, data.X, of=code, level=data.level, names=data.names
            )
        except MonotoneError:
            return {}, "the Fine-Gray model has no finite estimate"
        return _by_term(fit), ""
    try:
        return _by_term(_cox(data, code, firth=False)), ""
    except MonotoneError:
        return _by_term(_cox(data, code, firth=True)), "cause-specific model by Firth's method"


def _cox(data: _Data, code: int, *, firth: bool) -> CoxFit:
    event = data.outcome.cause == code
    return fit_cox(
        data.outcome.time, event, data.X, level=data.level, firth=firth, names=data.names
    )


def _by_term(fit: CoxFit | FineGrayFit) -> dict[str, dict[str, float]]:
    numbers = {number: getattr(fit, number) for number in NUMBERS}
    return {
        term: {number: float(values[at]) for number, values in numbers.items()}
        for at, term in enumerate(fit.names)
    }

"""Univariable Cox models of what a study screened, and the multivariable model they led to."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

import pandas as pd

from allsurv.cohort import Cohort
from allsurv.cohort.groups import tidy
from allsurv.describe.cox.fits import CohortFit, fit_finite, fit_from_landmark
from allsurv.describe.cox.rows import COX_COLUMNS, cohort_rows, cox_rows
from allsurv.errors import ModelError, MonotoneError, OutcomeError
from allsurv.study.evidence import Missing
from allsurv.study.spec import Analysis, Screening

__all__ = ["screened_table", "univariable_table"]

WHERE = "univariable_table"


def univariable_table(cohort: Cohort, *, level: float = 0.95) -> pd.DataFrame:
    """Hazard ratios one variable at a time, as the study screened them.

    Parameters
    ----------
    cohort : Cohort
        Patients of a study with a ``screening``; columns that they lack are left out.
    level : float, default=0.95
        Confidence level, in (0, 1).

    Returns
    -------
    DataFrame
        Columns as of :func:`allsurv.describe.cox_table`, one row per term. ``analysis`` is
        ``baseline``, ``time_dependent`` (events as they happen) or ``landmark`` (what is known
        only later, among those followed and event-free until then); ``variable_p_value`` tests all
        levels of a variable, or all parts of a spline, together, by likelihood ratio where there
        are several (Wald where errors are robust); ``nonlinear_p_value`` the curve; ``selected``
        is whether the variable goes into the multivariable model; ``n_excluded`` counts whom a
        landmark leaves out. Where the ordinary estimate is infinite, ``method`` is ``Firth``;
        what cannot be fitted at all has a ``note`` and no estimate.

    Raises
    ------
    ModelError
        If the study has no screening.

    Notes
    -----
    Patients of unknown value are left out of that variable's model and counted. Checked against R
    ``survival::coxph``.
    """
    screening = _screening(cohort)
    rows: list[dict[str, object]] = []
    for asked, at in _questions(cohort, screening):
        rows += _answer(cohort, asked, at, screening, level)
    curved = any("nonlinear_p_value" in row for row in rows)
    tests = ("variable_p_value", "nonlinear_p_value") if curved else ("variable_p_value",)
    return tidy(rows, (*COX_COLUMNS, *tests, "selected", "n_excluded"), cohort)


def screened_table(
    cohort: Cohort, univariable: pd.DataFrame, *, level: float = 0.95
) -> pd.DataFrame:
    """Hazard ratios of the multivariable model of the variables that screening selected.

    Parameters
    ----------
    cohort : Cohort
        The patients.
    univariable : DataFrame
        From :func:`univariable_table`.
    level : float, default=0.95
        Confidence level, in (0, 1).

    Returns
    -------
    DataFrame
        Columns as of :func:`allsurv.describe.cox_table`. Variables are coded as the study says
        (``coded_as``); its ``kept`` events are in the model whatever their P.

    Raises
    ------
    ModelError
        If nothing was selected and nothing is kept, or the model cannot be fitted.

    Notes
    -----
    P values and limits after selection by the same data are too small and too narrow [1]_: this
    repeats what is often published, it is no advice.

    References
    ----------
    .. [1] Heinze G, Wallisch C, Dunkler D. Biom J. 2018;60(3):431-449. doi:10.1002/bimj.201700067
    """
    screening = _screening(cohort)
    chosen = univariable[univariable["selected"]]
    baseline = chosen.loc[chosen["analysis"] == "baseline", "variable"]
    events = chosen.loc[chosen["analysis"] == "time_dependent", "variable"]
    variables = tuple(screening.coded_as.get(name, name) for name in dict.fromkeys(baseline))
    kept = (name for name in screening.kept if cohort.has_event(name))
    asked = Analysis(
        "screened",
        f"All with univariable P < {screening.p_value:g}",
        screening.endpoint,
        variables,
        tuple(dict.fromkeys([*events, *kept])),
    )
    asked = _in_words_of(screening, asked)
    fitted = fit_finite(cohort, asked, "screened_table", level=level, missing=screening.missing)
    return cohort_rows(cohort, cox_rows(fitted, asked))


def _screening(cohort: Cohort) -> Screening:
    screening = cohort.study.screening
    if screening is None:
        raise ModelError(
            f"{WHERE}: study '{cohort.study.name}' does not say how it screened variables; say so "
            "in section 'screening' of the study file, or use cox_table."
        )
    found: Screening = screening
    return found


def _questions(cohort: Cohort, screening: Screening) -> Iterator[tuple[Analysis, float | None]]:
    for asked, at in _plain_questions(cohort, screening):
        yield _in_words_of(screening, asked), at


def _in_words_of(screening: Screening, asked: Analysis) -> Analysis:
    """Add scales, strata, cluster and weights, as the screening has them, to one of its models."""
    return replace(
        asked,
        scales={name: s for name, s in screening.scales.items() if name in asked.variables},
        strata=screening.strata,
        cluster=screening.cluster,
        weights=screening.weights,
        firth=screening.firth,
    )


def _plain_questions(
    cohort: Cohort, screening: Screening
) -> Iterator[tuple[Analysis, float | None]]:
    endpoint, unit = screening.endpoint, cohort.study.time.unit
    for name in screening.variables:
        if name in cohort.frame.columns:
            yield Analysis("baseline", "Known at the start", endpoint, (name,)), None
    for event in screening.time_dependent:
        if cohort.has_event(event):
            yield Analysis("time_dependent", "As it happens", endpoint, (), (event,)), None
    for name, at in screening.landmarks.items():
        if name in cohort.frame.columns:
            label = f"From a landmark at {at:g} {unit}"
            yield Analysis("landmark", label, endpoint, (name,)), at


def _answer(
    cohort: Cohort, asked: Analysis, at: float | None, screening: Screening, level: float
) -> Iterator[dict[str, object]]:
    (name,) = asked.variables or asked.time_dependent
    try:
        fitted = _fit(cohort, asked, at, level, screening.missing)
    except (ModelError, OutcomeError) as error:
        known = cohort.study.variables if asked.variables else cohort.study.events
        yield {
            "analysis": asked.name,
            "analysis_label": asked.label,
            "variable": name,
            "term": name,
            "label": known[name].label,
            "note": f"Not fitted: {error}",
            "selected": False,
        }
        return
    single = len(fitted.fit.names) == 1
    if single:
        joint = float(fitted.fit.p_value[0])
    elif fitted.fit.robust_covariance is None:
        joint = fitted.fit.lr_test.p_value
    else:  # a likelihood ratio says nothing where errors are robust
        joint = fitted.fit.wald_test.p_value
    may_be_selected = at is None and name not in screening.univariable_only
    reached = fitted.landmark
    excluded = reached.n_excluded if reached else 0
    for row in cox_rows(fitted, asked):
        yield row | {
            "variable_p_value": joint,
            "selected": may_be_selected and joint < screening.p_value,
            "n_excluded": excluded,
        }


def _fit(
    cohort: Cohort, asked: Analysis, at: float | None, level: float, missing: Missing
) -> CohortFit:
    if at is None:
        return fit_finite(cohort, asked, WHERE, level=level, missing=missing)
    from_landmark = partial(
        fit_from_landmark, cohort, asked, WHERE, at=at, level=level, missing=missing
    )
    try:
        return from_landmark()
    except MonotoneError:
        return from_landmark(firth=True)

"""Cox regression tables: hazard ratios in clinical units, of any model and of the study's own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pandas as pd

from allsurv.cohort import Cohort
from allsurv.cohort.groups import check_known_at_origin, is_late
from allsurv.describe.cox.answers import Handling, answer
from allsurv.describe.cox.fits import CohortFit, Ties, fit_analysis, fit_from_landmark
from allsurv.describe.cox.pooled import PooledFit, pooled_rows
from allsurv.describe.cox.rows import cohort_rows, cox_rows
from allsurv.describe.cox.scales import GivenScales, Scales, read_scales
from allsurv.errors import ModelError
from allsurv.policy.columns import BEFORE_LANDMARK
from allsurv.study.evidence import Missing
from allsurv.study.model_faults import model_faults
from allsurv.study.spec import Analysis

__all__ = ["analysis_table", "cox_table", "landmark_cox_table"]


def cox_table(
    cohort: Cohort,
    endpoint: str,
    variables: Sequence[str],
    *,
    time_dependent: Sequence[str] = (),
    scales: GivenScales | None = None,
    strata: Sequence[str] = (),
    cluster: str | None = None,
    weights: str | None = None,
    ties: Ties = "efron",
    level: float = 0.95,
    missing: Missing = "complete cases",
    n_imputations: int | None = None,
    random_state: int = 0,
    firth: bool = False,
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
        Variables known at baseline; numbers enter as they are, unless ``scales`` says otherwise.
    time_dependent : sequence of str, default=()
        Events of the study that switch on during follow-up.
    scales : mapping from str to Scale or mapping, optional
        How numbers enter, as in a study file: ``{"age": {"per": 10}, "wbc": {"transform": "log2"},
        "bmi": {"knots": 4}}``. A spline is shown by the hazard ratio between the quartiles.
    strata : sequence of str, default=()
        Variables each of whose levels has a baseline hazard of its own.
    cluster : str, optional
        Variable within which patients are alike: robust standard errors.
    weights : str, optional
        Number that weights each patient: robust standard errors, by patient unless ``cluster`` is
        given.
    ties : {"efron", "breslow"}, default="efron"
        Method of ties.
    level : float, default=0.95
        Confidence level, in (0, 1).
    missing : {"complete cases", "impute", "level", "refuse"}, default="complete cases"
        Patients with a missing value: left out and counted; imputed several times and pooled; in a
        level of their own (with a missing number left out); or nothing is computed.
    n_imputations : int, optional
        Where values are imputed: one for each percent of incomplete patients, at least five, where
        not given.
    random_state : int, default=0
        Seed of the imputations.
    firth : bool, default=False
        Penalise by Firth's method, with limits and P of the profile penalised likelihood: for few
        events, or levels in which all or none had one.

    Returns
    -------
    DataFrame
        One row per term: ``analysis`` and ``analysis_label``, ``variable``, ``level``, ``term``,
        ``label``, ``unit``, ``coef``, ``std_error``, ``hazard_ratio``, ``lower``, ``upper``, ``z``,
        ``p_value``, ``ph_p_value`` (all terms of the variable: do their hazard ratios change with
        time), ``n`` patients, ``n_rows`` (start, stop] rows, ``n_events``, ``n_left_out``,
        ``n_level`` patients with the level, or whom the event happened to, and ``n_level_events``
        of the endpoint among (after) them, ``method`` and ``note``. Of imputed values also the
        columns of :func:`pooled_cox_table`. With a spline, ``variable_p_value`` tests all
        coefficients of a variable and ``nonlinear_p_value`` those of its curve, by Wald.

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
    Checked against R ``survival::coxph``, ``survival::tmerge`` and ``survival::cox.zph``.
    """
    check_known_at_origin(cohort.study, tuple(variables), "cox_table")
    question = asked_model(
        cohort,
        Analysis(
            "",
            "",
            endpoint,
            tuple(variables),
            time_dependent=tuple(time_dependent),
            scales=read_scales(scales or {}),
            strata=tuple(strata),
            cluster=cluster,
            weights=weights,
            firth=firth,
            ties=ties,
        ),
        "cox_table",
    )
    handling = Handling(missing, n_imputations, random_state)
    fitted = _answer(cohort, question, "cox_table", handling, level=level)
    return _table(cohort, fitted, question)


def analysis_table(
    cohort: Cohort,
    analysis: Analysis,
    *,
    level: float = 0.95,
    missing: Missing | None = None,
    n_imputations: int | None = None,
    random_state: int = 0,
    firth: bool = False,
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
    missing : {"complete cases", "impute", "level", "refuse"}, optional
        As :func:`cox_table`; what the analysis says where not given.
    n_imputations : int, optional
        Where values are imputed: one for each percent of incomplete patients, at least five, where
        not given.
    random_state : int, default=0
        Seed of the imputations.
    firth : bool, default=False
        Penalise by Firth's method, whatever the analysis says.

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
    restricted = tuple(name for name in analysis.population if is_late(cohort.study, name))
    if cohort.study.endpoint(analysis.endpoint).origin_time is not None:
        restricted = ()  # the clock starts at that event
    if cohort.study.analyses.get(analysis.name) != analysis:
        check_known_at_origin(cohort.study, analysis.variables, f"analysis '{analysis.name}'")
        check_known_at_origin(cohort.study, restricted, f"analysis '{analysis.name}', population")
    note = analysis.note
    if restricted:
        note = f"{note} Restricted by {', '.join(restricted)}: immortal time.".strip()
    if late:
        note = f"{note} {', '.join(late)}: not known at baseline (immortal time).".strip()
    where = f"analysis '{analysis.name}'"
    if firth:
        analysis = replace(analysis, firth=True)
    asked_model(cohort, analysis, where)
    patients = cohort.where(analysis.population)
    handling = Handling(missing or analysis.missing, n_imputations, random_state)
    fitted = _answer(patients, analysis, where, handling, level=level)
    return _table(cohort, fitted, analysis, note)


def landmark_cox_table(
    cohort: Cohort,
    endpoint: str,
    variables: Sequence[str],
    *,
    at: float,
    events: Sequence[str] = (),
    known_by_then: Sequence[str] = (),
    scales: GivenScales | None = None,
    strata: Sequence[str] = (),
    cluster: str | None = None,
    weights: str | None = None,
    ties: Ties = "efron",
    level: float = 0.95,
    missing: Missing = "complete cases",
    n_imputations: int | None = None,
    random_state: int = 0,
    firth: bool = False,
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
    events : sequence of str, default=()
        Events of the study; patients are compared by whether each had happened by the landmark.
    known_by_then : sequence of str, default=()
        Variables not known at baseline, but of everybody by the landmark, such as a response
        assessed at a fixed visit before it. That this is so is for you to say.
    scales : mapping from str to Scale or mapping, optional
        How numbers enter, as in a study file: ``{"age": {"per": 10}, "wbc": {"transform": "log2"},
        "bmi": {"knots": 4}}``. A spline is shown by the hazard ratio between the quartiles.
    strata : sequence of str, default=()
        Variables each of whose levels has a baseline hazard of its own.
    cluster : str, optional
        Variable within which patients are alike: robust standard errors.
    weights : str, optional
        Number that weights each patient: robust standard errors, by patient unless ``cluster`` is
        given.
    ties : {"efron", "breslow"}, default="efron"
        Method of ties.
    level : float, default=0.95
        Confidence level, in (0, 1).
    missing : {"complete cases", "impute", "level", "refuse"}, default="complete cases"
        Patients with a missing value: left out and counted; imputed several times and pooled; in a
        level of their own (with a missing number left out); or nothing is computed.
    n_imputations : int, optional
        Where values are imputed: one for each percent of incomplete patients, at least five, where
        not given.
    random_state : int, default=0
        Seed of the imputations.
    firth : bool, default=False
        Penalise by Firth's method.

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
    Patients with an event or censored by the landmark are excluded, and counted. Checked against R
    ``survival::coxph`` on the remaining patients.
    """
    check_known_at_origin(cohort.study, tuple(variables), "landmark_cox_table")
    where = "landmark_cox_table"
    asked = asked_model(
        cohort,
        Analysis(
            "",
            "",
            endpoint,
            (*variables, *known_by_then),
            time_dependent=tuple(events),
            scales=read_scales(scales or {}),
            strata=tuple(strata),
            cluster=cluster,
            weights=weights,
            firth=firth,
            ties=ties,
        ),
        where,
    )

    def fit_one(patients: Cohort, missing: Missing, fixed: Scales | None) -> CohortFit:
        return fit_from_landmark(
            patients, asked, where, at=at, level=level, missing=missing, scales=fixed
        )

    handling = Handling(missing, n_imputations, random_state)
    fitted = answer(cohort, asked, where, fit_one, handling, level)
    reached = fitted.fits[0].landmark if isinstance(fitted, PooledFit) else fitted.landmark
    return _table(cohort, fitted).assign(
        **{name: getattr(reached, name) for name in BEFORE_LANDMARK}
    )


def asked_model(cohort: Cohort, analysis: Analysis, where: str) -> Analysis:
    """Refuse a model whose parts do not fit the data dictionary or one another."""
    for fault in model_faults(cohort.study.variables, analysis):
        raise ModelError(f"{where}: {'.'.join(map(str, fault.path))}: {fault.message}")
    return analysis


def _answer(
    cohort: Cohort, analysis: Analysis, where: str, handling: Handling, *, level: float
) -> CohortFit | PooledFit:
    def fit_one(patients: Cohort, missing: Missing, scales: Scales | None) -> CohortFit:
        return fit_analysis(patients, analysis, where, level=level, missing=missing, scales=scales)

    return answer(cohort, analysis, where, fit_one, handling, level)


def _table(
    cohort: Cohort, fitted: CohortFit | PooledFit, analysis: Analysis | None = None, note: str = ""
) -> pd.DataFrame:
    if isinstance(fitted, PooledFit):
        return cohort_rows(cohort, pooled_rows(fitted, analysis, note=note))
    return cohort_rows(cohort, cox_rows(fitted, analysis, note=note))

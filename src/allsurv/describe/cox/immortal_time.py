"""Immortal time: who is refused as a baseline variable, and how much it would have misled."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from allsurv.cohort import Cohort
from allsurv.cohort.groups import check_known_at_origin, event_of, tidy
from allsurv.describe.cox.fits import fit_finite, fit_from_landmark
from allsurv.describe.cox.rows import COX_COLUMNS, cox_rows
from allsurv.errors import ModelError
from allsurv.policy.columns import BEFORE_LANDMARK
from allsurv.study.spec import Analysis

__all__ = ["immortal_time_table"]

NAIVE, AS_IT_HAPPENS = "as if known at baseline", "time-dependent"


def immortal_time_table(
    cohort: Cohort,
    endpoint: str,
    name: str,
    *,
    variables: Sequence[str] = (),
    at: float | None = None,
    level: float = 0.95,
) -> pd.DataFrame:
    """Hazard ratio of what comes after baseline: the biased way beside those without bias.

    Patients must live long enough to be transplanted, to respond, to be tested. Counting that time
    as theirs makes whatever comes later look protective: immortal time.

    Parameters
    ----------
    cohort : Cohort
        The patients.
    endpoint : str
        Name of an endpoint of the study.
    name : str
        Event of the study, or variable not known at baseline.
    variables : sequence of str, default=()
        Variables known at baseline for which all estimates are adjusted.
    at : float, optional
        Landmark, in the study's unit. Where not given, the time by which the study's screening
        says the variable is known, or the study's landmark nearest to the event's median time.
    level : float, default=0.95
        Confidence level, in (0, 1).

    Returns
    -------
    DataFrame
        Columns as of :func:`allsurv.describe.landmark_cox_table`; ``analysis`` is ``naive``,
        ``time_dependent`` (of an event) or ``landmark``. Levels that nobody has are left out.

    Raises
    ------
    ModelError
        If ``name`` is known at baseline, or a model cannot be fitted.
    StudyError
        If the study has no such endpoint or variable.

    Notes
    -----
    The naive rows stand here to be seen, not to be used [1]_.

    References
    ----------
    .. [1] Suissa S. Am J Epidemiol. 2008;167(4):492-499. doi:10.1093/aje/kwm324
    """
    study = cohort.study
    check_known_at_origin(study, tuple(variables), "immortal_time_table")
    event = event_of(study, name)
    late = name if name in study.variables else next(iter(study.events[name].occurred))
    if study.variable(late).known == "baseline":
        raise ModelError(
            f"immortal_time_table: '{name}' is known at baseline, so no time is immortal; use "
            "cox_table."
        )
    patients = cohort.eligible(endpoint)
    naive = Analysis("naive", f"Biased: {NAIVE}", endpoint, (*variables, late))
    rows = list(_rows(patients, naive, late, level))
    moment = _landmark(patients, late, event) if at is None else at
    if event is not None:
        switching = Analysis(
            "time_dependent", "Time-dependent", endpoint, tuple(variables), (event,)
        )
        rows += _rows(patients, switching, event, level)
    label = f"From a landmark at {moment:g} {study.time.unit}"
    fixed = replace(naive, name="landmark", label=label)
    rows += _landmark_rows(patients, fixed, late, event, moment, level)
    return tidy(rows, (*COX_COLUMNS, *BEFORE_LANDMARK), cohort)


def _rows(
    cohort: Cohort, analysis: Analysis, name: str, level: float
) -> Iterator[dict[str, object]]:
    fitted = fit_finite(cohort, analysis, "immortal_time_table", level=level)
    note = f"{name}: not known at baseline (immortal time)." if analysis.name == "naive" else ""
    for row in cox_rows(fitted, analysis, note=note):
        if row["variable"] == name and "coef" in row:
            yield row


def _landmark_rows(
    cohort: Cohort, analysis: Analysis, late: str, event: str | None, at: float, level: float
) -> Iterator[dict[str, object]]:
    known = analysis.variables[:-1] if event else analysis.variables
    fitted = fit_from_landmark(
        cohort,
        replace(analysis, variables=known, time_dependent=(event,) if event else ()),
        "immortal_time_table",
        at=at,
        level=level,
    )
    excluded = {count: getattr(fitted.landmark, count) for count in BEFORE_LANDMARK}
    for row in cox_rows(fitted, analysis):
        if row["variable"] == (event or late) and "coef" in row:
            yield row | excluded


def _landmark(cohort: Cohort, late: str, event: str | None) -> float:
    landmarks, screening = cohort.study.landmarks, cohort.study.screening
    if screening is not None and late in screening.landmarks:
        found: float = screening.landmarks[late]
        return found
    if not landmarks:
        raise ModelError(
            "immortal_time_table: the study has no landmarks; give the landmark as at=..."
        )
    if event is None:
        return float(max(landmarks))
    times = cohort.event_times(event)
    median = float(np.median(times[np.isfinite(times)]))
    return float(min(landmarks, key=lambda at: abs(at - median)))

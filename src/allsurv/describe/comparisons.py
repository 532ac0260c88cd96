"""The study's own comparisons of curves, with population, landmark and what a reader must know."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from allsurv.cohort import Cohort
from allsurv.cohort.groups import tidy
from allsurv.describe.questions import OF_COMPARISON, ask
from allsurv.describe.survival import (
    CURVE_COLUMNS,
    SUMMARY_COLUMNS,
    curve_rows,
    logrank,
    summary_rows,
)
from allsurv.policy.columns import BEFORE_LANDMARK
from allsurv.study.spec import Comparison

__all__ = ["comparison_curves", "comparison_summary", "comparison_test", "landmark"]


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
        ``comparison``, ``label``, ``endpoint``, ``landmark``, ``censors_deaths`` (true where
        patients who died first are censored: then the curve is no survival), ``note``, then the
        columns of :func:`allsurv.describe.kaplan_meier`.

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
    asked = ask(cohort, comparison, against)
    rows = curve_rows(asked.y, asked.groups, times=times, level=level)
    return tidy([asked.stated | row for row in rows], OF_COMPARISON + CURVE_COLUMNS, cohort)


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
        ``comparison``, ``label``, ``endpoint``, ``landmark``, ``censors_deaths``, ``note``, the
        columns of :func:`allsurv.describe.survival_summary`, and ``n_event_before``,
        ``n_censored_before``, ``n_later_origin``: patients the landmark excludes.

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
    asked = ask(cohort, comparison, against)
    wanted = cohort.study.prediction.horizons if horizons is None else horizons
    rows = summary_rows(asked.y, asked.groups, horizons=wanted, level=level)
    return tidy(
        [asked.stated | row | asked.excluded for row in rows],
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
    asked = ask(cohort, comparison, against)
    known, code = asked.groups.code >= 0, asked.groups.code
    y = asked.y[known]
    rows: list[dict[str, object]] = []
    if np.unique(code[known]).size > 1 and y["event"].any():
        test = logrank(y, code[known])
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

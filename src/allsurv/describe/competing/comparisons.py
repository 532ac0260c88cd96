"""The study's own comparisons where events compete, and incidence from a landmark on."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from allsurv.cohort import Cohort
from allsurv.cohort.causes import CompetingOutcome
from allsurv.cohort.groups import tidy
from allsurv.describe.competing.incidence import (
    CURVE_COLUMNS,
    TABLE_COLUMNS,
    curve_rows,
    table_rows,
)
from allsurv.describe.questions import OF_COMPARISON, Question, ask
from allsurv.errors import ModelError
from allsurv.policy.columns import BEFORE_LANDMARK
from allsurv.stats.competing.gray import gray_test
from allsurv.study.spec import Comparison

__all__ = [
    "comparison_gray_tests",
    "comparison_incidence",
    "comparison_incidence_table",
    "landmark_incidence",
]

TEST_COLUMNS = ("cause", "cause_label", "test", "statistic", "df", "p_value")


def comparison_incidence(
    cohort: Cohort,
    comparison: Comparison,
    *,
    against: Cohort | None = None,
    times: ArrayLike | None = None,
    level: float = 0.95,
) -> pd.DataFrame:
    """Cumulative incidence curves of one of the study's comparisons.

    Parameters
    ----------
    cohort : Cohort
        The patients; the comparison says which of them it is about.
    comparison : Comparison
        One of ``cohort.study.comparisons``, or made like them; its endpoint is of kind
        ``competing``.
    against : Cohort, optional
        The other cohort, where the comparison is against one.
    times : array-like of shape (n_times,), optional
        Rising times, in the study's unit; every distinct time of follow-up where not given.
    level : float, default=0.95
        Confidence level, in (0, 1).

    Returns
    -------
    DataFrame
        ``comparison``, ``label``, ``endpoint``, ``landmark``, ``censors_deaths`` (false here),
        ``note``, then the columns of :func:`allsurv.describe.cumulative_incidence`.

    Raises
    ------
    ModelError
        If its groups form after baseline and the study file does not hold this comparison.
    OutcomeError
        If times or causes are missing or impossible, or nobody belongs to its population or reaches
        the landmark.
    StudyError
        If it names what the study does not have, or its endpoint is one event.
    """
    asked = ask(cohort, comparison, against)
    rows = curve_rows(_outcome(asked), asked.groups, times=times, level=level)
    return tidy([asked.stated | row for row in rows], OF_COMPARISON + CURVE_COLUMNS, cohort)


def comparison_incidence_table(
    cohort: Cohort,
    comparison: Comparison,
    *,
    against: Cohort | None = None,
    horizons: Sequence[float] | None = None,
    level: float = 0.95,
) -> pd.DataFrame:
    """Incidences at horizons and Gray's tests of one of the study's comparisons.

    Parameters
    ----------
    cohort : Cohort
        The patients; the comparison says which of them it is about.
    comparison : Comparison
        One of ``cohort.study.comparisons``, or made like them; its endpoint is of kind
        ``competing``.
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
        columns of :func:`allsurv.describe.incidence_table`, and ``n_event_before``,
        ``n_censored_before``, ``n_later_origin``: patients the landmark excludes.

    Raises
    ------
    ModelError
        If its groups form after baseline and the study file does not hold this comparison.
    OutcomeError
        If times or causes are missing or impossible, or nobody belongs to its population or reaches
        the landmark.
    StudyError
        If it names what the study does not have, or its endpoint is one event.
    """
    asked = ask(cohort, comparison, against)
    wanted = cohort.study.prediction.horizons if horizons is None else horizons
    rows = table_rows(_outcome(asked), asked.groups, horizons=wanted, level=level)
    return tidy(
        [asked.stated | row | asked.excluded for row in rows],
        OF_COMPARISON + TABLE_COLUMNS + BEFORE_LANDMARK,
        cohort,
    )


def comparison_gray_tests(
    cohort: Cohort, comparison: Comparison, *, against: Cohort | None = None
) -> pd.DataFrame:
    """Gray's test of each cause, of one of the study's comparisons.

    Parameters
    ----------
    cohort : Cohort
        The patients; the comparison says which of them it is about.
    comparison : Comparison
        One of ``cohort.study.comparisons``, or made like them; its endpoint is of kind
        ``competing``.
    against : Cohort, optional
        The other cohort, where the comparison is against one.

    Returns
    -------
    DataFrame
        ``cause``, ``cause_label``, ``test``, ``statistic``, ``df``, ``p_value``; no row for a
        single group, or a cause that nobody had.

    Raises
    ------
    ModelError
        If its groups form after baseline and the study file does not hold this comparison.

    Notes
    -----
    Checked against R ``cmprsk::cuminc``.
    """
    asked = ask(cohort, comparison, against)
    outcome, code = _outcome(asked), asked.groups.code
    known = code >= 0
    rows: list[dict[str, object]] = []
    for cause, label in zip(outcome.names, outcome.labels, strict=True):
        of = outcome.code(cause)
        if len(asked.groups.names) > 1 and np.any(outcome.cause[known] == of):
            test = gray_test(outcome.time[known], outcome.cause[known], code[known], of=of)
            numbers = (test.statistic, test.df, test.p_value)
            values = (cause, label, "Gray's test", *numbers)
            rows.append(dict(zip(TEST_COLUMNS, values, strict=True)))
    return tidy(rows, TEST_COLUMNS, cohort)


def landmark_incidence(
    cohort: Cohort,
    endpoint: str,
    event: str,
    *,
    at: float,
    horizons: Sequence[float] | None = None,
    level: float = 0.95,
) -> pd.DataFrame:
    """Cumulative incidence from a landmark on, by whether an event had happened by then.

    Groups are fixed at the landmark, so no patient has to live on to enter one: no immortal time.
    Only patients free of every cause at the landmark are in it.

    Parameters
    ----------
    cohort : Cohort
        The patients; those outside the endpoint's population are not part of the question.
    endpoint : str
        Name of an endpoint of the study, of kind ``competing``.
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
        Columns as of :func:`comparison_incidence_table`; groups ``false`` and ``true``.

    Raises
    ------
    OutcomeError
        If nobody reaches the landmark.
    StudyError
        If the study has no such endpoint or event, or one event alone is its endpoint.

    Notes
    -----
    The cumulative incidence of those at risk at the landmark, on the endpoint's own clock [1]_.

    References
    ----------
    .. [1] Cortese G, Andersen PK. Biom J. 2010;52(1):138-158. doi:10.1002/bimj.200900076
    """
    asked = Comparison(
        name=f"landmark_{event}",
        label=f"Landmark at {at:g} {cohort.study.time.unit}",
        endpoint=endpoint,
        by_event=event,
        landmark=at,
    )
    return comparison_incidence_table(cohort, asked, horizons=horizons, level=level)


def _outcome(asked: Question) -> CompetingOutcome:
    """Put the outcomes of all cohorts one after another."""
    first, *others = (one.competing(asked.comparison.endpoint) for one in asked.cohorts)
    for other in others:
        if other.names != first.names:
            raise ModelError(
                f"comparison '{asked.comparison.name}': the cohorts have different causes "
                f"({', '.join(first.names)}; {', '.join(other.names)}); name them alike."
            )
    return CompetingOutcome(
        np.concatenate([one.time for one in (first, *others)]),
        np.concatenate([one.cause for one in (first, *others)]),
        first.names,
        first.labels,
    )

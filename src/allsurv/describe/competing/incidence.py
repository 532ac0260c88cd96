"""Cumulative incidence of each of several events that compete, whole or in groups."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from allsurv.cohort import Cohort
from allsurv.cohort.causes import CompetingOutcome
from allsurv.cohort.groups import Groups, check_known_at_origin, group_patients, tidy
from allsurv.stats.competing.gray import gray_test
from allsurv.stats.competing.incidence import CumulativeIncidence
from allsurv.stats.competing.incidence import cumulative_incidence as estimate_incidence
from allsurv.stats.curves import nonparametric
from allsurv.stats.curves.intervals import ConfType

__all__ = [
    "CURVE_COLUMNS",
    "TABLE_COLUMNS",
    "cumulative_incidence",
    "curve_rows",
    "incidence_table",
    "table_rows",
]

CURVE_COLUMNS = (
    "group",
    "group_label",
    "cause",
    "cause_label",
    "time",
    "n_at_risk",
    "n_events",
    "n_censored",
    "incidence",
    "lower",
    "upper",
)
TABLE_COLUMNS = (
    "group",
    "group_label",
    "cause",
    "cause_label",
    "n",
    "n_events",
    "n_competing",
    "follow_up",
    "follow_up_lower",
    "follow_up_upper",
    "horizon",
    "n_at_risk",
    "incidence",
    "lower",
    "upper",
    "p_value",
    "n_unknown",
)

Rows = list[dict[str, object]]


def cumulative_incidence(
    cohort: Cohort,
    endpoint: str,
    *,
    by: str | None = None,
    times: ArrayLike | None = None,
    conf_type: ConfType = "log-log",
    level: float = 0.95,
) -> pd.DataFrame:
    """Cumulative incidence curves: one for each cause in each group.

    The share of patients in whom each event has happened first, by each time. At every time the
    incidences of all causes and the share still free of them add up to 1.

    Parameters
    ----------
    cohort : Cohort
        The patients; those outside the endpoint's population are not part of the question.
    endpoint : str
        Name of an endpoint of the study, of kind ``competing``.
    by : str, optional
        Variable known at baseline whose levels are the groups; patients of unknown level are in
        none of them.
    times : array-like of shape (n_times,), optional
        Rising times, in the study's unit, at which to read the curves; every distinct time of
        follow-up where not given.
    conf_type : {"log-log", "log", "plain"}, default="log-log"
        Scale of the limits.
    level : float, default=0.95
        Confidence level, in (0, 1).

    Returns
    -------
    DataFrame
        Per group and cause from time 0 on: ``group``, ``group_label``, ``cause``, ``cause_label``,
        ``time``, ``n_at_risk`` (free of every event just before), ``n_events`` of the cause and
        ``n_censored`` since the row before, ``incidence`` just after, in [0, 1], ``lower``,
        ``upper``; missing beyond the last patient's follow-up.

    Raises
    ------
    ModelError
        If ``by`` is not known at baseline (immortal time), or has no levels.
    OutcomeError
        If times or causes are missing or impossible.
    StudyError
        If the study has no such endpoint or variable, or one event alone is its endpoint.

    Notes
    -----
    Aalen-Johansen, limits from the infinitesimal jackknife. Checked against R
    ``survival::survfit`` of a multi-state outcome.
    """
    if by is not None:
        check_known_at_origin(cohort.study, (by,), f"cumulative_incidence by '{by}'")
    patients = cohort.eligible(endpoint)
    outcome, groups = patients.competing(endpoint), group_patients(patients, by)
    rows = curve_rows(outcome, groups, times=times, conf_type=conf_type, level=level)
    return tidy(rows, CURVE_COLUMNS, cohort)


def incidence_table(
    cohort: Cohort,
    endpoint: str,
    *,
    by: str | None = None,
    horizons: Sequence[float] | None = None,
    level: float = 0.95,
) -> pd.DataFrame:
    """Cumulative incidence of each cause at horizons, with Gray's test between groups.

    Parameters
    ----------
    cohort : Cohort
        The patients; those outside the endpoint's population are not part of the question.
    endpoint : str
        Name of an endpoint of the study, of kind ``competing``.
    by : str, optional
        Variable known at baseline whose levels are compared.
    horizons : sequence of float, optional
        Times, in the study's unit; the study's prediction horizons where not given.
    level : float, default=0.95
        Confidence level, in (0, 1).

    Returns
    -------
    DataFrame
        One row per group, cause and horizon: ``group``, ``group_label``, ``cause``,
        ``cause_label``, ``n`` patients, ``n_events`` of the cause, ``n_competing`` of the others,
        ``follow_up`` (median, reverse Kaplan-Meier: every event ends it), ``incidence`` at
        ``horizon`` with ``n_at_risk`` there, each with limits, ``p_value`` of Gray's test of the
        cause over all groups, ``n_unknown`` patients in no group.

    Raises
    ------
    ModelError
        If ``by`` is not known at baseline (immortal time), or has no levels.
    OutcomeError
        If times or causes are missing or impossible.
    StudyError
        If the study has no such endpoint or variable, or one event alone is its endpoint.

    Notes
    -----
    Log-log limits. Checked against R ``survival::survfit`` and ``cmprsk::cuminc``.
    """
    if by is not None:
        check_known_at_origin(cohort.study, (by,), f"incidence_table by '{by}'")
    patients = cohort.eligible(endpoint)
    outcome, groups = patients.competing(endpoint), group_patients(patients, by)
    wanted = cohort.study.prediction.horizons if horizons is None else horizons
    return tidy(table_rows(outcome, groups, horizons=wanted, level=level), TABLE_COLUMNS, cohort)


@dataclass(frozen=True, eq=False)
class _Group:
    """The patients of one group, and their curves; causes that nobody had stay at 0."""

    name: str
    label: str
    outcome: CompetingOutcome
    curves: CumulativeIncidence | None
    free: nonparametric.KaplanMeier

    def read(self, code: int, times: NDArray[np.float64]) -> tuple[NDArray[np.float64], ...]:
        """Read incidence and limits of one cause: 0 where nobody had it, NaN beyond follow-up."""
        if self.curves is None or code not in self.curves.causes:
            flat = np.where(times > self.free.time[-1], np.nan, 0.0)
            return flat, flat, flat
        return tuple(self.curves.at(times, cause=code))

    def events_by(self, code: int, times: NDArray[np.float64]) -> NDArray[np.intp]:
        """Count those who had one cause by each time."""
        if self.curves is None or code not in self.curves.causes:
            return np.zeros(times.size, dtype=np.intp)
        counts = self.curves.n_events[self.curves.causes.index(code)]
        before = np.searchsorted(self.curves.time, times, side="right")
        return np.concatenate([[0], np.cumsum(counts)])[before].astype(np.intp)


def curve_rows(
    outcome: CompetingOutcome,
    groups: Groups,
    *,
    times: ArrayLike | None = None,
    conf_type: ConfType = "log-log",
    level: float = 0.95,
) -> Rows:
    """Make the rows of a table of curves."""
    rows: Rows = []
    for group in _estimated(outcome, groups, conf_type, level):
        grid = group.free.time if times is None else np.asarray(times, dtype=float)
        grid = np.concatenate([[0.0], grid[grid > 0]])
        counts = group.free.risk_table(grid)
        for code, (cause, label) in enumerate(zip(outcome.names, outcome.labels, strict=True), 1):
            stated = {"group": group.name, "group_label": group.label}
            stated |= {"cause": cause, "cause_label": label}
            events = np.diff(group.events_by(code, grid), prepend=0)
            numbers = (grid, counts.n_at_risk, events, counts.n_censored, *group.read(code, grid))
            for values in zip(*numbers, strict=True):
                row: dict[str, object] = dict(zip(CURVE_COLUMNS[4:], values, strict=True))
                row |= {n: int(row[n]) for n in ("n_at_risk", "n_events", "n_censored")}  # type: ignore[call-overload]
                rows.append(stated | row)
    return rows


def table_rows(
    outcome: CompetingOutcome, groups: Groups, *, horizons: Sequence[float], level: float = 0.95
) -> Rows:
    """Make the rows of a table of incidences at horizons."""
    p_values = {name: _gray(outcome, groups, name) for name in outcome.names}
    wanted = np.asarray(horizons, dtype=float)
    rows: Rows = []
    for group in _estimated(outcome, groups, "log-log", level):
        y = group.outcome.y_any()
        median = nonparametric.follow_up(y["time"], y["event"], level=level).median()
        counts = group.outcome.counts()
        for code, (cause, label) in enumerate(zip(outcome.names, outcome.labels, strict=True), 1):
            of_cause: dict[str, object] = {
                "group": group.name,
                "group_label": group.label,
                "cause": cause,
                "cause_label": label,
                "n": len(group.outcome),
                "n_events": counts[cause],
                "n_competing": sum(counts.values()) - counts[cause],
                "p_value": p_values[cause],
                "n_unknown": groups.n_unknown,
            }
            limits = ("follow_up", "follow_up_lower", "follow_up_upper")
            of_cause |= dict(zip(limits, median, strict=True))
            read = zip(wanted, *group.read(code, wanted), strict=True)
            rows += [of_cause | _at(group, *map(float, values)) for values in read] or [of_cause]
    return rows


def _at(
    group: _Group, horizon: float, value: float, lower: float, upper: float
) -> dict[str, object]:
    return {
        "horizon": horizon,
        "n_at_risk": int(np.sum(group.free.risk_table([horizon]).n_at_risk)),
        "incidence": value,
        "lower": lower,
        "upper": upper,
    }


def _estimated(
    outcome: CompetingOutcome, groups: Groups, conf_type: ConfType, level: float
) -> Iterator[_Group]:
    for code, (name, label) in enumerate(zip(groups.names, groups.labels, strict=True)):
        member = groups.code == code
        own = CompetingOutcome(
            outcome.time[member], outcome.cause[member], outcome.names, outcome.labels
        )
        any_event = own.cause > 0
        free = nonparametric.kaplan_meier(own.time, any_event, level=level)
        curves = None
        if any_event.any():
            curves = estimate_incidence(own.time, own.cause, conf_type=conf_type, level=level)
        yield _Group(name, label, own, curves, free)


def _gray(outcome: CompetingOutcome, groups: Groups, cause: str) -> float:
    """P of Gray's test; NaN for one group, or for a cause that nobody in a group had."""
    known = groups.code >= 0
    code = outcome.code(cause)
    if len(groups.names) < 2 or not np.any(outcome.cause[known] == code):
        return float("nan")
    test = gray_test(outcome.time[known], outcome.cause[known], groups.code[known], of=code)
    return test.p_value

"""Survival curves of a cohort, whole or in groups, as tidy tables."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from allsurv.cohort import Cohort
from allsurv.cohort.groups import Groups, check_known_at_origin, group_patients, tidy
from allsurv.riskmodel.horizons import read_horizons
from allsurv.stats.curves import nonparametric
from allsurv.stats.curves.intervals import ConfType
from allsurv.stats.outcome import entry_of

__all__ = ["curve_rows", "kaplan_meier", "logrank", "summary_rows", "survival_summary"]

CURVE_COLUMNS = (
    "group",
    "group_label",
    "time",
    "n_at_risk",
    "n_events",
    "n_censored",
    "survival",
    "lower",
    "upper",
)
SUMMARY_COLUMNS = (
    "group",
    "group_label",
    "n",
    "n_events",
    "median",
    "median_lower",
    "median_upper",
    "follow_up",
    "follow_up_lower",
    "follow_up_upper",
    "horizon",
    "n_at_risk",
    "survival",
    "lower",
    "upper",
    "p_value",
    "n_unknown",
)


def kaplan_meier(
    cohort: Cohort,
    endpoint: str,
    *,
    by: str | None = None,
    times: ArrayLike | None = None,
    conf_type: ConfType = "log-log",
    level: float = 0.95,
) -> pd.DataFrame:
    """Kaplan-Meier curves, one per group.

    Parameters
    ----------
    cohort : Cohort
        The patients; those outside the endpoint's population are not part of the question.
    endpoint : str
        Name of an endpoint of the study.
    by : str, optional
        Variable known at baseline whose levels are the curves; patients of unknown level are in
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
        Per group from time 0 on: ``group``, ``group_label``, ``time``, ``n_at_risk`` just before,
        ``n_events`` and ``n_censored`` since the row before, ``survival`` just after, ``lower``,
        ``upper``; missing beyond the last patient's follow-up. Of an endpoint with delayed entry
        every time of entry has a row too.

    Raises
    ------
    ModelError
        If ``by`` is not known at baseline (immortal time), or has no levels.
    OutcomeError
        If times or events are missing or impossible.
    StudyError
        If the study has no such endpoint or variable.

    Notes
    -----
    Checked against R ``survival::survfit``.
    """
    if by is not None:
        check_known_at_origin(cohort.study, (by,), f"kaplan_meier by '{by}'")
    patients = cohort.eligible(endpoint)
    groups = group_patients(patients, by)
    rows = curve_rows(
        patients.follow_up(endpoint), groups, times=times, conf_type=conf_type, level=level
    )
    return tidy(rows, CURVE_COLUMNS, cohort)


def survival_summary(
    cohort: Cohort,
    endpoint: str,
    *,
    by: str | None = None,
    horizons: Sequence[float] | None = None,
    level: float = 0.95,
) -> pd.DataFrame:
    """Median survival and survival at horizons, with the log-rank test between groups.

    Parameters
    ----------
    cohort : Cohort
        The patients; those outside the endpoint's population are not part of the question.
    endpoint : str
        Name of an endpoint of the study.
    by : str, optional
        Variable known at baseline whose levels are compared.
    horizons : sequence of float, optional
        Times, in the study's unit; the study's prediction horizons where not given.
    level : float, default=0.95
        Confidence level, in (0, 1).

    Returns
    -------
    DataFrame
        One row per group and horizon: ``group``, ``group_label``, ``n``, ``n_events``,
        ``median`` survival, ``follow_up`` (median, reverse Kaplan-Meier), ``survival`` at
        ``horizon`` with ``n_at_risk`` there, each with limits (``median_lower``, ``lower``...),
        ``p_value`` of the log-rank test over all groups, ``n_unknown`` patients in no group.

    Raises
    ------
    ModelError
        If ``by`` is not known at baseline (immortal time), or has no levels.
    OutcomeError
        If times or events are missing or impossible.
    StudyError
        If the study has no such endpoint or variable.

    Notes
    -----
    Log-log limits. Checked against R ``survival::survfit`` and ``survival::survdiff``.
    """
    if by is not None:
        check_known_at_origin(cohort.study, (by,), f"survival_summary by '{by}'")
    patients = cohort.eligible(endpoint)
    groups = group_patients(patients, by)
    wanted = cohort.study.prediction.horizons if horizons is None else horizons
    rows = summary_rows(patients.follow_up(endpoint), groups, horizons=wanted, level=level)
    return tidy(rows, SUMMARY_COLUMNS, cohort)


def curve_rows(
    y: NDArray[np.void],
    groups: Groups,
    *,
    times: ArrayLike | None = None,
    conf_type: ConfType = "log-log",
    level: float = 0.95,
) -> list[dict[str, object]]:
    """Make the rows of a curve table."""
    rows: list[dict[str, object]] = []
    for code, (name, label) in enumerate(zip(groups.names, groups.labels, strict=True)):
        member = groups.code == code
        of_group = y[member]
        curve = nonparametric.kaplan_meier(
            of_group["time"],
            of_group["event"],
            start=entry_of(of_group),
            conf_type=conf_type,
            level=level,
        )
        every = np.union1d(curve.time, curve.entry_time)
        grid = every if times is None else np.asarray(times, dtype=float)
        grid = np.concatenate([[0.0], grid[grid > 0]])
        counts, read = curve.risk_table(grid), curve.at(grid)
        columns = (
            grid,
            counts.n_at_risk,
            counts.n_events,
            counts.n_censored,
            read.survival,
            read.lower,
            read.upper,
        )
        for values in zip(*columns, strict=True):
            numbers = dict(zip(CURVE_COLUMNS[2:], map(float, values), strict=True))
            rows.append({"group": name, "group_label": label, **numbers})
    for row in rows:
        row |= {name: int(row[name]) for name in ("n_at_risk", "n_events", "n_censored")}  # type: ignore[call-overload]
    return rows


def summary_rows(
    y: NDArray[np.void], groups: Groups, *, horizons: Sequence[float], level: float = 0.95
) -> list[dict[str, object]]:
    """Make the rows of a summary table."""
    horizons = read_horizons(horizons, where="survival", fewest=0, zero=True)
    known = groups.code >= 0
    p_value = float("nan")
    if len(groups.names) > 1 and y["event"][known].any():
        p_value = logrank(y[known], groups.code[known]).p_value
    rows: list[dict[str, object]] = []
    for code, (name, label) in enumerate(zip(groups.names, groups.labels, strict=True)):
        of_group = y[groups.code == code]
        time, event, start = of_group["time"], of_group["event"], entry_of(of_group)
        curve = nonparametric.kaplan_meier(time, event, start=start, level=level)
        row: dict[str, object] = {
            "group": name,
            "group_label": label,
            "n": time.size,
            "n_events": int(event.sum()),
            "p_value": p_value,
            "n_unknown": groups.n_unknown,
        }
        followed = nonparametric.follow_up(time, event, start=start, level=level)
        for what, estimate in (("median", curve.median()), ("follow_up", followed.median())):
            value, lower, upper = estimate
            row |= {what: value, f"{what}_lower": lower, f"{what}_upper": upper}
        rows += [row | _at(curve, horizon) for horizon in horizons] or [row]
    return rows


def logrank(y: NDArray[np.void], code: NDArray[np.intp]) -> nonparametric.LogRankTest:
    """Compare the survival of groups, patients being at risk from their entry on."""
    return nonparametric.logrank_test(y["time"], y["event"], code, start=entry_of(y))


def _at(curve: nonparametric.KaplanMeier, horizon: float) -> dict[str, object]:
    (survival,), (lower,), (upper,) = curve.at([horizon])
    return {
        "horizon": horizon,
        "n_at_risk": int(np.sum(curve.risk_table([horizon]).n_at_risk)),
        "survival": float(survival),
        "lower": float(lower),
        "upper": float(upper),
    }

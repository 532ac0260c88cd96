"""Probability of being in each state over time, and mean time spent in each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from allsurv.cohort import Cohort
from allsurv.cohort.groups import check_known_at_origin, group_patients, tidy
from allsurv.cohort.histories import START, state_histories, state_labels
from allsurv.stats.competing.states import StateProbabilities
from allsurv.stats.competing.states import state_probabilities as estimate_states

__all__ = ["grouped_rows", "state_curves", "state_table"]

CURVE_COLUMNS = (
    "group",
    "group_label",
    "state",
    "state_label",
    "time",
    "n_in_state",
    "probability",
)
TABLE_COLUMNS = (
    "group",
    "group_label",
    "state",
    "state_label",
    "n",
    "horizon",
    "probability",
    "std_error",
    "lower",
    "upper",
    "mean_time",
    "mean_time_lower",
    "mean_time_upper",
)


def state_curves(cohort: Cohort, endpoint: str, *, by: str | None = None) -> pd.DataFrame:
    """Probability of being in each state at every time at which somebody moves.

    Parameters
    ----------
    cohort : Cohort
        The patients; those outside the endpoint's population are not part of the question.
    endpoint : str
        Name of an endpoint of the study, of kind ``states``.
    by : str, optional
        Variable known at baseline whose levels are the groups.

    Returns
    -------
    DataFrame
        ``group``, ``group_label``, ``state``, ``state_label``, ``time`` in the study's unit,
        ``n_in_state`` just before, ``probability`` in [0, 1] just after; at each time the states
        add up to 1.

    Raises
    ------
    ModelError
        If ``by`` is not known at baseline (immortal time), or has no levels.
    OutcomeError
        If times are missing or impossible, a patient moves where there is no transition, or nobody
        moves.
    StudyError
        If the study has no such endpoint or variable, or it is of another kind.

    Notes
    -----
    Aalen-Johansen. Checked against R ``survival::survfit``.
    """
    rows: list[dict[str, object]] = []
    for stated, _, curves in _estimated(cohort, endpoint, by, "state_curves", 0.95):
        time = np.concatenate([[curves.start_time], curves.time])
        probability = np.vstack([curves.initial, curves.probability])
        present = np.vstack([curves.n_at_risk[0], curves.n_at_risk])
        for k, (state, label) in enumerate(state_labels(cohort, endpoint).items()):
            columns = zip(time, present[:, k], probability[:, k], strict=True)
            rows += [
                stated | dict(zip(CURVE_COLUMNS[2:], (state, label, t, int(n), p), strict=True))
                for t, n, p in columns
            ]
    return tidy(rows, CURVE_COLUMNS, cohort)


def state_table(
    cohort: Cohort,
    endpoint: str,
    *,
    by: str | None = None,
    horizons: Sequence[float] | None = None,
    level: float = 0.95,
) -> pd.DataFrame:
    """Probability of each state at horizons, and mean time in it up to then, with limits.

    Parameters
    ----------
    cohort : Cohort
        The patients; those outside the endpoint's population are not part of the question.
    endpoint : str
        Name of an endpoint of the study, of kind ``states``.
    by : str, optional
        Variable known at baseline whose levels are the groups.
    horizons : sequence of float, optional
        Times, in the study's unit; the study's prediction horizons where not given.
    level : float, default=0.95
        Confidence level, in (0, 1).

    Returns
    -------
    DataFrame
        One row per group, state and horizon: ``group``, ``group_label``, ``state``,
        ``state_label``, ``n`` patients, ``horizon``, ``probability`` with ``std_error``, ``lower``
        and ``upper``; ``mean_time`` spent in the state up to the horizon, in the study's unit, with
        limits. Missing beyond follow-up.

    Raises
    ------
    ModelError
        If ``by`` is not known at baseline (immortal time), or has no levels.
    OutcomeError
        If times are missing or impossible, a patient moves where there is no transition, or nobody
        moves.
    StudyError
        If the study has no such endpoint or variable, or it is of another kind.

    Notes
    -----
    Limits from the infinitesimal jackknife over patients, log-log for probabilities. Checked
    against R ``survival::survfit`` and ``summary(survfit, rmean = )``.
    """
    wanted = cohort.study.prediction.horizons if horizons is None else tuple(horizons)
    rows: list[dict[str, object]] = []
    for stated, n, curves in _estimated(cohort, endpoint, by, "state_table", level):
        at = curves.at(wanted)
        for k, (state, label) in enumerate(state_labels(cohort, endpoint).items()):
            for row, horizon in enumerate(wanted):
                numbers = (a[row, k] for a in (at.probability, at.std_error, at.lower, at.upper))
                values = (state, label, n, float(horizon), *map(float, numbers))
                found = dict(zip(TABLE_COLUMNS[2:10], values, strict=True))
                rows.append(stated | found | _mean_time(curves, float(horizon), k))
    return tidy(rows, TABLE_COLUMNS, cohort)


def grouped_rows(
    cohort: Cohort, endpoint: str, by: str | None, where: str
) -> Iterator[tuple[dict[str, object], int, dict[str, NDArray[Any]]]]:
    """Give the stays of the patients of each group, and how many patients those are."""
    if by is not None:
        check_known_at_origin(cohort.study, (by,), f"{where} by '{by}'")
    patients = cohort.eligible(endpoint)
    rows, groups = state_histories(patients, endpoint), group_patients(patients, by)
    for code, (name, label) in enumerate(zip(groups.names, groups.labels, strict=True)):
        member = groups.code[rows["patient"]] == code
        stated: dict[str, object] = {"group": name, "group_label": label}
        chosen = {column: values[member] for column, values in rows.items()}
        yield stated, int(np.sum(groups.code == code)), chosen


def _estimated(
    cohort: Cohort, endpoint: str, by: str | None, where: str, level: float
) -> Iterator[tuple[dict[str, object], int, StateProbabilities]]:
    states = list(state_labels(cohort, endpoint))
    for stated, n, rows in grouped_rows(cohort, endpoint, by, where):
        curves = estimate_states(**rows, states=states, initial={START: 1.0}, level=level)
        yield stated, n, curves


def _mean_time(curves: StateProbabilities, horizon: float, k: int) -> dict[str, object]:
    if not curves.start_time < horizon <= curves.last_time:
        return {}
    times = curves.restricted_mean(horizon)
    values = (float(times.mean[k]), float(times.lower[k]), float(times.upper[k]))
    return dict(zip(TABLE_COLUMNS[10:], values, strict=True))

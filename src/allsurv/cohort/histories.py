"""Patients who move between states: when each entered which, and whether they could."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from allsurv.cohort.table import Cohort
from allsurv.dictionary.filters import matches
from allsurv.dictionary.units import unit_ratio
from allsurv.errors import OutcomeError, StudyError
from allsurv.stats.competing.histories import make_histories
from allsurv.study.states_faults import START

__all__ = ["START", "state_histories", "state_labels"]


def state_labels(cohort: Cohort, endpoint: str) -> dict[str, str]:
    """Name the states of an endpoint for readers, the initial one first."""
    definition = cohort.study.endpoint(endpoint)
    return {START: definition.initial} | {s.name: s.label for s in definition.states.values()}


def state_histories(cohort: Cohort, endpoint: str) -> dict[str, NDArray[Any]]:
    """Give the rows of an endpoint of kind ``states``, one per stay of a patient in a state.

    Parameters
    ----------
    cohort : Cohort
        Patients of the endpoint's population.
    endpoint : str
        Name of an endpoint of the study, of kind ``states``.

    Returns
    -------
    dict from str to ndarray of shape (n_rows,)
        ``patient`` (position from 0), ``start``, ``stop``, ``state`` and ``to``, in the study's
        unit: what the functions of ``stats.competing.states`` take.

    Raises
    ------
    OutcomeError
        If a time or status is missing, or a patient moves between states where the study file has
        no transition.
    StudyError
        If the study has no such endpoint, or it is of another kind.
    """
    study = cohort.study
    definition = study.endpoint(endpoint)
    if definition.kind != "states":
        raise StudyError(
            f"study '{study.name}': endpoint '{endpoint}' has no states; write kind: states, "
            "initial, states, transitions and order."
        )
    where = f"endpoint '{endpoint}'"
    names = [*definition.status, *(s.time for s in definition.states.values()), definition.time]
    if absent := [name for name in dict.fromkeys(names) if name not in cohort.frame.columns]:
        raise OutcomeError(f"{where}: the column of '{absent[0]}' is not in the data; add it.")
    frame = cohort.frame
    follow_up = frame[definition.time].to_numpy(dtype=float)
    _refuse(np.isnan(follow_up), where, "have a missing time of follow-up")
    entries = {}
    for name in reversed(definition.order):  # of one time the state named last is entered
        state = definition.states[name]
        unknown = frame[list(state.occurred)].isna().any(axis=1).to_numpy()
        _refuse(unknown, where, f"have no word on whether '{name}' happened")
        happened = matches(frame, state.occurred)
        ratio = unit_ratio(study.variable(state.time).unit, study.time.unit)
        time = frame[state.time].to_numpy(dtype=float) * ratio
        _refuse(happened & np.isnan(time), where, f"enter '{name}' at an unknown time")
        late = happened & ((time <= 0) | (time > follow_up))
        _refuse(late, where, f"enter '{name}' at or before time 0, or after the end of follow-up")
        entries[name] = np.where(happened, time, np.nan)
    rows = make_histories(follow_up, entries, initial=START)
    allowed = {(a, b) for a, targets in definition.transitions.items() for b in targets}
    moves = rows["state"] != rows["to"]
    pairs = zip(rows["state"].tolist(), rows["to"].tolist(), strict=True)
    strange = moves & np.array([pair not in allowed for pair in pairs], dtype=bool)
    for k in np.flatnonzero(strange)[:1]:
        origin, target = rows["state"][k], rows["to"][k]
        same = strange & (rows["state"] == origin) & (rows["to"] == target)
        patients = np.zeros(cohort.n, dtype=bool)
        patients[rows["patient"][same]] = True
        _refuse(patients, where, f"move from '{origin}' to '{target}', which is no transition")
    return rows


def _refuse(mask: NDArray[np.bool_], where: str, fault: str) -> None:
    if mask.any():
        rows = np.flatnonzero(mask) + 1
        shown = ", ".join(map(str, rows[:5])) + (", ..." if rows.size > 5 else "")
        raise OutcomeError(
            f"{where}: {rows.size} patients (rows {shown}) {fault}; correct the data or the study "
            "file, nothing is dropped silently."
        )

"""Moves between states: how many, and Cox models of the rate of each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from allsurv.cohort import Cohort
from allsurv.cohort.groups import check_known_at_origin, tidy
from allsurv.cohort.histories import START, state_histories, state_labels
from allsurv.describe.cox.fits import baseline_terms, complete_patients
from allsurv.describe.states.probabilities import grouped_rows
from allsurv.errors import ModelError
from allsurv.stats.competing.transitions import TransitionFit, fit_transitions
from allsurv.study.evidence import Missing
from allsurv.study.spec import Endpoint

__all__ = ["FEWEST_MOVES", "transition_counts", "transition_table"]

FEWEST_MOVES = 10
"""A transition of fewer moves is counted and not modelled."""

TOO_FEW = f"fewer than {FEWEST_MOVES} moves: counted, not modelled"
COUNT_COLUMNS = ("group", "group_label", "state", "state_label", "to", "to_label", "n", "n_moves")
NUMBERS = ("coef", "std_error", "hazard_ratio", "lower", "upper", "p_value")
TABLE_COLUMNS = (
    "state",
    "state_label",
    "to",
    "to_label",
    "variable",
    "level",
    "term",
    "label",
    "unit",
    *NUMBERS,
    "n",
    "n_moves",
    "n_left_out",
    "note",
)


def transition_counts(cohort: Cohort, endpoint: str, *, by: str | None = None) -> pd.DataFrame:
    """Count the moves between states.

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
        One row per group and transition of the study file: ``group``, ``group_label``, ``state``
        left and ``to`` entered, each with its label, ``n`` patients who were ever in the state left
        and ``n_moves``.

    Raises
    ------
    OutcomeError
        If times are missing or impossible, or a patient moves where there is no transition.
    StudyError
        If the study has no such endpoint or variable, or it is of another kind.

    Notes
    -----
    Checked against R ``survival::survcheck``.
    """
    labels = state_labels(cohort, endpoint)
    found: list[dict[str, object]] = []
    for stated, _, rows in grouped_rows(cohort, endpoint, by, "transition_counts"):
        for origin, target in _transitions(cohort.study.endpoint(endpoint)):
            there = rows["state"] == origin
            values = (
                origin,
                labels[origin],
                target,
                labels[target],
                np.unique(rows["patient"][there]).size,
                int(np.sum(there & (rows["to"] == target))),
            )
            found.append(stated | dict(zip(COUNT_COLUMNS[2:], values, strict=True)))
    return tidy(found, COUNT_COLUMNS, cohort)


def transition_table(
    cohort: Cohort,
    endpoint: str,
    variables: Sequence[str],
    *,
    level: float = 0.95,
    missing: Missing = "complete cases",
) -> pd.DataFrame:
    """Hazard ratios of each transition: what speeds or slows each move from state to state.

    Parameters
    ----------
    cohort : Cohort
        The patients; those outside the endpoint's population are not part of the question.
    endpoint : str
        Name of an endpoint of the study, of kind ``states``.
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
        One row per transition and term: ``state`` left and ``to`` entered with labels,
        ``variable``, ``level``, ``term``, ``label``, ``unit``, ``coef``, robust ``std_error``,
        ``hazard_ratio``, ``lower``, ``upper``, ``p_value``, ``n`` patients, ``n_moves``,
        ``n_left_out``, ``note``. The estimates of a transition of fewer than ten moves are missing.

    Raises
    ------
    ModelError
        If a variable is not known at baseline (immortal time), values are to be imputed, or the
        model cannot be fitted.
    OutcomeError
        If times are missing or impossible, or a patient moves where there is no transition.
    StudyError
        If the study has no such endpoint or variable, or it is of another kind.

    Notes
    -----
    One Cox model stratified by transition, time from the start, robust errors over patients.
    Checked against R ``survival::coxph`` of a multi-state outcome.
    """
    where = "transition_table"
    check_known_at_origin(cohort.study, tuple(variables), where)
    if missing == "impute":
        raise ModelError(
            f"{where}: values are not imputed where patients move between states; choose missing: "
            "'complete cases', 'level' or 'refuse'."
        )
    chosen, n_left_out = complete_patients(cohort.eligible(endpoint), variables, missing, where)
    rows = state_histories(chosen, endpoint)
    terms = [term for term in baseline_terms(chosen, variables, where) if term.values.any()]
    if not terms:
        raise ModelError(f"{where}: there is no variable to fit; name at least one.")
    moves = _transitions(cohort.study.endpoint(endpoint))
    counts = [int(np.sum((rows["state"] == a) & (rows["to"] == b))) for a, b in moves]
    modelled = [move for move, n in zip(moves, counts, strict=True) if n >= FEWEST_MOVES]
    X = np.column_stack([term.values for term in terms])
    names = [term.name for term in terms]
    fit = _fitted(rows, X, names, modelled, level) if modelled else None
    labels = state_labels(cohort, endpoint)
    found: list[dict[str, object]] = []
    for (origin, target), n_moves in zip(moves, counts, strict=True):
        for term in terms:
            row: dict[str, object] = {
                "state": origin, "state_label": labels[origin], "to": target,
                "to_label": labels[target], "variable": term.variable, "level": term.level,
                "term": term.name, "label": term.label, "unit": term.unit, "n": chosen.n,
                "n_moves": n_moves, "n_left_out": n_left_out, "note": "",
            }  # fmt: skip
            if fit is not None and (origin, target) in modelled:
                at = fit.column(term.name, (origin, target))
                row |= {number: float(getattr(fit.cox, number)[at]) for number in NUMBERS}
            else:
                row["note"] = TOO_FEW
            found.append(row)
    return tidy(found, TABLE_COLUMNS, cohort)


def _fitted(
    rows: dict[str, NDArray[Any]],
    X: NDArray[np.float64],
    names: list[str],
    modelled: list[tuple[str, str]],
    level: float,
) -> TransitionFit:
    patient, start, stop, state, to = (
        rows[name] for name in ("patient", "start", "stop", "state", "to")
    )
    return fit_transitions(
        patient, start, stop, state, to, X[patient], transitions=modelled, level=level, names=names
    )


def _transitions(endpoint: Endpoint) -> list[tuple[str, str]]:
    """List the transitions, from the states in their order."""
    return [
        (origin, target)
        for origin in (START, *endpoint.states)
        for target in endpoint.states
        if target in endpoint.transitions.get(origin, ())
    ]

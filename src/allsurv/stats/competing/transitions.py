"""Transition-specific Cox models: covariates and the hazard of each move between states."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from allsurv.errors import ModelError, OutcomeError
from allsurv.stats.competing.histories import Histories, check_histories
from allsurv.stats.cox.design import check_matrix
from allsurv.stats.cox.fit import fit_cox
from allsurv.stats.cox.fitted import CoxFit

__all__ = ["TransitionFit", "fit_transitions"]

Floats = NDArray[np.float64]
Integers = NDArray[np.intp]
Transition = tuple[str, str]


@dataclass(frozen=True, eq=False)
class TransitionFit:
    """A Cox model of several transitions, each with its own baseline hazard.

    Attributes
    ----------
    transitions : tuple of (str, str)
        State left and state entered, in the order of the strata.
    n_events : tuple of int
        Moves of each transition.
    names : tuple of str
        Names of the covariates.
    columns : dict from (str, (str, str)) to int
        For a covariate and a transition the position of its effect in ``cox``; shared effects have
        one position for all transitions.
    cox : CoxFit
        The model, stratified by transition.
    """

    transitions: tuple[Transition, ...]
    n_events: tuple[int, ...]
    names: tuple[str, ...]
    columns: dict[tuple[str, Transition], int]
    cox: CoxFit

    def column(self, name: str, transition: Transition) -> int:
        """Position in ``cox`` of the effect of a covariate on a transition.

        Parameters
        ----------
        name : str
            Covariate.
        transition : (str, str)
            State left and state entered.

        Returns
        -------
        int
            Index into ``cox.coef``, ``cox.std_error`` and the like.

        Raises
        ------
        ModelError
            If the model has no such effect.
        """
        key = (name, (str(transition[0]), str(transition[1])))
        if key not in self.columns:
            raise ModelError(
                f"TransitionFit: no effect of {name!r} on {transition!r}; covariates are "
                f"{list(self.names)}, transitions {list(self.transitions)}."
            )
        return self.columns[key]


def fit_transitions(
    patient: ArrayLike,
    start: ArrayLike,
    stop: ArrayLike,
    state: ArrayLike,
    to: ArrayLike,
    X: ArrayLike,
    *,
    transitions: Sequence[Transition] | None = None,
    shared: Sequence[str] = (),
    weights: ArrayLike | None = None,
    robust: bool = True,
    ties: Literal["efron", "breslow"] = "efron",
    ridge: float = 0.0,
    level: float = 0.95,
    names: Sequence[str] | None = None,
) -> TransitionFit:
    r"""Fit a Cox model to the hazard of each move between states.

    Time runs from the start, not from entry into the state.

    Parameters
    ----------
    patient : array-like of shape (n_rows,)
        Labels of patients.
    start, stop : array-like of shape (n_rows,)
        Interval ``(start, stop]``, in any one unit.
    state : array-like of shape (n_rows,)
        Name of the state in which the patient spends the row.
    to : array-like of shape (n_rows,)
        State entered at ``stop``; that of ``state`` where the row ends without a move.
    X : array-like of shape (n_rows, n_columns)
        Covariates, without intercept; they may change from row to row.
    transitions : sequence of (str, str), optional
        Moves to model; all that happen if not given, sorted.
    shared : sequence of str, default=()
        Covariates whose effect is the same on all transitions; the others have one on each.
    weights : array-like of shape (n_rows,), optional
        Case weights, positive, the same in all rows of a patient.
    robust : bool, default=True
        Whether errors are those of a sandwich over patients, who are at risk of several moves.
    ties : {"efron", "breslow"}, default="efron"
        Method of ties.
    ridge : float, default=0.0
        Penalty, as in ``fit_cox``.
    level : float, default=0.95
        Confidence level, in (0, 1).
    names : sequence of str, optional
        Names of the columns of ``X``.

    Returns
    -------
    TransitionFit
        With the names of the effects: the covariate, and the transition where it is not shared.

    Raises
    ------
    OutcomeError
        If rows are malformed (see ``check_histories``), or a transition never happens.
    ModelError
        If covariates are malformed, collinear, or more than the events.
    MonotoneError
        If an estimate would be infinite. Also a ``ModelError``.

    Notes
    -----
    Each row is at risk of every transition from its state; transitions are strata of one Cox model
    [1]_. Checked against R ``survival::coxph`` of a multi-state outcome.

    References
    ----------
    .. [1] Putter H, Fiocco M, Geskus RB. Stat Med. 2007;26(11):2389-2430. doi:10.1002/sim.2712

    Examples
    --------
    Two moves, each as in ``fit_cox([1, 2, 3, 4], [1, 1, 1, 0], [[1], [0], [1], [0]])``, with one
    effect.

    >>> stop, x = [1, 2, 3, 4], [[1], [0], [1], [0]]
    >>> fit = fit_transitions(range(8), [0] * 8, stop * 2, ["a"] * 4 + ["b"] * 4,
    ...                       ["c", "c", "c", "a", "c", "c", "c", "b"], x * 2, shared=["x0"])
    >>> fit.transitions, round(float(fit.cox.hazard_ratio[0]), 6)
    ((('a', 'c'), ('b', 'c')), 2.561553)
    """
    where = "fit_transitions"
    rows = check_histories(patient, start, stop, state, to, weights=weights, where=where)
    matrix = check_matrix(X, where=where, n_rows=rows.stop.size)[rows.order]
    labels = _names(names, matrix.shape[1], where)
    if isinstance(shared, str) or not set(shared) <= set(labels):
        raise ModelError(
            f"{where}: shared is {shared!r}; give a list of names out of {list(labels)}."
        )
    moves = _moves(rows, transitions, where)
    at_risk = [np.flatnonzero(rows.state == origin) for origin, _ in moves]
    source = np.concatenate(at_risk)
    stratum = np.repeat(np.arange(len(moves)), [part.size for part in at_risk])
    event = rows.to[source] == np.array([target for _, target in moves])[stratum]
    named = tuple((rows.states[a], rows.states[b]) for a, b in moves)
    design, titles, columns = _design(matrix[source], stratum, labels, tuple(shared), named)
    try:
        fit = fit_cox(
            rows.stop[source],
            event,
            design,
            start=rows.start[source],
            weights=None if rows.weights is None else rows.weights[source],
            strata=stratum,
            cluster=rows.patient[source] if robust else None,
            ties=ties,
            ridge=ridge,
            level=level,
            names=titles,
        )
    except (ModelError, OutcomeError) as fault:
        raise type(fault)(f"{where}: {fault}") from None
    happened = tuple(np.bincount(stratum[event], minlength=len(moves)).tolist())
    return TransitionFit(named, happened, labels, columns, fit)


def _names(names: Sequence[str] | None, n_columns: int, where: str) -> tuple[str, ...]:
    labels = tuple(f"x{k}" for k in range(n_columns)) if names is None else tuple(map(str, names))
    if len(labels) != n_columns or len(set(labels)) < n_columns:
        raise ModelError(
            f"{where}: {len(labels)} names for {n_columns} columns; give one per column, all "
            "different."
        )
    return labels


def _moves(
    rows: Histories, transitions: Sequence[Transition] | None, where: str
) -> list[tuple[int, int]]:
    seen = rows.transitions()
    if transitions is None:
        found = [(int(a), int(b)) for a, b in np.argwhere(seen)]
        if not found:
            raise OutcomeError(f"{where}: nobody moves to another state; there is nothing to fit.")
        return found
    place = {name: k for k, name in enumerate(rows.states)}
    try:
        asked = [(place[str(a)], place[str(b)]) for a, b in transitions]
    except (KeyError, TypeError, ValueError):
        raise ModelError(
            f"{where}: transitions are no pairs of the states {list(rows.states)}; give such pairs."
        ) from None
    if len(set(asked)) < len(asked) or not asked:
        raise ModelError(f"{where}: transitions are named twice, or not at all; name each once.")
    absent = [(rows.states[a], rows.states[b]) for a, b in asked if not seen[a, b]]
    if absent:
        raise OutcomeError(f"{where}: nobody makes the transitions {absent[:5]}; leave them out.")
    return asked


def _design(
    X: Floats,
    stratum: Integers,
    names: tuple[str, ...],
    shared: tuple[str, ...],
    transitions: tuple[Transition, ...],
) -> tuple[Floats, list[str], dict[tuple[str, Transition], int]]:
    parts: list[Floats] = []
    titles: list[str] = []
    columns: dict[tuple[str, Transition], int] = {}
    for k, name in enumerate(names):
        if name in shared:
            columns |= {(name, transition): len(titles) for transition in transitions}
            parts.append(X[:, k])
            titles.append(name)
            continue
        for number, transition in enumerate(transitions):
            columns[name, transition] = len(titles)
            parts.append(np.where(stratum == number, X[:, k], 0.0))
            titles.append(f"{name} ({transition[0]} to {transition[1]})")
    design = np.column_stack(parts) if parts else np.empty((stratum.size, 0))
    return design, titles, columns

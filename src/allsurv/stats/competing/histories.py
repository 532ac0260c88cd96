"""Histories of patients who move between states: rows in one state, checked together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from allsurv.errors import OutcomeError
from allsurv.stats.labels import label_codes
from allsurv.stats.outcome import check_outcome, merge_close_times

__all__ = ["Histories", "check_histories", "make_histories"]

Floats = NDArray[np.float64]
Integers = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Histories:
    """Rows ``(start, stop]`` of patients, each spent in one state.

    Attributes
    ----------
    states : tuple of str
        Names of the states.
    patient : ndarray of shape (n_rows,)
        Number of the row's patient, from 0; rows are sorted by patient and time.
    start, stop : ndarray of shape (n_rows,)
        In the unit given.
    state : ndarray of shape (n_rows,)
        Index in ``states`` of where the patient is.
    to : ndarray of shape (n_rows,)
        Index of where the patient moves at ``stop``; that of ``state`` where nothing happens.
    weights : ndarray of shape (n_rows,) or None
        Case weights.
    order : ndarray of shape (n_rows,)
        Which of the rows given each is.
    """

    states: tuple[str, ...]
    patient: Integers
    start: Floats
    stop: Floats
    state: Integers
    to: Integers
    weights: Floats | None
    order: Integers

    @property
    def n_patients(self) -> int:
        """Count the patients.

        Returns
        -------
        int
            Those with at least one row.
        """
        return int(self.patient[-1]) + 1

    @property
    def moves(self) -> NDArray[np.bool_]:
        """Mark the rows that end in another state.

        Returns
        -------
        ndarray of shape (n_rows,)
            True where the patient moves at ``stop``.
        """
        return np.not_equal(self.state, self.to)

    def transitions(self) -> NDArray[np.intp]:
        """Count the moves between states.

        Returns
        -------
        ndarray of shape (n_states, n_states)
            Patients moving from the state of the row to that of the column.
        """
        size = len(self.states)
        flat = np.bincount(self.state[self.moves] * size + self.to[self.moves], minlength=size**2)
        return flat.reshape(size, size)

    def restricted(self, rows: NDArray[np.bool_], start: Floats) -> Histories:
        """Keep some rows, with new starts.

        Parameters
        ----------
        rows : ndarray of shape (n_rows,)
            Which to keep; at least one.
        start : ndarray of shape (n_rows,)
            Start of every row.

        Returns
        -------
        Histories
            Patients numbered anew.
        """
        return Histories(
            states=self.states,
            patient=np.unique(self.patient[rows], return_inverse=True)[1],
            start=start[rows],
            stop=self.stop[rows],
            state=self.state[rows],
            to=self.to[rows],
            weights=None if self.weights is None else self.weights[rows],
            order=self.order[rows],
        )


def check_histories(
    patient: ArrayLike,
    start: ArrayLike,
    stop: ArrayLike,
    state: ArrayLike,
    to: ArrayLike,
    *,
    weights: ArrayLike | None = None,
    states: Sequence[str] | None = None,
    where: str = "histories",
) -> Histories:
    """Check rows of patients who move between states, every patient's as a whole.

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
    weights : array-like of shape (n_rows,), optional
        Case weights, the same in all rows of a patient.
    states : sequence of str, optional
        All states, in the order of the results; sorted names if not given.
    where : str, default="histories"
        What to call the data in a message.

    Returns
    -------
    Histories
        Sorted by patient and time; times that differ by rounding only made equal.

    Raises
    ------
    OutcomeError
        If times, labels or weights are malformed; if a patient's rows overlap, or a row does not
        begin in the state in which the one before ended.

    Examples
    --------
    >>> rows = check_histories([1, 1, 2], [0, 3, 0], [3, 5, 4], ["a", "b", "a"], ["b", "b", "b"])
    >>> rows.transitions().tolist()
    [[0, 2], [0, 0]]
    """
    t, _, s, w = check_outcome(
        stop, np.zeros(np.size(stop), bool), start=start, weights=weights, where=where
    )
    if s is None:
        raise OutcomeError(f"{where}: start is missing; give the start of every row.")
    t, s = merge_close_times(t, s)
    known, origin, target = _state_codes(state, to, t.size, states, where)
    _, who = label_codes(patient, t.size, "patient", where)
    if w is not None and not w.all():
        raise OutcomeError(f"{where}: some weights are 0; leave those patients out.")
    order = np.lexsort((t, who))
    rows = Histories(
        states=known,
        patient=who[order],
        start=np.asarray(s)[order],
        stop=t[order],
        state=origin[order],
        to=target[order],
        weights=None if w is None else w[order],
        order=order,
    )
    _check_order(rows, where)
    return rows


def make_histories(
    follow_up: ArrayLike, entries: Mapping[str, ArrayLike], *, initial: str = "start"
) -> dict[str, NDArray[Any]]:
    """Make the rows of patients from the times at which they entered each state.

    Parameters
    ----------
    follow_up : array-like of shape (n_patients,)
        End of follow-up; positive.
    entries : mapping from str to array-like of shape (n_patients,)
        For each state the time at which a patient entered it, NaN where never. Of entries at the
        same time the state named last is entered, and the others are not: list the gravest last.
    initial : str, default="start"
        Name of the state at time 0.

    Returns
    -------
    dict from str to ndarray
        Columns ``patient`` (from 0), ``start``, ``stop``, ``state`` and ``to``: the arguments of
        ``check_histories`` and of all functions on states.

    Raises
    ------
    OutcomeError
        If times are malformed, not positive or beyond follow-up.

    Examples
    --------
    The second patient relapses and dies on one day: death is what happened.

    >>> rows = make_histories([9, 5], {"relapse": [4, 5], "death": [np.nan, 5]})
    >>> rows["state"].tolist(), rows["to"].tolist()
    (['start', 'relapse', 'start'], ['relapse', 'relapse', 'death'])
    """
    where = "make_histories"
    end, _, _, _ = check_outcome(follow_up, np.zeros(np.size(follow_up), bool), where=where)
    names = [initial, *entries]
    if len(set(names)) < len(names) or not entries:
        raise OutcomeError(
            f"{where}: states are {names}; name at least one beside {initial!r}, each once."
        )
    entered = np.column_stack([_entry_times(entries[name], end, name) for name in entries])
    gravest_first = np.lexsort(
        (-np.broadcast_to(np.arange(entered.shape[1]), entered.shape), entered)
    )
    ordered = np.take_along_axis(entered, gravest_first, axis=1)
    happens = np.isfinite(ordered)
    happens[:, 1:] &= ordered[:, 1:] != ordered[:, :-1]
    last = np.full(entered.shape[0], -np.inf)
    patient = np.nonzero(happens)[0]
    time, target = ordered[happens], gravest_first[happens] + 1
    np.maximum.at(last, patient, time)
    open_end = np.flatnonzero(last < end)
    patient = np.concatenate([patient, open_end])
    stop = np.concatenate([time, end[open_end]])
    to = np.concatenate([target, np.full(open_end.size, -1)])
    order = np.lexsort((stop, patient))
    patient, stop, to = patient[order], stop[order], to[order]
    is_first = np.diff(patient, prepend=-1) > 0
    start = np.where(is_first, 0.0, np.roll(stop, 1))
    state = np.where(is_first, 0, np.roll(to, 1))
    to = np.where(to < 0, state, to)
    labels = np.array(names)
    return {
        "patient": patient,
        "start": start,
        "stop": stop,
        "state": labels[state],
        "to": labels[to],
    }


def _entry_times(values: ArrayLike, end: Floats, name: str) -> Floats:
    where = f"make_histories: {name}"
    try:
        time = np.asarray(values, dtype=float)
    except (TypeError, ValueError):
        raise OutcomeError(f"{where} is not numeric; give times, NaN where never.") from None
    if time.shape != end.shape:
        raise OutcomeError(
            f"{where} has shape {time.shape}; give one time per patient, {end.size}."
        )
    bad = np.flatnonzero((time <= 0) | (time > end)) + 1
    if bad.size:
        raise OutcomeError(
            f"{where} is not after 0 and within follow-up in {bad.size} rows "
            f"({', '.join(map(str, bad[:5]))}); correct those times."
        )
    return np.where(np.isnan(time), np.inf, time)


def _state_codes(
    state: ArrayLike, to: ArrayLike, n_rows: int, states: Sequence[str] | None, where: str
) -> tuple[tuple[str, ...], Integers, Integers]:
    columns = []
    for name, labels in (("state", state), ("to", to)):
        levels, codes = label_codes(labels, n_rows, name, where)
        columns.append(np.array([str(level) for level in levels.tolist()], dtype=object)[codes])
    seen = sorted(set(columns[0]) | set(columns[1]))
    known = tuple(seen) if states is None else tuple(str(name) for name in states)
    strange = sorted(set(seen) - set(known))
    if strange or len(set(known)) < len(known):
        raise OutcomeError(
            f"{where}: states given are {list(known)[:20]}; name each state of the rows once"
            + (f", also {strange[:5]}." if strange else ".")
        )
    place = {name: k for k, name in enumerate(known)}
    origin, target = (np.array([place[name] for name in column], np.intp) for column in columns)
    return known, origin, target


def _check_order(rows: Histories, where: str) -> None:
    same = rows.patient[1:] == rows.patient[:-1]
    overlap = same & (rows.start[1:] < rows.stop[:-1])
    jump = same & (rows.state[1:] != rows.to[:-1])
    given = rows.order + 1
    if overlap.any():
        raise OutcomeError(
            f"{where}: {_rows(given[1:][overlap])} begin before the patient's row before ends; "
            "a patient is in one state at a time."
        )
    if jump.any():
        raise OutcomeError(
            f"{where}: {_rows(given[1:][jump])} begin in another state than the patient's row "
            "before ended in; correct state or to."
        )
    if rows.weights is not None and np.any(same & (rows.weights[1:] != rows.weights[:-1])):
        raise OutcomeError(f"{where}: weights differ within a patient; give one to each patient.")


def _rows(numbers: Integers) -> str:
    found = np.sort(numbers)
    shown = ", ".join(map(str, found[:5])) + (", ..." if found.size > 5 else "")
    return f"{found.size} row{'s' if found.size > 1 else ''} ({shown})"

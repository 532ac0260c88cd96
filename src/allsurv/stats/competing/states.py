"""Probability of being in each state over time, by Aalen and Johansen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from allsurv.errors import OutcomeError
from allsurv.stats.competing.histories import Histories, check_histories
from allsurv.stats.curves.intervals import ConfType, check_times, probability_limits
from allsurv.stats.levels import check_level, normal_quantile
from allsurv.stats.outcome import distinct_times

__all__ = [
    "StateProbabilities",
    "StateTimes",
    "StatesAt",
    "landmark_state_probabilities",
    "state_probabilities",
]

Floats = NDArray[np.float64]
Integers = NDArray[np.intp]


class StatesAt(NamedTuple):
    """Probability of each state at requested times.

    Attributes
    ----------
    probability, std_error, lower, upper : ndarray of shape (n_times, n_states)
        Estimate, standard error and confidence limits; NaN beyond follow-up.
    """

    probability: Floats
    std_error: Floats
    lower: Floats
    upper: Floats


class StateTimes(NamedTuple):
    """Mean time spent in each state up to a horizon.

    Attributes
    ----------
    mean, std_error, lower, upper : ndarray of shape (n_states,)
        In the unit of time; limits between 0 and the length of the span.
    """

    mean: Floats
    std_error: Floats
    lower: Floats
    upper: Floats


@dataclass(frozen=True, eq=False)
class StateProbabilities:
    """Probability of being in each state, at each time at which somebody moves.

    Attributes
    ----------
    states : tuple of str
        Order of the columns.
    time : ndarray of shape (n_times,)
        Times at which somebody moves, rising.
    n_at_risk : ndarray of shape (n_times, n_states)
        Patients (sum of weights) in each state just before each time.
    n_moves : ndarray of shape (n_times, n_states, n_states)
        Patients (sum of weights) moving from the state of the row to that of the column.
    initial : ndarray of shape (n_states,)
        Probability of each state at ``start_time``.
    probability : ndarray of shape (n_times, n_states)
        Probability of each state at each time; rows sum to 1.
    start_time, last_time : float
        Where the curves begin, and the end of the longest follow-up.
    level : float
        Confidence level.
    """

    states: tuple[str, ...]
    time: Floats
    n_at_risk: Floats
    n_moves: Floats
    initial: Floats
    probability: Floats
    start_time: float
    last_time: float
    level: float
    _rows: Histories = field(repr=False)
    _beginning: NDArray[np.bool_] | None = field(repr=False)

    def at(self, times: ArrayLike, *, conf_type: ConfType = "log-log") -> StatesAt:
        r"""Read the probabilities at given times, with limits.

        Parameters
        ----------
        times : array-like of shape (n_requested,)
            In the unit of follow-up, not before ``start_time``, in any order.
        conf_type : {"log-log", "log", "plain"}, default="log-log"
            Scale on which limits are symmetric.

        Returns
        -------
        StatesAt
            Arrays of shape (n_requested, n_states).

        Raises
        ------
        OutcomeError
            If ``times`` is not a vector of finite numbers, or one lies before ``start_time``.

        Notes
        -----
        The standard error is that of the infinitesimal jackknife over patients, the estimate of
        ``initial`` included. Checked against R ``survival::survfit(influence = TRUE)``.
        """
        where = "StateProbabilities.at"
        wanted = check_times(times, where)
        if np.any(wanted < self.start_time):
            raise OutcomeError(
                f"{where}: a time lies before {self.start_time:g}, where the curves begin; ask for "
                "later ones."
            )
        upto = np.searchsorted(self.time, wanted, side="right")
        value = np.concatenate([self.initial[None], self.probability])[upto]
        error = np.empty_like(value)
        known: dict[int, Floats] = {}
        for row, index in enumerate(upto.tolist()):
            if index not in known:
                added = self._influence(self._products(index))
                known[index] = np.sqrt(np.einsum("ns,ns->s", added, added))
            error[row] = known[index]
        lower, upper = probability_limits(
            value, error, conf_type=conf_type, level=self.level, where=where
        )
        nothing = value == 0
        lower[nothing] = upper[nothing] = 0.0
        beyond = wanted > self.last_time
        for column in (value, error, lower, upper):
            column[beyond] = np.nan
        return StatesAt(value, error, lower, upper)

    def restricted_mean(self, horizon: float) -> StateTimes:
        r"""Mean time spent in each state from ``start_time`` up to a horizon.

        Parameters
        ----------
        horizon : float
            In the unit of follow-up; follow-up must reach it.

        Returns
        -------
        StateTimes
            Per state; the means sum to the length of the span.

        Raises
        ------
        OutcomeError
            If the horizon is not after ``start_time`` and within follow-up.

        Notes
        -----
        :math:`\int p_s(t) \, dt`, with the standard error of the infinitesimal jackknife over
        patients and limits symmetric about the mean. Checked against R
        ``summary(survival::survfit(influence = TRUE), rmean = )``.
        """
        where = "StateProbabilities.restricted_mean"
        wanted = check_times(horizon, where)
        if wanted.size != 1 or not self.start_time < wanted[0] <= self.last_time:
            raise OutcomeError(
                f"{where}: the horizon is not one time after {self.start_time:g} and up to "
                f"{self.last_time:g}, the end of follow-up; choose one."
            )
        end = float(wanted[0])
        areas = self._areas(end)
        added = self._influence(areas)
        mean = self.initial @ areas[0]
        error = np.sqrt(np.einsum("ns,ns->s", added, added))
        half = normal_quantile(self.level) * error
        span = end - self.start_time
        return StateTimes(mean, error, np.maximum(mean - half, 0.0), np.minimum(mean + half, span))

    def _steps(self) -> Floats:
        return _moving_or_staying(self.n_at_risk, self.n_moves)

    def _products(self, upto: int) -> Floats:
        """Transition matrices from after each of the first times (or the start) to the last."""
        steps = self._steps()[:upto]
        out = np.empty((upto + 1, len(self.states), len(self.states)))
        out[upto] = np.eye(len(self.states))
        for j in range(upto - 1, -1, -1):
            out[j] = steps[j] @ out[j + 1]
        return out

    def _areas(self, end: float) -> Floats:
        """Time spent in each state from each time on, by the state at that time."""
        upto = int(np.searchsorted(self.time, end, side="left"))
        steps = self._steps()[:upto]
        lengths = np.diff(np.concatenate([[self.start_time], self.time[:upto], [end]]))
        size = len(self.states)
        out = np.empty((upto + 1, size, size))
        out[upto] = lengths[upto] * np.eye(size)
        for j in range(upto - 1, -1, -1):
            out[j] = lengths[j] * np.eye(size) + steps[j] @ out[j + 1]
        return out

    def _influence(self, onward: Floats) -> Floats:
        """Give what each patient adds to a linear functional of what follows each time.

        A row in state s at time j moves the rates out of s by (indicator of its own move - rates) /
        n, which the probability of s before j and what follows j turn into a change of the result:
        sums over time while a row is at risk, plus what its own move adds.
        """
        rows, upto = self._rows, onward.shape[0] - 1
        n, size = self.n_at_risk[:upto], len(self.states)
        before = np.concatenate([self.initial[None], self.probability])[:upto]
        share = np.divide(before, n, out=np.zeros_like(n), where=n > 0)
        expected = self._steps()[:upto] @ onward[1:] - onward[1:]
        path = np.zeros((upto + 1, size, size))
        np.cumsum(-share[:, :, None] * expected, axis=0, out=path[1:])
        times = self.time[:upto]
        first = np.searchsorted(times, rows.start, side="right")
        last = np.searchsorted(times, rows.stop, side="right")
        added = path[last, rows.state] - path[first, rows.state]
        moving = np.flatnonzero(rows.moves & (rows.stop <= times[-1] if upto else False))
        j, s = last[moving] - 1, rows.state[moving]
        added[moving] += share[j, s][:, None] * (onward[j + 1, rows.to[moving]] - onward[j + 1, s])
        if rows.weights is not None:
            added *= rows.weights[:, None]
        if self._beginning is not None:
            mine = np.flatnonzero(self._beginning)
            weight = np.ones(mine.size) if rows.weights is None else rows.weights[mine]
            begun = np.eye(size)[rows.state[mine]] - self.initial
            added[mine] += (weight / weight.sum())[:, None] * (begun @ onward[0])
        begins = np.flatnonzero(np.diff(rows.patient, prepend=-1))
        return np.add.reduceat(added, begins, axis=0)


def state_probabilities(
    patient: ArrayLike,
    start: ArrayLike,
    stop: ArrayLike,
    state: ArrayLike,
    to: ArrayLike,
    *,
    weights: ArrayLike | None = None,
    states: Sequence[str] | None = None,
    initial: Mapping[str, float] | None = None,
    level: float = 0.95,
) -> StateProbabilities:
    r"""Probability of being in each state over time.

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
        Case weights, positive, the same in all rows of a patient.
    states : sequence of str, optional
        All states, in the order of the results; sorted names if not given.
    initial : mapping from str to float, optional
        Probability of each state at the beginning, 0 for those not named. If not given, the shares
        of those under observation just before the first move.
    level : float, default=0.95
        Confidence level, in (0, 1).

    Returns
    -------
    StateProbabilities
        The curves; ``at`` and ``restricted_mean`` give limits.

    Raises
    ------
    OutcomeError
        If rows are malformed (see ``check_histories``), nobody moves, or ``initial`` is no
        distribution over the states.

    Notes
    -----
    :math:`p(t) = p(0) \prod_{s \le t} \{I + dA(s)\}`, dA holding the share of those in each state
    who move to each other one [1]_. It needs no Markov property where everybody begins at the same
    time and censoring does not depend on the history [2]_. Checked against R ``survival::survfit``.

    References
    ----------
    .. [1] Aalen OO, Johansen S. Scand J Stat. 1978;5(3):141-150.
    .. [2] Datta S, Satten GA. Stat Probab Lett. 2001;55(4):403-411.
       doi:10.1016/S0167-7152(01)00155-9

    Examples
    --------
    Of four patients one relapses at 2 and dies at 4, one dies at 3, two are followed to 5.

    >>> curves = state_probabilities(
    ...     [1, 1, 2, 3, 4], [0, 2, 0, 0, 0], [2, 4, 3, 5, 5],
    ...     ["well", "relapse", "well", "well", "well"],
    ...     ["relapse", "dead", "dead", "well", "well"], states=["well", "relapse", "dead"])
    >>> curves.probability.tolist()
    [[0.75, 0.25, 0.0], [0.5, 0.25, 0.25], [0.5, 0.0, 0.5]]
    """
    where = "state_probabilities"
    rows = check_histories(
        patient, start, stop, state, to, weights=weights, states=states, where=where
    )
    origin = min(0.0, float(rows.start.min()))
    return _estimated(rows, origin, initial, check_level(level, where), where)


def landmark_state_probabilities(
    patient: ArrayLike,
    start: ArrayLike,
    stop: ArrayLike,
    state: ArrayLike,
    to: ArrayLike,
    *,
    landmark: float,
    of: str | None = None,
    weights: ArrayLike | None = None,
    states: Sequence[str] | None = None,
    level: float = 0.95,
) -> StateProbabilities:
    """Probability of being in each state, for patients as they are at a landmark.

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
    landmark : float
        Time at which patients are taken; those under observation just after it count.
    of : str, optional
        State in which they are then; any state if not given.
    weights : array-like of shape (n_rows,), optional
        Case weights, positive, the same in all rows of a patient.
    states : sequence of str, optional
        All states, in the order of the results; sorted names if not given.
    level : float, default=0.95
        Confidence level, in (0, 1).

    Returns
    -------
    StateProbabilities
        Curves that begin at the landmark.

    Raises
    ------
    OutcomeError
        If rows are malformed (see ``check_histories``), or nobody is in the state at the landmark,
        or none of them moves afterwards.

    Notes
    -----
    The estimate of Aalen and Johansen among those patients alone, which holds whether or not the
    course after the landmark depends on that before it [1]_. Checked against R
    ``survival::survfit`` of those patients' rows.

    References
    ----------
    .. [1] Putter H, Spitoni C. Stat Methods Med Res. 2018;27(7):2081-2092.
       doi:10.1177/0962280216674497

    Examples
    --------
    At 2.5 one patient is in relapse; the one who dies at 3 and two others are well.

    >>> curves = landmark_state_probabilities(
    ...     [1, 1, 2, 3, 4], [0, 2, 0, 0, 0], [2, 4, 3, 5, 5],
    ...     ["well", "relapse", "well", "well", "well"],
    ...     ["relapse", "dead", "dead", "well", "well"], landmark=2.5, of="well")
    >>> curves.states, curves.probability.round(3).tolist()
    (('dead', 'relapse', 'well'), [[0.333, 0.0, 0.667]])
    """
    where = "landmark_state_probabilities"
    rows = check_histories(
        patient, start, stop, state, to, weights=weights, states=states, where=where
    )
    at = check_times(landmark, where)
    if at.size != 1:
        raise OutcomeError(f"{where}: landmark is not one time; give one.")
    present = (rows.start <= at[0]) & (rows.stop > at[0])
    if of is not None:
        if of not in rows.states:
            raise OutcomeError(f"{where}: of is {of!r}; choose one of {list(rows.states)}.")
        present &= rows.state == rows.states.index(of)
    if not present.any():
        raise OutcomeError(
            f"{where}: nobody is {'observed' if of is None else f'in {of!r}'} just after "
            f"{at[0]:g}; choose another landmark."
        )
    kept = np.isin(rows.patient, rows.patient[present]) & (rows.stop > at[0])
    chosen = rows.restricted(kept, np.maximum(rows.start, at[0]))
    return _estimated(chosen, float(at[0]), None, check_level(level, where), where)


def _estimated(
    rows: Histories,
    start_time: float,
    initial: Mapping[str, float] | None,
    level: float,
    where: str,
) -> StateProbabilities:
    moves, size = rows.moves, len(rows.states)
    if not moves.any():
        raise OutcomeError(f"{where}: nobody moves to another state; there is nothing to estimate.")
    time = distinct_times(rows.stop[moves])
    first = np.searchsorted(time, rows.start, side="right")
    last = np.searchsorted(time, rows.stop, side="right")
    weight = np.ones(rows.stop.size) if rows.weights is None else rows.weights
    shape = (time.size + 1, size)
    flow = np.bincount(first * size + rows.state, weight, shape[0] * size).astype(float)
    flow -= np.bincount(last * size + rows.state, weight, shape[0] * size)
    n_at_risk: Floats = np.cumsum(flow.reshape(shape), axis=0)[:-1]
    n_at_risk[n_at_risk < 1e-12 * weight.sum()] = 0.0
    place = ((last[moves] - 1) * size + rows.state[moves]) * size + rows.to[moves]
    flat = np.bincount(place, weight[moves], time.size * size**2).astype(float)
    n_moves = flat.reshape(-1, size, size)
    beginning = None
    if initial is None:
        present = (rows.start < time[0]) & (rows.stop >= time[0])
        shares = np.bincount(rows.state[present], weight[present], size)
        begins_with = shares / shares.sum()
        beginning = present if begins_with.max() < 1 else None
    else:
        begins_with = _checked_initial(initial, rows.states, where)
    probability, now = np.empty((time.size, size)), begins_with
    for j, step in enumerate(_moving_or_staying(n_at_risk, n_moves)):
        now = now @ step
        probability[j] = now
    return StateProbabilities(
        rows.states, time, n_at_risk, n_moves, begins_with, probability, start_time,
        float(rows.stop.max()), level, rows, beginning,
    )  # fmt: skip


def _moving_or_staying(n_at_risk: Floats, n_moves: Floats) -> Floats:
    """Matrix of the shares who move from each state to each, at each time."""
    n = n_at_risk[:, :, None]
    rates = np.divide(n_moves, n, out=np.zeros_like(n_moves), where=n > 0)
    same = np.arange(n_at_risk.shape[1])
    rates[:, same, same] = 1.0 - rates.sum(axis=2)
    return rates


def _checked_initial(initial: Mapping[str, float], states: tuple[str, ...], where: str) -> Floats:
    try:
        given = {str(name): float(share) for name, share in initial.items()}
    except (AttributeError, TypeError, ValueError):
        raise OutcomeError(
            f"{where}: initial is no mapping from state to probability; give one."
        ) from None
    shares = np.array([given.get(name, 0.0) for name in states])
    if not set(given) <= set(states) or not np.all(shares >= 0) or abs(shares.sum() - 1) > 1e-8:
        raise OutcomeError(
            f"{where}: initial is no distribution over {list(states)[:20]}; give probabilities "
            "that sum to 1."
        )
    return shares

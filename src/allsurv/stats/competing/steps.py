"""The Aalen-Johansen estimate step by step, and what each row adds to its value at a time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from allsurv.errors import OutcomeError
from allsurv.stats.competing.causes import CausedOutcome
from allsurv.stats.curves.counts import count_risk_sets, rank_times
from allsurv.stats.curves.influence import RowInfluence

__all__ = ["IncidenceSteps", "incidence_steps"]

Floats = NDArray[np.float64]
Integers = NDArray[np.intp]
_ROUNDING = 1e-12


@dataclass(frozen=True, eq=False)
class IncidenceSteps:
    """Cumulative incidence of each cause at each distinct end of follow-up.

    Attributes
    ----------
    outcome : CausedOutcome
        Rows of positive weight.
    causes : tuple of int
        Causes seen, rising.
    time : ndarray of shape (n_times,)
        Distinct ends of follow-up, rising.
    n_at_risk, n_events, n_censored : ndarray of shape (n_times,)
        Sums of weights; events of any cause.
    n_of_cause : ndarray of shape (n_causes, n_times)
        Sums of weights of those failing from each cause.
    free_before, free : ndarray of shape (n_times,)
        Probability of no event just before and at each time.
    incidence : ndarray of shape (n_causes, n_times)
        Probability of the cause by each time.
    rows : RowInfluence
        Place of each row among the times.
    """

    outcome: CausedOutcome
    causes: tuple[int, ...]
    time: Floats
    n_at_risk: Floats
    n_events: Floats
    n_censored: Floats
    n_of_cause: Floats
    free_before: Floats
    free: Floats
    incidence: Floats
    rows: RowInfluence

    def variance(self) -> Floats:
        """Variance of each incidence at each time, by the infinitesimal jackknife.

        Returns
        -------
        ndarray of shape (n_causes, n_times)
            Sum of squared weighted influences of rows.
        """
        variance = np.empty_like(self.incidence)
        fall = self._fall()
        spread = self.rows.covariance(fall, fall)
        for k, curve in enumerate(self.incidence):
            rise = self._rise(k, 1.0, curve, fall)
            mixed = self.rows.covariance(rise, fall)
            variance[k] = self.rows.covariance(rise, rise) - 2 * curve * mixed + curve**2 * spread
        return np.maximum(variance, 0.0)

    def value_at(self, k: int, horizon: float) -> tuple[float, Floats]:
        """Incidence of one cause by a horizon, and what each row adds to it.

        Parameters
        ----------
        k : int
            Position of the cause in ``causes``.
        horizon : float
            In the unit of time.

        Returns
        -------
        value : float
            Probability of the cause by then.
        influence : ndarray of shape (n_rows,)
            Weighted; its norm is the standard error.
        """
        curve = self.incidence[k]
        upto = int(np.searchsorted(self.time, horizon, side="right"))
        value = float(curve[upto - 1]) if upto else 0.0
        inside = (np.arange(self.time.size) < upto).astype(float)
        return value, self._weighted(k, inside, inside * (curve - value))

    def time_lost_by(self, k: int, horizon: float) -> tuple[float, Floats]:
        """Area under the incidence of one cause up to a horizon, and what each row adds to it.

        Parameters
        ----------
        k : int
            Position of the cause in ``causes``.
        horizon : float
            In the unit of time.

        Returns
        -------
        value : float
            Mean time lost to the cause by then.
        influence : ndarray of shape (n_rows,)
            Weighted; its norm is the standard error.
        """
        curve = self.incidence[k]
        left = np.maximum(horizon - self.time, 0.0)
        area = curve * (left - np.append(left[1:], 0.0))
        to_come = np.asarray(area[::-1].cumsum()[::-1], dtype=float)
        value = float(to_come[0])
        return value, self._weighted(k, left, curve * left - to_come)

    def _weighted(self, k: int, own: Floats, later: Floats) -> Floats:
        """Sum over time the effects of a row on a cause's increments and on all later ones.

        A row moves F(t) by the sum over s <= t of its own increment, and by F(s) - F(t) times what
        it takes from minus log survival at s; ``own`` and ``later`` are 1 and F(s) - F(t), or
        their integrals over t.
        """
        fall = self._fall()
        while_at_risk, at_end = self._rise(k, own, later, fall)
        path = np.concatenate([[0.0], np.cumsum(while_at_risk)])
        rows = self.rows
        added: Floats = path[rows.rank + 1] - path[rows.first] + at_end
        return rows.weights * added

    def _fall(self) -> tuple[Floats, Floats]:
        n, d, rows = self.n_at_risk, self.n_events, self.rows
        left = n - d
        inverse = np.divide(1.0, left, out=np.zeros_like(n), where=self.free > 0)
        return -inverse * d / n, np.where(rows.event, inverse[rows.rank], 0.0)

    def _rise(
        self, k: int, own: Floats | float, later: Floats, fall: tuple[Floats, Floats]
    ) -> tuple[Floats, Floats]:
        rank, per_patient = self.rows.rank, own * (self.free_before / self.n_at_risk)
        failing = self.outcome.cause == self.causes[k]
        at_risk = -per_patient * self.n_of_cause[k] / self.n_at_risk + later * fall[0]
        at_end = np.where(failing, per_patient[rank], 0.0) + later[rank] * fall[1]
        return at_risk, at_end


def incidence_steps(outcome: CausedOutcome, where: str) -> IncidenceSteps:
    """Count, and estimate the incidence of each cause.

    Parameters
    ----------
    outcome : CausedOutcome
        Checked rows of positive weight.
    where : str
        Function to name in the message.

    Returns
    -------
    IncidenceSteps
        With the incidences and event-free probability of Aalen and Johansen.

    Raises
    ------
    OutcomeError
        If nobody failed.
    """
    time, cause, start, weights = outcome
    failed = outcome.failed
    causes = np.unique(cause[failed])
    if not causes.size:
        raise OutcomeError(f"{where}: there is no event; give at least one cause above 0.")
    sets = count_risk_sets(time, failed, start=start, weights=weights)
    _, rank, first = rank_times(time, start)
    n_of_cause = np.array([_summed(rank, cause == k, weights, sets.time.size) for k in causes])
    n, d = sets.n_at_risk, sets.n_events
    left = (n - d) / n
    left[left <= _ROUNDING] = 0.0
    free = np.asarray(np.cumprod(left), dtype=float)
    before = np.concatenate([[1.0], free[:-1]])
    return IncidenceSteps(
        outcome=outcome,
        causes=tuple(causes.tolist()),
        time=sets.time,
        n_at_risk=n,
        n_events=d,
        n_censored=sets.n_censored,
        n_of_cause=n_of_cause,
        free_before=before,
        free=free,
        incidence=np.cumsum(before * n_of_cause / n, axis=1),
        rows=RowInfluence(
            rank,
            np.zeros_like(rank) if first is None else first,
            failed,
            np.ones(time.size) if weights is None else weights,
        ),
    )


def _summed(rank: Integers, rows: NDArray[np.bool_], weights: Floats | None, size: int) -> Floats:
    of_rows = None if weights is None else weights[rows]
    return np.bincount(rank[rows], of_rows, size).astype(float, copy=False)

"""The censoring distribution, and what weighting by its inverse does to an average."""

from __future__ import annotations

import math
from copy import copy
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from allsurv.errors import ModelError
from allsurv.stats.measures.follow_up import FollowUp
from allsurv.stats.measures.patient_censoring import PatientCensoring
from allsurv.stats.outcome import check_y
from allsurv.stats.sorting import sort_rows

__all__ = [
    "AnyCensoring",
    "CensoringDistribution",
    "CensoringWeights",
    "check_patients",
    "uncensored_before",
]

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class CensoringDistribution:
    """Probability of not being censored yet, by Kaplan-Meier with the roles exchanged.

    Attributes
    ----------
    times : ndarray of shape (n_steps,)
        Times at which patients were censored, rising, in the unit of the outcome.
    probability : ndarray of shape (n_steps,)
        Probability of follow-up beyond each of them.

    Examples
    --------
    Two of four are censored, at 2 when three are at risk and at 4 when one is.

    >>> y = np.array([(1, 1), (0, 2), (1, 3), (0, 4)], dtype=[("event", bool), ("time", float)])
    >>> G = CensoringDistribution.fit(y)
    >>> G.at([1.9, 2, 9]).round(4).tolist(), G.before([2, 4]).round(4).tolist()
    ([1.0, 0.6667, 0.0], [1.0, 0.6667])
    """

    times: Floats
    probability: Floats

    @classmethod
    def fit(cls, y: NDArray[np.void]) -> CensoringDistribution:
        """Estimate the censoring distribution of a cohort.

        Parameters
        ----------
        y : structured ndarray of shape (n_patients,)
            Fields ``event`` and ``time``.

        Returns
        -------
        CensoringDistribution
            A patient with an event is no longer at risk of a censoring at the same time.

        Raises
        ------
        OutcomeError
            If the outcome is malformed.

        Notes
        -----
        Checked against ``sksurv.nonparametric.CensoringDistributionEstimator``; as R
        ``prodlim::prodlim(reverse = TRUE)``.
        """
        return cls.from_arrays(*check_y(y))

    @classmethod
    def from_arrays(cls, time: Floats, event: Bools) -> CensoringDistribution:
        """Estimate from times and events that are checked already.

        Parameters
        ----------
        time : ndarray of shape (n_patients,)
            Follow-up.
        event : ndarray of shape (n_patients,)
            Event indicators.

        Returns
        -------
        CensoringDistribution
            As from :meth:`fit`.
        """
        return cls.of_ranked(FollowUp.of(time, event))

    @classmethod
    def of_ranked(cls, followed: FollowUp) -> CensoringDistribution:
        """Estimate from a follow-up that is ranked already.

        Parameters
        ----------
        followed : FollowUp
            Of the cohort.

        Returns
        -------
        CensoringDistribution
            As from :meth:`fit`.
        """
        censored, probability = _product_limit(followed)
        step = censored.nonzero()[0]
        return cls(followed.times[step], probability[step])

    def at(self, times: ArrayLike) -> Floats:
        """Probability of follow-up beyond each time.

        Parameters
        ----------
        times : array-like
            In the unit of the outcome; beyond the last step the last value holds.

        Returns
        -------
        ndarray
            In the shape of ``times``.
        """
        return self._value(times, "right")

    def before(self, times: ArrayLike) -> Floats:
        """Probability of follow-up up to just before each time, as an event is weighted.

        Parameters
        ----------
        times : array-like
            In the unit of the outcome.

        Returns
        -------
        ndarray
            In the shape of ``times``.
        """
        return self._value(times, "left")

    def _value(self, times: ArrayLike, side: Literal["left", "right"]) -> Floats:
        steps = np.concatenate(([1.0], self.probability))
        return steps[self.times.searchsorted(np.asarray(times, dtype=float), side=side)]


AnyCensoring = CensoringDistribution | PatientCensoring


def check_patients(censoring: PatientCensoring, n: int) -> PatientCensoring:
    """Refuse the censoring of other patients.

    Parameters
    ----------
    censoring : PatientCensoring
        As from ``fit_censoring``.
    n : int
        Number of patients measured.

    Returns
    -------
    PatientCensoring
        The same.

    Raises
    ------
    ModelError
        If it is not of as many patients.
    """
    if censoring.before.size != n:
        raise ModelError(
            f"censoring: of {censoring.before.size} patients, but {n} are measured; fit it on the "
            "same patients, or take() them."
        )
    return censoring


def uncensored_before(followed: FollowUp) -> Floats:
    """Probability of follow-up up to just before each time of a cohort, estimated from it.

    Parameters
    ----------
    followed : FollowUp
        Of the cohort.

    Returns
    -------
    ndarray of shape (n_times,)
        What ``CensoringDistribution.of_ranked(followed).before(followed.times)`` is, without a
        search.
    """
    return np.concatenate(([1.0], _product_limit(followed)[1][:-1]))


class CensoringWeights:
    """Weights of patients in averages at a horizon, and what their estimation costs.

    Parameters
    ----------
    time : ndarray of shape (n_patients,)
        Follow-up.
    event : ndarray of shape (n_patients,)
        Event indicators.
    censoring : CensoringDistribution, PatientCensoring or None
        A distribution is taken as known; that of each patient as it says; estimated from the
        outcome if ``None``.

    Attributes
    ----------
    of_event : ndarray of shape (n_patients,)
        1 / G(T-) for events, 0 for the censored and from ``undefined_from`` on.
    undefined_from : float
        First event time before which G is 0; infinite if there is none.
    """

    def __init__(self, time: Floats, event: Bools, censoring: AnyCensoring | None) -> None:
        self.time, self.event = time, event
        self._rows: NDArray[np.intp] | None = None
        self._patients = censoring if isinstance(censoring, PatientCensoring) else None
        if isinstance(censoring, PatientCensoring):
            kept = check_patients(censoring, time.size).before
        else:
            self._distribution = censoring or CensoringDistribution.from_arrays(time, event)
            kept = self._distribution.before(time)
        lost = event & (kept <= 0)
        self.undefined_from = float(time[lost].min()) if lost.any() else math.inf
        self.of_event = np.divide(event, kept, out=np.zeros(time.size), where=kept > 0)
        self._steps = None if censoring is not None else _Steps.of(time, event)

    def rearranged(self, rows: NDArray[np.intp]) -> CensoringWeights:
        """Put patients into another order.

        Parameters
        ----------
        rows : ndarray of shape (n_patients,)
            A permutation.

        Returns
        -------
        CensoringWeights
            The same weights.
        """
        out = copy(self)
        out.time, out.event, out.of_event = self.time[rows], self.event[rows], self.of_event[rows]
        out._rows = rows if self._rows is None else self._rows[rows]
        out._steps = None if self._steps is None else self._steps.rearranged(rows)
        return out

    def at(self, horizon: float) -> Floats | None:
        """Weight of each patient in an average at one horizon.

        Parameters
        ----------
        horizon : float
            In the unit of the outcome.

        Returns
        -------
        ndarray of shape (n_patients,) or None
            1 / G(T-) for events by the horizon, 1 / G(horizon) for those followed beyond it, 0 for
            those censored by then; ``None`` where G is 0.
        """
        beyond = self.time > horizon
        kept = self._kept(horizon)
        if self.undefined_from <= horizon or not np.all(kept[beyond] > 0):
            return None
        return np.divide(1.0, kept, out=self.of_event.copy(), where=beyond)

    def of_controls(self, horizon: float) -> Floats:
        """Relative weight of those followed beyond a horizon, 0 for the others.

        Parameters
        ----------
        horizon : float
            In the unit of the outcome.

        Returns
        -------
        ndarray of shape (n_patients,)
            1 / G(horizon) where G depends on the patient; 1 where it is common and cancels.
        """
        beyond = self.time > horizon
        if self._patients is None:
            return beyond.astype(float)
        return np.divide(1.0, self._kept(horizon), out=np.zeros(beyond.size), where=beyond)

    def _kept(self, horizon: float) -> Floats:
        """Probability of follow-up beyond the horizon, of each patient."""
        if self._patients is None:
            return np.full(self.time.size, float(self._distribution.at(horizon)))
        kept = self._patients.at(horizon)
        return kept if self._rows is None else kept[self._rows]

    def influence(self, horizon: float, terms: Floats) -> Floats:
        """Part of an influence function that is owed to estimating the censoring distribution.

        Parameters
        ----------
        horizon : float
            In the unit of the outcome.
        terms : ndarray of shape (n_patients,)
            Weighted term of each patient in the average, weight included.

        Returns
        -------
        ndarray of shape (n_patients,)
            To add to the influence function of the average; 0 where the distribution is known.
        """
        if self._patients is not None:
            if self._rows is None:
                return self._patients.influence(horizon, terms)
            as_given = np.empty_like(terms)
            as_given[self._rows] = terms
            return self._patients.influence(horizon, as_given)[self._rows]
        if self._steps is None:
            return np.zeros(terms.size)
        return self._steps.influence(horizon, terms)


def _product_limit(followed: FollowUp) -> tuple[NDArray[np.intp], Floats]:
    """Count the censored at each time, and the probability of follow-up beyond it."""
    size = followed.times.size
    ended = np.bincount(followed.rank, minlength=size)
    censored = np.bincount(followed.rank[~followed.event], minlength=size)
    at_risk = followed.rank.size - ended.cumsum() + censored
    hazard = np.divide(censored, at_risk, out=np.zeros(size), where=censored > 0)
    return censored, (1.0 - hazard).cumprod()


@dataclass(frozen=True, eq=False)
class _Steps:
    """The times of censoring, and where each patient stands among them."""

    times: Floats
    at_risk: Floats
    hazard: Floats
    followed: NDArray[np.intp]
    by_time: NDArray[np.intp]
    state: NDArray[np.intp]

    @classmethod
    def of(cls, time: Floats, event: Bools) -> _Steps:
        by_time, ordered = sort_rows(time)
        times, censored = np.unique(time[~event], return_counts=True)
        at_risk = time.size - np.searchsorted(ordered, times, "left").astype(float)
        followed = np.searchsorted(ordered, times, "right")
        passed = np.searchsorted(times, time, "right")
        state = passed + (times.size + 1) * ~event
        return cls(times, at_risk, censored / at_risk, followed, by_time, state)

    def rearranged(self, rows: NDArray[np.intp]) -> _Steps:
        place = np.empty_like(rows)
        place[rows] = np.arange(rows.size)
        return replace(self, by_time=place[self.by_time], state=self.state[rows])

    def influence(self, horizon: float, terms: Floats) -> Floats:
        """Integrate h(u) over the martingale of censoring, up to the horizon.

        h(u) is the sum of the terms of patients followed beyond u, divided by the number at risk;
        as in R's riskRegression, whoever has an event at u counts as at risk there.
        """
        summed = np.concatenate(([0.0], np.cumsum(terms[self.by_time])))
        h = (summed[-1] - summed[self.followed]) / self.at_risk
        h[np.searchsorted(self.times, horizon, "right") :] = 0.0
        paid = np.concatenate(([0.0], np.cumsum(h * self.hazard)))
        own = np.concatenate(([0.0], h))
        return np.concatenate((-paid, own - paid))[self.state]

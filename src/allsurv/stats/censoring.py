"""The censoring distribution, and what weighting by its inverse does to an average."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from allsurv.stats.outcome import check_y

__all__ = ["CensoringDistribution", "CensoringWeights"]

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
        Vouched for by R ``prodlim::prodlim(reverse = TRUE)``.
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
        times, censored = np.unique(time[~event], return_counts=True)
        ordered, failed = np.sort(time), np.sort(time[event])
        at_risk = (time.size - np.searchsorted(ordered, times, "left")) - (
            np.searchsorted(failed, times, "right") - np.searchsorted(failed, times, "left")
        )
        return cls(times, np.cumprod(1.0 - censored / at_risk, dtype=float))

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
        return steps[np.searchsorted(self.times, np.asarray(times, dtype=float), side=side)]


class CensoringWeights:
    """Weights of patients in averages at a horizon, and what their estimation costs.

    Parameters
    ----------
    time : ndarray of shape (n_patients,)
        Follow-up.
    event : ndarray of shape (n_patients,)
        Event indicators.
    censoring : CensoringDistribution or None
        Taken as known; estimated from the outcome if ``None``.
    """

    def __init__(self, time: Floats, event: Bools, censoring: CensoringDistribution | None) -> None:
        self.time, self.event = time, event
        self.is_known = censoring is not None
        self.distribution = censoring or CensoringDistribution.from_arrays(time, event)
        with np.errstate(divide="ignore"):
            self.of_event = np.where(event, 1.0 / self.distribution.before(time), 0.0)
        if not self.is_known:
            self._prepare_influence()

    def at(self, horizon: float) -> Floats:
        """Weight of each patient in an average at one horizon.

        Parameters
        ----------
        horizon : float
            In the unit of the outcome.

        Returns
        -------
        ndarray of shape (n_patients,)
            1 / G(T-) for events by the horizon, 1 / G(horizon) for those followed beyond it, 0 for
            those censored by then; infinite where G is 0.
        """
        with np.errstate(divide="ignore"):
            beyond = 1.0 / self.distribution.at(horizon)
        return np.where(self.time > horizon, beyond, self.of_event)

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

        Notes
        -----
        The integral of h(u) over the martingale of censoring, h(u) being the sum of the terms of
        patients followed beyond u, divided by the number at risk, as in R's riskRegression:
        whoever has an event at u counts as at risk there.
        """
        if self.is_known:
            return np.zeros(terms.size)
        n_steps = int(np.searchsorted(self._steps, horizon, "right"))
        summed = np.concatenate(([0.0], np.cumsum(terms[self._order])))
        h = (summed[-1] - summed[self._followed[:n_steps]]) / self._at_risk[:n_steps]
        paid = np.concatenate(([0.0], np.cumsum(h * self._hazard[:n_steps])))
        out = -paid[np.minimum(self._passed, n_steps)]
        own = ~self.event & (self.time <= horizon)
        out[own] += h[self._passed[own] - 1]
        return out

    def _prepare_influence(self) -> None:
        self._order = np.argsort(self.time)
        ordered = self.time[self._order]
        self._steps, censored = np.unique(self.time[~self.event], return_counts=True)
        self._at_risk = self.time.size - np.searchsorted(ordered, self._steps, "left")
        self._hazard = censored / self._at_risk
        self._followed = np.searchsorted(ordered, self._steps, "right")
        self._passed = np.searchsorted(self._steps, self.time, "right")

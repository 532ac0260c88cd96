"""The censoring distribution, and what weighting by its inverse does to an average."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from allsurv.stats.outcome import check_y

__all__ = [
    "CensoringDistribution",
    "censoring_influence",
    "censoring_or_fit",
    "inverse_weights",
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


def censoring_or_fit(
    censoring: CensoringDistribution | None, time: Floats, event: Bools
) -> CensoringDistribution:
    """Take the censoring distribution given, or estimate it from the outcome.

    Parameters
    ----------
    censoring : CensoringDistribution or None
        As given to a measure.
    time : ndarray of shape (n_patients,)
        Follow-up.
    event : ndarray of shape (n_patients,)
        Event indicators.

    Returns
    -------
    CensoringDistribution
        To weight with.
    """
    if censoring is None:
        return CensoringDistribution.from_arrays(time, event)
    return censoring


def inverse_weights(
    time: Floats, event: Bools, horizon: float, censoring: CensoringDistribution
) -> Floats:
    """Weight of each patient in an average at one horizon.

    Parameters
    ----------
    time : ndarray of shape (n_patients,)
        Follow-up.
    event : ndarray of shape (n_patients,)
        Event indicators.
    horizon : float
        In the unit of ``time``.
    censoring : CensoringDistribution
        Of the population.

    Returns
    -------
    ndarray of shape (n_patients,)
        1 / G(T-) for events by the horizon, 1 / G(horizon) for those followed beyond it, 0 for
        those censored by then; infinite where G is 0.
    """
    case = event & (time <= horizon)
    kept = np.where(case, censoring.before(time), censoring.at(horizon))
    with np.errstate(divide="ignore"):
        return np.where(case | (time > horizon), 1.0 / kept, 0.0)


def censoring_influence(time: Floats, event: Bools, horizon: float, terms: Floats) -> Floats:
    """Part of an influence function that is owed to estimating the censoring distribution.

    Parameters
    ----------
    time : ndarray of shape (n_patients,)
        Follow-up.
    event : ndarray of shape (n_patients,)
        Event indicators.
    horizon : float
        In the unit of ``time``.
    terms : ndarray of shape (n_patients,)
        Weighted term of each patient in the average, weight included.

    Returns
    -------
    ndarray of shape (n_patients,)
        To add to the influence function of the average.

    Notes
    -----
    The integral of h(u) over the martingale of censoring, h(u) being the sum of the terms of
    patients followed beyond u, divided by the number at risk, as in R's riskRegression: whoever has
    an event at u counts as at risk there.
    """
    order = np.argsort(time)
    ordered = time[order]
    times, censored = np.unique(time[~event & (time <= horizon)], return_counts=True)
    at_risk = time.size - np.searchsorted(ordered, times, "left")
    beyond = np.concatenate((np.cumsum(terms[order][::-1])[::-1], [0.0]))
    h = beyond[np.searchsorted(ordered, times, "right")] / at_risk
    compensator = np.concatenate(([0.0], np.cumsum(h * censored / at_risk)))
    passed = np.searchsorted(times, time, "right")
    out = -compensator[passed]
    own = ~event & (time <= horizon)
    out[own] += h[passed[own] - 1]
    return out

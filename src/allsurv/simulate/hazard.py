"""Hazards that are constant by pieces, learnt from events and smoothed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Hazard", "breslow_steps", "nelson_aalen_steps", "smooth_hazard"]

Floats = NDArray[np.float64]
_FEWEST_EVENTS = 5
_MOST_PIECES = 40


@dataclass(frozen=True, eq=False)
class Hazard:
    """A hazard that is constant by pieces.

    Attributes
    ----------
    times : ndarray of shape (n_knots,)
        Where pieces end; the first is 0.
    cumulative : ndarray of shape (n_knots,)
        Cumulative hazard there.
    beyond : float
        Hazard after the last knot; 0 where nothing happens any more.
    """

    times: Floats
    cumulative: Floats
    beyond: float

    def at(self, times: Floats) -> Floats:
        """Cumulative hazard.

        Parameters
        ----------
        times : ndarray
            In the study's unit.

        Returns
        -------
        ndarray
            Of the same shape.
        """
        inside = np.interp(times, self.times, self.cumulative)
        found: Floats = inside + self.beyond * np.maximum(times - self.times[-1], 0.0)
        return found

    def reached(self, cumulative: Floats) -> Floats:
        """Time at which a cumulative hazard is reached.

        Parameters
        ----------
        cumulative : ndarray
            Cumulative hazard.

        Returns
        -------
        ndarray
            Infinite where it never is.
        """
        inside = np.interp(cumulative, self.cumulative, self.times)
        rest = np.maximum(cumulative - self.cumulative[-1], 0.0)
        if self.beyond > 0:
            found: Floats = inside + rest / self.beyond
            return found
        return np.where(rest > 0, np.inf, inside)


def smooth_hazard(times: Floats, steps: Floats, *, end: float | None = None) -> Hazard:
    """Smooth the jumps of a cumulative hazard.

    Examples
    --------
    >>> smooth_hazard(np.array([1.0, 2.0]), np.array([0.1, 0.2])).at(np.array([2.0])).round(6)
    array([0.3])
    """
    if times.size == 0:
        return Hazard(np.zeros(1), np.zeros(1), 0.0)
    cumulative = np.cumsum(steps)
    stride = max(_FEWEST_EVENTS, -(-times.size // _MOST_PIECES))
    knots = np.append(np.arange(stride - 1, times.size - stride, stride), times.size - 1)
    last = np.append(times[knots][1:] > times[knots][:-1], True)
    knots = knots[last]
    at, values = times[knots], cumulative[knots]
    if end is None:
        start = times[0] * (1 - 1 / (times.size + 1))
        return Hazard(np.append([0.0, start], at), np.append([0.0, 0.0], values), 0.0)
    shape = Hazard(np.append(0.0, at), np.append(0.0, values), 0.0)
    late = np.array([2 / 3 * end])
    beyond = float((values[-1] - shape.at(late)[0]) / (end - late[0]))
    return Hazard(shape.times, shape.cumulative, max(beyond, values[-1] / end / 20))


def breslow_steps(
    start: Floats, stop: Floats, event: NDArray[np.bool_], weight: Floats
) -> tuple[Floats, Floats]:
    """Find the jumps of the cumulative baseline hazard of Breslow.

    Examples
    --------
    One of two at risk, then the last one, whose hazard is twice that of the baseline:

    >>> start, stop = np.zeros(2), np.array([1.0, 2.0])
    >>> breslow_steps(start, stop, np.array([True, True]), np.array([1.0, 2.0]))[1].round(4)
    array([0.3333, 0.5   ])
    """
    times, deaths = np.unique(stop[event], return_counts=True)
    return times, deaths / (_at_risk(stop, weight, times) - _at_risk(start, weight, times))


def _at_risk(stop: Floats, weight: Floats, times: Floats) -> Floats:
    order = np.argsort(stop)
    remaining = np.append(np.cumsum(weight[order][::-1])[::-1], 0.0)
    return remaining[np.searchsorted(stop[order], times, side="left")]


def nelson_aalen_steps(stop: Floats, event: NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """Find the jumps of the cumulative hazard of Nelson and Aalen."""
    return breslow_steps(np.zeros(stop.size), stop, event, np.ones(stop.size))

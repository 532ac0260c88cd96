"""How far another cohort of the same size would have moved a predicted survival."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from allsurv.errors import DisclosureError, ModelError
from allsurv.policy.rules import SMALLEST_GROUP

__all__ = ["FEWEST_REFITS", "Instability"]

Floats = NDArray[np.float64]
Steps = NDArray[np.intp]

_KNOTS = 9
FEWEST_REFITS = 10
"""Refits below which no interval is given."""


@dataclass(frozen=True, eq=False)
class Instability:
    r"""Interval of what refitted models say, as a function of the predicted survival.

    The whole pipeline is refitted on bootstrap samples of the cohort; for each patient of
    development the central part of the refits' predictions is taken, and smoothed over eleven
    patients of similar prediction. A new patient is given the interval of those like him. It says
    how arbitrary the prediction is, not how uncertain the patient's fate.

    Parameters
    ----------
    level : float
        Share of refits between the limits.
    n_resamples : int
        Refits that could be used.
    steps : ndarray of int of shape (n_times,)
        Positions on the time grid; the first is 0.
    survival : ndarray of shape (n_times, n_knots)
        Predicted survival, rising.
    below, above : ndarray of shape (n_times, n_knots)
        Distance of the limits from it; both at least 0.

    References
    ----------
    .. [1] Riley RD, Collins GS. Biom J. 2023;65(8):2200302. doi:10.1002/bimj.202200302
    """

    level: float
    n_resamples: int
    steps: Steps
    survival: Floats
    below: Floats
    above: Floats

    @classmethod
    def of(cls, survival: Floats, refits: Floats, steps: Steps, *, level: float) -> Instability:
        """Summarise the predictions of refits.

        Parameters
        ----------
        survival : ndarray of shape (n_patients, n_times)
            What the model itself predicts for the patients of development.
        refits : ndarray of shape (n_refits, n_patients, n_times)
            What the refits predict for the same patients; NaN where one does not reach.
        steps : ndarray of int of shape (n_times,)
            Positions on the time grid, rising, from 1.
        level : float
            Share of refits between the limits, in (0, 1).

        Returns
        -------
        Instability
            Of the times for which at least nine in ten refits speak.

        Raises
        ------
        DisclosureError
            If there are fewer than eleven patients.
        ModelError
            If fewer than ten refits speak of any time.

        Examples
        --------
        Nineteen refits that lie evenly up to 0.09 below and above the model:

        >>> survival = np.linspace(0.2, 0.8, 25)[:, None]
        >>> refits = survival + np.linspace(-0.09, 0.09, 19)[:, None, None]
        >>> band = Instability.of(survival, refits, np.array([12]), level=0.8)
        >>> [limit.round(3).tolist() for limit in band.limits(np.array([[0.5]]), np.array([12]))]
        [[[0.428]], [[0.572]]]
        """
        if len(survival) < SMALLEST_GROUP:
            raise DisclosureError(
                f"instability: {len(survival)} patients of development; fewer than "
                f"{SMALLEST_GROUP} would show single patients."
            )
        speaking = np.isfinite(refits).all(axis=1).sum(axis=0)
        usable = (speaking >= 0.9 * len(refits)) & (speaking >= FEWEST_REFITS)
        if not usable.any():
            raise ModelError(
                f"instability: at most {speaking.max(initial=0)} of {len(refits)} refits reach a "
                f"time; {FEWEST_REFITS} or more are needed. Ask for more refits."
            )
        tail = (1 - level) / 2
        low, high = np.nanquantile(refits[:, :, usable], [tail, 1 - tail], axis=0)
        knots = [
            _smooth(survival[:, k], low[:, j], high[:, j])
            for j, k in enumerate(np.flatnonzero(usable))
        ]
        start = np.tile(np.linspace(0.0, 1.0, _KNOTS), (1, 1)), np.zeros((1, _KNOTS))
        return cls(
            level=level,
            n_resamples=int(speaking[usable].min()),
            steps=np.concatenate([[0], steps[usable]]).astype(np.intp),
            survival=np.concatenate([start[0], [k[0] for k in knots]]),
            below=np.concatenate([start[1], [k[1] for k in knots]]),
            above=np.concatenate([start[1], [k[2] for k in knots]]),
        )

    def limits(self, survival: Floats, steps: Steps) -> tuple[Floats, Floats]:
        """Give the instability interval of predictions.

        Parameters
        ----------
        survival : ndarray of shape (n_patients, n_times)
            Predicted.
        steps : ndarray of int of shape (n_times,)
            Positions on the time grid.

        Returns
        -------
        lower, upper : ndarray of shape (n_patients, n_times)
            Probabilities around ``survival``; NaN at times beyond those of the refits.
        """
        lower, upper = np.full_like(survival, np.nan), np.full_like(survival, np.nan)
        for j, step in enumerate(steps):
            if step > self.steps[-1]:
                continue
            after = int(np.searchsorted(self.steps, step))
            before = max(after - 1, 0)
            gap = max(int(self.steps[after] - self.steps[before]), 1)
            share = (step - self.steps[before]) / gap if after else 0.0
            value = survival[:, j]
            lower[:, j] = value - self._between(self.below, value, before, after, share)
            upper[:, j] = value + self._between(self.above, value, before, after, share)
        return np.clip(lower, 0.0, 1.0), np.clip(upper, 0.0, 1.0)

    def _between(
        self, distance: Floats, value: Floats, before: int, after: int, share: float
    ) -> Floats:
        second = np.interp(value, self.survival[after], distance[after])
        if share == 1.0:
            found: Floats = second
            return found
        first = np.interp(value, self.survival[before], distance[before])
        return np.asarray((1 - share) * first + share * second)


def _smooth(survival: Floats, low: Floats, high: Floats) -> tuple[Floats, Floats, Floats]:
    """Average over windows of eleven patients of neighbouring predictions, at a few knots."""
    order = np.argsort(survival, kind="stable")
    windows = [
        np.lib.stride_tricks.sliding_window_view(values[order], SMALLEST_GROUP).mean(axis=1)
        for values in (survival, np.maximum(survival - low, 0), np.maximum(high - survival, 0))
    ]
    at = np.linspace(0, windows[0].size - 1, _KNOTS).round().astype(np.intp)
    return windows[0][at], windows[1][at], windows[2][at]

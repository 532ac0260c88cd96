"""The time grid on which a model keeps survival: no patient's exact time is on it."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from allsurv.errors import ModelError

__all__ = ["count_until", "grid_steps", "make_grid", "round_up"]

Floats = NDArray[np.float64]

_ROUNDING = 1e-9
"""Steps by which a time may miss a grid point and still be on it, as after a change of unit."""


def make_grid(time: Floats, step: float) -> Floats:
    """Lay the grid from 0 to the last step that follow-up reaches.

    Examples
    --------
    >>> make_grid(np.array([1.2, 3.9]), 1.0).tolist()
    [0.0, 1.0, 2.0, 3.0]
    """
    if not (np.isfinite(step) and step > 0):
        raise ModelError(f"grid: {step!r} is no step; give a positive number of time units.")
    last = int(np.floor(time.max() / step + _ROUNDING))
    if last < 1:
        raise ModelError(
            f"grid: one step of {step:g} is longer than follow-up ({time.max():g}); "
            "give a shorter step, or follow-up in the study's unit."
        )
    return step * np.arange(last + 1, dtype=float)


def round_up(time: Floats, step: float) -> Floats:
    """Move times up to the grid.

    Examples
    --------
    >>> round_up(np.array([0.2, 1.0, 1.2]), 1.0).tolist()
    [1.0, 1.0, 2.0]
    """
    return np.maximum(np.ceil(time / step - _ROUNDING), 1.0)


def count_until(sorted_time: Floats, grid: Floats) -> NDArray[np.intp]:
    """Count the times that are not later than each grid point.

    Examples
    --------
    >>> count_until(np.array([0.3, 0.6]), 0.1 * np.arange(4)).tolist()
    [0, 0, 0, 1]
    """
    found: NDArray[np.intp] = np.searchsorted(sorted_time, grid + _ROUNDING * grid[1], side="right")
    return found


def grid_steps(times: ArrayLike, grid: Floats, *, where: str) -> NDArray[np.intp]:
    """Find the grid points at which survival holds at given times.

    Examples
    --------
    >>> grid_steps([0, 0.9, 2.0], np.array([0.0, 1.0, 2.0]), where="times").tolist()
    [0, 0, 2]
    """
    try:
        asked = np.atleast_1d(np.asarray(times, dtype=float))
    except (TypeError, ValueError):
        raise ModelError(f"{where}: times are not numbers; give a list of times.") from None
    if asked.ndim != 1:
        raise ModelError(f"{where}: times have {asked.ndim} dimensions; give a list of times.")
    if not np.all(asked >= 0):
        raise ModelError(f"{where}: a time is negative or missing; give times of 0 or later.")
    steps = np.floor(asked / grid[1] + _ROUNDING)
    if np.any(steps >= grid.size):
        raise ModelError(
            f"{where}: time {asked.max():g} lies beyond the follow-up the model was fitted on; "
            f"the last time it can speak of is {grid[-1]:g}."
        )
    found: NDArray[np.intp] = steps.astype(np.intp)
    return found

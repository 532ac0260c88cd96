"""The baseline hazard of a risk score on the grid of a model."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from allsurv.riskmodel.grid import count_until
from allsurv.stats.cox.scores import breslow_steps

__all__ = ["breslow_hazard"]

Floats = NDArray[np.float64]


def breslow_hazard(score: Floats, time: Floats, event: NDArray[np.bool_], grid: Floats) -> Floats:
    """Estimate the cumulative hazard of a patient whose score is 0 at each point of a grid.

    Examples
    --------
    Two at risk at time 1, one at time 2: 1/2, then 1/2 + 1.

    >>> time, event = np.array([1.0, 2.0]), np.array([True, True])
    >>> breslow_hazard(np.zeros(2), time, event, np.array([0.0, 1.0, 2.0])).tolist()
    [0.0, 0.5, 1.5]
    """
    steps = breslow_steps(score, time, event)
    return steps.hazard[count_until(steps.time, grid)]

"""The reference without predictors: the same curve for everybody."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from allsurv.models.base import SurvivalModel
from allsurv.riskmodel.grid import count_until
from allsurv.riskmodel.mechanisms import Constant
from allsurv.stats.curves.nonparametric import kaplan_meier

__all__ = ["NullModel"]

Floats = NDArray[np.float64]


class NullModel(SurvivalModel):
    """Kaplan-Meier: what can be said of a patient of whom nothing is known.

    Every patient has risk score 0, and the survival of the whole cohort.

    Parameters
    ----------
    features : FeatureEncoder
        Without variables.
    grid : float, default=1.0
        Step of the time grid, in the study's unit.
    """

    family: ClassVar[str] = "null"

    def _learn(self, design: Floats, time: Floats, event: NDArray[np.bool_]) -> Constant:
        curve = kaplan_meier(time, event)
        steps = np.concatenate([[1.0], curve.survival])
        return Constant(steps[count_until(curve.time, self.times_)])

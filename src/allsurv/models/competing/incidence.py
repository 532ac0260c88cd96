"""The reference without predictors: the same risks for everybody."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from allsurv.features import FeatureEncoder
from allsurv.models.competing.base import CompetingModel
from allsurv.riskmodel.causes import CausesConstant
from allsurv.riskmodel.grid import count_until
from allsurv.stats.competing.incidence import cumulative_incidence

__all__ = ["IncidenceModel"]

Floats = NDArray[np.float64]
Causes = NDArray[np.intp]


class IncidenceModel(CompetingModel):
    """Cumulative incidence of each cause by Aalen and Johansen, the same for everybody.

    Parameters
    ----------
    features : FeatureEncoder
        Without variables.
    grid : float, default=1.0
        Step of the time grid, in the study's unit.
    causes : sequence of str, default=("1", "2")
        Names of the causes, in the order of their codes 1, 2, ...
    """

    family: ClassVar[str] = "incidence"

    def __init__(
        self, features: FeatureEncoder, *, grid: float = 1.0, causes: Sequence[str] = ("1", "2")
    ) -> None:
        super().__init__(features, grid=grid)
        self.causes = causes

    def _learn_causes(self, design: Floats, time: Floats, cause: Causes) -> CausesConstant:
        curves = cumulative_incidence(time, cause)
        steps = np.concatenate([np.zeros((len(self.causes), 1)), curves.incidence], axis=1)
        return CausesConstant(steps[:, count_until(curves.time, self.times_)])

"""A random forest of several causes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone

from allsurv.features import FeatureEncoder
from allsurv.models.competing.base import CompetingModel
from allsurv.models.forest import SurvivalForest
from allsurv.riskmodel.causes import CausesForest

__all__ = ["CompetingForest"]

Floats = NDArray[np.float64]
Causes = NDArray[np.intp]


class CompetingForest(CompetingModel):
    r"""Random survival forest whose splits look at all causes and whose leaves hold their risks.

    Parameters
    ----------
    model : SurvivalForest
        Its parameters: trees, leaves, terms tried.
    causes : sequence of str, default=("1", "2")
        Names of the causes, in the order of their codes 1, 2, ...

    Notes
    -----
    A split is judged by the sum over causes of the squared log-rank statistic that censors the
    others; a leaf holds the estimate of Aalen and Johansen [1]_. With one cause the trees are those
    of :class:`~allsurv.models.forest.SurvivalForest`.

    References
    ----------
    .. [1] Ishwaran H, et al. Biostatistics. 2014;15(4):757-773. doi:10.1093/biostatistics/kxu010
    """

    def __init__(self, model: SurvivalForest, *, causes: Sequence[str] = ("1", "2")) -> None:
        self.model = model
        self.causes = causes

    @property
    def family(self) -> str:  # type: ignore[override]
        """Name of the family in the catalogue."""
        return f"cause_{self.model.family}"

    @property
    def features(self) -> FeatureEncoder:
        """Features of the forest."""
        return self.model.features

    @property
    def grid(self) -> float:  # type: ignore[override]
        """Step of the time grid."""
        return self.model.grid

    def _learn_causes(self, design: Floats, time: Floats, cause: Causes) -> CausesForest:
        forest = clone(self.model)
        trees, steps = forest.grow(design, time, cause.astype(np.int64), len(self.causes))
        return CausesForest(trees, steps, np.array([self.times_.size]))

    def _needed(self, n_terms: int) -> int:
        return 1

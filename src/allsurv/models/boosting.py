"""Gradient boosting of the Cox partial likelihood."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from allsurv.features import FeatureEncoder
from allsurv.models.base import SurvivalModel
from allsurv.models.breslow import breslow_hazard
from allsurv.models.cox_loss import CoxBoosting
from allsurv.models.mechanisms import Boosted
from allsurv.models.trees import Trees
from allsurv.stats.outcome import make_y

__all__ = ["GradientBoosting"]

Floats = NDArray[np.float64]


class GradientBoosting(SurvivalModel):
    """Many small trees, each mending what the ones before leave unexplained.

    The defaults are for about a hundred patients: shallow trees, each grown on half of them.

    Parameters
    ----------
    features : FeatureEncoder
        Which variables enter and how.
    grid : float, default=1.0
        Step of the time grid, in the study's unit.
    n_estimators : int, default=100
        Stages.
    learning_rate : float, default=0.1
        Share of each tree that is taken.
    max_depth : int, default=2
        Splits from root to leaf, at most; 2 allows interactions of two variables.
    subsample : float, default=0.5
        Share of patients each tree is grown on, without replacement.
    min_samples_leaf : int, default=11
        Distinct patients in a leaf, at least. A model with fewer cannot be exported.
    max_features : {"sqrt", "log2"}, int, float or None, default=None
        Terms tried at a split; all by default.
    random_state : int, RandomState or None, default=None
        Draws subsamples and terms.

    Attributes
    ----------
    estimator_ : GradientBoostingSurvivalAnalysis
        The fitted scikit-survival model.
    """

    family: ClassVar[str] = "gbs"

    def __init__(
        self,
        features: FeatureEncoder,
        *,
        grid: float = 1.0,
        n_estimators: int = 100,
        learning_rate: float = 0.1,
        max_depth: int = 2,
        subsample: float = 0.5,
        min_samples_leaf: int = 11,
        max_features: str | int | float | None = None,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        super().__init__(features, grid=grid)
        self.n_estimators = n_estimators
        self.learning_rate = learning_rate
        self.max_depth = max_depth
        self.subsample = subsample
        self.min_samples_leaf = min_samples_leaf
        self.max_features = max_features
        self.random_state = random_state

    def _learn(self, design: Floats, time: Floats, event: NDArray[np.bool_]) -> Boosted:
        self.estimator_ = CoxBoosting(
            n_estimators=self.n_estimators,
            learning_rate=self.learning_rate,
            max_depth=self.max_depth,
            subsample=self.subsample,
            min_samples_leaf=self.min_samples_leaf,
            max_features=self.max_features,
            random_state=self.random_state,
        )
        self.estimator_.fit(design, make_y(time, event))
        trees = Trees.join(
            [
                {
                    "left": tree.children_left,
                    "right": tree.children_right,
                    "term": tree.feature,
                    "threshold": tree.threshold,
                    "n_patients": tree.n_node_samples,
                    "value": self.learning_rate * tree.value[:, 0, :],
                }
                for tree in (member.tree_ for member in self.estimator_.estimators_[:, 0])
            ]
        )
        score = Boosted(trees, np.zeros(1)).risk_score(design)
        return Boosted(trees, breslow_hazard(score, time, event, self.times_))

"""Random survival forest."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from sksurv.ensemble import RandomSurvivalForest

from allsurv.features import FeatureEncoder
from allsurv.models.base import SurvivalModel
from allsurv.models.grid import round_up
from allsurv.models.mechanisms import Forest
from allsurv.models.trees import Trees
from allsurv.stats.outcome import make_y

__all__ = ["SurvivalForest"]

Floats = NDArray[np.float64]


class SurvivalForest(SurvivalModel):
    """Random survival forest on a time grid, with leaves that hide the single patient.

    Follow-up is rounded up to the grid before trees are grown: survival at the grid's points is
    kept, the forest is smaller and faster, and no exact time is in it.

    Parameters
    ----------
    features : FeatureEncoder
        Which variables enter and how.
    grid : float, default=1.0
        Step of the time grid, in the study's unit.
    n_estimators : int, default=200
        Trees.
    min_samples_leaf : int, default=11
        Distinct patients in a leaf, at least. A forest with fewer cannot be exported.
    max_depth : int, optional
        Splits from root to leaf, at most.
    max_features : {"sqrt", "log2"}, int, float or None, default="sqrt"
        Terms tried at a split.
    max_samples : int, float or None, default=None
        Size of a tree's bootstrap sample; as many as there are patients by default.
    n_jobs : int, default=1
        Threads.
    random_state : int, RandomState or None, default=None
        Draws bootstrap samples and terms.

    Attributes
    ----------
    estimator_ : RandomSurvivalForest
        The fitted scikit-survival model; its times count steps of the grid.
    """

    family: ClassVar[str] = "rsf"

    def __init__(
        self,
        features: FeatureEncoder,
        *,
        grid: float = 1.0,
        n_estimators: int = 200,
        min_samples_leaf: int = 11,
        max_depth: int | None = None,
        max_features: str | int | float | None = "sqrt",
        max_samples: int | float | None = None,
        n_jobs: int = 1,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        super().__init__(features, grid=grid)
        self.n_estimators = n_estimators
        self.min_samples_leaf = min_samples_leaf
        self.max_depth = max_depth
        self.max_features = max_features
        self.max_samples = max_samples
        self.n_jobs = n_jobs
        self.random_state = random_state

    def _learn(self, design: Floats, time: Floats, event: NDArray[np.bool_]) -> Forest:
        self.estimator_ = RandomSurvivalForest(
            n_estimators=self.n_estimators,
            min_samples_leaf=self.min_samples_leaf,
            min_samples_split=2 * self.min_samples_leaf,
            max_depth=self.max_depth,
            max_features=self.max_features,
            max_samples=self.max_samples,
            n_jobs=self.n_jobs,
            random_state=self.random_state,
        )
        self.estimator_.fit(design, make_y(round_up(time, self.grid), event))
        counted = self.estimator_.is_event_time_
        trees = [
            {
                "left": tree.children_left,
                "right": tree.children_right,
                "term": tree.feature,
                "threshold": tree.threshold,
                "n_patients": tree.n_node_samples,
                "value": tree.value[:, counted, 0],
            }
            for tree in (member.tree_ for member in self.estimator_.estimators_)
        ]
        steps = self.estimator_.unique_times_[counted].astype(np.intp)
        return Forest(Trees.join(trees), steps)

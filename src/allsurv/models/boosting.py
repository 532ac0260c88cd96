"""Gradient boosting of the Cox partial likelihood, by trees or by single terms."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import check_random_state

from allsurv.features import FeatureEncoder
from allsurv.models.base import SurvivalModel
from allsurv.models.breslow import breslow_hazard
from allsurv.models.growing.grown import Limits, Outcome, make_buffers, take_trees
from allsurv.models.growing.levels import find_levels
from allsurv.models.settings import check_number, columns_tried
from allsurv.policy.rules import SMALLEST_GROUP
from allsurv.riskmodel.mechanisms import Boosted, Linear
from allsurv.riskmodel.trees import Trees

__all__ = ["ComponentwiseBoosting", "GradientBoosting"]

Floats = NDArray[np.float64]
Events = NDArray[np.bool_]


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

    Notes
    -----
    Given all patients and all terms, the trees are those of scikit-survival where no column has
    more than 256 distinct values [1]_; of a longer column neighbouring values share one of 256
    levels.

    References
    ----------
    .. [1] Ridgeway G. Comput Sci Stat. 1999;31:172-181.
    """

    family: ClassVar[str] = "gbs"
    path: ClassVar[str] = "n_estimators"
    software: ClassVar[tuple[str, ...]] = (*SurvivalModel.software, "numba")

    def __init__(
        self,
        features: FeatureEncoder,
        *,
        grid: float = 1.0,
        n_estimators: int = 100,
        learning_rate: float = 0.1,
        max_depth: int = 2,
        subsample: float = 0.5,
        min_samples_leaf: int = SMALLEST_GROUP,
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

    def _learn(self, design: Floats, time: Floats, event: Events) -> Boosted:
        trees = self._boost(design, time, event)
        score = Boosted(trees, np.zeros(1)).risk_score(design)
        return Boosted(trees, breslow_hazard(score, time, event, self.times_))

    def _score_path(
        self, design: Floats, time: Floats, event: Events, values: Sequence[float], new: Floats
    ) -> Floats:
        trees = self._boost(design, time, event, n_stages=int(max(values)))
        by_stage = trees.value[:, 0][trees.leaves(new)].cumsum(axis=1)
        return by_stage[:, np.asarray(values, dtype=np.intp) - 1].T

    def _boost(
        self, design: Floats, time: Floats, event: Events, n_stages: int | None = None
    ) -> Trees:
        from allsurv.models.growing.boosted_trees import boost_trees

        self._check()
        n_stages = int(self.n_estimators) if n_stages is None else n_stages
        n_drawn = max(1, int(self.subsample * len(design)))
        limits = Limits(
            columns_tried("GradientBoosting", self.max_features, design.shape[1]),
            int(self.min_samples_leaf),
            int(self.max_depth),
        )
        most_leaves = min(2**limits.deepest, max(1, n_drawn // limits.smallest))
        levels = find_levels(design)
        seed = check_random_state(self.random_state).randint(0, 2**31 - 1, 1).astype(np.uint64)
        room = make_buffers(n_stages, most_leaves, 1)
        boost_trees(
            levels,
            _in_time(time, event),
            float(self.learning_rate),
            n_drawn,
            limits,
            seed,
            room,
        )
        return take_trees([room])

    def _check(self) -> None:
        where = "GradientBoosting"
        check_number(where, "n_estimators", self.n_estimators, low=1, whole=True)
        check_number(where, "learning_rate", self.learning_rate, low=1e-6, high=1)
        check_number(where, "max_depth", self.max_depth, low=1, high=30, whole=True)
        check_number(where, "subsample", self.subsample, low=1e-6, high=1)
        check_number(where, "min_samples_leaf", self.min_samples_leaf, low=1, whole=True)


class ComponentwiseBoosting(SurvivalModel):
    """A linear score built in small steps, each along the term that explains most of what is left.

    Stopped early it keeps few terms, shrunk; what it learns is a Cox model's score.

    Parameters
    ----------
    features : FeatureEncoder
        Which variables enter and how.
    grid : float, default=1.0
        Step of the time grid, in the study's unit.
    n_estimators : int, default=100
        Steps.
    learning_rate : float, default=0.1
        Share of each step that is taken.

    Attributes
    ----------
    coef_ : ndarray of shape (n_terms,)
        Log hazard ratios per unit of each term of ``encoder_.terms_``; 0 where a term was never
        chosen.

    References
    ----------
    .. [1] Buehlmann P, Hothorn T. Stat Sci. 2007;22(4):477-505. doi:10.1214/07-STS242
    """

    family: ClassVar[str] = "cgbs"
    path: ClassVar[str] = "n_estimators"
    software: ClassVar[tuple[str, ...]] = (*SurvivalModel.software, "numba")

    def __init__(
        self,
        features: FeatureEncoder,
        *,
        grid: float = 1.0,
        n_estimators: int = 100,
        learning_rate: float = 0.1,
    ) -> None:
        super().__init__(features, grid=grid)
        self.n_estimators = n_estimators
        self.learning_rate = learning_rate

    def _learn(self, design: Floats, time: Floats, event: Events) -> Linear:
        self.coef_ = self._steps(design, time, event, int(self.n_estimators))[-1]
        hazard = breslow_hazard(design @ self.coef_, time, event, self.times_)
        return Linear(self.coef_, hazard)

    def _score_path(
        self, design: Floats, time: Floats, event: Events, values: Sequence[float], new: Floats
    ) -> Floats:
        path = self._steps(design, time, event, int(max(values)))
        return path[np.asarray(values, dtype=np.intp) - 1] @ new.T

    def _steps(self, design: Floats, time: Floats, event: Events, n_stages: int) -> Floats:
        from allsurv.models.growing.boosted_trees import boost_columns

        where = "ComponentwiseBoosting"
        check_number(where, "n_estimators", self.n_estimators, low=1, whole=True)
        check_number(where, "learning_rate", self.learning_rate, low=1e-6, high=1)
        centred = np.ascontiguousarray((design - design.mean(axis=0)).T)
        centred[np.ptp(design, axis=0) == 0] = 0.0
        path = np.zeros((n_stages, design.shape[1]))
        boost_columns(centred, _in_time(time, event), float(self.learning_rate), path)
        return path


def _in_time(time: Floats, event: Events) -> Outcome:
    """Find each patient's place among the distinct times, and the events at each of these."""
    distinct, position = np.unique(time, return_inverse=True)
    n_events = np.bincount(position[event], minlength=distinct.size).astype(float)
    return Outcome(position.astype(np.int64), event, n_events)

"""Random survival forest."""

from __future__ import annotations

from typing import ClassVar

import joblib
import numpy as np
from numpy.typing import NDArray
from sklearn.utils import check_random_state

from allsurv.features import FeatureEncoder
from allsurv.models.base import SurvivalModel
from allsurv.models.growing.grown import Limits, make_buffers, take_trees
from allsurv.models.growing.levels import find_levels
from allsurv.models.settings import check_number, check_room, columns_tried
from allsurv.policy.rules import SMALLEST_GROUP
from allsurv.riskmodel.grid import round_up
from allsurv.riskmodel.mechanisms import Forest, Mechanism
from allsurv.riskmodel.trees import Trees

__all__ = ["SurvivalForest"]

Floats = NDArray[np.float64]

_ANY_DEPTH = 1_000_000
_CHUNK_BYTES = 50e6
_FEWEST_EVENTS = 1e-3  # expected events of a patient in whose leaves nobody died


class SurvivalForest(SurvivalModel):
    r"""Random survival forest on a time grid, with leaves that hide the single patient.

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
    bootstrap : bool, default=True
        Whether each tree has its own sample of patients.
    n_jobs : int, default=1
        Threads.
    random_state : int, RandomState or None, default=None
        Draws bootstrap samples and terms.

    Notes
    -----
    Trees split where the log-rank statistic is largest [1]_. Given the same sample and all terms
    at each split, a tree is that of scikit-survival, split for split, where no column has more
    than 256 distinct values; of a longer column neighbouring values share one of 256 levels.

    References
    ----------
    .. [1] Ishwaran H, et al. Ann Appl Stat. 2008;2(3):841-860. doi:10.1214/08-AOAS169
    """

    family: ClassVar[str] = "rsf"
    software: ClassVar[tuple[str, ...]] = (*SurvivalModel.software, "numba")

    def __init__(
        self,
        features: FeatureEncoder,
        *,
        grid: float = 1.0,
        n_estimators: int = 200,
        min_samples_leaf: int = SMALLEST_GROUP,
        max_depth: int | None = None,
        max_features: str | int | float | None = "sqrt",
        max_samples: int | float | None = None,
        bootstrap: bool = True,
        n_jobs: int = 1,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        super().__init__(features, grid=grid)
        self.n_estimators = n_estimators
        self.min_samples_leaf = min_samples_leaf
        self.max_depth = max_depth
        self.max_features = max_features
        self.max_samples = max_samples
        self.bootstrap = bootstrap
        self.n_jobs = n_jobs
        self.random_state = random_state

    def _learn(self, design: Floats, time: Floats, event: NDArray[np.bool_]) -> Forest:
        return Forest(*self.grow(design, time, event.astype(np.int64), 1))

    def grow(
        self, design: Floats, time: Floats, cause: NDArray[np.int64], n_causes: int
    ) -> tuple[Trees, NDArray[np.intp]]:
        """Grow trees for one cause or several.

        Parameters
        ----------
        design : ndarray of shape (n_patients, n_terms)
            Encoded patients.
        time : ndarray of shape (n_patients,)
            Follow-up.
        cause : ndarray of int64 of shape (n_patients,)
            0 where censored, 1 to ``n_causes`` for the cause of the event.
        n_causes : int
            How many causes there are.

        Returns
        -------
        trees : Trees
            Leaves hold cumulative hazards, cause after cause.
        event_steps : ndarray of int of shape (n_event_steps,)
            Points of the time grid they are of.
        """
        from allsurv.models.growing.survival_trees import grow_survival_trees

        n_drawn = self._check(len(design))
        deepest = _ANY_DEPTH if self.max_depth is None else int(self.max_depth)
        n_tried = columns_tried("SurvivalForest", self.max_features, design.shape[1])
        steps = round_up(time, self.grid)
        counted = np.unique(steps[cause > 0])
        rank = np.searchsorted(counted, steps, side="right")
        most_leaves = max(1, len(design) // self.min_samples_leaf)
        n_values = n_causes * counted.size
        self._check_room(most_leaves, n_values)
        levels = find_levels(design)
        seeds = check_random_state(self.random_state).randint(0, 2**31 - 1, self.n_estimators)
        size = int(np.clip(_CHUNK_BYTES // (8 * most_leaves * n_values), 1, seeds.size))
        chunks = [seeds[k : k + size].astype(np.uint64) for k in range(0, seeds.size, size)]
        buffers = [make_buffers(chunk.size, most_leaves, n_values) for chunk in chunks]
        limits = Limits(n_tried, int(self.min_samples_leaf), deepest)
        joblib.Parallel(n_jobs=self.n_jobs, require="sharedmem")(
            joblib.delayed(grow_survival_trees)(
                levels, rank, cause, n_causes, n_drawn, limits, mine, room
            )
            for mine, room in zip(chunks, buffers, strict=True)
        )
        return take_trees(buffers), counted.astype(np.intp)

    def _log_hazard(self, mechanism: Mechanism, design: Floats) -> Floats:
        return np.log(np.maximum(mechanism.risk_score(design), _FEWEST_EVENTS))

    def _check(self, n: int) -> int:
        """Hold the parameters against their ranges; give the size of a bootstrap sample."""
        where = "SurvivalForest"
        check_number(where, "n_estimators", self.n_estimators, low=1, whole=True)
        check_number(where, "min_samples_leaf", self.min_samples_leaf, low=1, whole=True)
        if self.max_depth is not None:
            check_number(where, "max_depth", self.max_depth, low=1, whole=True)
        if not self.bootstrap:
            return 0
        if self.max_samples is None:
            return n
        if isinstance(self.max_samples, float):
            check_number(where, "max_samples", self.max_samples, low=1 / n, high=1)
            return round(self.max_samples * n)
        check_number(where, "max_samples", self.max_samples, low=1, high=n, whole=True)
        return int(self.max_samples)

    def _check_room(self, most_leaves: int, n_times: int) -> None:
        # A leaf holds its curve twice while trees are put together; half of all patients go
        # into leaves larger than the smallest allowed.
        needed = 2.0 * 8 * self.n_estimators * most_leaves * n_times
        advice = (
            "take a coarser grid, a larger min_samples_leaf, fewer n_estimators or a subsample of "
            "patients by max_samples"
        )
        check_room("SurvivalForest.fit", needed, advice)

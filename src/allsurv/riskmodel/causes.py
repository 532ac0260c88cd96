"""How a fitted model turns a design into the risk of each of several causes.

Every mechanism here keeps one contract: at each point of the time grid the risks of all causes and
the probability of no event sum to 1; risks begin at 0 and never fall.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from allsurv.errors import RiskModelError
from allsurv.riskmodel.mechanisms import Mechanism
from allsurv.riskmodel.trees import Trees, require_array

__all__ = [
    "CAUSE_MECHANISMS",
    "CauseMechanism",
    "CausesBoosted",
    "CausesConstant",
    "CausesForest",
    "CausesLinear",
    "CausesSubdistribution",
]

Floats = NDArray[np.float64]
Steps = NDArray[np.intp]

_LARGEST = np.finfo(float).max / 1e6
"""Above all hazards that mean anything, and small enough to be summed over causes and times."""


class CauseMechanism(Mechanism):
    """From a design to the risk of each cause on the time grid.

    The risk score of a cause is the mean of its risk over the grid from the first step on: time
    lost to the cause, as a share of follow-up. That of a model is the score of its first cause.
    """

    @property
    @abstractmethod
    def n_causes(self) -> int:
        """Number of causes."""

    @abstractmethod
    def _risks(self, design: Floats) -> tuple[Floats, Floats]:
        """Give the risks of shape (n_causes, n_patients, n_steps), and the event-free share."""

    def incidence(self, design: Floats, steps: Steps) -> tuple[Floats, Floats]:
        """Give the risk of each cause, and the probability of no event, at steps of the grid."""
        risks = np.empty((self.n_causes, len(design), len(steps)))
        free = np.empty((len(design), len(steps)))
        for part in self._blocks(len(design)):
            risk, rest = self._risks(design[part])
            risks[:, part], free[part] = risk[..., steps], rest[:, steps]
        return risks, free

    def cause_scores(self, design: Floats) -> Floats:
        """Score patients for each cause, of shape (n_causes, n_patients); higher is worse."""
        scores = np.empty((self.n_causes, len(design)))
        for part in self._blocks(len(design)):
            scores[:, part] = self._risks(design[part])[0][..., 1:].mean(axis=2)
        return scores

    def _evaluate(self, design: Floats, steps: Steps) -> tuple[Floats, Floats]:
        risk, free = self._risks(design)
        return risk[0, :, 1:].mean(axis=1), free[:, steps]

    def _blocks(self, n_patients: int) -> list[slice]:
        size = 512  # patients whose risks of all causes at all steps are held at once
        return [slice(first, first + size) for first in range(0, n_patients, size)]


class _Hazards(CauseMechanism):
    r"""Proportional cause-specific hazards.

    Within a step of the grid the hazards of the causes are taken to keep their ratio, so that the
    event-free probability is :math:`S = \exp(-\sum_k \Lambda_k)` and a cause takes its share
    :math:`\Delta\Lambda_k / \sum_l \Delta\Lambda_l` of each fall of S.
    """

    hazard: Floats

    @property
    def n_causes(self) -> int:
        """Number of causes."""
        return int(self.hazard.shape[0])

    @abstractmethod
    def _scores(self, design: Floats) -> Floats:
        """Log hazard ratios of shape (n_patients, n_causes)."""

    def _risks(self, design: Floats) -> tuple[Floats, Floats]:
        with np.errstate(over="ignore"):
            ratio = np.minimum(np.exp(self._scores(design)), _LARGEST).T[:, :, None]
            rates = np.minimum(ratio * self._rises[:, None, :], _LARGEST)
        total = rates.sum(axis=0)
        free = np.exp(-np.cumsum(total, axis=1))
        before = np.concatenate([np.ones((len(design), 1)), free[:, :-1]], axis=1)
        rates /= np.where(total > 0, total, 1.0)
        return np.cumsum(rates * (before - free), axis=2), free

    @cached_property
    def _rises(self) -> Floats:
        return np.diff(self.hazard, axis=1, prepend=0.0)

    def _check_hazard(self, n_steps: int) -> None:
        shape = (self.hazard.shape[0] if self.hazard.ndim == 2 else 0, n_steps)
        require_array("hazard", self.hazard, shape=shape, rising=True)


@dataclass(frozen=True, eq=False)
class CausesLinear(_Hazards):
    """A Cox model of the hazard of each cause.

    Parameters
    ----------
    coef : ndarray of shape (n_causes, n_terms)
        Log hazard ratios per unit of each term.
    hazard : ndarray of shape (n_causes, n_steps)
        Cumulative cause-specific hazards on the grid where the score is 0; 0 at time 0.

    Examples
    --------
    Half fail, two of three of them from the first cause.

    >>> model = CausesLinear(np.zeros((2, 1)), np.log(2) * np.array([[0, 2 / 3], [0, 1 / 3]]))
    >>> risk, free = model.incidence(np.zeros((1, 1)), np.array([0, 1]))
    >>> risk.round(6).tolist(), free.round(6).tolist()
    ([[[0.0, 0.333333]], [[0.0, 0.166667]]], [[1.0, 0.5]])
    """

    kind: ClassVar[str] = "causes linear"
    coef: Floats
    hazard: Floats

    def _scores(self, design: Floats) -> Floats:
        found: Floats = np.einsum("ij,kj->ik", design, self.coef)
        return found

    def _check(self, n_terms: int, n_steps: int) -> None:
        self._check_hazard(n_steps)
        require_array("coef", self.coef, shape=(self.n_causes, n_terms))


@dataclass(frozen=True, eq=False)
class CausesBoosted(_Hazards):
    """Boosted trees of the hazard of each cause.

    Parameters
    ----------
    trees : Trees
        One per stage and cause; ``value`` has a column per cause, 0 in those of other causes.
    hazard : ndarray of shape (n_causes, n_steps)
        Cumulative cause-specific hazards on the grid where the score is 0; 0 at time 0.
    """

    kind: ClassVar[str] = "causes boosted"
    trees: Trees
    hazard: Floats

    def _scores(self, design: Floats) -> Floats:
        found: Floats = self.trees.value[self.trees.leaves(design)].sum(axis=1)
        return found

    def _check(self, n_terms: int, n_steps: int) -> None:
        self._check_hazard(n_steps)
        self.trees.check(n_terms, self.n_causes)


@dataclass(frozen=True, eq=False)
class CausesSubdistribution(CauseMechanism):
    r"""A Fine-Gray model of the incidence of each cause.

    Models of several causes, each fitted on its own, may promise more than 1 together. Then the
    risks of such a patient stop rising, in proportion, at the step at which nobody would be left.

    Parameters
    ----------
    coef : ndarray of shape (n_causes, n_terms)
        Log subdistribution hazard ratios per unit of each term.
    hazard : ndarray of shape (n_causes, n_steps)
        Cumulative subdistribution hazards on the grid where the score is 0; 0 at time 0.

    Examples
    --------
    Two causes that promise 0.8 each take half of what there is.

    >>> promised = -np.log(1 - 0.8)
    >>> model = CausesSubdistribution(np.zeros((2, 1)), np.array([[0, promised], [0, promised]]))
    >>> risk, free = model.incidence(np.zeros((1, 1)), np.array([1]))
    >>> risk.round(6).tolist(), free.round(6).tolist(), model.capped(np.zeros((1, 1))).tolist()
    ([[[0.5]], [[0.5]]], [[0.0]], [True])
    """

    kind: ClassVar[str] = "causes subdistribution"
    coef: Floats
    hazard: Floats

    @property
    def n_causes(self) -> int:
        """Number of causes."""
        return int(self.hazard.shape[0])

    def capped(self, design: Floats) -> NDArray[np.bool_]:
        """Tell of which patients the models of all causes promise more than 1 together."""
        return np.asarray(self._promised(design)[..., -1].sum(axis=0) > 1.0, dtype=bool)

    def _promised(self, design: Floats) -> Floats:
        with np.errstate(over="ignore"):
            ratio = np.minimum(np.exp(np.einsum("ij,kj->ki", design, self.coef)), _LARGEST)
            found: Floats = -np.expm1(-ratio[:, :, None] * self.hazard[:, None, :])
        return found

    def _risks(self, design: Floats) -> tuple[Floats, Floats]:
        promised = self._promised(design)
        total = promised.sum(axis=0)
        if not np.any(total[:, -1] > 1.0):
            return promised, 1.0 - total
        rises, taken = np.diff(promised, axis=2, prepend=0.0), np.minimum(total, 1.0)
        wanted, allowed = np.diff(total, prepend=0.0), np.diff(taken, prepend=0.0)
        share = np.divide(allowed, wanted, out=np.ones_like(wanted), where=wanted > allowed)
        return np.cumsum(rises * share, axis=2), 1.0 - taken

    def _check(self, n_terms: int, n_steps: int) -> None:
        shape = (self.hazard.shape[0] if self.hazard.ndim == 2 else 0, n_steps)
        require_array("hazard", self.hazard, shape=shape, rising=True)
        require_array("coef", self.coef, shape=(self.n_causes, n_terms))


@dataclass(frozen=True, eq=False)
class CausesForest(CauseMechanism):
    r"""A forest whose leaves hold the risk of each cause.

    Parameters
    ----------
    trees : Trees
        ``value`` holds, per leaf, the cumulative hazard of Nelson and Aalen of each cause at each
        of ``event_steps``, cause after cause.
    event_steps : ndarray of int of shape (n_event_steps,)
        Positions on the time grid at which an event of any cause was counted; rising.
    n_grid : ndarray of shape (1,)
        Points of the time grid.

    Notes
    -----
    Risks are the mean over trees of the leaf's estimate of Aalen and Johansen,
    :math:`\sum_{s \le t} S(s-) \Delta H_k(s)` with :math:`S = \prod (1 - \sum_k \Delta H_k)` [1]_.

    References
    ----------
    .. [1] Ishwaran H, et al. Biostatistics. 2014;15(4):757-773. doi:10.1093/biostatistics/kxu010
    """

    kind: ClassVar[str] = "causes forest"
    trees: Trees
    event_steps: Steps
    n_grid: Steps

    @property
    def n_causes(self) -> int:
        """Number of causes."""
        return int(self.trees.value.shape[1] // self.event_steps.size)

    def _risks(self, design: Floats) -> tuple[Floats, Floats]:
        return self._means(design, self._at(np.arange(int(self.n_grid[0]))))

    def incidence(self, design: Floats, steps: Steps) -> tuple[Floats, Floats]:
        """Give the risk of each cause, and the probability of no event, at steps of the grid."""
        risks = np.empty((self.n_causes, len(design), len(steps)))
        free = np.empty((len(design), len(steps)))
        for part in self._blocks(len(design)):
            risks[:, part], free[part] = self._means(design[part], self._at(steps))
        return risks, free

    def cause_scores(self, design: Floats) -> Floats:
        """Score patients for each cause, of shape (n_causes, n_patients); higher is worse."""
        mean: Floats = self._leaf_scores[self.trees.leaves(design)].mean(axis=1)
        return mean.T

    def _evaluate(self, design: Floats, steps: Steps) -> tuple[Floats, Floats]:
        return self.cause_scores(design)[0], self._means(design, self._at(steps))[1]

    def _at(self, steps: Steps) -> Steps:
        return np.searchsorted(self.event_steps, steps, side="right")

    def _means(self, design: Floats, at: Steps) -> tuple[Floats, Floats]:
        """Average the leaves of each patient at positions in the curves."""
        leaves = self.trees.leaves(design)
        curves = np.ascontiguousarray(self._curves[..., at].transpose(1, 0, 2))
        summed = np.zeros((len(design), *curves.shape[1:]))
        for of_tree in leaves.T:  # whole curves are added: they lie together in memory
            summed += curves[of_tree]
        means = summed.transpose(1, 0, 2) / leaves.shape[1]
        return means, np.maximum(1.0 - means.sum(axis=0), 0.0)

    @cached_property
    def _leaf_scores(self) -> Floats:
        """Mean risk over the grid, of shape (n_leaves, n_causes)."""
        last = np.arange(1, int(self.n_grid[0]))
        held = np.bincount(self._at(last), minlength=self.event_steps.size + 1) / last.size
        return np.asarray((self._curves @ held).T)

    @cached_property
    def _curves(self) -> Floats:
        """Risks of shape (n_causes, n_leaves, 1 + n_event_steps), at time 0 first."""
        n_leaves, n_steps = self.trees.value.shape[0], self.event_steps.size
        hazards = self.trees.value.reshape(n_leaves, self.n_causes, n_steps).transpose(1, 0, 2)
        rises = np.diff(hazards, axis=2, prepend=0.0)
        free = np.cumprod(np.clip(1.0 - rises.sum(axis=0), 0.0, 1.0), axis=1)
        before = np.concatenate([np.ones((n_leaves, 1)), free[:, :-1]], axis=1)
        risks = np.zeros((self.n_causes, n_leaves, n_steps + 1))
        np.cumsum(before * rises, axis=2, out=risks[..., 1:])
        return risks

    def _check(self, n_terms: int, n_steps: int) -> None:
        size = self.event_steps.size
        require_array("event_steps", self.event_steps, shape=(size,), rising=True, whole=True)
        require_array("n_grid", self.n_grid, shape=(1,), whole=True)
        if self.n_grid[0] != n_steps or (size and not self.event_steps[0] >= 0):
            raise RiskModelError("arrays.npz: 'event_steps' do not lie on the grid of times.")
        self.trees.check(n_terms, self.n_causes * self.event_steps.size)


@dataclass(frozen=True, eq=False)
class CausesConstant(CauseMechanism):
    """The same risks for everybody: the estimate of Aalen and Johansen.

    Parameters
    ----------
    curves : ndarray of shape (n_causes, n_steps)
        Risk of each cause on the grid; 0 at time 0.
    """

    kind: ClassVar[str] = "causes constant"
    curves: Floats

    @property
    def n_causes(self) -> int:
        """Number of causes."""
        return int(self.curves.shape[0])

    def _risks(self, design: Floats) -> tuple[Floats, Floats]:
        risks = np.repeat(self.curves[:, None, :], len(design), axis=1)
        return risks, np.maximum(1.0 - risks.sum(axis=0), 0.0)

    def _check(self, n_terms: int, n_steps: int) -> None:
        shape = (self.curves.shape[0] if self.curves.ndim == 2 else 0, n_steps)
        require_array("curves", self.curves, shape=shape, rising=True)


CAUSE_MECHANISMS: Mapping[str, type[CauseMechanism]] = {
    kind.kind: kind
    for kind in (
        CausesLinear,
        CausesBoosted,
        CausesSubdistribution,
        CausesForest,
        CausesConstant,
    )
}
"""Mechanisms of several causes by the name under which they are exported."""

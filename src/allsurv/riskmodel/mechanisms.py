"""How a fitted model turns a design into risk: arrays and arithmetic, nothing of its makers.

A mechanism is what is exported. A fitted model predicts through the same mechanism, so that the
exported model cannot answer differently.
"""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from allsurv.errors import RiskModelError
from allsurv.riskmodel.trees import Trees, require_array

__all__ = ["MECHANISMS", "Boosted", "Constant", "Forest", "Linear", "Mechanism"]

Floats = NDArray[np.float64]
Steps = NDArray[np.intp]

_BLOCK = 250_000
_SMALLEST_BLOCK = 256
_MANY_BLOCKS = 8
_ROUNDING = 1e-9
"""Numbers and patients held at once while patients are scored, and from when on in threads."""


def _require_hazard(hazard: Floats, n_steps: int) -> None:
    require_array("hazard", hazard, shape=(n_steps,), rising=True)
    if np.any(hazard < 0):
        raise RiskModelError("arrays.npz: 'hazard' is negative; export the model again.")


class Mechanism(ABC):
    """From a design to a risk score and survival on the time grid."""

    kind: ClassVar[str]

    def risk_score(self, design: Floats) -> Floats:
        """Score patients; higher is worse."""
        return self.score_and_survival(design, np.empty(0, dtype=np.intp))[0]

    def survival(self, design: Floats, steps: Steps) -> Floats:
        """Give survival at steps of the time grid."""
        return self.score_and_survival(design, steps)[1]

    def score_and_survival(self, design: Floats, steps: Steps) -> tuple[Floats, Floats]:
        """Give both at the price of one."""
        score = np.empty(len(design))
        survival = np.empty((len(design), len(steps)))

        def evaluate(part: slice) -> None:
            score[part], survival[part] = self._evaluate(design[part], steps)

        blocks = self._blocks(len(design))
        if len(blocks) < _MANY_BLOCKS:
            for part in blocks:
                evaluate(part)
        else:
            with ThreadPoolExecutor(os.cpu_count()) as threads:
                list(threads.map(evaluate, blocks))
        return score, survival

    @abstractmethod
    def _evaluate(self, design: Floats, steps: Steps) -> tuple[Floats, Floats]: ...

    @abstractmethod
    def _check(self, n_terms: int, n_steps: int) -> None: ...

    def check(self, n_terms: int, n_steps: int) -> None:
        """Make sure that the arrays fit each other and the rest of a risk model."""
        self._check(n_terms, n_steps)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Give everything the mechanism knows."""
        out: dict[str, NDArray[Any]] = {}
        for name, value in self._parts().items():
            out |= value.arrays() if isinstance(value, Trees) else {name: value}
        return out

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """Make the mechanism from its arrays."""
        names = [part.name for part in fields(cls)]  # type: ignore[arg-type]
        return cls(**{n: Trees.from_arrays(arrays) if n == "trees" else arrays[n] for n in names})

    def _parts(self) -> dict[str, Any]:
        return {part.name: getattr(self, part.name) for part in fields(self)}  # type: ignore[arg-type]

    def _blocks(self, n_patients: int) -> list[slice]:
        """Cut patients into blocks that stay in the processor's cache."""
        trees = self._parts().get("trees")
        size = max(_SMALLEST_BLOCK, _BLOCK // (1 if trees is None else trees.root.size))
        return [slice(first, first + size) for first in range(0, n_patients, size)]


class _Proportional(Mechanism):
    r"""Proportional hazards: :math:`S(t \mid x) = \exp(-H_0(t) e^{s(x)})`."""

    hazard: Floats

    @abstractmethod
    def _score(self, design: Floats) -> Floats: ...

    def _evaluate(self, design: Floats, steps: Steps) -> tuple[Floats, Floats]:
        score = self._score(design)
        with np.errstate(over="ignore"):
            return score, np.exp(-np.outer(np.exp(score), self.hazard[steps]))


@dataclass(frozen=True, eq=False)
class Linear(_Proportional):
    r"""Proportional hazards with a linear score: Cox and elastic-net Cox.

    Parameters
    ----------
    coef : ndarray of shape (n_terms,)
        Log hazard ratios per unit of each term.
    hazard : ndarray of shape (n_steps,)
        Cumulative hazard on the grid where the score is 0; 0 at time 0.

    Notes
    -----
    :math:`S(t \mid x) = \exp(-H_0(t) \exp(x^\top\beta))`.

    Examples
    --------
    A patient of score log 2 has the square of the baseline's survival.

    >>> model = Linear(np.array([np.log(2)]), np.array([0.0, -np.log(0.9)]))
    >>> model.survival(np.array([[0.0], [1.0]]), np.array([0, 1])).round(12).tolist()
    [[1.0, 0.9], [1.0, 0.81]]
    """

    kind: ClassVar[str] = "linear"
    coef: Floats
    hazard: Floats

    def _score(self, design: Floats) -> Floats:
        found: Floats = np.einsum("ij,j->i", design, self.coef)
        return found

    def _check(self, n_terms: int, n_steps: int) -> None:
        require_array("coef", self.coef, shape=(n_terms,))
        _require_hazard(self.hazard, n_steps)


@dataclass(frozen=True, eq=False)
class Boosted(_Proportional):
    """Proportional hazards with a score that is a sum over trees.

    Parameters
    ----------
    trees : Trees
        One per stage; ``value`` holds what each leaf contributes to the score.
    hazard : ndarray of shape (n_steps,)
        Cumulative hazard on the grid where the score is 0; 0 at time 0.
    """

    kind: ClassVar[str] = "boosted"
    trees: Trees
    hazard: Floats

    def _score(self, design: Floats) -> Floats:
        found: Floats = self.trees.value[:, 0][self.trees.leaves(design)].sum(axis=1)
        return found

    def _check(self, n_terms: int, n_steps: int) -> None:
        self.trees.check(n_terms, 1)
        _require_hazard(self.hazard, n_steps)


@dataclass(frozen=True, eq=False)
class Forest(Mechanism):
    r"""A random survival forest.

    Parameters
    ----------
    trees : Trees
        ``value`` holds, per leaf, the Nelson-Aalen cumulative hazard at each of ``event_steps``.
    event_steps : ndarray of int of shape (n_event_steps,)
        Positions on the time grid at which an event of development was counted; rising.

    Notes
    -----
    Survival is the mean over trees of the leaf's Kaplan-Meier estimate
    :math:`\prod (1 - \Delta H)`. The risk score is the mean over trees of the sum of the leaf's
    cumulative hazard over ``event_steps``: the number of events expected [1]_.

    References
    ----------
    .. [1] Ishwaran H, et al. Ann Appl Stat. 2008;2(3):841-860. doi:10.1214/08-AOAS169
    """

    kind: ClassVar[str] = "forest"
    trees: Trees
    event_steps: Steps

    def _evaluate(self, design: Floats, steps: Steps) -> tuple[Floats, Floats]:
        leaves = self.trees.leaves(design)
        at_steps = self._curves[np.searchsorted(self.event_steps, steps, side="right")]
        held = np.empty(leaves.shape)
        score, *survival = (
            np.take(values, leaves, out=held, mode="clip").mean(axis=1)  # no copy, as "raise" makes
            for values in (self._expected_events, *at_steps)
        )
        return score, np.array(survival).reshape(-1, len(design)).T

    def leaf_survival(self, steps: Steps) -> Floats:
        """Give the Kaplan-Meier estimate of every leaf."""
        return self._curves[np.searchsorted(self.event_steps, steps, side="right")].T

    @cached_property
    def _expected_events(self) -> Floats:
        found: Floats = self.trees.value.sum(axis=1)
        return found

    @cached_property
    def _curves(self) -> Floats:
        """Survival, one row at time 0 and at each of ``event_steps``, one column per leaf."""
        chance = 1.0 - np.diff(self.trees.value, axis=1, prepend=0.0)
        curves = np.cumprod(np.clip(chance, 0.0, 1.0), axis=1)
        curves = np.concatenate([np.ones((len(curves), 1)), curves], axis=1)
        return np.ascontiguousarray(curves.T)

    def _check(self, n_terms: int, n_steps: int) -> None:
        size = self.event_steps.size
        require_array("event_steps", self.event_steps, shape=(size,), rising=True, whole=True)
        self.trees.check(n_terms, size)
        # Follow-up is rounded up to the grid, which ends with the last whole step.
        if size and not 0 <= self.event_steps[0] <= self.event_steps[-1] <= n_steps:
            raise RiskModelError("arrays.npz: 'event_steps' lie beyond the grid of times.")
        if np.any(np.diff(self.trees.value, axis=1, prepend=0.0) < -_ROUNDING):
            raise RiskModelError("arrays.npz: 'tree_value' holds a hazard that falls.")


@dataclass(frozen=True, eq=False)
class Constant(Mechanism):
    """The same survival for everybody: the Kaplan-Meier curve.

    Parameters
    ----------
    curve : ndarray of shape (n_steps,)
        Survival on the grid; 1 at time 0.
    """

    kind: ClassVar[str] = "constant"
    curve: Floats

    def _evaluate(self, design: Floats, steps: Steps) -> tuple[Floats, Floats]:
        return np.zeros(len(design)), np.tile(self.curve[steps], (len(design), 1))

    def _check(self, n_terms: int, n_steps: int) -> None:
        require_array("curve", -self.curve, shape=(n_steps,), rising=True)
        if np.any((self.curve < 0) | (self.curve > 1)):
            raise RiskModelError("arrays.npz: 'curve' holds survival beyond 0 to 1.")


MECHANISMS: Mapping[str, type[Mechanism]] = {
    kind.kind: kind for kind in (Linear, Boosted, Forest, Constant)
}
"""Mechanisms by the name under which they are exported."""

"""How a fitted model turns a design into risk: arrays and arithmetic, nothing of its makers.

A mechanism is what is exported. A fitted model predicts through the same mechanism, so that the
exported model cannot answer differently.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from allsurv.models.trees import Trees

__all__ = ["MECHANISMS", "Boosted", "Constant", "Forest", "Linear", "Mechanism"]

Floats = NDArray[np.float64]
Arrays = Mapping[str, NDArray]

_CHUNK = 4_000_000
"""Numbers held at once while the leaves of a forest are averaged."""


class Mechanism(ABC):
    """From a design to a risk score and survival on the time grid."""

    family_of_arrays: ClassVar[str]

    @abstractmethod
    def risk_score(self, design: Floats) -> Floats:
        """Score patients; higher is worse.

        Parameters
        ----------
        design : ndarray of shape (n_patients, n_terms)
            Encoded patients.

        Returns
        -------
        ndarray of shape (n_patients,)
            Without unit.
        """

    @abstractmethod
    def survival(self, design: Floats, steps: NDArray[np.intp]) -> Floats:
        """Give survival at steps of the time grid.

        Parameters
        ----------
        design : ndarray of shape (n_patients, n_terms)
            Encoded patients.
        steps : ndarray of int of shape (n_times,)
            Positions on the grid; 0 is time 0.

        Returns
        -------
        ndarray of shape (n_patients, n_times)
            Probabilities.
        """

    def arrays(self) -> dict[str, NDArray]:
        """Give everything the mechanism knows.

        Returns
        -------
        dict of str to ndarray
            What :meth:`from_arrays` takes.
        """
        out: dict[str, NDArray] = {}
        for part in fields(self):  # type: ignore[arg-type]
            value = getattr(self, part.name)
            out |= value.arrays() if isinstance(value, Trees) else {part.name: value}
        return out

    @classmethod
    def from_arrays(cls, arrays: Arrays) -> Self:
        """Make the mechanism from its arrays.

        Parameters
        ----------
        arrays : mapping from str to ndarray
            As from :meth:`arrays`.

        Returns
        -------
        Mechanism
            Of this class.
        """
        values: dict[str, object] = {
            part.name: Trees.from_arrays(arrays) if part.name == "trees" else arrays[part.name]
            for part in fields(cls)  # type: ignore[arg-type]
        }
        return cls(**values)


def _proportional(score: Floats, hazard: Floats, steps: NDArray[np.intp]) -> Floats:
    with np.errstate(over="ignore"):
        return np.exp(-np.outer(np.exp(score), hazard[steps]))


@dataclass(frozen=True, eq=False)
class Linear(Mechanism):
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

    family_of_arrays: ClassVar[str] = "linear"
    coef: Floats
    hazard: Floats

    def risk_score(self, design: Floats) -> Floats:
        """Give the linear predictor.

        Parameters
        ----------
        design : ndarray of shape (n_patients, n_terms)
            Encoded patients.

        Returns
        -------
        ndarray of shape (n_patients,)
            Log hazard relative to a patient whose terms are all 0.
        """
        return np.einsum("ij,j->i", design, self.coef)

    def survival(self, design: Floats, steps: NDArray[np.intp]) -> Floats:
        """Give survival at steps of the time grid.

        Parameters
        ----------
        design : ndarray of shape (n_patients, n_terms)
            Encoded patients.
        steps : ndarray of int of shape (n_times,)
            Positions on the grid.

        Returns
        -------
        ndarray of shape (n_patients, n_times)
            Probabilities.
        """
        return _proportional(self.risk_score(design), self.hazard, steps)


@dataclass(frozen=True, eq=False)
class Boosted(Mechanism):
    """Proportional hazards with a score that is a sum over trees.

    Parameters
    ----------
    trees : Trees
        One per stage; the last column of ``value`` holds the contribution of each leaf.
    hazard : ndarray of shape (n_steps,)
        Cumulative hazard on the grid where the score is 0; 0 at time 0.
    """

    family_of_arrays: ClassVar[str] = "boosted"
    trees: Trees
    hazard: Floats

    def risk_score(self, design: Floats) -> Floats:
        """Sum the contributions of all stages.

        Parameters
        ----------
        design : ndarray of shape (n_patients, n_terms)
            Encoded patients.

        Returns
        -------
        ndarray of shape (n_patients,)
            Log hazard relative to score 0.
        """
        return self.trees.value[self.trees.leaves(design), 0].sum(axis=0)

    def survival(self, design: Floats, steps: NDArray[np.intp]) -> Floats:
        """Give survival at steps of the time grid.

        Parameters
        ----------
        design : ndarray of shape (n_patients, n_terms)
            Encoded patients.
        steps : ndarray of int of shape (n_times,)
            Positions on the grid.

        Returns
        -------
        ndarray of shape (n_patients, n_times)
            Probabilities.
        """
        return _proportional(self.risk_score(design), self.hazard, steps)


@dataclass(frozen=True, eq=False)
class Forest(Mechanism):
    r"""A random survival forest.

    Parameters
    ----------
    trees : Trees
        ``value`` holds, per leaf, the Nelson-Aalen cumulative hazard at each step of
        ``event_steps``.
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

    family_of_arrays: ClassVar[str] = "forest"
    trees: Trees
    event_steps: NDArray[np.intp]

    def risk_score(self, design: Floats) -> Floats:
        """Give the expected number of events.

        Parameters
        ----------
        design : ndarray of shape (n_patients, n_terms)
            Encoded patients.

        Returns
        -------
        ndarray of shape (n_patients,)
            Mean over trees.
        """
        total = self.trees.value.sum(axis=1)
        return total[self.trees.leaves(design)].mean(axis=0)

    def survival(self, design: Floats, steps: NDArray[np.intp]) -> Floats:
        """Give survival at steps of the time grid.

        Parameters
        ----------
        design : ndarray of shape (n_patients, n_terms)
            Encoded patients.
        steps : ndarray of int of shape (n_times,)
            Positions on the grid.

        Returns
        -------
        ndarray of shape (n_patients, n_times)
            Probabilities.
        """
        chance = 1.0 - np.diff(self.trees.value, axis=1, prepend=0.0)
        curve = np.cumprod(np.clip(chance, 0.0, 1.0), axis=1)
        curve = np.concatenate([np.ones((len(curve), 1)), curve], axis=1)
        at_steps = curve[:, np.searchsorted(self.event_steps, steps, side="right")]
        leaves = self.trees.leaves(design)
        out = np.empty((len(design), len(steps)))
        rows = max(1, _CHUNK // max(1, leaves.shape[0] * len(steps)))
        for first in range(0, len(design), rows):
            part = slice(first, first + rows)
            out[part] = at_steps[leaves[:, part]].mean(axis=0)
        return out


@dataclass(frozen=True, eq=False)
class Constant(Mechanism):
    """The same survival for everybody: the Kaplan-Meier curve.

    Parameters
    ----------
    curve : ndarray of shape (n_steps,)
        Survival on the grid; 1 at time 0.
    """

    family_of_arrays: ClassVar[str] = "constant"
    curve: Floats

    def risk_score(self, design: Floats) -> Floats:
        """Score everybody 0.

        Parameters
        ----------
        design : ndarray of shape (n_patients, n_terms)
            Not looked at.

        Returns
        -------
        ndarray of shape (n_patients,)
            Zeros.
        """
        return np.zeros(len(design))

    def survival(self, design: Floats, steps: NDArray[np.intp]) -> Floats:
        """Give survival at steps of the time grid.

        Parameters
        ----------
        design : ndarray of shape (n_patients, n_terms)
            Not looked at.
        steps : ndarray of int of shape (n_times,)
            Positions on the grid.

        Returns
        -------
        ndarray of shape (n_patients, n_times)
            Probabilities.
        """
        return np.tile(self.curve[steps], (len(design), 1))


MECHANISMS: Mapping[str, type[Mechanism]] = {
    kind.family_of_arrays: kind for kind in (Linear, Boosted, Forest, Constant)
}
"""Mechanisms by the name under which they are exported."""

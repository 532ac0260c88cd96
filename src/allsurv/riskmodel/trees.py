"""Decision trees as arrays: where patients go, and what the leaves hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from allsurv.errors import RiskModelError
from allsurv.riskmodel.leaf_masks import LeafMasks, make_leaf_masks

__all__ = ["Trees", "require_array"]

LEAF = -1

_MANY = 500
"""Patients from which on tables of masks pay for themselves."""


def require_array(
    name: str,
    array: NDArray[Any],
    *,
    shape: tuple[int, ...],
    rising: bool = False,
    whole: bool = False,
) -> None:
    """Refuse an array that cannot be what it is said to be."""
    kinds = "i" if whole else "f"
    fits = array.shape == shape and array.dtype.kind in kinds and bool(np.all(np.isfinite(array)))
    if not fits or (rising and np.any(np.diff(array) < 0)):
        raise RiskModelError(
            f"arrays.npz: '{name}' does not fit the model (shape {array.shape}, needed {shape}); "
            "export the model again."
        )


@dataclass(frozen=True, eq=False)
class Trees:
    """Many trees in one set of arrays; nodes of all trees are numbered through.

    Parameters
    ----------
    root : ndarray of int of shape (n_trees,)
        First node of each tree.
    left, right : ndarray of int of shape (n_nodes,)
        Next node where the term is at most the threshold, and where it is above; -1 at a leaf.
    term : ndarray of int of shape (n_nodes,)
        Column of the design that is asked; -1 at a leaf.
    threshold : ndarray of shape (n_nodes,)
        The design is rounded to single precision before it is compared, as scikit-learn does.
    n_patients : ndarray of int of shape (n_nodes,)
        Distinct patients of development in the node.
    leaf : ndarray of int of shape (n_nodes,)
        Row of ``value``; -1 where the node is no leaf.
    value : ndarray of shape (n_leaves, n_values)
        What a leaf holds.

    Examples
    --------
    >>> stump = Trees.join([{"left": [1, -1, -1], "right": [2, -1, -1], "term": [0, -1, -1],
    ...                      "threshold": [0.5, 0, 0], "n_patients": [22, 11, 11],
    ...                      "value": [[0.0], [-1.0], [1.0]]}])
    >>> stump.value[stump.leaves(np.array([[0.5], [0.6]]))].ravel().tolist()
    [-1.0, 1.0]
    """

    root: NDArray[np.int64]
    left: NDArray[np.int64]
    right: NDArray[np.int64]
    term: NDArray[np.int64]
    threshold: NDArray[np.float64]
    n_patients: NDArray[np.int64]
    leaf: NDArray[np.int64]
    value: NDArray[np.float64]

    def leaves(self, design: NDArray[np.float64]) -> NDArray[np.int64]:
        """Find the leaf each patient falls into."""
        single = design.astype(np.float32)
        if len(single) >= _MANY and self._masks is not None:
            return self._masks.leaves(single)
        return self._walk(single)

    def _walk(self, single: NDArray[np.float32]) -> NDArray[np.int64]:
        """Send every patient down every tree, all one level at a time."""
        n = len(single)
        node = np.tile(self.root, n)
        patient = np.repeat(np.arange(n), self.root.size)
        open_ = np.flatnonzero(self.left[node] != LEAF)
        while open_.size:
            at = node[open_]
            goes_left = single[patient[open_], self.term[at]] <= self.threshold[at]
            at = np.where(goes_left, self.left[at], self.right[at])
            node[open_] = at
            open_ = open_[self.left[at] != LEAF]
        return self.leaf[node].reshape(n, self.root.size)

    @cached_property
    def _masks(self) -> LeafMasks | None:
        ends = np.append(self.root[1:], self.left.size)
        return make_leaf_masks(
            [
                [self.bounds(int(node)) for node in range(first, last) if self.left[node] == LEAF]
                for first, last in zip(self.root, ends, strict=True)
            ]
        )

    def bounds(self, leaf_node: int) -> dict[int, tuple[float, float]]:
        """Say what is asked of a patient on the way to a leaf."""
        bounds: dict[int, tuple[float, float]] = {}
        child, above = leaf_node, int(self._parent[leaf_node])
        while above != LEAF:
            term, threshold = int(self.term[above]), float(self.threshold[above])
            low, high = bounds.get(term, (-np.inf, np.inf))
            if self.left[above] == child:
                bounds[term] = low, min(high, threshold)
            else:
                bounds[term] = max(low, threshold), high
            child, above = above, int(self._parent[above])
        return bounds

    @cached_property
    def _parent(self) -> NDArray[np.int64]:
        inner = np.flatnonzero(self.left != LEAF)
        parent = np.full(self.left.size, LEAF)
        parent[self.left[inner]] = inner
        parent[self.right[inner]] = inner
        return parent

    def check(self, n_terms: int, n_values: int) -> None:
        """Make sure that every patient reaches a leaf."""
        n = self.left.size
        for part in fields(self):
            shape: tuple[int, ...] = (n,)
            if part.name == "value":
                shape = (int((self.left == LEAF).sum()), n_values)
            elif part.name == "root":
                shape = (self.root.size,)
            whole = part.name not in ("threshold", "value")
            require_array(f"tree_{part.name}", getattr(self, part.name), shape=shape, whole=whole)
        inner = np.flatnonzero(self.left != LEAF)
        faults = {
            "root": self.root.size == 0
            or self.root[0] != 0
            or np.any(np.diff(self.root) <= 0)
            or self.root[-1] >= n,
            "n_patients": np.any(self.n_patients < 1),
            "left": np.any((self.left[inner] <= inner) | (self.left[inner] >= n)),
            "right": np.any((self.right[inner] <= inner) | (self.right[inner] >= n)),
            "term": np.any((self.term[inner] < 0) | (self.term[inner] >= n_terms)),
            "leaf": not np.array_equal(self.leaf[self.left == LEAF], np.arange(n - inner.size)),
        }
        for name, wrong in faults.items():
            if wrong:
                raise RiskModelError(
                    f"arrays.npz: 'tree_{name}' is no tree; export the model again."
                )

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Give all arrays under their exported names."""
        return {f"tree_{part.name}": getattr(self, part.name) for part in fields(self)}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """Take the trees out of exported arrays."""
        return cls(**{part.name: arrays[f"tree_{part.name}"] for part in fields(cls)})

    @classmethod
    def join(cls, trees: Sequence[Mapping[str, Any]]) -> Self:
        """Put single trees together."""
        sizes = [len(tree["left"]) for tree in trees]
        root = np.concatenate([[0], np.cumsum(sizes)[:-1]]).astype(np.int64)
        left, right = _stacked(trees, "left", np.int64), _stacked(trees, "right", np.int64)
        is_leaf = left == LEAF
        offset = np.repeat(root, sizes)
        return cls(
            root=root,
            left=np.where(is_leaf, LEAF, left + offset),
            right=np.where(is_leaf, LEAF, right + offset),
            term=np.where(is_leaf, LEAF, _stacked(trees, "term", np.int64)),
            threshold=np.where(is_leaf, 0.0, _stacked(trees, "threshold", np.float64)),
            n_patients=_stacked(trees, "n_patients", np.int64),
            leaf=np.where(is_leaf, np.cumsum(is_leaf) - 1, LEAF),
            value=_stacked(trees, "value", np.float64)[is_leaf],
        )


def _stacked(trees: Sequence[Mapping[str, Any]], name: str, kind: type) -> NDArray[Any]:
    return np.concatenate([np.asarray(tree[name], dtype=kind) for tree in trees])

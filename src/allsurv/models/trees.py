"""Decision trees as arrays: where patients go, and what the leaves hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

__all__ = ["Trees"]

LEAF = -1


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
        """Find the leaf each patient falls into.

        Parameters
        ----------
        design : ndarray of shape (n_patients, n_terms)
            Encoded patients.

        Returns
        -------
        ndarray of int of shape (n_trees, n_patients)
            Rows of ``value``.
        """
        single = design.astype(np.float32)
        n = len(single)
        node = np.repeat(self.root, n)
        patient = np.tile(np.arange(n), self.root.size)
        open_ = np.flatnonzero(self.left[node] != LEAF)
        while open_.size:
            at = node[open_]
            goes_left = single[patient[open_], self.term[at]] <= self.threshold[at]
            at = np.where(goes_left, self.left[at], self.right[at])
            node[open_] = at
            open_ = open_[self.left[at] != LEAF]
        return self.leaf[node].reshape(self.root.size, n)

    def arrays(self) -> dict[str, NDArray]:
        """Give all arrays under their exported names.

        Returns
        -------
        dict of str to ndarray
            Names start with ``tree_``.
        """
        return {f"tree_{part.name}": getattr(self, part.name) for part in fields(self)}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray]) -> Self:
        """Take the trees out of exported arrays.

        Parameters
        ----------
        arrays : mapping from str to ndarray
            As from :meth:`arrays`; others are ignored.

        Returns
        -------
        Trees
            Ready to use.
        """
        return cls(**{part.name: arrays[f"tree_{part.name}"] for part in fields(cls)})

    @classmethod
    def join(cls, trees: Sequence[Mapping[str, Any]]) -> Self:
        """Put single trees together.

        Parameters
        ----------
        trees : sequence of mapping
            Each with ``left``, ``right``, ``term``, ``threshold``, ``n_patients`` (one entry per
            node) and ``value`` (one row per node); nodes numbered from 0 within the tree.

        Returns
        -------
        Trees
            Values kept for leaves only.
        """
        sizes = [len(tree["left"]) for tree in trees]
        root = np.concatenate([[0], np.cumsum(sizes)[:-1]]).astype(np.int64)

        def stacked(name: str, kind: type) -> NDArray:
            return np.concatenate([np.asarray(tree[name], dtype=kind) for tree in trees])

        left, right = stacked("left", np.int64), stacked("right", np.int64)
        is_leaf = left == LEAF
        offset = np.repeat(root, sizes)
        return cls(
            root=root,
            left=np.where(is_leaf, LEAF, left + offset),
            right=np.where(is_leaf, LEAF, right + offset),
            term=np.where(is_leaf, LEAF, stacked("term", np.int64)),
            threshold=np.where(is_leaf, 0.0, stacked("threshold", np.float64)),
            n_patients=stacked("n_patients", np.int64),
            leaf=np.where(is_leaf, np.cumsum(is_leaf) - 1, LEAF),
            value=stacked("value", np.float64)[is_leaf],
        )

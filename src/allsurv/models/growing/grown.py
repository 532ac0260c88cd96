"""Space for trees while they grow in compiled code."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from allsurv.riskmodel.trees import LEAF, Trees

__all__ = ["Buffers", "Limits", "Outcome", "make_buffers", "take_trees"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


class Limits(NamedTuple):
    """How far trees grow.

    Attributes
    ----------
    n_tried : int
        Columns tried in each node.
    smallest : int
        Distinct patients a leaf holds at least.
    deepest : int
        Splits between the root and a leaf at most.
    """

    n_tried: int
    smallest: int
    deepest: int


class Outcome(NamedTuple):
    """Follow-up as boosting needs it.

    Attributes
    ----------
    position : ndarray of int64 of shape (n_patients,)
        Place of each patient's time among the distinct times.
    event : ndarray of bool of shape (n_patients,)
        Whether follow-up ended with the event.
    n_events : ndarray of shape (n_times,)
        Events at each distinct time.
    """

    position: Ints
    event: Bools
    n_events: Floats


class Buffers(NamedTuple):
    """Arrays that compiled code fills, tree after tree; nodes are numbered within their tree.

    Attributes
    ----------
    n_nodes : ndarray of int64 of shape (n_trees,)
        Nodes of each tree.
    left, right, term : ndarray of int64 of shape (n_trees * most_nodes,)
        As in ``Trees``.
    threshold : ndarray of shape (n_trees * most_nodes,)
        As in ``Trees``.
    size : ndarray of int64 of shape (n_trees * most_nodes,)
        Distinct patients.
    value : ndarray of shape (n_trees * most_leaves, n_values)
        One row per leaf, in the order of nodes.
    begin, end, depth, cut : ndarray of int64 of shape (most_nodes,)
        Of the tree that is growing: where a node's patients stand, how deep it is, the last level
        that goes left.
    """

    n_nodes: Ints
    left: Ints
    right: Ints
    term: Ints
    threshold: Floats
    size: Ints
    value: Floats
    begin: Ints
    end: Ints
    depth: Ints
    cut: Ints


def make_buffers(n_trees: int, most_leaves: int, n_values: int) -> Buffers:
    """Make space for trees."""
    most = 2 * most_leaves - 1
    left, right, term = (np.full(n_trees * most, LEAF, dtype=np.int64) for _ in range(3))
    begin, end, depth, cut = (np.zeros(most, dtype=np.int64) for _ in range(4))
    return Buffers(
        n_nodes=np.zeros(n_trees, dtype=np.int64),
        left=left,
        right=right,
        term=term,
        threshold=np.zeros(n_trees * most),
        size=np.zeros(n_trees * most, dtype=np.int64),
        value=np.empty((n_trees * most_leaves, n_values)),
        begin=begin,
        end=end,
        depth=depth,
        cut=cut,
    )


def take_trees(grown: list[Buffers]) -> Trees:
    """Put trees together."""
    n_nodes = np.concatenate([part.n_nodes for part in grown])
    filled = [int(part.n_nodes.sum()) for part in grown]
    root = np.concatenate([[0], np.cumsum(n_nodes)[:-1]]).astype(np.int64)
    left, right, term, threshold, size = (
        np.concatenate([getattr(part, name)[:n] for part, n in zip(grown, filled, strict=True)])
        for name in ("left", "right", "term", "threshold", "size")
    )
    is_leaf = term == LEAF
    offset = np.repeat(root, n_nodes)
    leaves = [
        part.value[: int((part.term[:n] == LEAF).sum())]
        for part, n in zip(grown, filled, strict=True)
    ]
    return Trees(
        root=root,
        left=np.where(is_leaf, LEAF, left + offset),
        right=np.where(is_leaf, LEAF, right + offset),
        term=term,
        threshold=threshold,
        n_patients=size,
        leaf=np.where(is_leaf, np.cumsum(is_leaf) - 1, LEAF),
        value=leaves[0].copy() if len(leaves) == 1 else np.concatenate(leaves),
    )

"""Fitted trees, seen with only some of a patient's variables known."""

from __future__ import annotations

from dataclasses import dataclass
from math import comb

import numpy as np
from numpy.typing import NDArray

from allsurv.explain.game import interactions_to_coalitions
from allsurv.models.trees import LEAF, Trees

__all__ = ["tree_coalitions", "tree_shap"]

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]

CHUNK = 1 << 22  # numbers held at once


def tree_shap(trees: Trees, leaf_value: Floats, design: Floats) -> tuple[Floats, Floats]:
    r"""Shapley values of a sum of trees, exact, in double precision.

    Parameters
    ----------
    trees : Trees
        The fitted trees; their values are summed.
    leaf_value : ndarray of shape (n_leaves, n_outputs)
        What each leaf adds to each output.
    design : ndarray of shape (n_patients, n_terms)
        Encoded patients.

    Returns
    -------
    values : ndarray of shape (n_patients, n_terms, n_outputs)
        What each term adds.
    base : ndarray of shape (n_outputs,)
        What is predicted of a patient of whom nothing is known.

    Notes
    -----
    Where a node asks for a term that is not known, both children count, by the number of their
    patients: path-dependent TreeSHAP [1]_. Seen from one leaf, a coalition A of known terms gives
    the leaf's value times :math:`\prod_{k \in A} s_k \prod_{k \notin A} r_k` over the terms asked
    on the way to it: :math:`s_k` is 1 if the patient meets all that is asked of term k, else 0, and
    :math:`r_k` the share of patients who go that way. The Shapley value of term j is

    .. math:: (s_j - r_j) \sum_m \frac{m!\,(d - 1 - m)!}{d!}
        \left[z^m\right] \prod_{k \ne j} (r_k + s_k z).

    References
    ----------
    .. [1] Lundberg SM, et al. Nat Mach Intell. 2020;2:56-67. doi:10.1038/s42256-019-0138-9

    Examples
    --------
    A stump: 1 above 0, reached by a quarter of the patients.

    >>> stump = Trees.join([{"left": [1, -1, -1], "right": [2, -1, -1], "term": [0, -1, -1],
    ...                      "threshold": [0, 0, 0], "n_patients": [4, 3, 1],
    ...                      "value": [[0.0], [0.0], [1.0]]}])
    >>> values, base = tree_shap(stump, stump.value, np.array([[0.5], [-0.5]]))
    >>> values.ravel().tolist(), base.tolist()
    ([0.75, -0.25], [0.25])
    """
    single, same = np.unique(design.astype(np.float32), axis=0, return_inverse=True)
    n_patients, n_terms = single.shape
    values = np.zeros((n_patients, n_terms, leaf_value.shape[1]))
    base = np.zeros(leaf_value.shape[1])
    for paths in _paths(trees):
        added = leaf_value[paths.leaf]
        base += paths.ratio.prod(axis=1) @ added
        n_leaves, depth = paths.term.shape
        if depth == 0:
            continue
        rows = max(1, CHUNK // (n_leaves * max(depth * depth, n_terms)))
        for first in range(0, n_patients, rows):
            part = slice(first, first + rows)
            share = paths.shares(single[part])
            spread = np.zeros((len(share), n_terms, n_leaves))
            spread[:, paths.term, np.arange(n_leaves)[:, None]] = share
            values[part] += spread @ added
    return values[same.ravel()], base


@dataclass(frozen=True, eq=False)
class _Paths:
    """Ways to leaves that ask for equally many terms, each bounded from below and above."""

    leaf: Ints
    term: Ints
    low: Floats
    high: Floats
    ratio: Floats

    def shares(self, single: NDArray[np.float32]) -> Floats:
        """Shapley value of each term, in units of the leaf: (n_patients, n_leaves, depth)."""
        depth = self.term.shape[1]
        asked = single[:, self.term]
        met = ((asked > self.low) & (asked <= self.high)).astype(float)
        weight = [1 / (depth * comb(depth - 1, m)) for m in range(depth)]
        shares = np.empty_like(met)
        for j in range(depth):
            coefficients = [np.ones(met.shape[:2])]
            for k in (k for k in range(depth) if k != j):
                low = [c * self.ratio[:, k] for c in coefficients] + [0.0]
                high = [0.0] + [c * met[:, :, k] for c in coefficients]
                coefficients = [a + b for a, b in zip(low, high, strict=True)]
            total = sum(w * c for w, c in zip(weight, coefficients, strict=True))
            shares[:, :, j] = (met[:, :, j] - self.ratio[:, j]) * total
        return shares


def _paths(trees: Trees) -> list[_Paths]:
    inner = np.flatnonzero(trees.left != LEAF)
    parent = np.full(trees.left.size, LEAF)
    parent[trees.left[inner]] = inner
    parent[trees.right[inner]] = inner
    found: dict[int, list[tuple[int, dict[int, list[float]]]]] = {}
    for node in np.flatnonzero(trees.left == LEAF):
        bounds: dict[int, list[float]] = {}
        child, above = int(node), int(parent[node])
        while above != LEAF:
            low_high_ratio = bounds.setdefault(int(trees.term[above]), [-np.inf, np.inf, 1.0])
            threshold = float(trees.threshold[above])
            if trees.left[above] == child:
                low_high_ratio[1] = min(low_high_ratio[1], threshold)
            else:
                low_high_ratio[0] = max(low_high_ratio[0], threshold)
            low_high_ratio[2] *= trees.n_patients[child] / trees.n_patients[above]
            child, above = above, int(parent[above])
        found.setdefault(len(bounds), []).append((int(trees.leaf[node]), bounds))
    paths = []
    for depth, leaves in found.items():
        table = np.array([list(b.values()) for _, b in leaves]).reshape(len(leaves), depth, 3)
        paths.append(
            _Paths(
                leaf=np.array([leaf for leaf, _ in leaves], dtype=np.intp),
                term=np.array([list(b) for _, b in leaves], dtype=np.intp).reshape(
                    len(leaves), depth
                ),
                low=table[:, :, 0],
                high=table[:, :, 1],
                ratio=table[:, :, 2],
            )
        )
    return paths


def tree_coalitions(
    trees: Trees, leaf_value: Floats, design: Floats, coalition_of: Ints, n_variables: int
) -> Floats:
    r"""Sum of trees for every coalition of known variables.

    Where a node asks for a variable that is not known, both children count, by the number of their
    patients: the expectation of path-dependent TreeSHAP [1]_.

    Parameters
    ----------
    trees : Trees
        The fitted trees; their values are summed.
    leaf_value : ndarray of shape (n_leaves,)
        What each leaf adds.
    design : ndarray of shape (n_patients, n_terms)
        Encoded patients.
    coalition_of : ndarray of int of shape (n_terms,)
        Number of the smallest coalition in which a term is known.
    n_variables : int
        Number of variables.

    Returns
    -------
    ndarray of shape (2 ** n_variables, n_patients)
        In the order of the coalitions' numbers.

    Notes
    -----
    A tree depends on the few variables it asks for. Its values over their coalitions are turned
    into what each coalition adds to its parts, added up over trees, and summed once at the end.

    References
    ----------
    .. [1] Lundberg SM, et al. Nat Mach Intell. 2020;2:56-67. doi:10.1038/s42256-019-0138-9

    Examples
    --------
    A stump: 1 above 0, reached by a quarter of the patients. Unknown, it is 1/4.

    >>> stump = Trees.join([{"left": [1, -1, -1], "right": [2, -1, -1], "term": [0, -1, -1],
    ...                      "threshold": [0, 0, 0], "n_patients": [4, 3, 1],
    ...                      "value": [[0.0], [0.0], [1.0]]}])
    >>> tree_coalitions(stump, stump.value[:, 0], np.array([[0.5]]), np.array([1]), 1).tolist()
    [[0.25], [1.0]]
    """
    single = design.astype(np.float32)
    added = np.zeros((1 << n_variables, len(design)))
    ends = np.append(trees.root[1:], trees.left.size)
    for first, last in zip(trees.root, ends, strict=True):
        asked = trees.term[first:last]
        involved = int(np.bitwise_or.reduce(coalition_of[asked[asked >= 0]], initial=0))
        used = np.flatnonzero(involved >> np.arange(n_variables) & 1)
        needed = (coalition_of[:, None] >> used & 1) @ (1 << np.arange(used.size))
        walk = _Walk(trees, leaf_value, single, needed)
        local = np.array([walk.expect(int(first), a) for a in range(1 << used.size)])
        for k in range(used.size):
            pairs = local.reshape(-1, 2, 1 << k, len(design))
            pairs[:, 1] -= pairs[:, 0]
        bits = (np.arange(1 << used.size)[:, None] >> np.arange(used.size)) & 1
        added[(bits << used).sum(axis=1, dtype=np.intp)] += local
    return interactions_to_coalitions(added)


class _Walk:
    """One tree, walked by all patients at once with the variables of a coalition known."""

    def __init__(
        self, trees: Trees, leaf_value: Floats, single: NDArray[np.float32], needed: Ints
    ) -> None:
        self.trees, self.leaf_value, self.single = trees, leaf_value, single
        self.needed = needed

    def expect(self, node: int, coalition: int) -> Floats:
        trees = self.trees
        left, right = int(trees.left[node]), int(trees.right[node])
        if left == LEAF:
            return np.full(len(self.single), self.leaf_value[trees.leaf[node]])
        term = int(trees.term[node])
        below, above = self.expect(left, coalition), self.expect(right, coalition)
        if coalition & self.needed[term] == self.needed[term]:
            return np.where(self.single[:, term] <= trees.threshold[node], below, above)
        share = trees.n_patients[left] / trees.n_patients[node]
        return share * below + (1 - share) * above

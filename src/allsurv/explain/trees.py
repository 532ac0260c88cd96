"""Fitted trees, seen with only some of a patient's variables known."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from allsurv.explain.game import interactions_to_coalitions
from allsurv.models.trees import LEAF, Trees

__all__ = ["as_shap", "tree_coalitions"]

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]


def as_shap(trees: Trees, leaf_value: Floats) -> dict[str, Any]:
    """Give trees in the form that ``shap.TreeExplainer`` takes.

    Parameters
    ----------
    trees : Trees
        The fitted trees.
    leaf_value : ndarray of shape (n_leaves, n_outputs)
        What each leaf adds to the output; trees are summed.

    Returns
    -------
    dict
        One dict of arrays per tree under ``trees``. Leaf values are in C order, since shap reads
        any other order wrongly and without a word.
    """
    ends = np.append(trees.root[1:], trees.left.size)
    forms = []
    for first, last in zip(trees.root, ends, strict=True):
        nodes = slice(int(first), int(last))
        is_leaf = trees.left[nodes] == LEAF
        value = np.zeros((is_leaf.size, leaf_value.shape[1]))
        value[is_leaf] = leaf_value[trees.leaf[nodes][is_leaf]]
        left = np.where(is_leaf, LEAF, trees.left[nodes] - first).astype(np.int32)
        right = np.where(is_leaf, LEAF, trees.right[nodes] - first).astype(np.int32)
        forms.append(
            {
                "children_left": left,
                "children_right": right,
                "children_default": left,
                "features": trees.term[nodes].astype(np.int32),
                "thresholds": np.ascontiguousarray(trees.threshold[nodes]),
                "values": np.ascontiguousarray(value),
                "node_sample_weight": trees.n_patients[nodes].astype(np.float64),
            }
        )
    return {"trees": forms, "internal_dtype": np.float64, "input_dtype": np.float64}


def tree_coalitions(
    trees: Trees, leaf_value: Floats, design: Floats, variable_of: Ints, n_variables: int
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
    variable_of : ndarray of int of shape (n_terms,)
        Variable each term belongs to; all terms of a variable are known, or none.
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
    >>> tree_coalitions(stump, stump.value[:, 0], np.array([[0.5]]), np.array([0]), 1).tolist()
    [[0.25], [1.0]]
    """
    single = design.astype(np.float32)
    added = np.zeros((1 << n_variables, len(design)))
    ends = np.append(trees.root[1:], trees.left.size)
    for first, last in zip(trees.root, ends, strict=True):
        asked = trees.term[first:last]
        used = np.unique(variable_of[asked[asked >= 0]])
        position = {int(variable): k for k, variable in enumerate(used)}
        walk = _Walk(trees, leaf_value, single, variable_of, position)
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
        self,
        trees: Trees,
        leaf_value: Floats,
        single: NDArray[np.float32],
        variable_of: Ints,
        position: dict[int, int],
    ) -> None:
        self.trees, self.leaf_value, self.single = trees, leaf_value, single
        self.variable_of, self.position = variable_of, position

    def expect(self, node: int, coalition: int) -> Floats:
        trees = self.trees
        left, right = int(trees.left[node]), int(trees.right[node])
        if left == LEAF:
            return np.full(len(self.single), self.leaf_value[trees.leaf[node]])
        term = int(trees.term[node])
        below, above = self.expect(left, coalition), self.expect(right, coalition)
        if coalition >> self.position[int(self.variable_of[term])] & 1:
            return np.where(self.single[:, term] <= trees.threshold[node], below, above)
        share = trees.n_patients[left] / trees.n_patients[node]
        return share * below + (1 - share) * above

"""Fitted trees, seen with only some of a patient's variables known."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from allsurv.explain.game import interactions_to_coalitions
from allsurv.explain.paths import paths_of
from allsurv.riskmodel.trees import LEAF, Trees

__all__ = ["tree_coalitions", "tree_shap"]

Floats = NDArray[np.float64]

PATHS, PATIENTS = 64, 256  # looked at together: what is computed of them stays in the cache


def tree_shap(
    trees: Trees, leaf_value: Floats, design: Floats, owners: NDArray[np.bool_]
) -> tuple[Floats, Floats]:
    r"""Shapley values of a sum of trees, exact, in double precision.

    Notes
    -----
    Where a node asks for a term that is not known, both children count, by the number of their
    patients: path-dependent TreeSHAP [1]_, the players being variables. Seen from one leaf, a
    coalition A of known variables gives the leaf's value times
    :math:`\prod_{k \in A} s_k \prod_{k \notin A} r_k` over the variables asked on the way to it:
    :math:`s_k` is 1 if the patient meets all that is asked of variable k, else 0, and :math:`r_k`
    the share of patients who go that way. The Shapley value of variable j is

    .. math:: (s_j - r_j) \sum_m \frac{m!\,(d - 1 - m)!}{d!}
        \left[z^m\right] \prod_{k \ne j} (r_k + s_k z).

    The sum over m is an integral that :meth:`allsurv.explain.paths.Paths.shares` evaluates exactly.
    A way that asks for products is a sum of such: :func:`allsurv.explain.paths.paths_of`.

    References
    ----------
    .. [1] Lundberg SM, et al. Nat Mach Intell. 2020;2:56-67. doi:10.1038/s42256-019-0138-9

    Examples
    --------
    A stump: 1 above 0, reached by a quarter of the patients.

    >>> stump = Trees.join([{"left": [1, -1, -1], "right": [2, -1, -1], "term": [0, -1, -1],
    ...                      "threshold": [0, 0, 0], "n_patients": [4, 3, 1],
    ...                      "value": [[0.0], [0.0], [1.0]]}])
    >>> patients = np.array([[0.5], [-0.5]])
    >>> values, base = tree_shap(stump, stump.value, patients, np.array([[True]]))
    >>> values.ravel().tolist(), base.tolist()
    ([0.75, -0.25], [0.25])

    The same, asking for the product of two variables: they share equally.

    >>> tree_shap(stump, stump.value, patients, np.array([[True, True]]))[0][:, :, 0].tolist()
    [[0.375, 0.375], [-0.125, -0.125]]
    """
    single, same = np.unique(design.astype(np.float32), axis=0, return_inverse=True)
    columns = np.ascontiguousarray(single.T, dtype=float)
    values = np.zeros((owners.shape[1], leaf_value.shape[1], len(single)))
    base = np.zeros(leaf_value.shape[1])
    for paths in paths_of(trees, owners, PATHS):
        added = leaf_value[paths.leaf] * paths.weight[:, None]
        depth = paths.variable.shape[1]
        if depth == paths.ratio.shape[1]:
            base += paths.ratio.prod(axis=1) @ added
        if depth == 0:
            continue
        players = [(k, *np.nonzero(paths.variable == k)) for k in np.unique(paths.variable)]
        for first in range(0, len(single), PATIENTS):
            part = slice(first, first + PATIENTS)
            share = paths.shares(columns[:, part])
            for variable, path, column in players:
                values[variable, :, part] += added[path].T @ share[path, column]
    return values.transpose(2, 0, 1)[same.ravel()], base


def tree_coalitions(
    trees: Trees, leaf_value: Floats, design: Floats, owners: NDArray[np.bool_]
) -> Floats:
    r"""Sum of trees for every coalition of known variables.

    Where a node asks for a term that is not known, both children count, by the number of their
    patients: the expectation of path-dependent TreeSHAP [1]_.

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
    >>> tree_coalitions(stump, stump.value[:, 0], np.array([[0.5]]), np.array([[True]])).tolist()
    [[0.25], [1.0]]
    """
    single = design.astype(np.float32)
    added = np.zeros((1 << owners.shape[1], len(design)))
    ends = np.append(trees.root[1:], trees.left.size)
    for first, last in zip(trees.root, ends, strict=True):
        asked = np.unique(trees.term[first:last])
        asked = asked[asked >= 0]
        used = np.flatnonzero(owners[asked].any(axis=0))
        needed = (owners[asked][:, used] << np.arange(used.size)).sum(axis=1, dtype=np.intp)
        walk = _Walk(
            trees, leaf_value, single, dict(zip(asked.tolist(), needed.tolist(), strict=True))
        )
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
        needed: dict[int, int],
    ) -> None:
        self.trees, self.leaf_value, self.single, self.needed = trees, leaf_value, single, needed

    def expect(self, node: int, coalition: int) -> Floats:
        trees = self.trees
        left, right = int(trees.left[node]), int(trees.right[node])
        if left == LEAF:
            return np.full(len(self.single), self.leaf_value[trees.leaf[node]])
        term = int(trees.term[node])
        below, above = self.expect(left, coalition), self.expect(right, coalition)
        if self.needed[term] & ~coalition == 0:
            return np.where(self.single[:, term] <= trees.threshold[node], below, above)
        share = trees.n_patients[left] / trees.n_patients[node]
        found: Floats = share * below + (1 - share) * above
        return found

"""Nodes of a tree that is growing, numbered level by level, in compiled code.

What survival trees and boosted trees share. Each has a loop of its own over the nodes, ``_grow``,
because what happens in a node has nothing in common but its place: one counts patients at risk and
keeps the best order of patients, the other sums residuals by level and divides by a cut; a leaf is
a curve in one and a number in the other. Compiled code could take the two steps as arguments, but
numba finds code that takes functions again in no other process: each would compile for seconds.
"""

from __future__ import annotations

from allsurv.models.growing.compiled import compiled
from allsurv.models.growing.grown import Buffers

__all__ = ["LEAF", "add_children", "open_root"]

LEAF = -1


@compiled
def open_root(out: Buffers, n_members: int) -> None:
    """Begin a tree with all its patients in one node."""
    out.begin[0], out.end[0], out.depth[0] = 0, n_members, 0


@compiled
def add_children(out: Buffers, node: int, here: int, n_made: int, n_left: int) -> int:
    """Divide a node's patients between two new ones, the first to the left; count all nodes.

    ``node`` is the number among all trees, ``here`` that within the tree: 5 patients of whom 2 go
    left are ``members[0:5]``, then ``members[0:2]`` and ``members[2:5]``.
    """
    middle = out.begin[here] + n_left
    out.left[node], out.right[node] = n_made, n_made + 1
    out.begin[n_made], out.end[n_made] = out.begin[here], middle
    out.begin[n_made + 1], out.end[n_made + 1] = middle, out.end[here]
    out.depth[n_made] = out.depth[n_made + 1] = out.depth[here] + 1
    return n_made + 2

"""Boosting of the Cox partial likelihood, in compiled code.

The gradient takes one pass over patients in the order of time; a tree compares all values of a
column in one pass over sums by level.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from allsurv.models.growing.compiled import compiled, draw_to_front
from allsurv.models.growing.grown import Buffers, Limits, Outcome
from allsurv.models.growing.levels import Levels
from allsurv.models.growing.nodes import LEAF, add_children, open_root

__all__ = ["boost_columns", "boost_trees", "cox_residuals"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Codes = NDArray[np.uint8]


class Work(NamedTuple):
    """Arrays that are filled anew in each node.

    Attributes
    ----------
    total : ndarray of shape (256,)
        Sum of residuals at each level of a column.
    n_at : ndarray of int64 of shape (256,)
        Patients at each level.
    above : ndarray of int64 of shape (n_patients,)
        Those who go right.
    pool : ndarray of int64 of shape (n_terms,)
        Columns, those tried in this node first.
    gain : ndarray of shape (most_nodes,)
        What a leaf adds to the scores of its patients.
    """

    total: Floats
    n_at: Ints
    above: Ints
    pool: Ints
    gain: Floats


@compiled
def cox_residuals(score: Floats, outcome: Outcome, hazard: Floats, residual: Floats) -> None:
    r"""Gradient of Cox's log partial likelihood with Breslow's ties: martingale residuals.

    Event less exp(score) H(own time): the sums over risk sets, the hazard and the residuals each
    take one pass, so a gradient costs O(n).
    """
    # Named arrays are taken out before a loop: inside it each use would count a reference.
    position, event, n_events = outcome.position, outcome.event, outcome.n_events
    top = score[0]
    for i in range(score.size):
        top = max(top, score[i])
    for t in range(n_events.size):
        hazard[t] = 0.0
    for i in range(score.size):
        residual[i] = np.exp(score[i] - top)
        hazard[position[i]] += residual[i]
    for t in range(n_events.size - 2, -1, -1):
        hazard[t] += hazard[t + 1]
    total = 0.0
    for t in range(n_events.size):
        if n_events[t] > 0:
            total += n_events[t] / hazard[t]
        hazard[t] = total
    for i in range(score.size):
        residual[i] = np.float64(event[i]) - residual[i] * hazard[position[i]]


@compiled
def _best_level(
    members: Ints, code: Codes, residual: Floats, smallest: int, work: Work
) -> tuple[float, int, int]:
    """Largest improvement, the last level that goes left and the first that goes right.

    With sums A and B over a patients left and b right, the squares explained rise by
    A^2/a + B^2/b - (A + B)^2/(a + b) = (A/a - B/b)^2 a b / (a + b), which is ``gain``.
    """
    total, count = work.total, work.n_at
    for level in range(256):
        total[level] = 0.0
        count[level] = 0
    everything, last = 0.0, 0
    for i in members:
        level = int(code[i])
        total[level] += residual[i]
        count[level] += 1
        everything += residual[i]
        last = max(last, level)
    best, low, high, candidate = 0.0, LEAF, LEAF, LEAF
    left, n_left = 0.0, 0
    for level in range(last + 1):
        if count[level] == 0:
            continue
        if candidate != LEAF:
            low, high, candidate = candidate, level, LEAF
        left += total[level]
        n_left += count[level]
        n_right = members.size - n_left
        if n_left >= smallest and n_right >= smallest:
            gap = left / n_left - (everything - left) / n_right
            gain = gap * gap * n_left * n_right / members.size
            if gain > best:
                best, candidate = gain, level
    return best, low, high


@compiled
def _divide(members: Ints, code: Codes, cut: int, above: Ints) -> int:
    """Bring those at or below a level to the front; say how many they are."""
    n_left = n_right = 0
    for i in members:
        if code[i] <= cut:
            members[n_left] = i
            n_left += 1
        else:
            above[n_right] = i
            n_right += 1
    for k in range(n_right):
        members[n_left + k] = above[k]
    return n_left


@compiled
def _grow(
    levels: Levels,
    residual: Floats,
    members: Ints,
    limits: Limits,
    rate: float,
    state: NDArray[np.uint64],
    first: int,
    n_leaves: int,
    out: Buffers,
    work: Work,
) -> tuple[int, int]:
    """Grow one tree behind those that are there; give the number of its nodes and of all leaves."""
    open_root(out, members.size)
    n_made, here = 1, 0
    while here < n_made:
        node, size = first + here, out.end[here] - out.begin[here]
        inside = members[out.begin[here] : out.end[here]]
        out.size[node] = size
        best = 0.0
        if size >= 2 * limits.smallest and out.depth[here] < limits.deepest:
            for k in range(limits.n_tried):
                term = draw_to_front(state, work.pool, k)
                found, low, high = _best_level(
                    inside, levels.code[term], residual, limits.smallest, work
                )
                if found > best:
                    best, out.term[node], out.cut[here] = found, term, low
                    middle = levels.highest[term, low] / 2 + levels.lowest[term, high] / 2
                    out.threshold[node] = middle
        if out.term[node] == LEAF:
            total = 0.0
            for i in inside:
                total += residual[i]
            work.gain[here] = rate * total / size
            out.value[n_leaves, 0] = work.gain[here]
            n_leaves += 1
        else:
            n_left = _divide(inside, levels.code[out.term[node]], out.cut[here], work.above)
            n_made = add_children(out, node, here, n_made, n_left)
        here += 1
    return n_made, n_leaves


@compiled
def boost_trees(
    levels: Levels,
    outcome: Outcome,
    rate: float,
    n_drawn: int,
    limits: Limits,
    seed: NDArray[np.uint64],
    out: Buffers,
) -> None:
    """Grow regression trees, each on the residuals that those before leave."""
    n, p = outcome.position.size, levels.code.shape[0]
    score, residual, hazard = np.zeros(n), np.zeros(n), np.zeros(outcome.n_events.size)
    everybody, is_drawn = np.zeros(n, dtype=np.int64), np.zeros(n, dtype=np.bool_)
    members = np.zeros(n_drawn, dtype=np.int64)
    work = Work(
        np.zeros(256),
        np.zeros(256, dtype=np.int64),
        np.zeros(n, dtype=np.int64),
        np.zeros(p, dtype=np.int64),
        np.zeros(out.begin.size),
    )
    for i in range(n):
        everybody[i] = i
    for k in range(p):
        work.pool[k] = k
    code, gain = levels.code, work.gain
    term, cut, left, right = out.term, out.cut, out.left, out.right
    first = n_leaves = 0
    for stage in range(out.n_nodes.size):
        cox_residuals(score, outcome, hazard, residual)
        _draw_members(seed, everybody, is_drawn, members)
        n_made, n_leaves = _grow(
            levels, residual, members, limits, rate, seed, first, n_leaves, out, work
        )
        for i in range(n):
            here = 0
            while term[first + here] != LEAF:
                goes_left = code[term[first + here], i] <= cut[here]
                here = left[first + here] if goes_left else right[first + here]
            score[i] += gain[here]
        out.n_nodes[stage] = n_made
        first += n_made


@compiled
def _draw_members(
    seed: NDArray[np.uint64], everybody: Ints, is_drawn: Bools, members: Ints
) -> None:
    """Draw the patients of one stage, without replacement, in their own order."""
    n, n_drawn = is_drawn.size, members.size
    for i in range(n):
        is_drawn[i] = n_drawn == n
    for k in range(n_drawn if n_drawn < n else 0):
        is_drawn[draw_to_front(seed, everybody, k)] = True
    k = 0
    for i in range(n):
        if is_drawn[i]:
            members[k] = i
            k += 1


@compiled
def boost_columns(design: Floats, outcome: Outcome, rate: float, path: Floats) -> None:
    """Fit residuals by one column at a time, the one that explains most."""
    p, n = design.shape
    score, residual, hazard = np.zeros(n), np.zeros(n), np.zeros(outcome.n_events.size)
    for stage in range(path.shape[0]):
        cox_residuals(score, outcome, hazard, residual)
        best, chosen, step = 0.0, 0, 0.0
        for j in range(p):
            square = product = 0.0
            for i in range(n):
                product += design[j, i] * residual[i]
                square += design[j, i] * design[j, i]
            if square > 0 and product * product > best * square:
                best = product * product / square
                chosen, step = j, rate * product / square
        for j in range(p):
            path[stage, j] = path[stage - 1, j] if stage > 0 else 0.0
        path[stage, chosen] += step
        for i in range(n):
            score[i] += step * design[chosen, i]

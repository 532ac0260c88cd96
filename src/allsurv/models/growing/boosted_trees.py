"""Boosting of the Cox partial likelihood, in compiled code.

The gradient takes one pass over patients in the order of time; a tree compares all values of a
column in one pass over sums by level.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from allsurv.models.growing.compiled import compiled, draw_to_front
from allsurv.models.growing.grown import Buffers

__all__ = ["boost_columns", "boost_trees", "cox_residuals"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Codes = NDArray[np.uint8]

LEAF = -1


@compiled
def cox_residuals(
    score: Floats, position: Ints, event: Bools, n_events: Floats, hazard: Floats, residual: Floats
) -> None:
    r"""Gradient of Cox's log partial likelihood with Breslow's ties: martingale residuals."""
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
    members: Ints, code: Codes, residual: Floats, smallest: int, total: Floats, count: Ints
) -> tuple[float, int, int]:
    """Largest improvement, the last level that goes left and the first that goes right."""
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
    code: Codes,
    edges: tuple[Floats, Floats],
    residual: Floats,
    members: Ints,
    limits: tuple[int, int, int],
    rate: float,
    state: NDArray[np.uint64],
    first: int,
    n_leaves: int,
    out: Buffers,
    work: tuple[Floats, Ints, Ints, Ints, Floats],
) -> tuple[int, int]:
    """Grow one tree behind those that stand; give the number of its nodes and of all leaves."""
    n_tried, smallest, deepest = limits
    total, count, above, pool, gain = work
    out.begin[0], out.end[0], out.depth[0] = 0, members.size, 0
    n_made, here = 1, 0
    while here < n_made:
        node, size = first + here, out.end[here] - out.begin[here]
        inside = members[out.begin[here] : out.end[here]]
        out.size[node] = size
        best = 0.0
        if size >= 2 * smallest and out.depth[here] < deepest:
            for k in range(n_tried):
                term = draw_to_front(state, pool, k)
                found, low, high = _best_level(inside, code[term], residual, smallest, total, count)
                if found > best:
                    best, out.term[node], out.cut[here] = found, term, low
                    out.threshold[node] = edges[1][term, low] / 2 + edges[0][term, high] / 2
        if out.term[node] == LEAF:
            mean = 0.0
            for i in inside:
                mean += residual[i]
            gain[here] = rate * mean / size
            out.value[n_leaves, 0] = gain[here]
            n_leaves += 1
        else:
            n_left = _divide(inside, code[out.term[node]], out.cut[here], above)
            out.left[node], out.right[node] = n_made, n_made + 1
            out.begin[n_made], out.end[n_made] = out.begin[here], out.begin[here] + n_left
            out.begin[n_made + 1], out.end[n_made + 1] = out.begin[here] + n_left, out.end[here]
            out.depth[n_made] = out.depth[n_made + 1] = out.depth[here] + 1
            n_made += 2
        here += 1
    return n_made, n_leaves


@compiled
def boost_trees(
    code: Codes,
    lowest: Floats,
    highest: Floats,
    position: Ints,
    event: Bools,
    n_events: Floats,
    rate: float,
    n_drawn: int,
    limits: tuple[int, int, int],
    seed: NDArray[np.uint64],
    out: Buffers,
) -> None:
    """Grow regression trees, each on the residuals that those before leave."""
    n, p = position.size, code.shape[0]
    score, residual, hazard = np.zeros(n), np.zeros(n), np.zeros(n_events.size)
    everybody, is_drawn = np.zeros(n, dtype=np.int64), np.zeros(n, dtype=np.bool_)
    members, above = np.zeros(n_drawn, dtype=np.int64), np.zeros(n, dtype=np.int64)
    pool, gain = np.zeros(p, dtype=np.int64), np.zeros(out.begin.size)
    work = (np.zeros(256), np.zeros(256, dtype=np.int64), above, pool, gain)
    for i in range(n):
        everybody[i] = i
    for term in range(p):
        pool[term] = term
    first = n_leaves = 0
    for stage in range(out.n_nodes.size):
        cox_residuals(score, position, event, n_events, hazard, residual)
        for i in range(n):
            is_drawn[i] = n_drawn == n
        for k in range(n_drawn if n_drawn < n else 0):
            is_drawn[draw_to_front(seed, everybody, k)] = True
        k = 0
        for i in range(n):
            if is_drawn[i]:
                members[k] = i
                k += 1
        n_made, n_leaves = _grow(
            code,
            (lowest, highest),
            residual,
            members,
            limits,
            rate,
            seed,
            first,
            n_leaves,
            out,
            work,
        )
        for i in range(n):
            here = 0
            while out.term[first + here] != LEAF:
                goes_left = code[out.term[first + here], i] <= out.cut[here]
                here = out.left[first + here] if goes_left else out.right[first + here]
            score[i] += gain[here]
        out.n_nodes[stage] = n_made
        first += n_made


@compiled
def boost_columns(
    design: Floats, position: Ints, event: Bools, n_events: Floats, rate: float, path: Floats
) -> None:
    """Fit residuals by one column at a time, the one that explains most."""
    p, n = design.shape
    score, residual, hazard = np.zeros(n), np.zeros(n), np.zeros(n_events.size)
    for stage in range(path.shape[0]):
        cox_residuals(score, position, event, n_events, hazard, residual)
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

"""Survival trees by the log-rank test, grown in compiled code.

All values of a column are compared in one pass: what the test observes less what it expects is a
sum over patients, and of its variance only the part that is quadratic in the numbers at risk is
summed over event times anew at each value.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from allsurv.models.growing.compiled import compiled, draw_below, draw_to_front
from allsurv.models.growing.grown import Buffers

__all__ = ["grow_survival_trees", "sort_by_level"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Codes = NDArray[np.uint8]

LEAF = -1
_NO_VARIANCE = 1e-9


@compiled
def sort_by_level(members: Ints, code: Codes, ordered: Ints, place: Ints) -> bool:
    """Sort patients by their level, keeping the order within a level."""
    first, last = 255, 0
    for i in members:
        level = int(code[i])
        first, last = min(first, level), max(last, level)
    if first >= last:
        return False
    for level in range(first, last + 2):
        place[level] = 0
    for i in members:
        place[int(code[i]) + 1] += 1
    for level in range(first + 1, last + 1):
        place[level] += place[level - 1]
    for i in members:
        level = int(code[i])
        ordered[place[level]] = i
        place[level] += 1
    return True


@compiled
def _count(
    members: Ints, weight: Ints, rank: Ints, event: Bools, at_risk: Floats, events: Floats
) -> None:
    """Count who is at risk and who dies at each event time; one place more stands before them."""
    for t in range(at_risk.size):
        at_risk[t] = events[t] = 0.0
    for i in members:
        at_risk[rank[i]] += weight[i]
        if event[i]:
            events[rank[i]] += weight[i]
    for t in range(at_risk.size - 2, 0, -1):
        at_risk[t] += at_risk[t + 1]


@compiled
def _describe(
    at_risk: Floats, events: Floats, reach: Ints, hazard: Floats, linear: Floats, square: Floats
) -> int:
    """Keep the node's own event times: how many of them a patient reaches, and their terms."""
    k = 0
    hazard[0] = linear[0] = 0.0
    reach[0] = 0
    for t in range(1, at_risk.size):
        if events[t] > 0:
            share = events[t] / at_risk[t]
            spread = 0.0
            if at_risk[t] > 1:
                spread = (at_risk[t] - events[t]) / (at_risk[t] - 1) * share
            hazard[k + 1] = hazard[k] + share
            linear[k + 1] = linear[k] + spread
            square[k] = spread / at_risk[t]
            k += 1
        reach[t] = k
    return k


@compiled
def _best_size(
    ordered: Ints,
    code: Codes,
    weight: Ints,
    rank: Ints,
    event: Bools,
    n_times: int,
    reach: Ints,
    terms: tuple[Floats, Floats, Floats],
    work: tuple[Floats, Floats],
    smallest: int,
) -> tuple[float, int]:
    """Largest squared log-rank statistic, and how many patients go left there."""
    hazard, linear_terms, square = terms
    entering, left = work
    for k in range(n_times + 1):
        entering[k] = left[k] = 0.0
    excess = linear = best = 0.0
    best_size = 0
    for position in range(ordered.size - smallest):
        i = ordered[position]
        k = reach[rank[i]]
        entering[k] += weight[i]
        excess += weight[i] * (np.float64(event[i]) - hazard[k])
        linear += weight[i] * linear_terms[k]
        size = position + 1
        if size < smallest or code[ordered[size]] == code[i]:
            continue
        quadratic = added = 0.0
        for j in range(n_times - 1, -1, -1):
            added += entering[j + 1]
            entering[j + 1] = 0.0
            left[j] += added
            quadratic += square[j] * left[j] * left[j]
        variance = linear - quadratic
        if variance > _NO_VARIANCE and excess * excess > best * variance:
            best, best_size = excess * excess / variance, size
    return best, best_size


@compiled
def _grow(
    code: Codes,
    edges: tuple[Floats, Floats],
    weight: Ints,
    members: Ints,
    rank: Ints,
    event: Bools,
    limits: tuple[int, int, int],
    state: NDArray[np.uint64],
    first: int,
    n_leaves: int,
    out: Buffers,
    whole: tuple[Ints, Ints, Ints, Ints, Ints],
    sums: tuple[Floats, Floats, Floats, Floats, Floats, Floats, Floats],
) -> tuple[int, int]:
    """Grow one tree behind those that stand; give the number of its nodes and of all leaves."""
    n_tried, smallest, deepest = limits
    ordered, kept, place, reach, pool = whole
    at_risk, events, hazard, linear, square, entering, left = sums
    out.begin[0], out.end[0], out.depth[0] = 0, members.size, 0
    n_made, here = 1, 0
    while here < n_made:
        node, size = first + here, out.end[here] - out.begin[here]
        inside = members[out.begin[here] : out.end[here]]
        out.size[node] = size
        _count(inside, weight, rank, event, at_risk, events)
        best, n_left, n_alike = 0.0, 0, 0
        if size >= 2 * smallest and out.depth[here] < deepest:
            n_times = _describe(at_risk, events, reach, hazard, linear, square)
            for k in range(pool.size):
                if k >= n_tried and k > n_alike:
                    break
                term = draw_to_front(state, pool, k)
                if not sort_by_level(inside, code[term], ordered, place):
                    n_alike += 1
                    continue
                found, at = _best_size(
                    ordered[:size],
                    code[term],
                    weight,
                    rank,
                    event,
                    n_times,
                    reach,
                    (hazard, linear, square),
                    (entering, left),
                    smallest,
                )
                if found > best:
                    best, n_left, out.term[node] = found, at, term
                    for i in range(size):
                        kept[i] = ordered[i]
        if n_left == 0:
            total = 0.0
            for t in range(1, at_risk.size):
                if events[t] > 0:
                    total += events[t] / at_risk[t]
                out.value[n_leaves, t - 1] = total
            n_leaves += 1
        else:
            for i in range(size):
                inside[i] = kept[i]
            term = out.term[node]
            low, high = code[term, inside[n_left - 1]], code[term, inside[n_left]]
            out.threshold[node] = edges[1][term, low] / 2 + edges[0][term, high] / 2
            out.left[node], out.right[node] = n_made, n_made + 1
            out.begin[n_made], out.end[n_made] = out.begin[here], out.begin[here] + n_left
            out.begin[n_made + 1], out.end[n_made + 1] = out.begin[here] + n_left, out.end[here]
            out.depth[n_made] = out.depth[n_made + 1] = out.depth[here] + 1
            n_made += 2
        here += 1
    return n_made, n_leaves


@compiled
def grow_survival_trees(
    code: Codes,
    lowest: Floats,
    highest: Floats,
    rank: Ints,
    event: Bools,
    n_drawn: int,
    limits: tuple[int, int, int],
    seeds: NDArray[np.uint64],
    out: Buffers,
) -> None:
    """Grow survival trees on bootstrap samples."""
    n, n_values = rank.size, out.value.shape[1]
    sums = (
        np.zeros(n_values + 1),
        np.zeros(n_values + 1),
        np.zeros(n_values + 1),
        np.zeros(n_values + 1),
        np.zeros(n_values + 1),
        np.zeros(n_values + 1),
        np.zeros(n_values + 1),
    )
    members, weight = np.zeros(n, dtype=np.int64), np.zeros(n, dtype=np.int64)
    ordered, kept = np.zeros(n, dtype=np.int64), np.zeros(n, dtype=np.int64)
    place, reach = np.zeros(257, dtype=np.int64), np.zeros(n_values + 1, dtype=np.int64)
    pool, state = np.zeros(code.shape[0], dtype=np.int64), np.zeros(1, dtype=np.uint64)
    first = n_leaves = 0
    for tree in range(seeds.size):
        state[0] = seeds[tree]
        for term in range(pool.size):
            pool[term] = term
        for i in range(n):
            weight[i] = n_drawn == 0
        for _ in range(n_drawn):
            weight[draw_below(state, n)] += 1
        n_members = 0
        for i in range(n):
            if weight[i] > 0:
                members[n_members] = i
                n_members += 1
        n_made, n_leaves = _grow(
            code,
            (lowest, highest),
            weight,
            members[:n_members],
            rank,
            event,
            limits,
            state,
            first,
            n_leaves,
            out,
            (ordered, kept, place, reach, pool),
            sums,
        )
        out.n_nodes[tree] = n_made
        first += n_made

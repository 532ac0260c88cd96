"""Survival trees by the log-rank test, grown in compiled code.

All values of a column are compared in one pass. Of n at risk at an event time of the node d have
the event, and L of the n are on the left. With v = d (n - d) / (n - 1) / n the log-rank test is

    excess   = observed less expected on the left = sum over the left of (event - H(own time))
    variance = sum over times of n v (L / n) (1 - L / n)
             = sum over times of v L  -  sum over times of (v / n) L^2

where H is the node's Nelson-Aalen hazard: the sum of d / n. Excess and the first, linear part of
the variance are sums over patients: who moves to the left adds a term that depends on nothing but
how many event times they reach, sum v up to their own time. Only the second, quadratic part is
summed over event times anew at each value. A patient drawn twice counts twice.

Example: five patients, events at 1, 2 and 3, the others censored later, so n = 5, 4, 3 and v = 1/5,
1/4, 1/3. The first two are on the left, L = 2, 1, 0. Then excess = (1 - 1/5) + (1 - 9/20) = 1.35,
linear = 1/5 + (1/5 + 1/4) = 0.65, quadratic = (1/25) 2^2 + (1/16) 1^2 = 0.2225, and the variance
0.4275 is that of the two hypergeometric draws, 6/25 + 3/16.

Where several causes compete, each has its own log-rank test, which censors the others; a split is
judged by the sum of their squared statistics, and a leaf holds the hazard of each cause.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from allsurv.models.growing.compiled import compiled, draw_below, draw_to_front
from allsurv.models.growing.grown import Buffers, Limits
from allsurv.models.growing.levels import Levels
from allsurv.models.growing.nodes import LEAF, add_children, open_root

__all__ = ["grow_survival_trees", "sort_by_level"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Codes = NDArray[np.uint8]

_NO_VARIANCE = 1e-9


class Patients(NamedTuple):
    """What a tree knows of each patient.

    Attributes
    ----------
    weight : ndarray of int64 of shape (n_patients,)
        How often the patient was drawn.
    rank : ndarray of int64 of shape (n_patients,)
        Number of event times, of all trees, that the patient reaches.
    cause : ndarray of int64 of shape (n_patients,)
        How follow-up ended: 0 without an event, 1, 2, ... with that cause.
    """

    weight: Ints
    rank: Ints
    cause: Ints


class NodeTimes(NamedTuple):
    """Sums over a node's patients by event time; place 0 is before the first.

    Attributes
    ----------
    at_risk : ndarray of shape (n_times + 1,)
        Patients at risk at each event time of all trees.
    events : ndarray of shape (n_causes, n_times + 1)
        Events of each cause.
    reach : ndarray of int64 of shape (n_times + 1,)
        How many of the node's own times of an event of the cause under test are not later.
    hazard, linear : ndarray of shape (n_times + 1,)
        H and the sum of v after so many of these times.
    square : ndarray of shape (n_times + 1,)
        v / n at each of these times.
    entering, left : ndarray of shape (n_times + 1,)
        Patients on the left who reach exactly so many event times and are not yet in ``left``;
        patients on the left at risk at each: L.
    """

    at_risk: Floats
    events: Floats
    reach: Ints
    hazard: Floats
    linear: Floats
    square: Floats
    entering: Floats
    left: Floats


class Orders(NamedTuple):
    """Orders of a node's patients.

    Attributes
    ----------
    ordered, kept : ndarray of int64 of shape (n_patients,)
        By the column under trial; by the best column so far.
    gain : ndarray of shape (n_patients,)
        Sum of the squared statistics of the causes by the number of patients on the left.
    place : ndarray of int64 of shape (257,)
        Where the patients of each level begin.
    pool : ndarray of int64 of shape (n_terms,)
        Columns, those tried in this node first.
    """

    ordered: Ints
    kept: Ints
    gain: Floats
    place: Ints
    pool: Ints


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
def _count(members: Ints, patients: Patients, times: NodeTimes) -> None:
    """Count who is at risk and who has which event at each event time."""
    # Named arrays are taken out before a loop: inside it each use would count a reference.
    at_risk, events = times.at_risk, times.events
    weight, rank, cause = patients.weight, patients.rank, patients.cause
    for t in range(at_risk.size):
        at_risk[t] = 0.0
        for k in range(events.shape[0]):
            events[k, t] = 0.0
    for i in members:
        at_risk[rank[i]] += weight[i]
        if cause[i] > 0:
            events[cause[i] - 1, rank[i]] += weight[i]
    for t in range(at_risk.size - 2, 0, -1):
        at_risk[t] += at_risk[t + 1]


@compiled
def _describe(times: NodeTimes, cause: int) -> int:
    """Keep the node's own times of a cause: who reaches them, and their terms; count them."""
    at_risk, events, reach = times.at_risk, times.events[cause], times.reach
    hazard, linear, square = times.hazard, times.linear, times.square
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
    patients: Patients,
    of: int,
    n_times: int,
    times: NodeTimes,
    smallest: int,
    gain: Floats,
) -> tuple[float, int]:
    """Largest squared log-rank statistic of one cause, and how many patients go left there.

    Where there are several causes, the squared statistics are added to ``gain`` as well.
    """
    entering, left, reach = times.entering, times.left, times.reach
    hazard, linear_terms, square = times.hazard, times.linear, times.square
    weight, rank, cause = patients.weight, patients.rank, patients.cause
    is_shared = times.events.shape[0] > 1
    for k in range(n_times + 1):
        entering[k] = left[k] = 0.0
    excess = linear = best = 0.0
    best_size = 0
    for position in range(ordered.size - smallest):
        i = ordered[position]
        k = reach[rank[i]]
        entering[k] += weight[i]
        excess += weight[i] * (np.float64(cause[i] == of) - hazard[k])
        linear += weight[i] * linear_terms[k]
        size = position + 1
        if size < smallest or code[ordered[size]] == code[i]:
            continue
        # Those who came since the last value are at risk at every event time they reach.
        quadratic = added = 0.0
        for j in range(n_times - 1, -1, -1):
            added += entering[j + 1]
            entering[j + 1] = 0.0
            left[j] += added
            quadratic += square[j] * left[j] * left[j]
        variance = linear - quadratic
        if is_shared:
            if variance > _NO_VARIANCE:
                gain[size] += excess * excess / variance
        # Compared as products: excess^2 / variance is divided out only where it is the best.
        elif variance > _NO_VARIANCE and excess * excess > best * variance:
            best, best_size = excess * excess / variance, size
    return best, best_size


@compiled
def _best_of_causes(
    ordered: Ints,
    code: Codes,
    patients: Patients,
    times: NodeTimes,
    smallest: int,
    gain: Floats,
) -> tuple[float, int]:
    """Largest sum over causes of squared log-rank statistics, and how many go left there."""
    for size in range(ordered.size):
        gain[size] = 0.0
    for k in range(times.events.shape[0]):
        n_times = _describe(times, k)
        _best_size(ordered, code, patients, k + 1, n_times, times, smallest, gain)
    best, best_size = 0.0, 0
    for size in range(smallest, ordered.size - smallest + 1):
        if gain[size] > best:
            best, best_size = gain[size], size
    return best, best_size


@compiled
def _best_split(
    inside: Ints,
    levels: Levels,
    patients: Patients,
    limits: Limits,
    state: NDArray[np.uint64],
    times: NodeTimes,
    orders: Orders,
) -> tuple[int, int]:
    """Column of the best split, and how many patients go left; they are then in ``kept``.

    Beyond ``n_tried`` columns the search goes on only while all were alike in every column so
    far, as scikit-learn's does: a node that could be split is not made a leaf by bad luck.
    """
    is_shared = times.events.shape[0] > 1
    n_times = 0 if is_shared else _describe(times, 0)
    best, best_term, n_left, n_alike = 0.0, LEAF, 0, 0
    for k in range(orders.pool.size):
        if k >= limits.n_tried and k > n_alike:
            break
        term = draw_to_front(state, orders.pool, k)
        code = levels.code[term]
        if not sort_by_level(inside, code, orders.ordered, orders.place):
            n_alike += 1
            continue
        ordered = orders.ordered[: inside.size]
        if is_shared:
            found, at = _best_of_causes(
                ordered, code, patients, times, limits.smallest, orders.gain
            )
        else:
            found, at = _best_size(
                ordered, code, patients, 1, n_times, times, limits.smallest, orders.gain
            )
        if found > best:
            best, best_term, n_left = found, term, at
            for i in range(inside.size):
                orders.kept[i] = ordered[i]
    return best_term, n_left


@compiled
def _fill_leaf(times: NodeTimes, value: Floats) -> None:
    """Put the cumulative hazard of each cause down, cause after cause."""
    at_risk, events = times.at_risk, times.events
    n_times = at_risk.size - 1
    for k in range(events.shape[0]):
        total = 0.0
        for t in range(1, n_times + 1):
            if events[k, t] > 0:
                total += events[k, t] / at_risk[t]
            value[k * n_times + t - 1] = total


@compiled
def _grow(
    levels: Levels,
    patients: Patients,
    members: Ints,
    limits: Limits,
    state: NDArray[np.uint64],
    first: int,
    n_leaves: int,
    out: Buffers,
    times: NodeTimes,
    orders: Orders,
) -> tuple[int, int]:
    """Grow one tree behind those that are there; give the number of its nodes and of all leaves."""
    open_root(out, members.size)
    n_made, here = 1, 0
    while here < n_made:
        node, size = first + here, out.end[here] - out.begin[here]
        inside = members[out.begin[here] : out.end[here]]
        out.size[node] = size
        _count(inside, patients, times)
        term, n_left = LEAF, 0
        if size >= 2 * limits.smallest and out.depth[here] < limits.deepest:
            term, n_left = _best_split(inside, levels, patients, limits, state, times, orders)
        if n_left == 0:
            _fill_leaf(times, out.value[n_leaves])
            n_leaves += 1
        else:
            for i in range(size):
                inside[i] = orders.kept[i]
            low, high = levels.code[term, inside[n_left - 1]], levels.code[term, inside[n_left]]
            out.term[node] = term
            out.threshold[node] = levels.highest[term, low] / 2 + levels.lowest[term, high] / 2
            n_made = add_children(out, node, here, n_made, n_left)
        here += 1
    return n_made, n_leaves


@compiled
def grow_survival_trees(
    levels: Levels,
    rank: Ints,
    cause: Ints,
    n_causes: int,
    n_drawn: int,
    limits: Limits,
    seeds: NDArray[np.uint64],
    out: Buffers,
) -> None:
    """Grow survival trees on bootstrap samples; 0 drawn is everybody once."""
    n, n_places = rank.size, out.value.shape[1] // n_causes + 1
    members, weight = np.zeros(n, dtype=np.int64), np.zeros(n, dtype=np.int64)
    patients = Patients(weight, rank, cause)
    times = NodeTimes(
        np.zeros(n_places),
        np.zeros((n_causes, n_places)),
        np.zeros(n_places, dtype=np.int64),
        np.zeros(n_places),
        np.zeros(n_places),
        np.zeros(n_places),
        np.zeros(n_places),
        np.zeros(n_places),
    )
    orders = Orders(
        np.zeros(n, dtype=np.int64),
        np.zeros(n, dtype=np.int64),
        np.zeros(n + 1),
        np.zeros(257, dtype=np.int64),
        np.zeros(levels.code.shape[0], dtype=np.int64),
    )
    state = np.zeros(1, dtype=np.uint64)
    first = n_leaves = 0
    for tree in range(seeds.size):
        state[0] = seeds[tree]
        for term in range(orders.pool.size):
            orders.pool[term] = term
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
            levels,
            patients,
            members[:n_members],
            limits,
            state,
            first,
            n_leaves,
            out,
            times,
            orders,
        )
        out.n_nodes[tree] = n_made
        first += n_made

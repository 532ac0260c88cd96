"""Which targets a move touches, and what they come to afterwards."""

from __future__ import annotations

import numpy as np

from allsurv.reconstruct.search.arrays import (
    Desk,
    Floats,
    Ints,
    Mask,
    Problem,
    State,
    Targets,
    Work,
)
from allsurv.reconstruct.search.compiled import compiled, inner
from allsurv.reconstruct.search.moves import belongs, follow, sort
from allsurv.reconstruct.search.score import (
    fill_moments,
    miss_of_curve,
    miss_of_model,
    miss_of_order,
    miss_of_test,
)

__all__ = ["evaluate", "find_touched", "reassess", "workspace"]

NOTHING = 1e-9


@inner
def _changed(now: Ints, before: Ints, g: int, i: int, j: int) -> bool:
    found: bool = now[g, i] != before[g, 0] or now[g, j] != before[g, 1]
    return found


@inner
def _touched(
    member: Ints, was_member: Ints, times: Floats, was_time: Floats, g: int, e: int, i: int, j: int
) -> bool:
    """Tell whether a curve of two patients changed: by membership, or by a member's time.

    Times are compared with the sign of the event (see ``anneal._signed_times``): one comparison
    sees either.
    """
    if _changed(member, was_member, g, i, j):
        return True
    found: bool = (member[g, i] and times[e, i] != was_time[e, 0]) or (
        member[g, j] and times[e, j] != was_time[e, 1]
    )
    return found


@inner
def find_touched(
    targets: Targets,
    member: Ints,
    desk: Desk,
    rows: Ints,
    first: int,
    last: int,
    in_model: bool,
    i: int,
    j: int,
    touched: Mask,
) -> None:
    """Mark the targets that two patients' change bears on."""
    was, times, was_time = desk.was_member, desk.times, desk.was_time
    k = 0
    for c in range(targets.curve.shape[0]):
        g, e = targets.curve[c, 0], targets.curve[c, 1]
        touched[k] = _touched(member, was, times, was_time, g, e, i, j)
        k += 1
    for t in range(targets.test.shape[0]):
        g, h, e = targets.test[t, 0], targets.test[t, 1], targets.test[t, 2]
        touched[k] = _touched(member, was, times, was_time, g, e, i, j)
        touched[k] = touched[k] or _touched(member, was, times, was_time, h, e, i, j)
        k += 1
    for o in range(targets.order.shape[0]):
        row, g = targets.order[o, 0], targets.order[o, 1]
        moved = _changed(member, was, g, i, j)
        for m in range(first, last):
            moved = moved or (rows[m] == row and (member[g, i] or member[g, j]))
        touched[k] = moved
        k += 1
    touched[k] = in_model


@inner
def _untouched(term: Floats, touched: Mask) -> float:
    total = 0.0
    for k in range(term.size):
        if not touched[k]:
            total += term[k]
    return total


@inner
def _orders(targets: Targets, state: State, touched: Mask, fresh: Floats, scratch: Floats) -> float:
    total = 0.0
    for o in range(targets.order.shape[0]):
        k = targets.curve.shape[0] + targets.test.shape[0] + o
        if touched[k]:
            row, g, which = targets.order[o, 0], targets.order[o, 1], targets.order[o, 2]
            interval = targets.interval[k + 3 * targets.curve.shape[0]]
            fresh[k] = miss_of_order(state.values[row], state.member[g], which, interval, scratch)
            total += fresh[k]
    return total


@inner
def _curves(
    targets: Targets,
    endpoints: Ints,
    state: State,
    touched: Mask,
    fresh: Floats,
    total: float,
    enough: float,
    out: Floats,
) -> float:
    for c in range(targets.curve.shape[0]):
        if touched[c] and total <= enough:
            g, e = targets.curve[c, 0], targets.curve[c, 1]
            time = state.values[endpoints[e, 4]]
            intervals = targets.interval[4 * c : 4 * c + 4]
            at = targets.curve_at[c]
            fresh[c] = miss_of_curve(
                state.order[e], time, state.event[e], state.member[g], at, intervals, out
            )
            total += fresh[c]
    return total


@inner
def _tests(
    targets: Targets,
    endpoints: Ints,
    state: State,
    touched: Mask,
    fresh: Floats,
    total: float,
    enough: float,
) -> float:
    for t in range(targets.test.shape[0]):
        k = targets.curve.shape[0] + t
        if touched[k] and total <= enough:
            g, h, e = targets.test[t, 0], targets.test[t, 1], targets.test[t, 2]
            time = state.values[endpoints[e, 4]]
            interval = targets.interval[4 * targets.curve.shape[0] + t]
            fresh[k] = miss_of_test(
                state.order[e], time, state.event[e], state.member[g], state.member[h], interval
            )
            total += fresh[k]
    return total


@inner
def reassess(
    targets: Targets,
    endpoints: Ints,
    state: State,
    touched: Mask,
    fresh: Floats,
    beta: Floats,
    enough: float,
    work: Work,
) -> float:
    """Work out the targets marked, the costliest last; infinite once the sum is too large."""
    fresh[:] = state.term
    total = _untouched(state.term, touched)
    total += _orders(targets, state, touched, fresh, work[1])
    total = _curves(targets, endpoints, state, touched, fresh, total, enough, work[0])
    total = _tests(targets, endpoints, state, touched, fresh, total, enough)
    if total > enough:
        return np.inf
    k = state.term.size - 1
    if touched[k]:
        e, switch = targets.model[0], state.values[targets.model[1]]
        time = state.values[endpoints[e, 4]]
        intervals = targets.interval[targets.interval.shape[0] - 4 * targets.term.shape[0] :]
        fresh[k] = miss_of_model(
            state.order[e], time, state.event[e], state.moments, state.switch_order, switch,
            beta, intervals, enough - total, work[2:],
        )  # fmt: skip
        total += fresh[k]
    return total if total > NOTHING else 0.0


@inner
def workspace(n: int, p: int) -> Work:
    """Give working space for measures of n patients and a model of p terms."""
    sums = np.zeros(1 + p + p * (p + 1) // 2)
    matrix = np.empty((p, p))
    out, scratch, weight = np.empty(4), np.empty(n), np.empty(n)
    return (out, scratch, np.empty(p), matrix, matrix.copy(), sums, sums.copy(), weight)


@compiled
def evaluate(problem: Problem, state: State) -> float:
    """Work everything out from the labels and numbers."""
    conditions, targets, endpoints = problem.conditions, problem.targets, problem.endpoints
    bits, values, event = state.bits, state.values, state.event
    for e in range(endpoints.shape[0]):
        for i in range(bits.size):
            follow(endpoints[e], problem.decimals[e], conditions, i, bits, values, event[e])
        sort(state.order[e], values[endpoints[e, 4]], event[e])
    for i in range(bits.size):
        for g in targets.groups:
            state.member[g, i] = belongs(conditions, g, i, bits, values)
        fill_moments(targets.term, state.member, values, state.moments, i)
    e, k = targets.model[0], state.term.size - 1
    if e >= 0:
        sort(state.switch_order, values[targets.model[1]], state.no_event)
    touched = np.ones(k + 1, dtype=np.bool_)
    touched[k] = e >= 0
    fresh = np.empty_like(state.term)
    work = workspace(bits.size, state.beta.size)
    total = reassess(targets, endpoints, state, touched, fresh, state.beta, np.inf, work)
    state.term[:] = fresh
    return total

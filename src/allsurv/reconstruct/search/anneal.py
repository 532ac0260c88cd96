"""The search itself: moves that keep the counts, taken or refused by simulated annealing.

The objective U is a sum of misses, none negative, of which a move of one or two patients changes a
few. At temperature T a move from U to U' is taken with probability min(1, exp(-(U' - U) / T)). With
u uniform in (0, 1) that is: taken if u < exp(-(U' - U) / T), so if

    U' <= U - T log u = enough.

The right side is drawn before U' is known. As U' only grows while its terms are added, judging
stops at the first partial sum beyond ``enough``, cheap terms first and the Cox model last: the
outcome is the same, and most moves are refused without a fit.

Example: U = 2, T = 0.5, u = 0.6 give enough = 2.255. If the terms that the move leaves alone come
to 1.9 and the first curve it touches to 0.5, the move is refused there.
"""

from __future__ import annotations

import numpy as np

from allsurv.reconstruct.search.arrays import (
    Desk,
    Floats,
    Ints,
    Lists,
    Mask,
    Moves,
    Problem,
    State,
    Stream,
    Work,
)
from allsurv.reconstruct.search.compiled import compiled, draw_unit, inner
from allsurv.reconstruct.search.moves import (
    BITS,
    IN_MODEL,
    ROW,
    belongs,
    counts_agree,
    exchange,
    follow,
    plausible,
    propose,
    same_risk_sets,
    sort,
)
from allsurv.reconstruct.search.reassess import find_touched, reassess, workspace
from allsurv.reconstruct.search.score import fill_moments

__all__ = ["anneal"]

ACCEPTED, LOWEST, TRIED, ALLOWED = 0, 1, 2, 3


@inner
def _desk(state: State, n_endpoints: int, most_counts: int) -> Desk:
    n = state.bits.size
    return Desk(
        np.zeros((state.member.shape[0], 2), dtype=np.int64),
        np.zeros((n_endpoints, 2)),
        np.zeros((n_endpoints, n)),
        np.zeros(most_counts, dtype=np.int64),
        np.zeros(2, dtype=np.int64),
        np.empty_like(state.term),
        np.empty_like(state.beta),
    )


@inner
def _signed_times(endpoints: Ints, values: Floats, event: Ints, times: Floats, i: int) -> None:
    """Time of each endpoint, negative where the event was seen."""
    for e in range(endpoints.shape[0]):
        time = values[endpoints[e, 4], i]
        times[e, i] = -time if event[e, i] else time


@inner
def _change(
    problem: Problem, bits: Ints, values: Floats, stream: Stream, desk: Desk, move: int
) -> float:
    """Make a move that keeps counts and rules.

    Returns the number a nudge replaced (0 for an exchange), or NaN where the board is as it was.
    """
    conditions, rules, gaps = problem.conditions, problem.rules, problem.gaps
    moves = problem.moves
    shape, (starts, rows) = moves.shape[move], moves.numbers
    first, last = starts[move], starts[move + 1]
    new = propose(
        shape, moves.step[move], rows, first, last, conditions, bits, values, stream, desk.pair
    )
    if new != new:
        return np.nan
    i, j = desk.pair[0], desk.pair[1]
    starts, listed = moves.counts
    low, high = starts[move], starts[move + 1]
    counts_agree(listed, low, high, conditions, i, j, bits, values, desk.counts, False)
    before = values[shape[ROW], i] if j < 0 else 0.0
    if j >= 0:
        exchange(bits, values, shape[BITS], rows, first, last, i, j)
    else:
        values[shape[ROW], i] = new
    starts, named = moves.limits
    begin, end = starts[move], starts[move + 1]
    other = j if j >= 0 else i
    if (
        plausible(rules, gaps, named, begin, end, conditions, i, bits, values)
        and plausible(rules, gaps, named, begin, end, conditions, other, bits, values)
        and counts_agree(listed, low, high, conditions, i, j, bits, values, desk.counts, True)
    ):
        return before
    _undo(moves, bits, values, desk.pair, move, before)
    return np.nan


@inner
def _undo(moves: Moves, bits: Ints, values: Floats, pair: Ints, move: int, before: float) -> None:
    i, j = pair[0], pair[1]
    if j < 0:
        values[moves.shape[move, ROW], i] = before
        return
    starts, rows = moves.numbers
    exchange(bits, values, moves.shape[move, BITS], rows, starts[move], starts[move + 1], i, j)


@inner
def _sort_switches(state: State, row: int, numbers: Lists, move: int) -> None:
    starts, rows = numbers
    for m in range(starts[move], starts[move + 1]):
        if rows[m] == row:
            sort(state.switch_order, state.values[row], state.no_event)


@inner
def _refresh(problem: Problem, state: State, times: Floats, move: int, i: int, j: int) -> None:
    """Bring times, order and membership of two patients up to date."""
    conditions, endpoints, targets = problem.conditions, problem.endpoints, problem.targets
    bits, values, member = state.bits, state.values, state.member
    starts, items = problem.moves.times
    for m in range(starts[move], starts[move + 1]):
        e = items[m]
        event = state.event[e]
        for who in (i, j):
            follow(endpoints[e], problem.decimals[e], conditions, who, bits, values, event)
            time = values[endpoints[e, 4], who]
            times[e, who] = -time if event[who] else time
        sort(state.order[e], values[endpoints[e, 4]], event)
    starts, items = problem.moves.groups
    for m in range(starts[move], starts[move + 1]):
        g = items[m]
        member[g, i] = belongs(conditions, g, i, bits, values)
        member[g, j] = belongs(conditions, g, j, bits, values)
    if problem.moves.shape[move, IN_MODEL]:
        fill_moments(targets.term, member, values, state.moments, i)
        fill_moments(targets.term, member, values, state.moments, j)
        _sort_switches(state, targets.model[1], problem.moves.numbers, move)


@inner
def _in_model(
    problem: Problem, values: Floats, event: Ints, desk: Desk, move: int, before: float
) -> bool:
    """Tell whether a move changes what the Cox model sees."""
    shape, model = problem.moves.shape[move], problem.targets.model
    if not shape[IN_MODEL] or model[0] < 0:
        return False
    row, e = shape[ROW], model[0]
    of_switch = row == model[1]
    if desk.pair[1] >= 0 or not (of_switch or row == problem.endpoints[e, 0]):
        return True
    i = desk.pair[0]
    time = values[problem.endpoints[e, 4]]
    return not same_risk_sets(
        time, event[e], values[model[1]], i, before, values[row, i], of_switch
    )


@inner
def _judge(
    problem: Problem,
    state: State,
    desk: Desk,
    touched: Mask,
    move: int,
    before: float,
    enough: float,
    work: Work,
) -> float:
    """Give the objective after a move; infinite where it is more than enough."""
    targets, moves = problem.targets, problem.moves
    i = desk.pair[0]
    other = desk.pair[1] if desk.pair[1] >= 0 else i
    for g in targets.groups:
        desk.was_member[g, 0], desk.was_member[g, 1] = state.member[g, i], state.member[g, other]
    for e in range(desk.was_time.shape[0]):
        desk.was_time[e, 0], desk.was_time[e, 1] = desk.times[e, i], desk.times[e, other]
    _refresh(problem, state, desk.times, move, i, other)
    desk.trial[:] = state.beta
    in_model = _in_model(problem, state.values, state.event, desk, move, before)
    starts, rows = moves.numbers
    first, last = starts[move], starts[move + 1]
    find_touched(targets, state.member, desk, rows, first, last, in_model, i, other, touched)
    return reassess(
        targets, problem.endpoints, state, touched, desk.fresh, desk.trial, enough, work
    )


@compiled
def anneal(
    problem: Problem, state: State, objective: float, steps: int, hot: float, cold: float
) -> float:
    """Try moves while the temperature falls evenly on the logarithmic scale."""
    moves, stream, tally = problem.moves, state.stream, state.tally
    desk = _desk(state, problem.endpoints.shape[0], moves.counts[1].size + 1)
    for i in range(state.bits.size):
        _signed_times(problem.endpoints, state.values, state.event, desk.times, i)
    touched = np.zeros(state.term.size, dtype=np.bool_)
    work = workspace(state.bits.size, state.beta.size)
    # T falls from hot to cold as hot * exp(cooling * step): by the same share at each step.
    cooling = np.log(cold / hot) / steps
    for step in range(steps):
        if objective == 0.0:
            break
        tally[TRIED] += 1
        move = int(np.searchsorted(moves.until, draw_unit(stream)))
        before = _change(problem, state.bits, state.values, stream, desk, move)
        if before != before:
            continue
        tally[ALLOWED] += 1
        enough = objective - hot * np.exp(cooling * step) * np.log(1.0 - draw_unit(stream))
        total = _judge(problem, state, desk, touched, move, before, enough, work)
        if total <= enough:
            objective = total
            tally[ACCEPTED] += 1
            state.term[:] = desk.fresh
            state.beta[:] = desk.trial
            if total < tally[LOWEST]:
                tally[LOWEST] = total
                state.best_bits[:] = state.bits
                state.best_values[:, :] = state.values
            continue
        _undo(moves, state.bits, state.values, desk.pair, move, before)
        i = desk.pair[0]
        other = desk.pair[1] if desk.pair[1] >= 0 else i
        _refresh(problem, state, desk.times, move, i, other)
    return objective

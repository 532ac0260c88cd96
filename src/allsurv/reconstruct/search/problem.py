"""Plan, ledger and patients as the arrays that the compiled search works on."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from allsurv.reconstruct.search.arrays import (
    Conditions,
    Floats,
    Ints,
    Problem,
    State,
    Stream,
    Targets,
)
from allsurv.reconstruct.search.board import Board
from allsurv.reconstruct.search.groups import TIME_ROWS, Groups, time_row
from allsurv.reconstruct.search.plan import Plan
from allsurv.reconstruct.search.targets import Goals, compile_goals
from allsurv.reconstruct.search.touching import Touching
from allsurv.study.ledger import Ledger
from allsurv.study.spec import Study

__all__ = ["EDGE", "pose", "start"]

EDGE = 0.05
"""What a target costs that is missed by however little, for each entry that prints it."""
LEAST_Z = 0.05
"""Least scale of a miss in a test's normal deviate."""
IN_ERRORS = 0.03
"""Scale of a miss in the Cox model, in standard errors of the term."""
Z95 = 1.959963984540054


def pose(ledger: Ledger, study: Study, plan: Plan, board: Board) -> tuple[Problem, Goals]:
    """Make the arrays of a search."""
    groups = Groups(study, board, plan)
    goals = compile_goals(ledger, study, plan, board, groups)
    kept = sorted({*goals.counts, *(groups.add(k.population) for k in plan.keeps)})
    rules, gaps = _rules(plan, board, groups, goals)
    endpoints = _endpoints(plan, board, groups)
    listed = {c.group for c in goals.curves} | {o.group for o in goals.orders}
    listed |= {g for t in goals.tests for g in (t.first, t.second)}
    listed |= {at for is_label, at in goals.model.terms if is_label} if goals.model else set()
    moves = Touching(plan, board, groups, goals).moves(kept, sorted(listed), rules)
    problem = Problem(
        conditions=groups.conditions(),
        endpoints=endpoints,
        decimals=np.array([10.0**e.decimals for e in plan.endpoints.values()]),
        rules=rules,
        gaps=gaps,
        moves=moves,
        targets=_targets(goals, sorted(listed)),
    )
    return problem, goals


def _targets(goals: Goals, listed: list[int]) -> Targets:
    model = goals.model
    terms = model.terms if model else []
    return Targets(
        groups=np.array(listed, dtype=np.int64),
        curve=_table([(c.group, c.endpoint) for c in goals.curves], 2),
        curve_at=np.array([c.at for c in goals.curves]),
        test=_table([(t.first, t.second, t.endpoint) for t in goals.tests], 3),
        order=_table([(o.row, o.group, o.which) for o in goals.orders], 3),
        term=_table([(int(is_label), at) for is_label, at in terms], 2),
        model=np.array([model.endpoint, model.switch] if model else [-1, -1], dtype=np.int64),
        interval=_intervals(goals),
    )


def start(problem: Problem, board: Board, seed: int, chain: int = 0) -> State:
    """Make the state that a search starts from."""
    n = board.bits.size
    n_endpoints = len(problem.endpoints)
    values = np.vstack([board.values, np.full((TIME_ROWS * n_endpoints, n), np.nan)])
    targets = problem.targets
    p = len(targets.term) + 1
    n_terms = len(targets.curve) + len(targets.test) + len(targets.order) + 1
    return State(
        bits=board.bits.copy(),
        values=values,
        event=np.zeros((n_endpoints, n), dtype=np.int64),
        order=np.tile(np.arange(n), (n_endpoints, 1)),
        switch_order=np.arange(n),
        member=np.zeros((problem.conditions.starts.size - 1, n), dtype=np.int64),
        term=np.zeros(n_terms),
        moments=np.zeros((2, n, 1 + p + p * (p + 1) // 2)),
        beta=np.zeros(p),
        stream=_stream(seed, chain),
        best_bits=board.bits.copy(),
        best_values=values.copy(),
        tally=np.array([0.0, np.inf, 0.0, 0.0, np.inf]),
        no_event=np.zeros(n, dtype=np.int64),
    )


def _stream(seed: int, chain: int) -> Stream:
    both = np.array([seed], dtype=np.uint64), np.array([chain], dtype=np.uint64)
    return both[0] * np.uint64(0xD1342543DE82EF95) + both[1] * np.uint64(0xA24BAED4963EE407)


def _table(rows: list[tuple[int, ...]], width: int) -> Ints:
    return np.array(rows, dtype=np.int64).reshape(-1, width)


def _intervals(goals: Goals) -> Floats:
    """Lowest, highest, scale and edge: curves (4 each), tests, orders, the model's terms (4 each).

    The model's edges change while the search goes on.
    """
    found = [part for c in goals.curves for part in c.parts]
    found += [t.z for t in goals.tests] + [o.value for o in goals.orders]
    of_model = [part for term in (goals.model.parts if goals.model else ()) for part in term]
    limits = np.array(found + of_model, dtype=float).reshape(-1, 2)
    width = limits[:, 1] - limits[:, 0]
    width = np.where(np.isfinite(width), width, 0.0)
    tests = slice(4 * len(goals.curves), 4 * len(goals.curves) + len(goals.tests))
    width[tests] = np.fmax(width[tests], LEAST_Z)
    for k in range(len(found), len(limits), 4):
        error = (limits[k + 2].mean() - limits[k + 1].mean()) / (2 * Z95)
        width[k : k + 3] = IN_ERRORS * error if np.isfinite(error) else width[k : k + 3]
        width[k + 3] = np.fmax(width[k + 3], LEAST_Z)
    printed = [n for c in goals.curves for n in c.printed]
    printed += [*goals.tests.values(), *goals.orders.values()]
    edge = np.full(len(limits), EDGE)
    edge[: len(found)] *= printed
    return np.column_stack([limits, np.where(width > 0, width, LEAST_Z), edge])


def _endpoints(plan: Plan, board: Board, groups: Groups) -> Ints:
    return _table(
        [
            (
                _row(board, e.stop),
                groups.add(e.dead),
                _row(board, e.earlier),
                _row(board, e.origin),
                time_row(board, plan, name),
            )
            for name, e in plan.endpoints.items()
        ],
        5,
    )


def _rules(plan: Plan, board: Board, groups: Groups, goals: Goals) -> tuple[Ints, Floats]:
    """Rules of the plan, and printed ranges that nobody leaves to start with."""
    rules = [
        (*(_row(board, name) for name in (r.first, r.plus, r.then)), groups.add(r.among))
        for r in plan.limits
    ]
    gaps = [r.gap for r in plan.limits]
    for row, group, which, (low, high) in goals.orders:
        values = board.values[row][members(groups.conditions(), group, board)]
        if which == 0 and np.all(values >= low):
            rules.append((-1, -1, row, group))
            gaps.append(low)
        elif which == 2 and np.all(values <= high):
            rules.append((row, -1, -1, group))
            gaps.append(-high)
    return _table(rules, 4), np.array(gaps)


def members(conditions: Conditions, group: int, board: Board) -> NDArray[np.bool_]:
    """Tell who belongs to a group."""
    found = np.zeros(board.bits.size, dtype=bool)
    for a in range(conditions.starts[group], conditions.starts[group + 1]):
        barred, *rows = conditions.alternatives[a].tolist()
        met = (board.bits & barred) == 0
        for row, above in zip(rows, conditions.above[a], strict=True):
            if row >= 0:
                met &= board.values[row] > above
        found |= met
    return found


def _row(board: Board, name: str | None) -> int:
    return -1 if name is None else board.number(name)

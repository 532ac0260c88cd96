"""What each move changes, and what it has to be checked against."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from allsurv.reconstruct.search.arrays import Ints, Lists, Moves
from allsurv.reconstruct.search.board import Board
from allsurv.reconstruct.search.groups import TIME_ROWS, Groups, ragged
from allsurv.reconstruct.search.plan import Exchange, Nudge, Plan
from allsurv.reconstruct.search.targets import Goals

__all__ = ["Touching"]


class Touching:
    """Works out what each move of a plan touches."""

    def __init__(self, plan: Plan, board: Board, groups: Groups, goals: Goals) -> None:
        self.plan, self.board, self.groups, self.goals = plan, board, groups, goals
        self.each: list[Exchange | Nudge] = [*plan.exchanges, *plan.nudges]
        self.names = [m.columns if isinstance(m, Exchange) else (m.column,) for m in self.each]
        self.bits = [sum(board.mask(n) for n in ns if n in board.levels) for ns in self.names]
        self.rows = [[board.number(n) for n in ns if n in board.numbers] for ns in self.names]
        self.times = [self._times(k) for k in range(len(self.each))]

    def _times(self, move: int) -> list[int]:
        """Endpoints whose time or event a move changes."""
        found = []
        for e, endpoint in enumerate(self.plan.endpoints.values()):
            uses = {endpoint.stop, endpoint.earlier, endpoint.origin} & set(self.names[move])
            if uses or self._depends(self.groups.add(endpoint.dead), move, ()):
                found.append(e)
        return found

    def _depends(self, group: int, move: int, times: Iterable[int]) -> bool:
        bits, rows = self.groups.depends(group)
        changed = set(self.rows[move])
        for e in times:
            first = len(self.board.numbers) + TIME_ROWS * e
            changed |= set(range(first, first + TIME_ROWS))
        return bool(bits & self.bits[move]) or bool(rows & changed)

    def _concerned(self, listed: Iterable[int]) -> Lists:
        ids = list(listed)
        return ragged(
            [[g for g in ids if self._depends(g, k, self.times[k])] for k in range(len(self.each))]
        )

    def _in_model(self, move: int) -> bool:
        model = self.goals.model
        if model is None:
            return False
        if model.endpoint in self.times[move] or model.switch in self.rows[move]:
            return True
        return any(
            self._depends(at, move, ()) if is_label else at in self.rows[move]
            for is_label, at in model.terms
        )

    def moves(self, kept: list[int], listed: list[int], rules: Ints) -> Moves:
        """Give the arrays of all moves."""
        shape, step, limits = [], [], []
        for k, move in enumerate(self.each):
            among = self.groups.add(move.among)
            same = sum(map(self.board.mask, move.same)) if isinstance(move, Exchange) else 0
            row = self.rows[k][0] if isinstance(move, Nudge) else -1
            between = isinstance(move, Nudge) and move.between_neighbours
            nudge = isinstance(move, Nudge)
            shape.append((nudge, among, self.bits[k], same, row, between, self._in_model(k)))
            step.append((move.grid, move.spread) if isinstance(move, Nudge) else (1.0, 0.0))
            limits.append(
                [
                    r
                    for r, (first, plus, then, group) in enumerate(rules.tolist())
                    if {first, plus, then} & set(self.rows[k]) or self._depends(group, k, ())
                ]
            )
        often = np.cumsum([m.often for m in self.each])
        return Moves(
            until=often / often[-1],
            shape=np.array(shape, dtype=np.int64),
            step=np.array(step),
            numbers=ragged(self.rows),
            counts=self._concerned(kept),
            limits=ragged(limits),
            groups=self._concerned(listed),
            times=ragged(self.times),
        )

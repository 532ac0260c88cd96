"""The search from start to end: schedule, progress, and a checkpoint to go on from."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice, repeat
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from allsurv.errors import ConfigError
from allsurv.reconstruct.search.arrays import Problem, State
from allsurv.reconstruct.search.board import lay_out
from allsurv.reconstruct.search.draws import Patients
from allsurv.reconstruct.search.plan import Plan
from allsurv.reconstruct.search.problem import EDGE, pose, start
from allsurv.study.ledger import Ledger
from allsurv.study.spec import Study
from allsurv.whole_file import whole_file

__all__ = ["Cooling", "Found", "Schedule", "Tell", "search"]


class Cooling(NamedTuple):
    """A stretch of the search during which the temperature falls.

    Attributes
    ----------
    hot, cold : float
        Temperature at the first and after the last move.
    moves : int
        Moves of each chain.
    strict : float
        Cost of missing a number of the Cox model by however little, in that of any other number:
        while patients are sought a low one, which leaves ways open; at last a high one, since the
        model's must all be met.
    """

    hot: float
    cold: float
    moves: int
    strict: float = 2.0


NOW, LOWEST, TRIED = 4, 1, 2
COOLINGS = (
    Cooling(10.0, 0.05, 3_000_000),
    *(Cooling(1.0, 0.01, 2_000_000) for _ in range(10)),
    *(Cooling(0.1, 0.003, 1_000_000, strict=6.0) for _ in range(4)),
)
Tell = Callable[[int, int, float], None]
"""Called with moves tried, moves in all and the lowest objective."""


@dataclass(frozen=True)
class Schedule:
    """How long to search, and how hot.

    Attributes
    ----------
    coolings : tuple of Cooling
        One after the other; each starts from the best patients met so far. The search ends earlier
        where every target is met.
    chains : int
        Searches side by side, each with its own chance; they meet after each cooling.
    chunk : int
        Moves of each chain between two reports and checkpoints.
    """

    coolings: tuple[Cooling, ...] = COOLINGS
    chains: int = 2
    chunk: int = 100_000

    @property
    def moves(self) -> int:
        """Moves of each chain at most."""
        return sum(c.moves for c in self.coolings)

    def stretches(self) -> Iterator[tuple[float, float, int, float, bool]]:
        """Cut the coolings into chunks."""
        for hot, cold, moves, strict in self.coolings:
            ends = [*range(0, moves, self.chunk), moves]
            heat = [hot * (cold / hot) ** (end / moves) for end in ends]
            for k in range(len(ends) - 1):
                yield heat[k], heat[k + 1], ends[k + 1] - ends[k], strict, k == 0


@dataclass(frozen=True)
class Found:
    """What a search came to.

    Attributes
    ----------
    columns : Patients
        The columns searched, labels as labels.
    objective : float
        Sum of the misses; 0 where every target is met.
    moves : int
        Moves tried by all chains.
    history : DataFrame
        ``moves``, ``temperature``, ``objective_1`` and so on for each chain, ``lowest``: one row
        per chunk.
    """

    columns: Patients
    objective: float
    moves: int
    history: pd.DataFrame


def search(
    people: Patients,
    ledger: Ledger,
    study: Study,
    plan: Plan,
    *,
    random_state: int,
    schedule: Schedule | None = None,
    checkpoint: Path | None = None,
    tell: Tell | None = None,
) -> Found:
    """Exchange and move patients' values until the ledger's survival numbers are met."""
    from allsurv.reconstruct.search.reassess import evaluate

    timing = schedule or Schedule()
    board = lay_out(people, plan)
    problem, _ = pose(ledger, study, plan, board)
    chains = [start(problem, board, random_state, chain) for chain in range(timing.chains)]
    for state in chains:
        state.tally[[NOW, LOWEST]] = evaluate(problem, state)
    key = _fingerprint(problem, chains, timing)
    rows = _resume(checkpoint, key, chains)
    with ThreadPoolExecutor(timing.chains) as pool:
        for hot, cold, moves, strict, begins in islice(timing.stretches(), len(rows), None):
            if _lowest(chains).tally[LOWEST] == 0.0:
                break
            problem.targets.interval[-4 * len(problem.targets.term) :, 3] = EDGE * strict
            if begins:
                _meet(problem, chains)
            list(pool.map(_anneal, repeat(problem), chains, repeat((moves, hot, cold))))
            tried, lowest = moves + int(rows[-1][0] if rows else 0), _lowest(chains)
            rows.append(
                (tried, cold, *(state.tally[NOW] for state in chains), lowest.tally[LOWEST])
            )
            if checkpoint is not None:
                _save(checkpoint, key, chains, rows)
            if tell is not None:
                tell(tried, timing.moves, float(lowest.tally[LOWEST]))
    _meet(problem, chains)
    if checkpoint is not None:
        checkpoint.unlink(missing_ok=True)
    best = chains[0]
    objectives = [f"objective_{k + 1}" for k in range(timing.chains)]
    columns = ["moves", "temperature", *objectives, "lowest"]
    history = pd.DataFrame(rows, columns=columns).astype({"moves": int})
    total = sum(int(state.tally[TRIED]) for state in chains)
    return Found(board.columns(best.bits, best.values), float(best.tally[NOW]), total, history)


def _anneal(problem: Problem, state: State, stretch: tuple[int, float, float]) -> None:
    from allsurv.reconstruct.search.anneal import anneal

    state.tally[NOW] = anneal(problem, state, state.tally[NOW], *stretch)


def _lowest(chains: list[State]) -> State:
    return min(chains, key=lambda state: float(state.tally[LOWEST]))


def _meet(problem: Problem, chains: list[State]) -> None:
    """Let all chains go on from the best patients that any of them met."""
    from allsurv.reconstruct.search.reassess import evaluate

    best = _lowest(chains)
    bits, values = best.best_bits.copy(), best.best_values.copy()
    for state in chains:
        state.bits[:] = state.best_bits[:] = bits
        state.values[:] = state.best_values[:] = values
        state.tally[[NOW, LOWEST]] = evaluate(problem, state)


def _fingerprint(problem: Problem, chains: list[State], schedule: Schedule) -> str:
    """Name a search: its patients, targets, rules, seed and schedule."""
    seen = hashlib.sha256(repr(schedule).encode())

    def add(part: object) -> None:
        if isinstance(part, np.ndarray):
            seen.update(np.ascontiguousarray(part).tobytes())
        elif isinstance(part, tuple):
            for each in part:
                add(each)

    add(problem)
    for state in chains:
        add((state.bits, state.values, state.stream))
    return seen.hexdigest()


def _save(path: Path, key: str, chains: list[State], rows: list[tuple[float, ...]]) -> None:
    arrays = {
        f"{k}.{name}": array for k, s in enumerate(chains) for name, array in s._asdict().items()
    }
    with whole_file(path) as part, part.open("wb") as stream:
        np.savez(stream, key=np.array(key), rows=np.array(rows), **arrays)


def _resume(path: Path | None, key: str, chains: list[State]) -> list[tuple[float, ...]]:
    """Fill the chains from a checkpoint; give the history up to it."""
    if path is None or not path.is_file():
        return []
    with np.load(path, allow_pickle=False) as saved:
        if str(saved["key"]) != key:
            raise ConfigError(
                f"{path}: is the checkpoint of another search (other seed, study, ledger or "
                "version); remove it to begin anew."
            )
        for k, state in enumerate(chains):
            for name, part in state._asdict().items():
                part[...] = saved[f"{k}.{name}"]
        return [tuple(row) for row in saved["rows"].tolist()]

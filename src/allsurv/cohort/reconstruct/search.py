"""The search from start to end: schedule, progress, and a checkpoint to go on from."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from allsurv.cohort.reconstruct.arrays import Problem, State
from allsurv.cohort.reconstruct.board import lay_out
from allsurv.cohort.reconstruct.draws import Patients
from allsurv.cohort.reconstruct.plan import Plan
from allsurv.cohort.reconstruct.problem import pose, start
from allsurv.errors import ConfigError
from allsurv.study.ledger import Ledger
from allsurv.study.spec import Study

__all__ = ["Found", "Schedule", "Tell", "search"]

Tell = Callable[[int, int, float], None]
"""Called with moves tried, moves in all and the lowest objective."""


@dataclass(frozen=True)
class Schedule:
    """How long to search, and how the temperature falls.

    Attributes
    ----------
    moves : int
        Moves to try at most; the search ends earlier where every target is met.
    chunk : int
        Moves between two reports and checkpoints.
    hot, cold : float
        Temperature at the first and the last move of the first cooling.
    first : float
        Share of the moves spent on the first cooling; the rest goes to shorter ones.
    reheat : float
        Temperature at which later coolings start, from the best patients so far.
    again : int
        Moves of each later cooling.
    """

    moves: int = 24_000_000
    chunk: int = 100_000
    hot: float = 10.0
    cold: float = 0.004
    first: float = 0.6
    reheat: float = 0.5
    again: int = 2_400_000

    def temperatures(self, tried: int) -> tuple[float, float, bool]:
        """Temperatures around a chunk, and whether it begins a new cooling."""
        length = int(self.first * self.moves)
        hot, done = self.hot, tried
        if tried >= length:
            hot, done, length = self.reheat, (tried - length) % self.again, self.again
        fall = self.cold / hot
        ends = (hot * fall ** (d / length) for d in (done, min(done + self.chunk, length)))
        return next(ends), next(ends), done == 0 and tried > 0


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
        Moves tried.
    history : DataFrame
        ``moves``, ``temperature``, ``objective``, ``lowest``: one row per chunk.
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
    """Exchange and move patients' values until the ledger's survival numbers are met.

    Parameters
    ----------
    people : Patients
        Patients who satisfy all counts and rules.
    ledger : Ledger
        Published numbers.
    study : Study
        Data dictionary, analyses and findings.
    plan : Plan
        What may be changed, and what stays true.
    random_state : int
        Seed of the search.
    schedule : Schedule, optional
        How long, and how hot.
    checkpoint : Path, optional
        File to save to while searching and to go on from if it is there; removed at the end.
    tell : callable, optional
        Progress.

    Returns
    -------
    Found
        The best patients met.

    Raises
    ------
    ConfigError
        If the checkpoint is of another search.
    StudyError
        If an entry of the ledger cannot be searched for.
    """
    from allsurv.cohort.reconstruct.anneal import anneal
    from allsurv.cohort.reconstruct.reassess import evaluate

    timing = schedule or Schedule()
    board = lay_out(people, plan)
    problem, _ = pose(ledger, study, plan, board)
    state = start(problem, board, random_state)
    key = _fingerprint(problem, state, timing)
    rows = _resume(checkpoint, key, state)
    if rows:
        objective = rows[-1][2]
    else:
        objective = state.tally[1] = evaluate(problem, state)
    tried = len(rows) * timing.chunk
    while tried < timing.moves and state.tally[1] > 0.0:
        hot, cold, anew = timing.temperatures(tried)
        if anew:
            objective = _return_to_best(problem, state)
        objective = anneal(problem, state, objective, timing.chunk, hot, cold)
        tried += timing.chunk
        rows.append((float(tried), cold, objective, float(state.tally[1])))
        if checkpoint is not None:
            _save(checkpoint, key, state, rows)
        if tell is not None:
            tell(tried, timing.moves, float(state.tally[1]))
    objective = _return_to_best(problem, state)
    if checkpoint is not None:
        checkpoint.unlink(missing_ok=True)
    history = pd.DataFrame(rows, columns=["moves", "temperature", "objective", "lowest"])
    return Found(board.columns(state.bits, state.values), objective, int(state.tally[2]), history)


def _return_to_best(problem: Problem, state: State) -> float:
    from allsurv.cohort.reconstruct.reassess import evaluate

    state.bits[:] = state.best_bits
    state.values[:] = state.best_values
    return float(evaluate(problem, state))


def _fingerprint(problem: Problem, state: State, schedule: Schedule) -> str:
    """Name a search: its patients, targets, rules, seed and schedule."""
    seen = hashlib.sha256(repr(schedule).encode())

    def add(part: object) -> None:
        if isinstance(part, np.ndarray):
            seen.update(np.ascontiguousarray(part).tobytes())
        elif isinstance(part, tuple):
            for each in part:
                add(each)

    add(problem)
    add((state.bits, state.values, state.stream))
    return seen.hexdigest()


def _save(path: Path, key: str, state: State, rows: list[tuple[float, ...]]) -> None:
    """Write whole or not at all."""
    half = path.with_name(path.name + ".part")
    with half.open("wb") as stream:
        np.savez(stream, key=np.array(key), rows=np.array(rows), **state._asdict())
    os.replace(half, path)


def _resume(path: Path | None, key: str, state: State) -> list[tuple[float, ...]]:
    """Fill the state from a checkpoint; give the history up to it."""
    if path is None or not path.is_file():
        return []
    with np.load(path, allow_pickle=False) as saved:
        if str(saved["key"]) != key:
            raise ConfigError(
                f"{path}: is the checkpoint of another search (other seed, study, ledger or "
                "version); remove it to begin anew."
            )
        for name, part in state._asdict().items():
            part[...] = saved[name]
        return [tuple(row) for row in saved["rows"].tolist()]

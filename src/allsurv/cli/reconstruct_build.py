"""Reconstruct a cohort from what its paper printed, and write it."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from allsurv.cohort import read_cohort
from allsurv.errors import ConfigError
from allsurv.reconstruct.rr_all.write import reconstruct_cohort, write_patients
from allsurv.reconstruct.search.schedule import Tell
from allsurv.study import load_study

__all__ = ["build_reconstruction"]

QUIET_SECONDS = 5.0


def build_reconstruction(study: str, seed: int, out: str) -> None:
    """Search for patients who satisfy the paper, going on from a checkpoint where there is one."""
    path = Path(out)
    if not path.parent.is_dir():
        raise ConfigError(f"{out}: its folder does not exist; make it first.")
    definition = load_study(study)
    with _progress(sys.stderr) as tell:
        table, found = reconstruct_cohort(
            definition,
            random_state=seed,
            checkpoint=path.with_name(path.name + ".checkpoint"),
            tell=tell,
        )
    write_patients(table, path, study=definition, random_state=seed)
    history = path.with_suffix(".search.csv")
    found.history.to_csv(history, index=False, lineterminator="\n")
    patients = read_cohort(path, definition)
    statement = "" if definition.cohort is None else f" {definition.cohort.statement}"
    print(f"{patients.n} patients: {path}.{statement}")
    met = "every target met" if found.objective == 0 else f"objective {found.objective:.4g}"
    print(f"{found.moves:,} moves, {met}; objective over time: {history}.")


@contextmanager
def _progress(stream: TextIO) -> Iterator[Tell]:
    """Show a bar on a terminal; elsewhere at most one line in five seconds."""
    if not stream.isatty():
        yield _lines(stream)
        return
    columns = (
        TextColumn("search"),
        BarColumn(),
        TextColumn("objective {task.fields[objective]:.4g}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(file=stream)) as bars:
        task = bars.add_task("search", objective=float("inf"))

        def tell(tried: int, moves: int, lowest: float) -> None:
            bars.update(task, completed=tried, total=moves, objective=lowest)

        yield tell


def _lines(stream: TextIO) -> Tell:
    began = time.monotonic()
    said = [0.0]

    def tell(tried: int, moves: int, lowest: float) -> None:
        now = time.monotonic() - began
        if now - said[0] >= QUIET_SECONDS or lowest == 0:
            said[0] = now
            print(
                f"[{now:5.1f} s] {tried:,} of {moves:,} moves, objective {lowest:.4g}",
                file=stream,
                flush=True,
            )

    return tell

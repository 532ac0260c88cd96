"""How far a run is: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from types import TracebackType
from typing import TextIO

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.progress import Progress as Bars

__all__ = ["Progress"]

QUIET_SECONDS = 5.0


class Progress:
    """Shows the stages of a run; call it as ``progress(stage, done, total)``."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._began = time.monotonic()
        self._said = 0.0
        self._tasks: dict[str, int] = {}
        self._stages: dict[str, tuple[float, int]] = {}
        self._bars = (
            Bars(
                TextColumn("{task.description:<12}"),
                BarColumn(),
                MofNCompleteColumn(),
                TimeElapsedColumn(),
                TextColumn("left"),
                TimeRemainingColumn(),
                console=Console(file=stream),
            )
            if stream.isatty()
            else None
        )

    def __enter__(self) -> Progress:
        """Start drawing."""
        if self._bars:
            self._bars.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop drawing; nothing is hidden of an error."""
        if self._bars:
            self._bars.stop()

    def __call__(self, stage: str, done: int, total: int) -> None:
        """Say how far a stage is."""
        if self._bars:
            if stage not in self._tasks:
                self._tasks[stage] = self._bars.add_task(stage, total=total)
            self._bars.update(self._bars.task_ids[self._tasks[stage]], completed=done, total=total)
            return
        now = time.monotonic() - self._began
        if done == total or now - self._said >= QUIET_SECONDS:
            self._said = now
            left = ""
            since, before = self._stages.get(stage, (now, done))
            if before < done < total:
                rest = (now - since) / (done - before) * (total - done)
                left = f", about {rest:.0f} s left in this stage"
            self._stages[stage] = now, done  # not before: the first tasks compile for the others
            print(f"[{now:5.1f} s] {stage} {done}/{total}{left}", file=self._stream, flush=True)

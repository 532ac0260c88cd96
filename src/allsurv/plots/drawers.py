"""Figures drawn by other processes, while the numbers of the next ones are worked out."""

from __future__ import annotations

import gc
from concurrent.futures import Future, ProcessPoolExecutor
from multiprocessing import get_all_start_methods, get_context
from multiprocessing.context import BaseContext
from pathlib import Path
from types import TracebackType

from allsurv.reproduction.items import Item
from allsurv.study.spec import Study

__all__ = ["Drawers"]

DRAWN_BY = "allsurv.plots.items"


class Drawers:
    """Processes that write figures as they are handed over; use it in a ``with`` block.

    Parameters
    ----------
    study : Study
        Names endpoints and the unit of time.
    caption : str, default=""
        Line under every figure: where the data come from.
    n_jobs : int, default=2
        Processes; the files do not depend on it.
    """

    def __init__(self, study: Study, *, caption: str = "", n_jobs: int = 2) -> None:
        self._study = study
        self._caption = caption
        self._pool = ProcessPoolExecutor(n_jobs, _context(), gc.freeze)
        self._begun: list[Future[tuple[Path, ...]]] = []

    def __enter__(self) -> Drawers:
        """Begin."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Dismiss the processes; after an error what is not begun is not drawn."""
        self._pool.shutdown(cancel_futures=kind is not None)

    def draw(self, item: Item, folder: Path, *, dpi: int | None = None) -> None:
        """Hand a figure over; a table is passed over.

        Parameters
        ----------
        item : Item
            Of a reproduction.
        folder : Path
            Made if need be.
        dpi : int, optional
            Dots per inch of the PNG; those of a journal where not given.
        """
        if item.is_figure:
            work = self._pool.submit(_write, item, self._study, folder, self._caption, dpi)
            self._begun.append(work)

    def finish(self) -> tuple[Path, ...]:
        """Wait until every figure is written.

        Returns
        -------
        tuple of Path
            Files, as of :func:`allsurv.plots.write_items`.
        """
        return tuple(file for begun in self._begun for file in begun.result())


def _context() -> BaseContext:
    """Start processes as forks of one that has loaded the drawing already, where there are forks.

    That one is started anew: this process may have threads, which a fork would not survive.
    """
    if "forkserver" not in get_all_start_methods():
        return get_context("spawn")
    context = get_context("forkserver")
    context.set_forkserver_preload([DRAWN_BY])
    return context


def _write(
    item: Item, study: Study, folder: Path, caption: str, dpi: int | None
) -> tuple[Path, ...]:
    from allsurv.plots.items import JOURNAL_DPI, write_item

    return write_item(item, study, folder, caption=caption, dpi=dpi or JOURNAL_DPI)

"""Write a run's model card anew."""

from __future__ import annotations

from pathlib import Path

from allsurv import cards
from allsurv.experiment import read_result
from allsurv.study import load_study

__all__ = ["card_command"]


def card_command(folder: Path, study: str) -> None:
    """Write ``card.html``, ``card.md`` and ``card.json`` from the results file of a run.

    Parameters
    ----------
    folder : Path
        Folder a run has written.
    study : str
        The study it was made with: bundled name or study file.
    """
    result = read_result(folder, load_study(study))
    for name in ("card.html", "card.md", "card.json"):
        cards.write(result, folder / name)
    print(f"Card written: {folder / 'card.html'}")

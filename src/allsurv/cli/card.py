"""A run's model card: written, checked, reviewed, compared."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from allsurv.errors import ConfigError
from allsurv.study import Study, load_study

__all__ = [
    "STUDY_FILE",
    "CardOrder",
    "card_command",
    "run_folder",
    "run_study",
    "write_cards",
]

STUDY_FILE = "study.yaml"
RUNS = "runs:/"


@dataclass(frozen=True)
class CardOrder:
    """What is asked of a card.

    Attributes
    ----------
    run : str
        Folder a run has written, or ``runs:/ID``.
    study : str
        Bundled study or study file; empty for the one beside the results, or the one they name.
    author : Path or None
        The author's file.
    out : Path or None
        One format, or a calculator, to write instead of all formats.
    release, check : bool
        Block what is incomplete; check instead of writing.
    decision : str
        ``approved``, ``rejected`` or empty.
    reviewer, statement : str
        Of a decision.
    other : str
        Another run to compare with.
    previous : str
        Run of the card before, whose changes are listed in this one.
    """

    run: str
    study: str = ""
    author: Path | None = None
    out: Path | None = None
    release: bool = False
    check: bool = False
    decision: str = ""
    reviewer: str = ""
    statement: str = ""
    other: str = ""
    previous: str = ""


def card_command(order: CardOrder) -> None:
    """Do what is asked of a run's card."""
    folder = run_folder(order.run)
    if order.other:
        return _compare(order, folder)
    study = run_study(order.study, folder)
    if order.check:
        from allsurv.cards import check_card

        print(f"Card holds: {check_card(folder, study)} numbers recomputed, every file unaltered.")
        return None
    written = _review(order, folder, study) if order.decision else _write(order, folder, study)
    if order.run.startswith(RUNS):
        from allsurv.tracking import add_to_run

        add_to_run(order.run.removeprefix(RUNS), written)
    return None


def write_cards(
    folder: Path, study: Study, *, author: Mapping[str, str] | None = None, release: bool = False
) -> None:
    """Write every face of a card, and the calculator, from a run's results file."""
    from allsurv import cards
    from allsurv.cards.render import FACES
    from allsurv.experiment import read_result

    result = read_result(folder, study)
    for face in FACES:
        cards.write(result, folder / f"card{face}", author=author, release=release)
    card = cards.read_card(folder)
    if (folder / "models" / result.chosen).is_dir():
        cards.write_calculator(card, study, folder, folder / "calculator.html")


def _write(order: CardOrder, folder: Path, study: Study) -> list[Path]:
    from allsurv import cards
    from allsurv.cards.changes import PREVIOUS_FILE
    from allsurv.cards.render import FACES
    from allsurv.experiment import read_result

    author = cards.read_author(order.author) if order.author else {}
    if order.previous:
        before = run_folder(order.previous) / "card.json"
        if not before.is_file():
            raise ConfigError(f"{before}: no card before; write it with: allsurv card FOLDER")
        shutil.copyfile(before, folder / PREVIOUS_FILE)
    if order.out is None:
        write_cards(folder, study, author=author, release=order.release)
        print(f"Card written: {folder / 'card.html'}")
        names = [*(f"card{face}" for face in FACES), "calculator.html", PREVIOUS_FILE]
        return [folder / name for name in names if (folder / name).is_file()]
    result = read_result(folder, study)
    if order.out.stem == "calculator":
        card = cards.make_card(result, folder, author=author, release=order.release)
        cards.write_calculator(card, study, folder, order.out)
    else:
        cards.write(result, order.out, folder=folder, author=author, release=order.release)
    print(f"Written: {order.out}")
    return []


def _review(order: CardOrder, folder: Path, study: Study) -> list[Path]:
    from allsurv.cards import review_card
    from allsurv.cards.review import REVIEW_FILE

    review = review_card(
        folder,
        study,
        decision="approved" if order.decision == "approved" else "rejected",
        reviewer=order.reviewer,
        statement=order.statement,
    )
    record = folder / REVIEW_FILE
    print(f"Card {review.decision} by {review.reviewer}, {review.time}: {record}")
    return [record]


def _compare(order: CardOrder, folder: Path) -> None:
    from allsurv.cards import read_card, write_diff

    other = run_folder(order.other)
    out = order.out or Path("card-diff.html")
    left, right = read_card(folder), read_card(other)
    write_diff(left, right, out, names=(order.run, order.other))
    print(f"Comparison written: {out}")


def run_folder(run: str) -> Path:
    """Find the folder of a run."""
    if run.startswith(RUNS):
        from allsurv.tracking import download_run

        found: Path = download_run(run.removeprefix(RUNS))
        return found
    folder = Path(run)
    if not folder.is_dir():
        raise ConfigError(f"{run}: no such folder; give the folder of a run, or runs:/ID.")
    return folder


def run_study(name: str, folder: Path) -> Study:
    """Load the study of a run."""
    if name:
        return load_study(name)
    if (folder / STUDY_FILE).is_file():
        return load_study(folder / STUDY_FILE)
    file = folder / "results.json"
    try:
        return load_study(json.loads(file.read_text(encoding="utf-8"))["provenance"]["study"])
    except (OSError, ValueError, KeyError):
        raise ConfigError(f"{file}: no results file; give the folder a run has written.") from None

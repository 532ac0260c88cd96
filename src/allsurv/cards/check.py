"""Hold a card against the results file it quotes: every number, every face, every figure."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from allsurv.cards.author import said_by_author
from allsurv.cards.card import CARD_FORMAT, digest_of, make_card
from allsurv.cards.quotes import Tree, parts_of, resolve
from allsurv.cards.render import FACES, calculator_page, render
from allsurv.cards.results_tables import table_faults
from allsurv.cards.words import FORMS
from allsurv.errors import CheckFailed, ConfigError
from allsurv.experiment import read_result
from allsurv.study import Study

__all__ = ["card_faults", "check_card", "read_card"]

PLACEHOLDER = re.compile(
    r"\b(TODO|TBD|FIXME|XXX|lorem ipsum|to be (?:determined|completed|added))\b"
    r"|\[?more information needed\]?|<(?:insert|your|name)\b|\{\{",
    re.IGNORECASE,
)


def check_card(folder: str | Path, study: Study) -> int:
    """Check the card of a run.

    Parameters
    ----------
    folder : str or Path
        Holds ``card.json`` with its other faces, the results file, figures and models.
    study : Study
        What it was made with.

    Returns
    -------
    int
        Number of quotations that were recomputed.

    Raises
    ------
    CheckFailed
        If a number has drifted, a file was altered, or a placeholder stands in the card; each
        fault is named with its place.
    """
    folder = Path(folder)
    faults = list(card_faults(folder, study))
    if faults:
        listed = "\n".join(f"  {fault}" for fault in faults[:40])
        more = f"\n  and {len(faults) - 40} more" if len(faults) > 40 else ""
        raise CheckFailed(
            f"{folder}: the card does not hold; {len(faults)} fault(s):\n{listed}{more}\n"
            "Write it anew with: allsurv card FOLDER"
        )
    return sum(not isinstance(part, str) for _, part in parts_of(read_card(folder)))


def read_card(folder: str | Path) -> Tree:
    """Read ``card.json``.

    Parameters
    ----------
    folder : str or Path
        A run's folder.

    Returns
    -------
    dict
        The card.

    Raises
    ------
    ConfigError
        If there is none, or it is no card of this format.
    """
    file = Path(folder) / "card.json"
    try:
        card = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise ConfigError(f"{file}: no card; write it with: allsurv card FOLDER") from None
    if not isinstance(card, dict) or card.get("format") != CARD_FORMAT:
        raise ConfigError(f"{file}: not a card of format {CARD_FORMAT}; write it anew.")
    return card


def card_faults(folder: Path, study: Study) -> Iterator[str]:
    """Find everything that does not hold."""
    card = read_card(folder)
    file = folder / card["results"]["file"]
    if not file.is_file():
        yield f"{file.name}: missing; the card's numbers cannot be traced."
        return
    raw = file.read_bytes()
    if hashlib.sha256(raw).hexdigest() != card["results"]["sha256"]:
        yield f"{file.name}: altered since the card was written."
    results = json.loads(raw)
    for name, digest in {**card["figures"], **card["tables"], **card["model"]}.items():
        if not (folder / name).is_file():
            yield f"{name}: missing."
        elif digest_of(folder / name) != digest:
            yield f"{name}: altered since the card was written."
    yield from table_faults(folder, results)
    yield from _drift(card, results)
    release = card.get("stage") == "release"
    try:
        anew = make_card(
            read_result(folder, study), folder, author=said_by_author(card), release=release
        )
    except (ConfigError, KeyError) as error:
        yield f"card: cannot be made anew from the results: {error}"
        return
    yield from _differences(json.loads(json.dumps(anew)), card, "card")
    for face in FACES:
        yield from _face_faults(folder, face, anew, results, study)
    yield from _calculator_faults(folder, anew, study)


def _differences(expected: Any, found: Any, place: str) -> Iterator[str]:
    if isinstance(expected, dict) and isinstance(found, dict):
        for key in {**expected, **found}:
            yield from _differences(expected.get(key), found.get(key), f"{place}/{key}")
    elif isinstance(expected, list) and isinstance(found, list) and len(expected) == len(found):
        for k, (one, other) in enumerate(zip(expected, found, strict=True)):
            yield from _differences(one, other, f"{place}/{k}")
    elif expected != found:
        yield f"{place}: is not what the results give."


def _calculator_faults(folder: Path, card: Tree, study: Study) -> Iterator[str]:
    file = folder / "calculator.html"
    if file.is_file() and file.read_text(encoding="utf-8") != calculator_page(card, study, folder):
        yield f"{file.name}: differs from the card and its model."


def _drift(card: Tree, results: Tree) -> Iterator[str]:
    for place, part in parts_of(card):
        text = part if isinstance(part, str) else part["text"]
        found = PLACEHOLDER.search(text)
        if found:
            yield f"{place}: holds the placeholder '{found.group()}'."
        if not isinstance(part, str):
            yield from _quote_faults(place, part, results)


def _quote_faults(place: str, part: Tree, results: Tree) -> Iterator[str]:
    try:
        values = [resolve(results, ref) for ref in part["refs"]]
        computed = FORMS[part["form"]](*values)
    except (ConfigError, KeyError, TypeError) as error:
        yield f"{place}: {error}"
        return
    if computed != part["text"]:
        yield f"{place}: says '{part['text']}', the results say '{computed}'."


def _face_faults(folder: Path, face: str, card: Tree, results: Tree, study: Study) -> Iterator[str]:
    file = folder / f"card{face}"
    if not file.is_file():
        return
    expected, found = render(card, face, results, study, folder), file.read_bytes()
    if face == ".docx":
        from allsurv.cards.word import word_parts

        if word_parts(expected) != word_parts(found):
            yield f"{file.name}: differs from card.json."
        return
    wanted, given = expected.splitlines(), found.splitlines()
    if expected != found:
        line = next(
            (k for k, (a, b) in enumerate(zip(wanted, given, strict=False), 1) if a != b),
            min(len(wanted), len(given)) + 1,
        )
        yield f"{file.name}: differs from card.json, first at line {line}."

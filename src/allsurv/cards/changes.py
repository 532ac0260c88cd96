"""What has changed since the card before."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from allsurv.cards.about import item, section
from allsurv.cards.diff import card_differences
from allsurv.cards.quotes import Tree
from allsurv.errors import ConfigError

__all__ = ["PREVIOUS_FILE", "changes_section"]

PREVIOUS_FILE = "previous-card.json"
MOST_LINES = 60
COLUMNS = ["Section", "What", "Before", "Now"]


def changes_section(card: Tree, folder: str | Path | None) -> Tree:
    """Make the section on changes, from the card before where one lies beside the results."""
    file = None if folder is None else Path(folder) / PREVIOUS_FILE
    if file is None or not file.is_file():
        said = "No card before was given; compare any two with --diff."
        return section("changes", "Changes", items=[item("changes", "Since the card before", said)])
    raw = file.read_bytes()
    try:
        lines = card_differences(json.loads(raw), card)
    except (KeyError, TypeError, ValueError):
        raise ConfigError(f"{file}: no card; give the folder of a run with its card.") from None
    different = [line for line in lines if line[2] != line[3] and line[0] != "Changes"]
    shown = {
        "caption": "What the card before said, and what this one says",
        "columns": COLUMNS,
        "n_labels": 2,
        "rows": [list(line) for line in different[:MOST_LINES]],
    }
    left_out = len(different) - MOST_LINES
    more = f"; the first {MOST_LINES} stand below, all with --diff" if left_out > 0 else ""
    count = f"{len(different)} of {len(lines)} statements differ{more}."
    return section(
        "changes",
        "Changes",
        items=[
            item("changes", "Since the card before", count),
            item("previous", "SHA-256 of the card before", hashlib.sha256(raw).hexdigest()),
        ],
        tables=[shown] if different else [],
    )

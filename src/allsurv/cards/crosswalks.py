"""Crosswalks: which part of the card answers which item of a reporting standard."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from allsurv.cards.about import section
from allsurv.cards.author import NOT_PROVIDED
from allsurv.cards.quotes import NOT_EVALUATED, Tree, plain_text

__all__ = ["make_crosswalks"]


def make_crosswalks(sections: Sequence[Tree]) -> list[Tree]:
    """Make one section per standard."""
    known = {part["id"]: part for part in sections}
    return [
        section(
            standard["key"],
            standard["title"],
            text=[[standard["about"] + "."]],
            tables=[
                {
                    "caption": f"{standard['title']}, item by item",
                    "columns": ["Item", "What is asked", "Where", "State"],
                    "n_labels": 1,
                    "rows": [_row(entry, known) for entry in standard["items"]],
                }
            ],
        )
        for standard in _standards()
    ]


def _row(entry: dict[str, str], known: dict[str, Tree]) -> list[str]:
    places = [place for place in entry["at"].split() if place.split("/")[0] in {"summary", *known}]
    titles = [_title(place, known) for place in places]
    state = entry.get("note") or _state(places, known)
    return [entry["id"], entry["what"], "; ".join(dict.fromkeys(titles)), state]


def _title(place: str, known: dict[str, Tree]) -> str:
    name = place.split("/")[0]
    return "Opening" if name == "summary" else str(known[name]["title"])


def _state(places: Sequence[str], known: dict[str, Tree]) -> str:
    if not places:
        return NOT_EVALUATED
    said = [text for place in places for text in _said(place, known)]
    empty = [text for text in said if text in {NOT_EVALUATED, NOT_PROVIDED}]
    if not said or len(empty) < len(said):
        return "Reported" if not empty else "Reported in part"
    return empty[0]


def _said(place: str, known: dict[str, Tree]) -> list[str]:
    name, _, key = place.partition("/")
    if not key:
        return []
    return [plain_text(entry["parts"]) for entry in known[name]["items"] if entry["key"] == key]


@cache
def _standards() -> list[dict[str, Any]]:
    text = files("allsurv.cards").joinpath("crosswalks.yaml").read_text(encoding="utf-8")
    standards: list[dict[str, Any]] = yaml.safe_load(text)
    return standards

"""Questions of a drafted study file that are not answered yet."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path as FilePath

from allsurv.study.faults import Fault, Path
from allsurv.study.yamlfile import Document

__all__ = ["OPEN", "question_faults"]

OPEN = "?"
"""Stands in a drafted study file where only a person can say what is right."""

_MARK = "QUESTION:"


def question_faults(document: Document, path: FilePath) -> list[Fault]:
    """Put every open question of a study file, in the words of the comment above it."""
    open_ = list(_open(document.value, ()))
    if not open_:
        return []
    lines = path.read_text(encoding="utf-8-sig").splitlines()
    return [
        Fault(where, _asked(lines, document.line(where)), document.line(where)) for where in open_
    ]


def _open(value: object, path: Path) -> Iterator[Path]:
    if value == OPEN:
        yield path
    elif isinstance(value, dict):
        for key, part in value.items():
            if key == OPEN:
                yield path
            yield from _open(part, (*path, key))
    elif isinstance(value, list):
        for i, part in enumerate(value):
            yield from _open(part, (*path, i))


def _asked(lines: Sequence[str], line: int) -> str:
    """Take the question from the comment that ends above a line."""
    understood: list[str] = []
    for text in reversed(lines[: line - 1]):
        if not text.strip().startswith("#"):
            break
        understood.insert(0, text.strip().lstrip("# "))
    _, mark, question = " ".join(understood).rpartition(_MARK)
    return f"a question: {question.strip() if mark else 'write a value'} (in place of '?')."

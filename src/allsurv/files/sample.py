"""A sample of a large text file: windows spread over the whole of it."""

from __future__ import annotations

import os
import tempfile
from dataclasses import replace
from pathlib import Path

from allsurv.files.answers import FileAnswers
from allsurv.files.content import FileContent, is_text, read_file

__all__ = ["read_sample"]

_LARGE = 2**24
"""Bytes up to which a file is read whole."""

_WINDOWS, _WINDOW = 64, 2**16


def read_sample(path: Path, *, answers: FileAnswers | None = None) -> tuple[FileContent, str]:
    """Read a file, of a large text file some rows from everywhere; say how many.

    A file sorted by centre or by outcome shows all of both only where it is read from beginning
    to end, so the windows lie evenly. Rows that a window cuts are left out.
    """
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            head = file.read(2**10)
    except OSError:
        return read_file(path, answers=answers), ""
    plain = (
        is_text(head, path)
        and not head.startswith((b"\xff\xfe", b"\xfe\xff"))
        and b"\0" not in head
    )
    if size <= _LARGE or not plain:
        return read_file(path, answers=answers), ""
    descriptor, name = tempfile.mkstemp(suffix=".csv")  # readable by its owner only
    try:
        with os.fdopen(descriptor, "wb") as part:
            part.writelines(_windows(path, size))
        content = read_file(Path(name), answers=answers)
    finally:
        os.unlink(name)
    if content.frame is None:
        return content, ""
    frame = content.frame.dropna(how="all").reset_index(drop=True)
    sampled = f"a sample of {len(frame):,} rows from all parts of a large file"
    return replace(content, frame=frame, violations=()), sampled


def _windows(path: Path, size: int) -> list[bytes]:
    parts = []
    with path.open("rb") as file:
        for k in range(_WINDOWS):
            start = k * (size - _WINDOW) // (_WINDOWS - 1)
            file.seek(start)
            block = file.read(_WINDOW)
            first = 0 if k == 0 else block.find(b"\n") + 1
            last = block.rfind(b"\n") + 1
            parts.append(block[first:last])
    return parts

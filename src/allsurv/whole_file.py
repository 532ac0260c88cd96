"""Files that appear whole or not at all."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["whole_file"]


@contextmanager
def whole_file(path: Path, *, private: bool = False) -> Iterator[Path]:
    """Give a name to write to; what is there at the end takes the place of ``path`` at once.

    After an error nothing is left and a file that was there before is untouched. The name is new
    each time, so that two jobs may write the same file, and ends like ``path``, so that writers
    that go by the ending do what they would do with ``path``. A private file can be read by its
    owner only.
    """
    part = path.with_name(f".{os.getpid()}-{secrets.token_hex(4)}.{path.name}")
    try:
        if private:
            part.touch(mode=0o600, exist_ok=False)
        yield part
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)

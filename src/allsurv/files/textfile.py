"""A text file of patients as a stream of UTF-8, surveyed once before it is read.

The whole file and a file read a piece at a time go through the same survey, so that both have the
same layout, letters and faults.
"""

from __future__ import annotations

import codecs
import hashlib
import io
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from allsurv.files.answers import FileAnswers
from allsurv.files.encodings import Encoding, find_encoding
from allsurv.files.layout import Layout, Unreadable, find_layout

__all__ = ["TextFile", "survey_text"]

_BLOCK = 2**22
_HEAD = 2**20
_TAIL = 2**10
_ENDS = "\r\n\x1a"
"""Line ends, and the end-of-file sign of old programs."""


@dataclass(frozen=True)
class TextFile:
    """A text file whose layout is known.

    Parameters
    ----------
    path : Path
        The file.
    digest : str
        SHA-256 of its bytes, in hexadecimal.
    encoding : Encoding
        How its letters are written.
    layout : Layout
        Separator, names, decimal sign.
    end : int
        Bytes up to the end of the last line.
    """

    path: Path
    digest: str
    encoding: Encoding
    layout: Layout
    end: int

    @property
    def understood(self) -> tuple[str, ...]:
        """How the file was read, where it is not plain CSV in UTF-8."""
        return (
            *self.layout.understood,
            *([self.encoding.understood] if self.encoding.understood else []),
        )

    def open(self) -> io.BufferedReader:
        """Open the lines from the column names on, in UTF-8.

        Buffered, because pyarrow takes a read of less than it asked for as a whole block, which
        may then end within a row.
        """
        return io.BufferedReader(_Utf8(self), _BLOCK)


def survey_text(
    path: Path,
    *,
    numbers: Collection[str] | None = None,
    answers: FileAnswers | None = None,
) -> TextFile:
    """Read a text file once and tell how it is written; raises Unreadable, OSError."""
    answers = answers or FileAnswers()
    counted = _Counted(path)
    blocks = iter(counted)
    encoding = find_encoding(blocks, answers.encoding)
    for _ in blocks:  # what the letters did not need
        pass
    if encoding.fault:
        raise Unreadable(
            f"is not UTF-8 ({encoding.fault}), and other letters cannot be told apart; name them "
            "by the option 'encoding', such as cp1252 or mac_roman, or save it as CSV (UTF-8)."
        )
    end = _end(path, encoding)
    with path.open("rb") as file:
        file.seek(encoding.mark)
        head = file.read(min(_HEAD, max(end - encoding.mark, 0)))
        whole = file.tell() >= end
    decoder = codecs.getincrementaldecoder(encoding.name)()
    try:
        text = decoder.decode(head, final=whole)
    except UnicodeError:
        raise Unreadable(
            f"is not {encoding.understood or encoding.name} text; save it as CSV (UTF-8)."
        ) from None
    if "\x00" in text or (counted.has_zero and not encoding.name.startswith("utf-16")):
        raise Unreadable("holds zero bytes; save it as CSV (UTF-8) or Parquet.")
    layout = find_layout(text, whole=whole, numbers=numbers, answers=answers)
    if counted.quotes % 2:
        raise Unreadable("has an unclosed quotation mark; close it.")
    return TextFile(path, counted.digest, encoding, layout, end)


class _Counted:
    """A file's blocks, with what is counted over all of them."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._digest = hashlib.sha256()
        self.quotes = 0
        self.has_zero = False

    def __iter__(self) -> Iterator[bytes]:
        with self._path.open("rb") as file:
            while block := file.read(_BLOCK):
                self._digest.update(block)
                self.quotes += block.count(b'"')
                self.has_zero = self.has_zero or b"\x00" in block
                yield block

    @property
    def digest(self) -> str:
        return self._digest.hexdigest()


def _end(path: Path, encoding: Encoding) -> int:
    """Find the end of the last line, from behind."""
    ends = {sign.encode(encoding.name) for sign in _ENDS}
    width = len(next(iter(ends)))
    with path.open("rb") as file:
        size = file.seek(0, io.SEEK_END)
        while size > encoding.mark:
            start = max(size - _TAIL, encoding.mark)
            file.seek(start)
            block = file.read(size - start)
            while block[-width:] in ends:
                block = block[:-width]
            if block:
                return start + len(block)
            size = start
    return size


class _Utf8(io.RawIOBase):
    """The lines of a text file in UTF-8, from the column names to the last, with a line end."""

    def __init__(self, text: TextFile) -> None:
        self._file = text.path.open("rb", buffering=0)
        self._file.seek(text.encoding.mark)
        self._left = text.end - text.encoding.mark
        name = text.encoding.name
        self._decoder = None if name == "utf-8" else codecs.getincrementaldecoder(name)()
        self._held = bytearray()
        self._ended = False
        self._skip(text.layout.start)

    def _skip(self, characters: int) -> None:
        """Pass over the remarks, of which a character may be more than a byte."""
        decoder = self._decoder or codecs.getincrementaldecoder("utf-8")()
        text = ""
        while len(text) < characters:
            text += decoder.decode(self._raw(4096))
        rest = text[characters:].encode("utf-8")
        if self._decoder is None:
            rest += decoder.getstate()[0]
        self._held += rest

    def _raw(self, size: int) -> bytes:
        block = self._file.read(min(size, self._left)) if self._left > 0 else b""
        self._left -= len(block)
        if not block:
            self._left = 0
        return block

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        while not self._held and not self._ended:
            block = self._raw(max(len(buffer) - 1, 1))
            if not block:
                self._ended = True
                rest = self._decoder.decode(b"", final=True).encode() if self._decoder else b""
                self._held += rest + b"\n"
            elif self._decoder is None:
                self._held += block
            else:
                self._held += self._decoder.decode(block).encode("utf-8")
        n = min(len(buffer), len(self._held))
        buffer[:n] = self._held[:n]
        del self._held[:n]
        return n

    def close(self) -> None:
        self._file.close()
        super().close()

"""How the letters of a text file are written, told from its bytes."""

from __future__ import annotations

import codecs
from collections.abc import Iterable
from dataclasses import dataclass

__all__ = ["Encoding", "find_encoding"]

_MARKS = {
    codecs.BOM_UTF8: ("utf-8", "UTF-8 with a byte order mark"),
    codecs.BOM_UTF16_LE: ("utf-16-le", "UTF-16"),
    codecs.BOM_UTF16_BE: ("utf-16-be", "UTF-16"),
}
_HEAD = 2**12
_USUAL = (
    bytes(range(0x80)) + b"\x80\x84\x85\x91\x92\x93\x94\x95\x96\x97\x99" + bytes(range(0xA0, 0x100))
)
"""Bytes of Windows-1252 that files hold: below 0xA0 the euro, quotation marks, dashes,
the ellipsis. The others there are letters of a Macintosh, of DOS or of broken UTF-8 as likely."""


@dataclass(frozen=True)
class Encoding:
    """How a text file's letters are written.

    Parameters
    ----------
    name : str
        Codec.
    understood : str
        The same for readers; empty for plain UTF-8.
    mark : int
        Bytes of the byte order mark.
    fault : str
        Why it cannot be told; empty where it can.
    """

    name: str
    understood: str = ""
    mark: int = 0
    fault: str = ""


def find_encoding(blocks: Iterable[bytes], named: str = "") -> Encoding:
    r"""Tell UTF-8, UTF-16 and Windows-1252 apart by the whole of a file.

    Examples
    --------
    >>> find_encoding([b"age,sex\n34,m\xc3\xa4nnlich"])
    Encoding(name='utf-8', understood='', mark=0, fault='')
    >>> find_encoding([b"age,sex\n34,m\xe4nnlich"]).understood
    'Windows-1252 letters (first in line 2)'
    """
    rest = iter(blocks)
    head = next(rest, b"")
    for mark, (name, understood) in _MARKS.items():
        if head.startswith(mark):
            if name == "utf-8" and not named:
                return _utf8_or_windows(head[len(mark) :], rest, understood, len(mark))
            return Encoding(named or name, understood, len(mark))
    if named:
        return Encoding(named, f"{named} letters")
    wide = _wide(head)
    return wide or _utf8_or_windows(head, rest, "", 0)


def _wide(head: bytes) -> Encoding | None:
    """Recognise UTF-16 without a mark: every second byte of plain text is zero."""
    first, second = head[:_HEAD:2], head[1:_HEAD:2]
    if len(second) < 2:
        return None
    if second.count(0) > 0.9 * len(second) and not first.count(0):
        return Encoding("utf-16-le", "UTF-16")
    if first.count(0) > 0.9 * len(first) and not second.count(0):
        return Encoding("utf-16-be", "UTF-16")
    return None


def _utf8_or_windows(head: bytes, rest: Iterable[bytes], understood: str, mark: int) -> Encoding:
    decoder = codecs.getincrementaldecoder("utf-8")()
    line, first_odd, is_plain = 1, 0, True
    unusual: set[int] = set()
    for block in _with_end(head, rest):
        if not first_odd:
            try:
                decoder.decode(block, final=not block)
            except UnicodeDecodeError as error:
                first_odd = line + error.object.count(b"\n", 0, error.start)
                is_plain = is_plain and error.object[: error.start].isascii()
        if not block.isascii():
            is_plain = is_plain and bool(first_odd)
            unusual |= set(block.translate(None, _USUAL))
        line += block.count(b"\n")
    if not first_odd:
        return Encoding("utf-8", understood, mark)
    if mark or unusual or not is_plain:  # two encodings in one file, or neither of the two
        return Encoding("utf-8", fault=f"line {first_odd}")
    return Encoding("cp1252", f"Windows-1252 letters (first in line {first_odd})")


def _with_end(head: bytes, rest: Iterable[bytes]) -> Iterable[bytes]:
    yield head
    yield from rest
    yield b""

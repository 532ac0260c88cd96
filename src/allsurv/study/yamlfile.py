"""A YAML file with the line of every value.

The scalars are those of YAML 1.2, as editors read it: ``no``, ``on`` and dates are text, only
``true`` and ``false`` are truth values, ``010`` is ten. Keys are text as written.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite
from pathlib import Path as FilePath
from typing import Any

import yaml

from allsurv.errors import AllsurvError
from allsurv.study.faults import Fault, Path, raise_faults

__all__ = ["Document", "parse_yaml", "read_yaml"]

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_CORE = "tag:yaml.org,2002:"
_MOST_VALUES = 200_000
_MOST_KEYS = 10_000
_MOST_FAULTS = 50
_LONGEST_TEXT = 100_000
_LONGEST_KEY = 200
_LARGEST_FILE = 8_000_000
_DEEPEST = 50
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_PLAIN = {None, ""}
_BOOLEAN = {
    "true": True,
    "True": True,
    "TRUE": True,
    "false": False,
    "False": False,
    "FALSE": False,
}
_NULL = {"", "~", "null", "Null", "NULL"}
_INTEGER = re.compile(r"[-+]?[0-9]{1,18}")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]{1,3})?")


@dataclass(frozen=True)
class Document:
    """The content of a YAML file, and where each value stands.

    Attributes
    ----------
    where : str
        File as the user calls it.
    value : object
        Mappings, lists, text, numbers, truth values and ``None``.
    lines : mapping
        Path of a value to its line, the first being 1.
    """

    where: str
    value: Any
    lines: Mapping[Path, int]

    def line(self, path: Path) -> int:
        """Find the line of a value, or of the nearest part of the file that holds it."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)

    def located(self, fault: Fault) -> Fault:
        """Give a fault its line."""
        return fault._replace(line=self.line(fault.path))


def read_yaml(
    path: FilePath, *, error: type[AllsurvError], where: str = "", as_text: bool = False
) -> Document:
    """Read a YAML file with the line of every value; ``as_text`` takes plain values as written."""
    where = where or str(path)
    try:
        raw = path.read_bytes()
    except OSError as problem:
        reason = problem.strerror or type(problem).__name__
        raise error(f"{where}: the file cannot be read ({reason}).") from None
    if len(raw) > _LARGEST_FILE:
        raise error(f"{where}: the file is larger than {_LARGEST_FILE:,} bytes.")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        line = raw.count(b"\n", 0, problem.start) + 1
        message = "the file is not UTF-8 text; save it with the encoding UTF-8."
        raise error(f"{where}:{line}: {message}") from None
    return parse_yaml(text, where=where, error=error, as_text=as_text)


def parse_yaml(
    text: str, *, where: str, error: type[AllsurvError], as_text: bool = False
) -> Document:
    r"""Read YAML text with the line of every value; ``as_text`` takes plain values as written.

    Examples
    --------
    >>> from allsurv.errors import StudyError
    >>> document = parse_yaml("a: no\nb: [1, x]", where="text", error=StudyError)
    >>> document.value
    {'a': 'no', 'b': [1, 'x']}
    >>> document.line(("b", 1))
    2
    >>> parse_yaml("version: 1.10", where="text", error=StudyError, as_text=True).value
    {'version': '1.10'}
    """
    builder = _Builder(_Loader(text), as_text)
    try:
        value = builder.document()
    except yaml.MarkedYAMLError as problem:
        mark = problem.problem_mark or problem.context_mark
        line = mark.line + 1 if mark else 1
        raise error(f"{where}:{line}: {_syntax(problem)}") from None
    except yaml.YAMLError as problem:
        line = text.count("\n", 0, getattr(problem, "position", 0)) + 1
        raise error(f"{where}:{line}: a character that YAML does not allow.") from None
    except _StopReading as stop:
        raise error(f"{where}:{stop.line}: {stop}") from None
    raise_faults(where, builder.faults, error)
    return Document(where, value, builder.lines)


def _syntax(problem: yaml.MarkedYAMLError) -> str:
    said = str(problem.problem or problem.context or "it cannot be read")
    if "tab character" in said:
        return "a tab stands where YAML allows blanks only; indent with blanks."
    if "cannot start any token" in said:
        sign = "a tab, or a sign such as @ or `, starts a value"
        return f"{sign}; indent with blanks, quote the text."
    return f"not YAML: {said}."


class _StopReading(Exception):
    """Reading cannot go on."""

    def __init__(self, message: str, line: int) -> None:
        super().__init__(message)
        self.line = line


class _Builder:
    """Builds plain values from parsing events; notes lines and faults on the way.

    Working on events bounds depth and size before anything is built, so that no file can exhaust
    the stack or the memory.
    """

    def __init__(self, events: Any, as_text: bool) -> None:
        self._events = events
        self._as_text = as_text
        self._anchors: dict[str, tuple[Any, int]] = {}
        self._n_values = 0
        self.lines: dict[Path, int] = {}
        self.faults: list[Fault] = []

    def document(self) -> Any:
        self._events.get_event()
        if isinstance(self._events.get_event(), yaml.StreamEndEvent):
            raise _StopReading("the file is empty.", 1)
        value = self._value(self._events.get_event(), ())
        if value is None:
            raise _StopReading("the file is empty.", 1)
        self._events.get_event()
        after = self._events.get_event()
        if not isinstance(after, yaml.StreamEndEvent):
            line = after.start_mark.line + 1
            raise _StopReading("a second document starts here; write one per file.", line)
        return value

    def _value(self, event: Any, path: Path, line: int = 0) -> Any:
        line = line or event.start_mark.line + 1
        self.lines[path] = line
        self._count(1, line)
        if len(path) > _DEEPEST:
            raise _StopReading(f"values are nested more than {_DEEPEST} deep.", line)
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event, line)
        before = self._n_values
        if isinstance(event, yaml.MappingStartEvent):
            value: Any = self._mapping(path)
        elif isinstance(event, yaml.SequenceStartEvent):
            value = self._sequence(path)
        else:
            value = self._scalar(event, path)
        if event.anchor is not None:
            self._anchors[event.anchor] = (value, self._n_values - before)
        return value

    def _count(self, n: int, line: int) -> None:
        self._n_values += n
        if self._n_values > _MOST_VALUES:
            message = f"the file holds more than {_MOST_VALUES} values, aliases written out."
            raise _StopReading(message, line)

    def _alias(self, event: Any, line: int) -> Any:
        if event.anchor not in self._anchors:
            raise _StopReading(f"'*{event.anchor}' stands for nothing defined before.", line)
        value, size = self._anchors[event.anchor]
        self._count(size, line)
        return value

    def _sequence(self, path: Path) -> list[Any]:
        items: list[Any] = []
        while not isinstance(event := self._events.get_event(), yaml.SequenceEndEvent):
            items.append(self._value(event, (*path, len(items))))
        return items

    def _mapping(self, path: Path) -> dict[str, Any]:
        result: dict[str, Any] = {}
        while not isinstance(event := self._events.get_event(), yaml.MappingEndEvent):
            line = event.start_mark.line + 1
            if not isinstance(event, yaml.ScalarEvent):
                raise _StopReading("a key is not plain text.", line)
            if len(event.value) > _LONGEST_KEY or _CONTROL.search(event.value):
                raise _StopReading("a key is too long, or holds a control character.", line)
            if len(result) == _MOST_KEYS:
                raise _StopReading(f"more than {_MOST_KEYS:,} keys in one place.", line)
            here = (*path, event.value)
            if event.value in result:
                message = f"is given twice, first in line {self.lines[here]}; keep one."
                self._fault(here, message, line)
                self._value(self._events.get_event(), (*path, f"{event.value} again"), line)
            else:
                result[event.value] = self._value(self._events.get_event(), here, line)
        return result

    def _scalar(self, event: Any, path: Path) -> Any:
        text = event.value
        if len(text) > _LONGEST_TEXT:
            raise _StopReading(
                f"a text is longer than {_LONGEST_TEXT:,} characters.", self.lines[path]
            )
        if _CONTROL.search(text):
            self._fault(path, "holds a control character; remove it.", self.lines[path])
        if event.tag in {"!", f"{_CORE}str"} or (event.tag is None and event.style not in _PLAIN):
            return text
        kind, value = ("str", text) if self._as_text else _resolve(text)
        if event.tag in {None, f"{_CORE}{kind}"}:
            return value
        message = f"the tag {event.tag[:40]!r} has no meaning here; write plain values."
        self._fault(path, message, self.lines[path])
        return None

    def _fault(self, path: Path, message: str, line: int) -> None:
        if len(self.faults) < _MOST_FAULTS:
            self.faults.append(Fault(path, message, line))


def _resolve(text: str) -> tuple[str, Any]:
    """Read a plain scalar by the core schema of YAML 1.2."""
    if text in _BOOLEAN:
        return "bool", _BOOLEAN[text]
    if text in _NULL:
        return "null", None
    if _INTEGER.fullmatch(text):
        return "int", int(text)
    if _FLOAT.fullmatch(text) and isfinite(number := float(text)):
        return "float", number
    return "str", text

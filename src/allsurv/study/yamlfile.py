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

_Base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_CORE = "tag:yaml.org,2002:"
_MOST_VALUES = 200_000
_DEEPEST = 50


class _Loader(_Base):
    """Composes nodes; resolves plain scalars as the core schema of YAML 1.2 does."""

    yaml_implicit_resolvers: dict = {}  # noqa: RUF012


for _tag, _pattern, _first in (
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("int", r"[-+]?[0-9]{1,18}", "-+0123456789"),
    ("float", r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]{1,3})?", "-+.0123456789"),
):
    _Loader.add_implicit_resolver(f"{_CORE}{_tag}", re.compile(f"^(?:{_pattern})$"), list(_first))


@dataclass(frozen=True)
class Document:
    """The content of a YAML file, and where each value stands.

    Parameters
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
        """Find the line of a value, or of the nearest part of the file that holds it.

        Parameters
        ----------
        path : tuple of str or int
            Keys and list positions.

        Returns
        -------
        int
            Line, the first being 1.
        """
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)

    def located(self, fault: Fault) -> Fault:
        """Give a fault its line.

        Parameters
        ----------
        fault : Fault
            With the path of a value of this file.

        Returns
        -------
        Fault
            The same with its line.
        """
        return fault._replace(line=self.line(fault.path))


def read_yaml(path: FilePath, *, error: type[AllsurvError], where: str = "") -> Document:
    """Read a YAML file with the line of every value.

    Parameters
    ----------
    path : pathlib.Path
        File, encoded in UTF-8.
    error : type
        Class of the error to raise.
    where : str, optional
        What messages call the file; its path where left out.

    Returns
    -------
    Document
        Content and lines.

    Raises
    ------
    AllsurvError
        ``error``, if the file cannot be read or is not YAML; the message names the line.
    """
    where = where or str(path)
    try:
        raw = path.read_bytes()
    except OSError as problem:
        reason = problem.strerror or type(problem).__name__
        raise error(f"{where}: the file cannot be read ({reason}).") from None
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        line = raw.count(b"\n", 0, problem.start) + 1
        message = "the file is not UTF-8 text; save it with the encoding UTF-8."
        raise error(f"{where}:{line}: {message}") from None
    return parse_yaml(text, where=where, error=error)


def parse_yaml(text: str, *, where: str, error: type[AllsurvError]) -> Document:
    r"""Read YAML text with the line of every value.

    Parameters
    ----------
    text : str
        One YAML document.
    where : str
        What messages call it.
    error : type
        Class of the error to raise.

    Returns
    -------
    Document
        Content and lines.

    Raises
    ------
    AllsurvError
        ``error``, if it is not YAML, is empty, or names a key twice; the message names the line.

    Examples
    --------
    >>> from allsurv.errors import StudyError
    >>> document = parse_yaml("a: no\nb: [1, x]", where="text", error=StudyError)
    >>> document.value
    {'a': 'no', 'b': [1, 'x']}
    >>> document.line(("b", 1))
    2
    """
    try:
        node = _Loader(text).get_single_node()
    except yaml.MarkedYAMLError as problem:
        mark = problem.problem_mark or problem.context_mark
        line = mark.line + 1 if mark else 1
        raise error(f"{where}:{line}: {_syntax(problem)}") from None
    except yaml.YAMLError as problem:
        position = getattr(problem, "position", 0)
        line = text.count("\n", 0, position) + 1
        raise error(f"{where}:{line}: a character that YAML does not allow.") from None
    except RecursionError:
        raise error(f"{where}: values are nested more than {_DEEPEST} deep.") from None
    if node is None:
        raise error(f"{where}: the file is empty.")
    walk = _Walk()
    try:
        value = walk.value(node, ())
    except _TooLargeError as problem:
        message = f"nested more than {_DEEPEST} deep, or more than {_MOST_VALUES} values."
        raise error(f"{where}:{problem}: {message}") from None
    raise_faults(where, walk.faults, error)
    return Document(where, value, walk.lines)


def _syntax(problem: yaml.MarkedYAMLError) -> str:
    said = str(problem.problem or problem.context or "it cannot be read")
    if "\\t" in said or "'\t'" in said or "tab" in said.lower():
        return "a tab stands where YAML allows blanks only; indent with blanks."
    return f"not YAML: {said}."


class _TooLargeError(Exception):
    """Carries the line at which reading stopped."""


class _Walk:
    """Turns nodes into plain values; notes lines and faults on the way."""

    def __init__(self) -> None:
        self.lines: dict[Path, int] = {}
        self.faults: list[Fault] = []

    def value(self, node: yaml.Node, path: Path, line: int = 0) -> Any:
        line = line or node.start_mark.line + 1
        self.lines[path] = line
        if len(path) > _DEEPEST or len(self.lines) > _MOST_VALUES:
            raise _TooLargeError(line)
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [self.value(item, (*path, i)) for i, item in enumerate(node.value)]
        return self._scalar(node, path)

    def _mapping(self, node: yaml.MappingNode, path: Path) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            if not isinstance(key_node, yaml.ScalarNode):
                self.faults.append(Fault(path, "a key is not plain text.", line))
                continue
            key = key_node.value
            here = (*path, key)
            if key in result:
                text = f"is given twice, first in line {self.lines[here]}; keep one."
                self.faults.append(Fault(here, text, line))
                continue
            result[key] = self.value(value_node, here, line)
        return result

    def _scalar(self, node: yaml.ScalarNode, path: Path) -> Any:
        kind, text = node.tag.removeprefix(_CORE), node.value
        if kind == "str":
            return text
        if kind == "null":
            return None
        try:
            if kind == "bool":
                return {"true": True, "false": False}[text.lower()]
            if kind == "int":
                return int(text)
            if kind == "float" and isfinite(number := float(text)):
                return number
        except (KeyError, ValueError):
            pass
        message = f"{text[:40]!r} with the tag {node.tag!r} cannot be read; write plain values."
        self.faults.append(Fault(path, message, self.lines[path]))
        return None

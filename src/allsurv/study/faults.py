"""What is wrong with a file, collected and raised once: file, line, key, what was found."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from allsurv.errors import AllsurvError

__all__ = ["Fault", "Path", "dotted", "raise_faults"]

Path = tuple[str | int, ...]
"""Keys and list positions that lead to a value of a file."""


class Fault(NamedTuple):
    """One fault of a file.

    Attributes
    ----------
    path : tuple of str or int
        Keys and list positions that lead to it.
    message : str
        What was found, what is allowed, what to do.
    line : int
        Line in the file, the first being 1; 0 where there is none.
    """

    path: Path
    message: str
    line: int = 0


def dotted(path: Path) -> str:
    """Write a path as people do.

    Examples
    --------
    >>> dotted(("endpoints", "rfs", "event", 0, "alive"))
    'endpoints.rfs.event[0].alive'
    """
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return text.removeprefix(".")


def raise_faults(where: str, faults: Iterable[Fault], error: type[AllsurvError]) -> None:
    """Raise all faults of a file as one error; do nothing where there is none.

    Examples
    --------
    >>> from allsurv.errors import StudyError
    >>> fault = Fault(("endpoints", "os", "time"), "'os' is not in the data dictionary.", 41)
    >>> raise_faults("my_study.yaml", [fault], StudyError)
    Traceback (most recent call last):
    allsurv.errors.StudyError: my_study.yaml:41 endpoints.os.time: 'os' is not in the data ...
    """
    ordered = sorted(dict.fromkeys(faults), key=lambda fault: fault.line)
    if not ordered:
        return
    lines = [_sentence(where, fault) for fault in ordered]
    if len(lines) == 1:
        raise error(lines[0])
    raise error("\n".join([f"{where} has {len(lines)} faults:", *(f"  {line}" for line in lines)]))


def _sentence(where: str, fault: Fault) -> str:
    place = f"{where}:{fault.line}" if fault.line else where
    key = dotted(fault.path)
    return f"{place} {key}: {fault.message}" if key else f"{place}: {fault.message}"

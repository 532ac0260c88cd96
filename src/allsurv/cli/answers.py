"""Options that say how a file of patients is to be read."""

from __future__ import annotations

from typing import Any

from allsurv.errors import ConfigError
from allsurv.files import FileAnswers

__all__ = ["answers_of"]


def answers_of(sheet: str, decimal: str, separator: str, encoding: str) -> FileAnswers | None:
    r"""Read the options; a tab may be written as \\t.

    Examples
    --------
    >>> answers_of("", "comma", "", "")
    FileAnswers(sheet='', decimal='comma', separator='', encoding='')
    """
    if not (sheet or decimal or separator or encoding):
        return None
    if decimal not in {"", "comma", "point"}:
        raise ConfigError(f"--decimal: '{decimal}'; allowed are comma and point.")
    sign: Any = decimal
    return FileAnswers(sheet, sign, "\t" if separator in {"\\t", "tab"} else separator, encoding)

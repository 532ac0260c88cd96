"""Codes of files as texts, so that 1, 1.0, "1.0" and " 1" are one code."""

from __future__ import annotations

import re
from numbers import Real

from allsurv.dictionary.variable import Variable

__all__ = ["code_text", "missing_texts"]

_WHOLE = re.compile(r"([-+]?\d+)\.0+")
"""Programs that write a column of whole numbers with gaps as decimals write 1 as 1.0."""


def code_text(value: object) -> str:
    """Write a code as one text, however the file holds it.

    Examples
    --------
    >>> [code_text(value) for value in (1, 1.0, "1.0", "1.50", " A ")]
    ['1', '1', '1', '1.50', 'A']
    """
    if isinstance(value, Real) and not isinstance(value, bool) and float(value).is_integer():
        return str(int(float(value)))
    text = str(value).strip()
    whole = _WHOLE.fullmatch(text)
    return whole[1] if whole else text


def missing_texts(variable: Variable) -> frozenset[str]:
    """Write the codes that mean "no value" as texts."""
    return frozenset(code_text(code) for code in variable.missing_codes)

"""Estimates as a journal prints them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from allsurv.journal import p_text, round_half_up

__all__ = ["FORMS", "interval", "number", "ratio"]

MISSING = "not estimable"


def number(value: float | None, digits: int = 2) -> str:
    """Print a number with a fixed number of decimals, halves rounded up.

    Examples
    --------
    >>> number(0.125), number(None)
    ('0.13', 'not estimable')
    """
    if value is None or not math.isfinite(value):
        return MISSING
    return f"{round_half_up(value, digits) + 0.0:.{digits}f}"


def interval(value: float | None, lower: float | None, upper: float | None, digits: int = 2) -> str:
    """Print an estimate with its limits.

    Examples
    --------
    >>> interval(0.65, 0.62, 0.69)
    '0.65 (0.62 to 0.69)'
    """
    limits = [number(lower, digits), number(upper, digits)]
    if MISSING in limits:
        return number(value, digits)
    return f"{number(value, digits)} ({limits[0]} to {limits[1]})"


def ratio(value: float | None, lower: float | None, upper: float | None) -> str:
    """Print a hazard ratio with its limits, in the digits journals use.

    Examples
    --------
    >>> ratio(1.014, 1.006, 1.022), ratio(2.354, 1.318, 4.202)
    ('1.014 (1.006 to 1.022)', '2.35 (1.32 to 4.20)')
    """
    narrow = all(
        value and limit and math.isfinite(limit) and abs(math.log(limit / value)) < math.log(1.1)
        for limit in (lower, upper)
    )
    return interval(value, lower, upper, 3 if narrow else 2)


def _text(value: Any) -> str:
    return "" if value is None else f"{value:g}" if isinstance(value, float) else str(value)


def _limits(lower: float | None, upper: float | None) -> str:
    return "" if lower is None or upper is None else f" ({lower:g} to {upper:g})"


def _count(value: float | None) -> str:
    return "suppressed" if value is None else f"{int(value)}"


def _agreement(value: bool | None) -> str:
    return "cannot say" if value is None else "agrees" if value else "differs"


def _agreeing(*values: bool | None) -> str:
    known = [value for value in values if value is not None]
    return f"{sum(known)} of {len(known)}" if known else "cannot say"


def _share(value: float | None) -> str:
    return MISSING if value is None else f"{number(100 * value, 0)}%"


FORMS: Mapping[str, Callable[..., str]] = {
    "text": _text,
    "agreement": _agreement,
    "agreeing": _agreeing,
    "count": _count,
    "share": _share,
    "points": lambda value: number(None if value is None else 100 * value, 0),
    "number": number,
    "number3": lambda value: number(value, 3),
    "interval": interval,
    "interval3": lambda value, lower, upper: interval(value, lower, upper, 3),
    "ratio": ratio,
    "span": lambda value, lower, upper: _text(value) + _limits(lower, upper),
    "p": lambda value: MISSING if value is None else p_text(value),
    "list": lambda values: ", ".join(map(_text, values)),
}
"""How values of a results file become words; a card names the form of everything it quotes."""

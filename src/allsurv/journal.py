"""Numbers as a medical journal prints them: rounded half up, P values never 0.000."""

from __future__ import annotations

import math
from decimal import ROUND_HALF_UP, Decimal

__all__ = [
    "count_text",
    "number_text",
    "p_text",
    "per_text",
    "percent",
    "ratio_text",
    "round_half_up",
]

PLURAL = ("years", "months", "weeks", "days")


def round_half_up(value: float, decimals: int = 0) -> float:
    """Round to a number of decimals, a half upwards in size, as journals do.

    Notes
    -----
    The shortest decimal that stands for ``value`` is rounded, so 0.285 becomes 0.29 although its
    binary value lies a little below; Python's ``round`` gives 0.28, and 62 for 62.5.

    Examples
    --------
    >>> round_half_up(62.5), round_half_up(0.285, 2), round_half_up(-0.125, 2)
    (63.0, 0.29, -0.13)
    """
    if not math.isfinite(value):
        return float(value)
    step = Decimal(1).scaleb(-decimals)
    return float(Decimal(repr(float(value))).quantize(step, rounding=ROUND_HALF_UP))


def percent(n: int, of: int) -> float:
    """Whole percent that a count makes of a total.

    Examples
    --------
    >>> percent(10, 16), percent(9, 24)
    (63.0, 38.0)
    """
    return float((200 * n + of) // (2 * of)) if of else float("nan")


def count_text(n: int, of: int, *, show_total: bool = False) -> str:
    """Print a count with its percent.

    Examples
    --------
    >>> count_text(52, 110), count_text(12, 71, show_total=True), count_text(0, 43)
    ('52 (47)', '12/71 (17)', '0')
    """
    counted = f"{n}/{of}" if show_total else f"{n}"
    return f"{counted} ({percent(n, of):.0f})" if n else counted


def number_text(value: float, decimals: int) -> str:
    """Print a number with at most some decimals.

    Examples
    --------
    >>> number_text(95.44, 1), number_text(100.0, 1), number_text(float("nan"), 1)
    ('95.4', '100', '–')
    """
    if not math.isfinite(value):
        return "–"
    text = f"{round_half_up(value, decimals) + 0.0:.{decimals}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def p_text(p_value: float) -> str:
    """Print a P value.

    Examples
    --------
    Three decimals below 0.01, and three or four where fewer would hide on which side of 0.05 it
    lies.

    >>> [p_text(p) for p in (0.795, 0.0448, 0.0451, 0.0504, 0.0098, 0.00001, 0.997)]
    ['0.80', '0.04', '0.045', '0.0504', '0.010', '<0.001', '>0.99']
    """
    if not math.isfinite(p_value):
        return "–"
    if p_value < 0.001:
        return "<0.001"
    if p_value > 0.99:
        return ">0.99"
    if 0.0495 <= p_value < 0.0505:
        return f"{round_half_up(p_value, 4):.4f}"
    if p_value < 0.01 or 0.045 <= p_value < 0.055:
        return f"{round_half_up(p_value, 3):.3f}"
    return f"{round_half_up(p_value, 2):.2f}"


def ratio_text(value: float, decimals: int) -> str:
    """Print a ratio or one of its limits.

    Examples
    --------
    >>> [ratio_text(x, 2) for x in (0.285, 0.003, 130.2, float("inf"))]
    ['0.29', '<0.01', '130', '∞']
    """
    if not math.isfinite(value):
        return "∞" if value > 0 else "–"
    if value >= 100:
        return number_text(value, 0)
    least = 10.0**-decimals
    if 0 < value < least / 2:
        return f"<{least:.{decimals}f}"
    return f"{round_half_up(value, decimals):.{decimals}f}"


def per_text(unit: str) -> str:
    """Print the unit of a hazard ratio as one reads it.

    Examples
    --------
    >>> per_text("per 1 years"), per_text("per 1 % of blasts"), per_text("per 1 10^9/L")
    ('per 1 year', 'per 1% of blasts', 'per 10⁹/L')
    """
    if unit in {f"per 1 {name}" for name in PLURAL}:
        return unit.removesuffix("s")
    unit = unit.replace("10^9", "10⁹")
    return unit.replace("per 1 %", "per 1%").replace("per 1 10", "per 10")

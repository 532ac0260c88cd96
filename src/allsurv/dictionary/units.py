"""Durations in different units."""

from __future__ import annotations

__all__ = ["UNITS", "unit_ratio"]

_DAYS = {"days": 1.0, "weeks": 7.0, "months": 30.4375, "years": 365.25}
UNITS = tuple(_DAYS)
"""Units of time."""


def unit_ratio(unit: str, into: str) -> float:
    """Say how many of one unit of time are in another.

    Parameters
    ----------
    unit : str
        ``days``, ``weeks``, ``months`` (30.4375 days) or ``years``.
    into : str
        Unit to go to.

    Returns
    -------
    float
        How many ``into`` one ``unit`` has; 1 where either is no unit of time.

    Examples
    --------
    >>> unit_ratio("years", "months")
    12.0
    """
    if unit not in _DAYS or into not in _DAYS:
        return 1.0
    return _DAYS[unit] / _DAYS[into]

"""What printed numbers may have been before they were rounded, and checks made of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

__all__ = ["Check", "Range", "as_printed", "span"]


@dataclass(frozen=True)
class Range:
    """What a printed number, or one computed from printed numbers, may have been.

    Parameters
    ----------
    value : float
        As printed, or computed from the numbers as printed.
    low, high : float
        Smallest and largest that rounding leaves open.
    """

    value: float
    low: float
    high: float

    def meets(self, other: Range) -> bool:
        """Say whether a number can be both."""
        slack = 1e-9
        return self.low <= other.high * (1 + slack) and other.low <= self.high * (1 + slack)


@dataclass(frozen=True)
class Check:
    """One question asked of the published numbers.

    Parameters
    ----------
    item, label : str
        Finding or ledger entry; its name for readers.
    check : str
        What is asked.
    printed : str
        The printed numbers.
    computed : Range
        What they imply.
    passes : bool or None
        Whether they agree; ``None`` where there is nothing to hold it against.
    note : str
        How to read it.
    issue : str
        Documented contradiction of the publication that explains a failure; empty where there is
        none.
    """

    item: str
    label: str
    check: str
    printed: str
    computed: Range
    passes: bool | None
    note: str
    issue: str = ""


def as_printed(value: float, decimals: int) -> Range:
    """Give all numbers that print as this one.

    Examples
    --------
    >>> as_printed(0.57, 2)
    Range(value=0.57, low=0.565, high=0.575)
    """
    half = 0.5 * 10.0**-decimals
    return Range(value, round(value - half, decimals + 2), round(value + half, decimals + 2))


def span(values: Iterable[float], value: float) -> Range:
    """Give the range of a number computed at all corners of what was printed."""
    found = list(values)
    return Range(value, min(found), max(found))

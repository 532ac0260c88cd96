"""What every comparison of groups returns, and the checks of what it takes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from allsurv.errors import OutcomeError
from allsurv.stats.labels import label_codes
from allsurv.stats.numbers import real_array

__all__ = ["GroupTest", "numbers_by_group", "require_two"]

Floats = NDArray[np.float64]
Integers = NDArray[np.intp]
LARGEST = 1e100  # so that squares stay finite


@dataclass(frozen=True)
class GroupTest:
    """A test of no difference between groups.

    Attributes
    ----------
    name : str
        Test used, for a table's footnote.
    statistic : float
        Chi-squared, U of the first group, or H; NaN where the test has none.
    df : int or None
        Degrees of freedom, where the test has them.
    p_value : float
        Two-sided P value; NaN where ``reason`` says why.
    reason : str
        Why there is no P value; empty otherwise.
    """

    name: str
    statistic: float
    df: int | None
    p_value: float
    reason: str = ""


def numbers_by_group(
    values: ArrayLike, groups: ArrayLike, where: str
) -> tuple[Floats, int, Integers]:
    """Check numbers and the groups they belong to.

    Parameters
    ----------
    values : array-like of shape (n_patients,)
        Numbers.
    groups : array-like of shape (n_patients,)
        Labels.
    where : str
        Function to name in the message.

    Returns
    -------
    numbers : ndarray of shape (n_patients,)
        Values as floats.
    n_groups : int
        Groups seen.
    codes : ndarray of shape (n_patients,)
        Index of each patient's group, in sorted order.

    Raises
    ------
    OutcomeError
        If values are not finite numbers, labels are malformed, or there is one group only.
    """
    try:
        numbers = real_array(values)
    except (TypeError, ValueError):
        raise OutcomeError(
            f"{where}: values are not numbers; give numbers or kind='categorical'."
        ) from None
    if numbers.ndim != 1 or not np.all(np.isfinite(numbers)):
        raise OutcomeError(
            f"{where}: values are not a vector of finite numbers; remove missing ones yourself."
        )
    if np.any(np.abs(numbers) > LARGEST):
        raise OutcomeError(f"{where}: values go beyond {LARGEST:g}; check their unit.")
    levels, codes = label_codes(groups, numbers.size, "groups", where)
    if levels.size < 2:
        raise OutcomeError(f"{where}: there is only one group; give at least two.")
    return numbers, int(levels.size), codes


def require_two(levels: int, where: str) -> None:
    """Refuse any number of groups but two.

    Parameters
    ----------
    levels : int
        Groups seen.
    where : str
        Function to name in the message.

    Raises
    ------
    OutcomeError
        If there are not two groups.
    """
    if levels != 2:
        raise OutcomeError(f"{where}: there are {levels} groups; give two.")

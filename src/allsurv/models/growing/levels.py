"""Columns of a design as levels: what trees ask for is order, not value."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["MOST_LEVELS", "Levels", "find_levels"]

Floats = NDArray[np.float64]

MOST_LEVELS = 256
"""Distinct values of a column beyond which neighbours share a level."""


class Levels(NamedTuple):
    """A design whose columns are counted by levels.

    Attributes
    ----------
    code : ndarray of uint8 of shape (n_terms, n_patients)
        Level of each patient, from 0.
    lowest, highest : ndarray of shape (n_terms, n_levels)
        Range of the values in each level, in single precision.
    """

    code: NDArray[np.uint8]
    lowest: Floats
    highest: Floats


def find_levels(design: Floats) -> Levels:
    """Sort the values of each column into levels.

    Values are first rounded to single precision, in which trees compare them. A column of at most
    256 distinct values keeps them all; of a longer one each level holds about as many patients.

    Examples
    --------
    >>> levels = find_levels(np.array([[3.0], [1.0], [3.0]]))
    >>> levels.code.tolist(), levels.lowest.tolist()
    ([[1, 0, 1]], [[1.0, 3.0]])
    """
    columns = [_column(values) for values in design.astype(np.float32).T]
    width = max(low.size for _, low, _ in columns)
    return Levels(
        np.array([code for code, _, _ in columns], dtype=np.uint8),
        np.array([_padded(low, width) for _, low, _ in columns]),
        np.array([_padded(high, width) for _, _, high in columns]),
    )


def _column(values: NDArray[np.float32]) -> tuple[NDArray[np.intp], Floats, Floats]:
    distinct, code, count = np.unique(values, return_inverse=True, return_counts=True)
    if distinct.size <= MOST_LEVELS:
        return code, distinct.astype(float), distinct.astype(float)
    middle = (np.cumsum(count) - count / 2) / values.size
    group = np.unique((middle * MOST_LEVELS).astype(np.intp), return_inverse=True)[1]
    first = np.flatnonzero(np.diff(group, prepend=-1))
    last = np.append(first[1:], distinct.size) - 1
    return group[code], distinct[first].astype(float), distinct[last].astype(float)


def _padded(values: Floats, width: int) -> Floats:
    return np.concatenate([values, np.full(width - values.size, np.nan)])

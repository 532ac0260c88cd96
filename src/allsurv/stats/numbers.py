"""Arrays of real numbers, from whatever was given."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["real_array"]


def real_array(values: ArrayLike) -> NDArray[np.float64]:
    """Convert to floats what is numeric, and nothing else.

    Parameters
    ----------
    values : array-like
        Numbers or booleans.

    Returns
    -------
    ndarray
        Of the same shape.

    Raises
    ------
    TypeError
        If the values are text, dates, complex or not all numbers.
    ValueError
        If nested values have no common shape.
    """
    array = np.asarray(values)
    if array.dtype.kind not in "biufO":
        raise TypeError("not numeric")
    try:
        return np.asarray(array, dtype=float)
    except OverflowError:
        raise TypeError("whole numbers too large") from None

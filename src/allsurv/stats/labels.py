"""Labels of groups, strata and clusters as numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from allsurv.errors import OutcomeError

__all__ = ["label_codes"]

Integers = NDArray[np.intp]


def label_codes(
    labels: ArrayLike, n_rows: int, name: str, where: str
) -> tuple[NDArray[Any], Integers]:
    """Turn labels into numbers, refusing missing ones.

    Parameters
    ----------
    labels : array-like of shape (n_rows,)
        Group of each row: numbers, strings or booleans.
    n_rows : int
        Rows expected.
    name, where : str
        What to call the grouping and the function in a message.

    Returns
    -------
    levels : ndarray of shape (n_levels,)
        Distinct labels, sorted.
    codes : ndarray of shape (n_rows,)
        Index of each row's label in ``levels``.

    Raises
    ------
    OutcomeError
        If labels are missing, cannot be sorted, or are not one per row.
    """
    try:
        array = np.asarray(labels)
    except (TypeError, ValueError):
        raise OutcomeError(f"{where}: {name} is not a vector; give one label per row.") from None
    if array.ndim != 1 or array.size != n_rows:
        raise OutcomeError(
            f"{where}: {name} has shape {array.shape} for {n_rows} rows; give one label per row."
        )
    if _has_missing(array):
        raise OutcomeError(
            f"{where}: {name} has missing labels; remove those rows or give them a label."
        )
    try:
        levels, codes = np.unique(array, return_inverse=True)
    except TypeError:
        raise OutcomeError(
            f"{where}: {name} mixes labels that have no order; give all numbers or all strings."
        ) from None
    return levels, codes


def _has_missing(array: NDArray[Any]) -> bool:
    if array.dtype.kind in "fc":
        return bool(np.isnan(array).any())
    if array.dtype.kind in "mM":
        return bool(np.isnat(array).any())
    if array.dtype.kind == "O":
        try:
            return any(label is None or bool(label != label) for label in array.tolist())
        except (
            TypeError,
            ValueError,
        ):  # a label that is not even comparable with itself: pandas.NA
            return True
    return False

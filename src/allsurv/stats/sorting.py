"""Sorting of many numbers together with the rows they come from."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["FEW", "sort_rows"]

FEW = 4096  # up to which NumPy's own argsort is as quick
_SIGN_BIT = 63
_LARGEST = np.int64(2**_SIGN_BIT - 1)


def sort_rows(values: NDArray[Any]) -> tuple[NDArray[np.intp], NDArray[Any]]:
    """Sort numbers, equal ones staying in their order.

    Parameters
    ----------
    values : ndarray of shape (n,)
        Finite numbers of double precision, or whole numbers from 0 to 2**31.

    Returns
    -------
    order : ndarray of shape (n,)
        Indices that sort ``values``.
    ordered : ndarray of shape (n,)
        The values, sorted.

    Notes
    -----
    NumPy sorts whole numbers several times as fast as it finds the order that sorts them. So each
    value becomes one whole number: its leading bits, which order as it does, and its row in the
    last ones. The few doubles that differ in the bits lost alone are put right afterwards.

    Examples
    --------
    >>> order, ordered = sort_rows(np.array([0.3, -1.0, 0.3, 0.0]))
    >>> order.tolist(), ordered.tolist()
    ([1, 3, 0, 2], [-1.0, 0.0, 0.3, 0.3])
    """
    n = values.size
    if n <= FEW:
        order = values.argsort(kind="stable")
        return order, values[order]
    shift = n.bit_length()
    is_whole = values.dtype.kind in "iu"
    keys = values.astype(np.int64) << shift if is_whole else _leading_bits(values, shift)
    keys |= np.arange(n)
    keys.sort()
    order = keys & ((1 << shift) - 1)
    keys >>= shift
    if is_whole:
        return order, keys
    ordered = values[order]
    if (ordered[1:] < ordered[:-1]).any():
        alike = np.zeros(n + 1, dtype=bool)
        np.equal(keys[1:], keys[:-1], out=alike[1:-1])
        rows = (alike[1:] | alike[:-1]).nonzero()[0]
        order[rows] = order[rows][np.lexsort((ordered[rows], keys[rows]))]
        ordered = values[order]
    return order, ordered


def _leading_bits(values: NDArray[np.float64], lost: int) -> NDArray[np.int64]:
    """Bits of doubles as whole numbers of the same order, the last ones being 0."""
    bits = (values + 0.0).view(np.int64)  # -0.0 becomes 0.0
    bits ^= (bits >> _SIGN_BIT) & _LARGEST  # the bits of negative numbers rise as they fall
    bits &= -1 << lost
    return bits

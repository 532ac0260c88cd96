"""Which counts of overlapping patients may be shown so that no small one can be worked out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["shown_counts"]

Members = NDArray[np.bool_]
Floats = NDArray[np.float64]
TINY = 1e-9


def shown_counts(
    cells: Sequence[Members], threshold: int, *, also_small: Sequence[Members] = ()
) -> list[bool]:
    """Choose the counts of a table that can be shown together.

    Parameters
    ----------
    cells : sequence of ndarray of bool of shape (n_patients,)
        Whom each count counts, the most important first.
    threshold : int
        Smallest count, other than 0, that may be shown; 1 shows all.
    also_small : sequence of ndarray of bool of shape (n_patients,)
        Groups that no count shows but that must not follow either, such as those without a
        complication.

    Returns
    -------
    list of bool
        True for a count that may be shown.

    Notes
    -----
    A count is taken in unless it is small, or lies inside (or around) one already shown with a
    small difference, or would let a small group be written as a sum of shown counts with any
    signs and factors (its indicator of patients then lies in their linear span).

    Examples
    --------
    Of 30 patients 12 respond completely and 5 partially: the 17 responders would give the 5 away.

    >>> complete, partial = np.arange(30) < 12, (np.arange(30) >= 12) & (np.arange(30) < 17)
    >>> shown_counts([np.ones(30, bool), complete, partial, complete | partial], 11)
    [True, True, False, False]
    """
    if threshold <= 1 or not cells:
        return [True] * len(cells)
    distinct = {cell.tobytes(): cell for cell in cells}
    secret = {c.tobytes(): c for c in (*cells, *also_small) if 0 < c.sum() < threshold}
    rest = np.array(list(secret.values()), dtype=float).reshape(len(secret), cells[0].size)
    basis = np.empty((0, cells[0].size))
    shown: list[Members] = []
    allowed = dict.fromkeys(distinct, False)
    for key, cell in distinct.items():
        if key in secret or _nearly_shown(cell, shown, threshold):
            continue
        fresh = _direction(cell, basis)
        left = rest - np.outer(rest @ fresh, fresh)
        if np.any(np.sum(left**2, axis=1) < TINY):
            continue
        allowed[key] = True
        shown.append(cell)
        rest, basis = left, np.vstack([basis, fresh])
    return [allowed[cell.tobytes()] for cell in cells]


def _direction(cell: Members, basis: Floats) -> Floats:
    """Return what a count adds to those shown, of length 1; zeros if it follows from them."""
    fresh = cell.astype(float)
    for _ in range(2):
        fresh -= basis.T @ (basis @ fresh)
    length = float(np.linalg.norm(fresh))
    return fresh / length if length > 1e-6 else np.zeros_like(fresh)


def _nearly_shown(cell: Members, shown: Sequence[Members], threshold: int) -> bool:
    if not shown:
        return False
    others = np.array(shown)
    both = (others & cell).sum(axis=1)
    smaller = np.minimum(others.sum(axis=1), cell.sum())
    apart = np.abs(others.sum(axis=1) - cell.sum())
    return bool(np.any((both == smaller) & (apart > 0) & (apart < threshold)))

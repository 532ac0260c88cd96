"""Disclosure control: which cells of a table to hide, so that no small count can be worked out.

Rule of the United States' Centers for Medicare & Medicaid Services: a count of 1 to 10 is not
shown, nor anything from which it can be worked out; 0 may be shown. This is disclosure control,
not differential privacy.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["Sum", "hidden_cells"]


@dataclass(frozen=True)
class Sum:
    """Cells of a table that add up to a total that a reader knows or sees.

    Attributes
    ----------
    parts : tuple of int
        Positions of the cells that are added.
    total : int, optional
        Position of the cell that holds their sum; ``None`` if the sum is known otherwise.
    """

    parts: tuple[int, ...]
    total: int | None = None


def hidden_cells(
    counts: ArrayLike,
    sums: Iterable[Sum],
    threshold: int,
    *,
    unprinted: Iterable[int] = (),
    hidden_anyway: Iterable[int] = (),
) -> NDArray[np.bool_]:
    """Choose the cells that must be hidden so that no small count can be read or worked out.

    Parameters
    ----------
    counts : array-like of int of shape (n_cells,)
        Patients in each cell.
    sums : iterable of Sum
        Which cells add up to what.
    threshold : int
        Smallest count, other than 0, that may be shown.
    unprinted : iterable of int, default=()
        Cells that stand in no table but would follow from others, such as the patients without a
        characteristic: hiding one costs the reader nothing, so these are taken first.
    hidden_anyway : iterable of int, default=()
        Cells that are hidden for another reason.

    Returns
    -------
    ndarray of bool of shape (n_cells,)
        True for a cell that must not be shown.

    Notes
    -----
    First every small cell is hidden. Then, until nothing changes, a sum loses another part where
    one member alone is hidden, where the hidden parts together are fewer than the threshold, or
    where a small cell follows from several sums at once (its unit vector lies in the row space of
    the sums over hidden cells): unprinted parts before printed, more than 0 before 0, small before
    large; failing that, its total.

    Examples
    --------
    Of 30 + 9 = 39 the 9 is small; the 30 must go too, or 39 - 30 gives it away.

    >>> hidden_cells([30, 9, 39], [Sum((0, 1), total=2)], 11).tolist()
    [True, True, False]
    """
    values = np.asarray(counts, dtype=int)
    hidden = (values > 0) & (values < threshold)
    hidden[list(hidden_anyway)] = True
    printed = np.ones(values.size, dtype=bool)
    printed[list(unprinted)] = False
    rank = np.lexsort((values, values == 0, printed)).argsort()
    lines = tuple(sums)
    while True:
        asking = [line for line in lines if _gives_away(values, hidden, line, threshold)]
        if not asking:
            known = _follows(hidden, lines) & (values > 0) & (values < threshold)
            asking = [line for line in lines if known[list(line.parts)].any()]
        more = {cell for line in asking for cell in _next_to_hide(hidden, rank, line)}
        if not more:
            return hidden
        hidden[list(more)] = True


def _gives_away(
    values: NDArray[np.int_], hidden: NDArray[np.bool_], line: Sum, threshold: int
) -> bool:
    gone = [cell for cell in line.parts if hidden[cell]]
    total_gone = line.total is not None and bool(hidden[line.total])
    if len(gone) + total_gone < 2:
        return len(gone) + total_gone == 1
    return not total_gone and int(values[gone].sum()) < threshold


def _follows(hidden: NDArray[np.bool_], lines: tuple[Sum, ...]) -> NDArray[np.bool_]:
    cells = np.flatnonzero(hidden)
    follows = np.zeros(hidden.size, dtype=bool)
    if cells.size and lines:
        sums = np.zeros((len(lines), hidden.size))
        for row, line in enumerate(lines):
            sums[row, list(line.parts)] = 1
            if line.total is not None:
                sums[row, line.total] = -1
        over_hidden = sums[:, cells]
        follows[cells] = np.diag(np.linalg.pinv(over_hidden) @ over_hidden) > 1 - 1e-9
    return follows


def _next_to_hide(hidden: NDArray[np.bool_], rank: NDArray[np.intp], line: Sum) -> list[int]:
    left = [cell for cell in line.parts if not hidden[cell]]
    if left:
        return [min(left, key=lambda cell: int(rank[cell]))]
    if line.total is not None and not hidden[line.total]:
        return [line.total]
    return []

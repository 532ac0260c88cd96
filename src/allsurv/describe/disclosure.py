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

    Parameters
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
    First every small cell is hidden. Then, until nothing changes, every sum of which one member
    alone is hidden, or whose hidden parts together are fewer than the threshold, loses another
    part: unprinted before printed, more than 0 before 0, small before large; failing that, its
    total.

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
    lines = tuple(sums)
    changed = True
    while changed:
        changed = False
        for line in lines:
            cell = _next_to_hide(values, hidden, printed, line, threshold)
            if cell is not None:
                hidden[cell] = changed = True
    return hidden


def _next_to_hide(
    values: NDArray[np.int_],
    hidden: NDArray[np.bool_],
    printed: NDArray[np.bool_],
    line: Sum,
    threshold: int,
) -> int | None:
    parts = np.array(line.parts, dtype=int)
    gone = parts[hidden[parts]]
    total_gone = line.total is not None and bool(hidden[line.total])
    n_gone = gone.size + total_gone
    if n_gone == 0 or (n_gone > 1 and (total_gone or values[gone].sum() >= threshold)):
        return None
    left = parts[~hidden[parts]]
    if left.size:
        order = np.lexsort((values[left], values[left] == 0, printed[left]))
        return int(left[order[0]])
    return None if total_gone else line.total

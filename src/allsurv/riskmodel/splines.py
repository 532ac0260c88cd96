"""Restricted cubic splines, in numpy alone."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["curved_part"]


def curved_part(
    values: NDArray[np.float64], knots: Sequence[float], part: int
) -> NDArray[np.float64]:
    r"""Evaluate one curved part of a restricted cubic spline.

    Notes
    -----
    As R ``rms::rcs`` [1]_: :math:`[(x - t_j)_+^3 - (x - t_{k-1})_+^3 (t_k - t_j) / d
    + (x - t_k)_+^3 (t_{k-1} - t_j) / d] / (t_k - t_1)^2` with :math:`d = t_k - t_{k-1}`.

    References
    ----------
    .. [1] Harrell FE. Regression Modeling Strategies. 2nd ed. Springer; 2015.
       doi:10.1007/978-3-319-19425-7

    Examples
    --------
    Knots 0, 1, 2 at x = 1: 1 / 4; at x = 3: (27 - 8 * 2 + 1) / 4 = 3.

    >>> curved_part(np.array([-1.0, 1.0, 3.0]), (0.0, 1.0, 2.0), 0).tolist()
    [0.0, 0.25, 3.0]
    """
    start, before, last = knots[part], knots[-2], knots[-1]
    cube = [np.maximum(values - knot, 0.0) ** 3 for knot in (start, before, last)]
    curved = cube[0] - (cube[1] * (last - start) - cube[2] * (before - start)) / (last - before)
    return curved / (last - knots[0]) ** 2

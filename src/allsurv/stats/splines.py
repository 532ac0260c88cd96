"""Restricted cubic splines."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["restricted_cubic_spline"]

Floats = NDArray[np.float64]


def restricted_cubic_spline(values: Floats, knots: Floats) -> Floats:
    """Restricted cubic spline basis: cubic between the outer knots, straight beyond them.

    Parameters
    ----------
    values : ndarray of shape (n,)
        Where to evaluate it.
    knots : ndarray of shape (n_knots,)
        At least three, rising.

    Returns
    -------
    ndarray of shape (n, n_knots - 1)
        The values themselves, then the cubic terms.

    Notes
    -----
    Checked against R ``Hmisc::rcspline.eval(norm = 2, inclx = TRUE)``.
    """
    last, before = knots[-1], knots[-2]
    scale = (last - knots[0]) ** (2 / 3)

    beyond = np.maximum((values[:, None] - knots) / scale, 0)
    cubed = beyond * beyond * beyond
    bend = ((before - knots) * cubed[:, -1:] - (last - knots) * cubed[:, -2:-1]) / (last - before)
    return np.column_stack([values, (cubed + bend)[:, :-2]])

"""Where the knots of a restricted cubic spline lie: Harrell's rule."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["FEWEST_KNOTS", "harrell_knots"]

Floats = NDArray[np.float64]
FEWEST_KNOTS = 3
_SMALL = 100
_TIED = 0.05


def harrell_knots(values: Floats, n_knots: int) -> Floats:
    """Place knots at quantiles, away from heaps of equal values at either end.

    Parameters
    ----------
    values : ndarray of shape (n_patients,)
        Known values, at least six.
    n_knots : int
        Knots wanted, 3 to 5.

    Returns
    -------
    ndarray
        Distinct and rising; fewer than wanted where there are too few distinct values.

    Notes
    -----
    Outer knots at the 5th and 95th centile (10th and 90th for three knots), the others evenly
    between [1]_. Below 100 values the outer ones are the fifth smallest and the fifth largest.
    Where 5% or more of the values are equal to the smallest (or largest), and no value between is
    as frequent, a knot lies at the next value and the others are placed beyond it. Checked against
    R ``Hmisc::rcspline.eval``, which ``rms::rcs`` calls.

    References
    ----------
    .. [1] Harrell FE. Regression Modeling Strategies. 2nd ed. Springer; 2015. Section 2.4.6.
    """
    distinct, counts = np.unique(values, return_counts=True)
    if distinct.size - 2 <= n_knots:
        return distinct[1:-1]
    outer = 0.05 if n_knots > FEWEST_KNOTS else 0.10
    share = counts / values.size
    first = last = None
    inner = np.sort(values)
    if share[1:-1].max() < _TIED:
        if share[0] >= _TIED:
            first = float(distinct[1])
            inner = inner[inner > first]
        if share[-1] >= _TIED:
            last = float(inner[inner < inner[-1]][-1])
            inner = inner[inner < last]
    wanted = n_knots - (first is not None) - (last is not None)
    knots = _inner_knots(inner, wanted, outer)
    if np.unique(knots).size < min(wanted, FEWEST_KNOTS):
        knots = np.quantile(inner, np.linspace(outer, 1 - outer, 2 * wanted))
    if inner.size < _SMALL and wanted > 1:
        if first is None:
            knots[0] = inner[4]
        if last is None:
            knots[wanted - 1] = inner[-5]
    ends = [end for end in (first, last) if end is not None]
    return np.unique(np.concatenate([knots, ends]))


def _inner_knots(inner: Floats, wanted: int, outer: float) -> Floats:
    if wanted == 1:
        return np.array([np.median(inner)])
    lowest = 0.5 if wanted == 2 else outer
    return np.asarray(np.quantile(inner, np.linspace(lowest, 1 - outer, wanted)))

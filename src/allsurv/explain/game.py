"""Exact Shapley values of a function of few variables, from its value on every coalition.

A coalition is a set of variables that are known; it is numbered by the bits of its members. Where a
prediction is a nonlinear function of a sum, as S(t) of a log hazard, no sum over trees or
coefficients is exact. With at most :data:`MOST_VARIABLES` variables all coalitions can be
visited, and the Shapley values are one matrix product.
"""

from __future__ import annotations

from math import comb

import numpy as np
from numpy.typing import NDArray

from allsurv.errors import ModelError

__all__ = ["MOST_VARIABLES", "interactions_to_coalitions", "shapley_matrix", "sum_coalitions"]

Floats = NDArray[np.float64]

MOST_VARIABLES = 16


def shapley_matrix(n_variables: int) -> Floats:
    r"""Matrix that turns the values of all coalitions into Shapley values.

    Notes
    -----
    Variable j gets the mean of :math:`v(A \cup \{j\}) - v(A)` over the coalitions A without it,
    with weights :math:`|A|!\,(p - |A| - 1)! / p!` [1]_.

    References
    ----------
    .. [1] Shapley LS. A value for n-person games. Contributions to the Theory of Games II.
       Princeton University Press; 1953. doi:10.1515/9781400881970-018

    Examples
    --------
    Values 0, 1, 2 and 5 of nobody, the first, the second and both: (1 + 3) / 2 and (2 + 4) / 2.

    >>> (shapley_matrix(2) @ [0, 1, 2, 5]).tolist()
    [2.0, 3.0]
    """
    if n_variables > MOST_VARIABLES:
        raise ModelError(
            f"explain: S(t) of a model of {n_variables} variables would need all of their "
            f"coalitions; at most {MOST_VARIABLES} variables. Explain the risk score instead."
        )
    coalition = np.arange(1 << n_variables)
    member = (coalition[None, :] >> np.arange(n_variables)[:, None]) & 1 == 1
    size = member.sum(axis=0)
    others = np.where(member, size - 1, size)
    share = np.array([1 / (n_variables * comb(n_variables - 1, k)) for k in range(n_variables)])
    weight = share[np.minimum(others, n_variables - 1)]
    found: Floats = np.where(member, weight, -weight)
    return found


def sum_coalitions(parts: Floats) -> Floats:
    """Value of every coalition where each variable adds a fixed part.

    Examples
    --------
    >>> sum_coalitions(np.array([[1.0, 10.0]])).ravel().tolist()
    [0.0, 1.0, 10.0, 11.0]
    """
    sums = np.zeros((1, parts.shape[0]))
    for part in parts.T:
        sums = np.concatenate([sums, sums + part])
    return sums


def interactions_to_coalitions(interactions: Floats) -> Floats:
    """Value of every coalition, from what each coalition adds to its parts.

    Examples
    --------
    >>> interactions_to_coalitions(np.array([[1.0], [2.0], [3.0], [4.0]])).ravel().tolist()
    [1.0, 3.0, 4.0, 10.0]
    """
    values = interactions.copy()
    n_patients = values.shape[1]
    half = 1
    while half < values.shape[0]:
        pairs = values.reshape(-1, 2, half, n_patients)
        pairs[:, 1] += pairs[:, 0]
        half *= 2
    return values

"""A linear predictor as a cooperative game of variables, products of two variables included."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain, combinations

import numpy as np
from numpy.typing import NDArray

from allsurv.explain.game import sum_coalitions

__all__ = ["Dividends", "linear_dividends"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Dividends:
    """What each coalition of variables adds that none of its smaller coalitions adds.

    Parameters
    ----------
    base : float
        Value of the coalition of nobody.
    own : ndarray of shape (n_patients, n_variables)
        What each variable adds by itself.
    joint : dict of tuple of int to ndarray of shape (n_patients,)
        What two or more variables add together; variables rise.
    """

    base: float
    own: Floats
    joint: dict[tuple[int, ...], Floats]

    def values(self) -> Floats:
        """Divide what variables add together equally among them: the Shapley values."""
        values = self.own.copy()
        for members, dividend in self.joint.items():
            values[:, members] += dividend[:, None] / len(members)
        return values

    def coalitions(self) -> Floats:
        """Sum what is added inside every coalition: its value."""
        sums = sum_coalitions(self.own) + self.base
        number = np.arange(len(sums))
        for members, dividend in self.joint.items():
            mask = sum(1 << k for k in members)
            sums[number & mask == mask] += dividend
        return sums


def linear_dividends(
    coef: Floats,
    design: Floats,
    reference: Floats,
    factors: Sequence[tuple[int, ...]],
    owners: NDArray[np.bool_],
) -> Dividends:
    r"""Take a linear predictor apart into what coalitions of variables add.

    Notes
    -----
    A coalition A sees the patient's terms :math:`x_k` of its variables and the reference's terms
    :math:`r_k` of all others; products are computed from what it sees:

    .. math:: v(A) = \sum_j \beta_j \prod_{k \in F_j \cap A} x_k \prod_{k \in F_j \setminus A} r_k

    with the factors :math:`F_j` of term j; k is in A if its variable is. As
    :math:`x_k = r_k + (x_k - r_k)`, the factors U of a term add
    :math:`\beta \prod_{k \in U} (x_k - r_k) \prod_{k \in F \setminus U} r_k` as soon as all of
    their variables are known: a dividend [1]_, of which each of them gets an equal share as its
    Shapley value. For the product of two variables the first gets
    :math:`\beta (x_a - r_a)(x_b + r_b) / 2`.

    References
    ----------
    .. [1] Harsanyi JC. A simplified bargaining model for the n-person cooperative game.
       Int Econ Rev. 1963;4(2):194-220.

    Examples
    --------
    A patient of (3, 5) against one of (1, 2), the product weighing 1: 15 - 2 is divided.

    >>> found = linear_dividends(np.array([0, 0, 1.0]), np.array([[3, 5, 15.0]]),
    ...                          np.array([1, 2, 0.0]), ((0,), (1,), (0, 1)),
    ...                          np.array([[True, False], [False, True], [True, True]]))
    >>> found.base, found.values().tolist(), found.coalitions().ravel().tolist()
    (2.0, [[7.0, 6.0]], [2.0, 6.0, 5.0, 15.0])
    """
    away = design - reference
    base = 0.0
    own = np.zeros((len(design), owners.shape[1]))
    joint: dict[tuple[int, ...], Floats] = {}
    for weight, of_term in zip(coef, factors, strict=True):
        for known in _subsets(of_term):
            unknown = list(of_term)
            for k in known:
                unknown.remove(k)
            held = float(weight * reference[unknown].prod())
            if not known:
                base += held
                continue
            dividend = held * away[:, list(known)].prod(axis=1)
            members = tuple(np.flatnonzero(owners[list(known)].any(axis=0)).tolist())
            if len(members) == 1:
                own[:, members[0]] += dividend
            else:
                joint[members] = joint.get(members, 0.0) + dividend
    return Dividends(base, own, joint)


def _subsets(factors: tuple[int, ...]) -> chain[tuple[int, ...]]:
    return chain.from_iterable(combinations(factors, size) for size in range(len(factors) + 1))

"""Multiple imputation of variables of any kind by chained equations."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from allsurv.stats.missing.incomplete import Incomplete, standardised

__all__ = ["impute", "n_imputations_for"]

Floats = NDArray[np.float64]
FEWEST = 5
LARGEST_BLOCK = 200_000  # numbers in the designs imputed side by side: they stay in the cache


def n_imputations_for(share_incomplete: float) -> int:
    """Say how many imputations a share of incomplete patients asks for.

    Parameters
    ----------
    share_incomplete : float
        Share of the patients with any missing value, from 0 to 1.

    Returns
    -------
    int
        One for each percent of incomplete patients, at least 5.

    Notes
    -----
    The rule of White, Royston and Wood [1]_, with the share of incomplete patients as an upper
    bound of the fraction of missing information.

    References
    ----------
    .. [1] White IR, Royston P, Wood AM. Stat Med. 2011;30(4):377-399. doi:10.1002/sim.4067

    Examples
    --------
    >>> n_imputations_for(0.545), n_imputations_for(0.01)
    (55, 5)
    """
    return max(FEWEST, math.ceil(round(100 * share_incomplete, 6)))


def impute(
    variables: Sequence[Incomplete],
    X: ArrayLike,
    *,
    n_imputations: int,
    n_iterations: int = 10,
    donors: int = 5,
    random_state: int | np.random.Generator = 0,
) -> list[Floats]:
    r"""Impute variables of any kind several times, each from all the others.

    Parameters
    ----------
    variables : sequence of Incomplete
        Variables of the same patients; those known of everybody help to impute the others.
    X : array-like of shape (n_patients, n_columns)
        Further predictors, complete; for a survival analysis the event indicator and the
        Nelson-Aalen hazard at each patient's time [1]_.
    n_imputations : int
        Completed data sets, at least 1.
    n_iterations : int, default=10
        Rounds through the variables.
    donors : int, default=5
        A missing number is taken from one of that many patients with the nearest predictions.
    random_state : int or Generator, default=0
        Seed or generator.

    Returns
    -------
    list of ndarray of shape (n_imputations, n_patients)
        Of each variable; known values as given.

    Raises
    ------
    ModelError
        If shapes do not fit, X is not complete, or a model of a variable does not converge.

    Notes
    -----
    Missing values start as draws from the known ones. In each round the variables are visited in
    the order of their missing values, fewest first; the coefficients of each variable's model are
    drawn from their approximate posterior, then its values from the model (:class:`Incomplete`)
    [2]_. Logistic, multinomial and proportional-odds models are kept finite under perfect
    prediction. As R ``mice`` with ``pmm``, ``logreg``, ``polyreg`` and ``polr``, but that the last
    two draw no coefficients there: their imputations vary too little. Compared in bias and coverage
    by ``tests/benchmarks/imputation_coverage.py``.

    References
    ----------
    .. [1] White IR, Royston P. Stat Med. 2009;28(15):1982-1998. doi:10.1002/sim.3618
    .. [2] van Buuren S. Flexible Imputation of Missing Data. 2nd ed. CRC; 2018. Chapter 4.

    Examples
    --------
    >>> marker = Incomplete([1.0, 0.0, 1.0, 0.0, np.nan], "nominal")
    >>> (drawn,) = impute([marker], [[3.0], [1.0], [2.0], [2.0], [1.0]], n_imputations=4)
    >>> drawn.shape, drawn[:, :4].mean(axis=0)
    ((4, 5), array([1., 0., 1., 0.]))
    """
    fixed = standardised(variables, X, n_imputations)
    rng = np.random.default_rng(random_state)
    width = fixed.shape[1] + sum(variable.n_columns for variable in variables)
    block = max(1, LARGEST_BLOCK // max(1, len(fixed) * width))
    parts = []
    for first in range(0, n_imputations, block):
        chains = _Chains(variables, fixed, min(block, n_imputations - first), rng)
        for _ in range(n_iterations):
            chains.visit_all(donors)
        parts.append(chains.drawn)
    return [np.concatenate([part[k] for part in parts]) for k in range(len(variables))]


class _Chains:
    """Several completed data sets side by side, with the columns they are as predictors."""

    def __init__(
        self, variables: Sequence[Incomplete], X: Floats, n_fits: int, rng: np.random.Generator
    ) -> None:
        self.variables = variables
        self.rng = rng
        self.drawn = [variable.fill_at_random(n_fits, rng) for variable in variables]
        ends = X.shape[1] + np.cumsum([0, *(variable.n_columns for variable in variables)])
        self.places = [slice(a, b) for a, b in itertools.pairwise(ends)]
        self.design = np.empty((n_fits, len(X), ends[-1]))
        self.design[:, :, : X.shape[1]] = X
        for variable, values, place in zip(variables, self.drawn, self.places, strict=True):
            self.design[:, :, place] = variable.columns(values)
        self.estimates: dict[int, Floats | None] = {}
        lacking = [int(np.sum(~variable.known)) for variable in variables]
        self.order = [k for k in np.argsort(lacking, kind="stable") if lacking[k]]

    def visit_all(self, donors: int) -> None:
        """Draw each incomplete variable once, from all the others."""
        for k in self.order:
            variable, unknown = self.variables[k], ~self.variables[k].known
            others = np.delete(self.design, self.places[k], axis=2)
            new, self.estimates[k] = variable.draw(
                others, self.rng, donors=donors, start=self.estimates.get(k)
            )
            self.drawn[k][:, unknown] = new
            self.design[:, unknown, self.places[k]] = variable.columns(new)

"""A variable with missing values, as chained equations see it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtr

from allsurv.errors import ModelError
from allsurv.stats.missing.matching import draw_linear, draw_matched
from allsurv.stats.missing.newton import draw_from_posterior
from allsurv.stats.missing.regressions import (
    augmented_multinomial,
    augmented_ordinal,
    multinomial_probabilities,
    ordinal_probabilities,
)

__all__ = ["Incomplete", "VariableKind", "standardised"]

Floats = NDArray[np.float64]
VariableKind = Literal["number", "ordinal", "nominal"]
KINDS = ("number", "ordinal", "nominal")
TWO = 2
TINY = 1e-300
CONSTANT = 1e-12  # relative spread that rounding alone can make
MOST_CANDIDATES = 100


@dataclass(frozen=True, eq=False)
class Incomplete:
    """A variable, its values known of some patients only.

    Attributes
    ----------
    values : ndarray of shape (n_patients,)
        NaN where not known; levels as their position, from 0. Yes/no is nominal with 0 and 1.
    kind : {"number", "ordinal", "nominal"}
        ``number`` is matched, so that a count stays a count and a limit is kept; ``ordinal`` has
        proportional odds, ``nominal`` a multinomial (with two levels logistic) model.
    log : bool
        Whether a number enters all models as its logarithm; values must then be above zero.

    Raises
    ------
    ModelError
        If nothing is known, or values do not suit the kind.
    """

    values: Floats
    kind: VariableKind
    log: bool = False

    def __post_init__(self) -> None:
        """Check values against the kind."""
        values = np.asarray(self.values, dtype=float)
        object.__setattr__(self, "values", values)
        known = values[~np.isnan(values)]
        problem = ""
        if self.kind not in KINDS:
            problem = f"kind is {self.kind!r}; allowed are {', '.join(KINDS)}"
        elif values.ndim != 1:
            problem = f"values have shape {values.shape}; give one value per patient"
        elif not known.size:
            problem = "a variable has no value in any patient; leave it out"
        elif not np.all(np.isfinite(known)):
            problem = "values are infinite; give numbers, or NaN where not known"
        elif self.kind != "number" and (np.any(known < 0) or np.any(known != np.round(known))):
            problem = "levels are not 0, 1, 2...; give the position of each value's level"
        elif self.log and (self.kind != "number" or known.min() <= 0):
            problem = "values without a logarithm; give numbers above zero"
        if problem:
            raise ModelError(f"impute: {problem}.")

    @cached_property
    def known(self) -> NDArray[np.bool_]:
        """Whose value is known."""
        return np.asarray(~np.isnan(self.values), dtype=bool)

    @cached_property
    def levels(self) -> Floats:
        """Levels that somebody has, rising; of a number its distinct values."""
        return np.unique(self.values[self.known])

    @property
    def n_columns(self) -> int:
        """Columns as a predictor of other variables: none where all known values are the same."""
        return min(len(self.levels) - 1, 1) if self.kind == "number" else len(self.levels) - 1

    def columns(self, values: Floats) -> Floats:
        """Turn values into predictors of other variables.

        Parameters
        ----------
        values : ndarray of any shape
            Completed values.

        Returns
        -------
        ndarray
            With ``n_columns`` in a last axis: a number scaled, each level but the first as 0 or 1.
        """
        if self.n_columns == 0:
            return np.zeros((*values.shape, 0))
        if self.kind != "number":
            return np.asarray(values[..., None] == self.levels[1:], dtype=float)
        known = self._scaled
        return np.asarray((self._on_scale(values) - known.mean()) / known.std(), dtype=float)[
            ..., None
        ]

    def fill_at_random(self, n_fits: int, rng: np.random.Generator) -> Floats:
        """Begin with missing values drawn from the known ones.

        Parameters
        ----------
        n_fits : int
            Completed data sets.
        rng : Generator
            Source of chance.

        Returns
        -------
        ndarray of shape (n_fits, n_patients)
            Without missing values.
        """
        drawn = np.repeat(self.values[None], n_fits, axis=0)
        n_unknown = int(np.sum(~self.known))
        drawn[:, ~self.known] = rng.choice(self.values[self.known], (n_fits, n_unknown))
        return drawn

    def draw(
        self, X: Floats, rng: np.random.Generator, *, donors: int, start: Floats | None = None
    ) -> tuple[Floats, Floats | None]:
        """Draw missing values from all other variables.

        Parameters
        ----------
        X : ndarray of shape (n_fits, n_patients, n_columns)
            Predictors of each fit.
        rng : Generator
            Source of chance.
        donors : int
            For numbers: one is drawn of that many with the nearest predictions.
        start : ndarray, optional
            Where the search for a model's estimates begins: those of the round before.

        Returns
        -------
        values : ndarray of shape (n_fits, n_unknown)
            Of those who are not known, as in ``values``.
        estimates : ndarray or None
            To begin at in the next round.
        """
        if len(self.levels) == 1:
            return np.full((len(X), int(np.sum(~self.known))), self.levels[0]), None
        if self.kind == "number":
            numbers = self._on_scale(self.values)
            whose = draw_matched(numbers, self.known, X, rng, donors=donors)
            return np.asarray(self.values[self.known][whose], dtype=float), None
        probability, estimates = self._model(self._codes, self.known, X, ~self.known, rng, start)
        up_to = probability.cumsum(axis=1)[:, :-1]
        position = (rng.random((len(X), 1, up_to.shape[2])) > up_to).sum(axis=1)
        return np.asarray(self.levels[position], dtype=float), estimates

    def log_prior(
        self, values: Floats, X: Floats, rng: np.random.Generator
    ) -> tuple[Floats, Floats]:
        """Weigh each value that the variable may take, by the other variables alone.

        Parameters
        ----------
        values : ndarray of shape (n_patients,)
            Completed values, to which the variable's model is fitted.
        X : ndarray of shape (1, n_patients, n_columns)
            Predictors.
        rng : Generator
            Source of chance: coefficients are drawn from their posterior.

        Returns
        -------
        candidates : ndarray of shape (n_candidates,)
            Levels; of a number up to 100 values that somebody has.
        log_prior : ndarray of shape (n_unknown, n_candidates)
            Log probabilities of those who are not known.
        """
        unknown, everybody = ~self.known, np.ones(len(values), dtype=bool)
        if len(self.levels) == 1:
            return self.levels, np.zeros((int(unknown.sum()), 1))
        if self.kind != "number":
            codes = np.searchsorted(self.levels, values)
            p, _ = self._model(codes, everybody, X, unknown, rng, None)
            return self.levels, np.log(p[0].T.clip(TINY))
        some = self.levels
        if some.size > MOST_CANDIDATES:
            steps = np.linspace(0, 1, MOST_CANDIDATES)
            some = np.unique(np.quantile(self.values[self.known], steps, method="nearest"))
        at = self._on_scale(some)
        mean, sigma = draw_linear(self._on_scale(values), X, unknown, rng)
        # A normal number is moved to the nearest candidate: each stands for what is nearest to it.
        ends = (at[1:] + at[:-1]) / 2
        below = ndtr((ends - mean[0][:, None]) / sigma[0])
        inside = np.diff(below, axis=1, prepend=0.0, append=1.0)
        return some, np.log(inside.clip(TINY))

    def _model(
        self,
        codes: NDArray[np.intp],
        fitted: NDArray[np.bool_],
        X: Floats,
        asked: NDArray[np.bool_],
        rng: np.random.Generator,
        start: Floats | None,
    ) -> tuple[Floats, Floats]:
        """Probabilities of levels at drawn coefficients, (n_fits, n_levels, n_asked); estimates."""
        n = len(self.levels)
        if self.kind != "ordinal" or n == TWO:
            coef, information = augmented_multinomial(codes, fitted, X, n_levels=n, start=start)
            drawn = draw_from_posterior(coef.reshape(len(X), -1), information, rng)
            return multinomial_probabilities(drawn.reshape(coef.shape), X[:, asked]), coef
        coef, information = augmented_ordinal(codes, fitted, X, n_levels=n, start=start)
        drawn = draw_from_posterior(coef, information, rng)
        # Thresholds are drawn as the first and the logarithms of the gaps, so that they rise.
        gap, drawn_gap = np.diff(coef[:, : n - 1], axis=1), np.diff(drawn[:, : n - 1], axis=1)
        drawn[:, 1 : n - 1] = drawn[:, :1] + (gap * np.exp(drawn_gap / gap - 1)).cumsum(axis=1)
        return ordinal_probabilities(drawn, X[:, asked], n_levels=n), coef

    @cached_property
    def _codes(self) -> NDArray[np.intp]:
        return np.searchsorted(self.levels, self.values)

    def _on_scale(self, values: Floats) -> Floats:
        return np.asarray(np.log(values), dtype=float) if self.log else values

    @cached_property
    def _scaled(self) -> Floats:
        return self._on_scale(self.values[self.known])


def standardised(variables: Sequence[Incomplete], X: ArrayLike, n_imputations: int) -> Floats:
    """Check what is to be imputed, and give the predictors that vary on one scale.

    Parameters
    ----------
    variables : sequence of Incomplete
        Variables of the same patients.
    X : array-like of shape (n_patients, n_columns)
        Further predictors, complete.
    n_imputations : int
        Completed data sets, at least 1.

    Returns
    -------
    ndarray of shape (n_patients, n_varying)
        Mean 0 and standard deviation 1.

    Raises
    ------
    ModelError
        If shapes do not fit, X is not complete, or there is no imputation.
    """
    fixed = np.array(X, dtype=float)
    lengths = {len(variable.values) for variable in variables}
    if not variables or fixed.ndim != 2 or lengths != {len(fixed)}:
        raise ModelError(
            f"impute: {len(variables)} variables of {sorted(lengths)} patients, and X of shape "
            f"{fixed.shape}; give variables and a matrix with a row for each of the same patients."
        )
    if not np.all(np.isfinite(fixed)):
        raise ModelError("impute: X is not complete; give predictors known of everybody.")
    if n_imputations < 1:
        raise ModelError(f"impute: n_imputations is {n_imputations}; give at least 1.")
    spread = fixed.std(axis=0)
    varies = spread > CONSTANT * np.abs(fixed).max(axis=0, initial=0.0)
    varying = fixed[:, varies]
    return np.asarray((varying - varying.mean(axis=0)) / spread[varies], dtype=float)

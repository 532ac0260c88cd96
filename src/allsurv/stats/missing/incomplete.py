"""A variable with missing values, as chained equations see it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from allsurv.errors import ModelError
from allsurv.stats.missing.matching import draw_matched
from allsurv.stats.missing.newton import draw_from_posterior
from allsurv.stats.missing.regressions import (
    augmented_multinomial,
    augmented_ordinal,
    multinomial_probabilities,
    ordinal_probabilities,
)

__all__ = ["Incomplete", "VariableKind"]

Floats = NDArray[np.float64]
VariableKind = Literal["number", "ordinal", "nominal"]
KINDS = ("number", "ordinal", "nominal")
TWO = 2


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
        by_order = self.kind == "ordinal" and len(self.levels) > TWO
        model = self._by_order if by_order else self._by_level
        probability, estimates = model(X, rng, start)
        up_to = probability.cumsum(axis=1)[:, :-1]
        position = (rng.random((len(X), 1, up_to.shape[2])) > up_to).sum(axis=1)
        return np.asarray(self.levels[position], dtype=float), estimates

    def _by_level(
        self, X: Floats, rng: np.random.Generator, start: Floats | None
    ) -> tuple[Floats, Floats]:
        n, known = len(self.levels), self.known
        coef, information = augmented_multinomial(self._codes, known, X, n_levels=n, start=start)
        drawn = draw_from_posterior(coef.reshape(len(X), -1), information, rng)
        return multinomial_probabilities(drawn.reshape(coef.shape), X[:, ~known]), coef

    def _by_order(
        self, X: Floats, rng: np.random.Generator, start: Floats | None
    ) -> tuple[Floats, Floats]:
        n, known = len(self.levels), self.known
        coef, information = augmented_ordinal(self._codes, known, X, n_levels=n, start=start)
        drawn = draw_from_posterior(coef, information, rng)
        # Thresholds are drawn as the first and the logarithms of the gaps, so that they rise.
        gap, drawn_gap = np.diff(coef[:, : n - 1], axis=1), np.diff(drawn[:, : n - 1], axis=1)
        drawn[:, 1 : n - 1] = drawn[:, :1] + (gap * np.exp(drawn_gap / gap - 1)).cumsum(axis=1)
        return ordinal_probabilities(drawn, X[:, ~known], n_levels=n), coef

    @cached_property
    def _codes(self) -> NDArray[np.intp]:
        return np.searchsorted(self.levels, self.values)

    def _on_scale(self, values: Floats) -> Floats:
        return np.asarray(np.log(values), dtype=float) if self.log else values

    @cached_property
    def _scaled(self) -> Floats:
        return self._on_scale(self.values[self.known])

"""The step of a column transformer that encodes variables of one sort."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin

from allsurv.dictionary.variable import Variable
from allsurv.features.terms import learn_terms
from allsurv.riskmodel.encoding import Term, count_missing, encode_numbers

__all__ = ["Missing", "VariablesEncoder"]

Missing = Literal["impute", "refuse"]


class VariablesEncoder(TransformerMixin, BaseEstimator):
    """Turn variables of one sort into columns; a step of ``FeatureEncoder``."""

    def __init__(
        self,
        variables: tuple[Variable, ...],
        missing: Missing = "impute",
        splines: Mapping[str, int] | None = None,
    ) -> None:
        self.variables = variables
        self.missing = missing
        self.splines = splines

    def fit(self, X: NDArray[np.float64], y: object = None) -> Self:
        """Learn centres, scales and fills; the outcome is not looked at."""
        numbers = self._named(X)
        self.terms_: tuple[Term, ...] = ()
        for variable in self.variables:
            n_knots = (self.splines or {}).get(variable.name, 0)
            self.terms_ += learn_terms(numbers[variable.name], variable, self.missing, n_knots)
        self.imputed_ = count_missing(numbers, self.terms_)
        return self

    def transform(self, X: NDArray[np.float64]) -> NDArray[np.float64]:
        """Encode the variables."""
        return encode_numbers(self._named(X), self.terms_, n_rows=len(X))

    def get_feature_names_out(self, input_features: object = None) -> NDArray[np.object_]:
        """Name the columns."""
        return np.array([term.name for term in self.terms_], dtype=object)

    def _named(self, X: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
        return {variable.name: X[:, j] for j, variable in enumerate(self.variables)}

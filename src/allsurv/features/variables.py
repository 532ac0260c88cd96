"""The step of a column transformer that encodes variables of one sort."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin

from allsurv.features.encoding import Term, count_missing, encode_numbers
from allsurv.features.terms import learn_terms
from allsurv.study.dictionary import Variable

__all__ = ["Missing", "VariablesEncoder"]

Missing = Literal["impute", "refuse"]


class VariablesEncoder(TransformerMixin, BaseEstimator):
    """Turn variables of one sort into columns; a step of ``FeatureEncoder``.

    Parameters
    ----------
    variables : tuple of Variable
        Lines of the data dictionary.
    missing : {"impute", "refuse"}, default="impute"
        Policy where the dictionary allows a missing value.
    splines : mapping from str to int, optional
        Knots of the numbers that enter as splines.
    """

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
        """Learn centres, scales and fills; the outcome is not looked at.

        Parameters
        ----------
        X : ndarray of shape (n_patients, n_variables)
            The variables as numbers, from ``read_numbers``.
        y : object, optional
            Not used.

        Returns
        -------
        VariablesEncoder
            Itself; ``terms_`` says what was learned.
        """
        numbers = self._named(X)
        self.terms_: tuple[Term, ...] = ()
        for variable in self.variables:
            n_knots = (self.splines or {}).get(variable.name, 0)
            self.terms_ += learn_terms(numbers[variable.name], variable, self.missing, n_knots)
        self.imputed_ = count_missing(numbers, self.terms_)
        return self

    def transform(self, X: NDArray[np.float64]) -> NDArray[np.float64]:
        """Encode the variables.

        Parameters
        ----------
        X : ndarray of shape (n_patients, n_variables)
            The variables as numbers, from ``read_numbers``.

        Returns
        -------
        ndarray of shape (n_patients, n_terms)
            One column per term.
        """
        return encode_numbers(self._named(X), self.terms_, n_rows=len(X))

    def get_feature_names_out(self, input_features: object = None) -> NDArray[np.object_]:
        """Name the columns.

        Parameters
        ----------
        input_features : object, optional
            Not used: names follow from the data dictionary.

        Returns
        -------
        ndarray of str
            Names of the terms.
        """
        return np.array([term.name for term in self.terms_], dtype=object)

    def _named(self, X: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
        return {variable.name: X[:, j] for j, variable in enumerate(self.variables)}

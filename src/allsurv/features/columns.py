"""The columns of a model, built from the data dictionary as a scikit-learn transformer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Self, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin

from allsurv.dictionary.variable import Variable
from allsurv.errors import ModelError, NotFittedError
from allsurv.features.predictors import check_predictors
from allsurv.features.terms import KNOTS, learn_products, learn_terms
from allsurv.nearest import did_you_mean
from allsurv.riskmodel.encoding import Term, count_missing, encode_numbers, read_numbers
from allsurv.study.spec import Missing, Study

__all__ = ["FeatureEncoder", "make_features"]


def make_features(
    study: Study,
    predictors: Sequence[str] | None = None,
    *,
    missing: Missing | None = None,
    splines: Mapping[str, int] | None = None,
    interactions: Sequence[Sequence[str]] = (),
) -> FeatureEncoder:
    """Choose the variables of a prognostic model and how they become numbers.

    Parameters
    ----------
    study : Study
        Its data dictionary gives kind, scale and reference level.
    predictors : sequence of str, optional
        Variables known at the prediction moment; those of ``study.prediction`` by default.
    missing : {"impute", "level", "complete cases", "refuse"}, optional
        What to do where the dictionary allows a value to be missing; as the study says unless
        given. ``impute`` fills in the median or the most frequent level of development. ``level``
        has a column more for each variable with missing values, 1 where the value is known; the
        others then hold the median of a number, the usual level of an ordinal, and no level of a
        nominal variable. ``complete cases`` and ``refuse`` need every value: give patients with
        all of them, as :meth:`Cohort.known`. A value that the dictionary does not allow to be
        missing is refused in any case. A derived variable may be missing because its sources may.
        Markers are never filled in.
    splines : mapping from str to int, optional
        Numbers that enter as restricted cubic splines, with their knots (3 to 5); all others enter
        as straight lines.
    interactions : sequence of (str, str), default=()
        Pairs of predictors whose product enters too.

    Returns
    -------
    FeatureEncoder
        Not fitted.

    Raises
    ------
    ModelError
        If a predictor is not known at the prediction moment.

    Examples
    --------
    >>> from allsurv.study import load_study
    >>> make_features(load_study("rr-all"), ["age", "sex"]).variable_names
    ('age', 'sex')
    """
    names = study.prediction.predictors if predictors is None else tuple(predictors)
    check_predictors(study, names, study.prediction.endpoint)
    curved = dict(splines or {})
    pairs = tuple((str(pair[0]), str(pair[1])) for pair in interactions if len(pair) == 2)
    if len(pairs) < len(interactions):
        raise ModelError("interactions: each is a pair of predictors, such as [age, arm].")
    if len({frozenset(pair) for pair in pairs if len(set(pair)) == 2}) < len(pairs):
        raise ModelError(
            "interactions: a pair is given twice, or of one variable; a curve is a spline."
        )
    for name in [*curved, *(name for pair in pairs for name in pair)]:
        if name not in names:
            raise ModelError(
                f"predictors: '{name}' has a spline or an interaction but is not among the "
                f"predictors ({', '.join(names)}).{did_you_mean(name, names)}"
            )
    for name, n_knots in curved.items():
        if not study.variable(name).is_number or n_knots not in KNOTS:
            raise ModelError(
                f"splines: '{name}' with {n_knots} knots; a spline is of a number, with 3, 4 or 5."
            )
    return FeatureEncoder(
        tuple(study.variable(name) for name in names),
        missing=missing or study.prediction.missing,
        splines=curved,
        interactions=pairs,
    )


class FeatureEncoder(TransformerMixin, BaseEstimator):
    """Turn patients into the columns of a model, as the data dictionary says.

    Numbers are centred and scaled, after a logarithm where the dictionary asks for it. A yes/no
    variable is one 0/1 column. A nominal variable has one 0/1 column per level but the reference.
    An ordinal variable is its position among the levels, 0, 1, 2...: one parameter, a trend. A
    marker is two columns, *tested* and *positive*: who was not tested is not negative.

    Parameters
    ----------
    variables : tuple of Variable
        Lines of the data dictionary. Columns come in this order: numbers, levels, markers.
    missing : {"impute", "level", "complete cases", "refuse"}, default="impute"
        Policy where the dictionary allows a missing value; see :func:`make_features`.
    splines : mapping from str to int, optional
        Numbers that enter as restricted cubic splines, with their knots.
    interactions : tuple of (str, str), default=()
        Pairs of variables whose products come after all other columns.

    Attributes
    ----------
    terms_ : tuple of Term
        One per column: all it takes to encode a patient elsewhere.
    imputed_ : dict of str to int
        Number of values filled in during ``fit``, per variable.
    feature_names_in_ : ndarray of str
        Names of the variables.

    Examples
    --------
    >>> sex = Variable("sex", "Sex", "nominal", "sex", levels=("male", "female"))
    >>> tp53 = Variable("tp53", "TP53", "marker", "tp53")
    >>> patients = pd.DataFrame({"sex": ["male", "female"], "tp53": [True, None]})
    >>> FeatureEncoder((sex, tp53)).fit_transform(patients)
       sex=female  tp53 tested  tp53 positive
    0         0.0          1.0            1.0
    1         1.0          0.0            0.0
    """

    def __init__(
        self,
        variables: tuple[Variable, ...],
        *,
        missing: Missing = "impute",
        splines: Mapping[str, int] | None = None,
        interactions: tuple[tuple[str, str], ...] = (),
    ) -> None:
        self.variables = variables
        self.missing = missing
        self.splines = splines
        self.interactions = interactions

    def __repr__(self, N_CHAR_MAX: int = 700) -> str:
        names = ", ".join(map(repr, self.variable_names))
        return f"FeatureEncoder({names}, missing={self.missing!r})"[:N_CHAR_MAX]

    @property
    def variable_names(self) -> tuple[str, ...]:
        """Names of the variables, in order."""
        return tuple(variable.name for variable in self.variables)

    def unfitted(self) -> FeatureEncoder:
        """Give an encoder of the same choices that has learned nothing.

        Returns
        -------
        FeatureEncoder
            As :func:`sklearn.base.clone` gives it; what is chosen is frozen and need not be copied.
        """
        encoder = FeatureEncoder(
            self.variables,
            missing=self.missing,
            splines=self.splines,
            interactions=self.interactions,
        )
        if hasattr(self, "_sklearn_output_config"):  # what set_output asked for is a choice too
            encoder._sklearn_output_config = dict(self._sklearn_output_config)
        return encoder

    def __sklearn_clone__(self) -> FeatureEncoder:
        return self.unfitted()

    def fit(self, X: pd.DataFrame, y: object = None) -> Self:
        """Learn centres, scales and fills; the outcome is not looked at.

        Parameters
        ----------
        X : DataFrame of shape (n_patients, n_columns)
            Patients, as ``Cohort.X``; other columns are ignored.
        y : object, optional
            Not used.

        Returns
        -------
        FeatureEncoder
            Itself.

        Raises
        ------
        ModelError
            If data break the dictionary, or the policy is unknown.
        """
        self.fit_design(X)
        return self

    def fit_design(self, X: pd.DataFrame) -> NDArray[np.float64]:
        """Learn the terms and encode the same patients, reading them once.

        Parameters
        ----------
        X : DataFrame of shape (n_patients, n_columns)
            Patients, as ``Cohort.X``; other columns are ignored.

        Returns
        -------
        ndarray of shape (n_patients, n_terms)
            The numbers of :meth:`transform`.

        Raises
        ------
        ModelError
            If data break the dictionary, or the policy is unknown.
        """
        if self.missing not in get_args(Missing):
            allowed = ", ".join(map(repr, get_args(Missing)))
            raise ModelError(f"missing: '{self.missing}' is no policy; allowed are {allowed}.")
        numbers = self.read(X, where="FeatureEncoder.fit")
        self.fit_numbers(numbers)
        return encode_numbers(numbers, self.terms_, n_rows=len(X))

    def fit_numbers(self, numbers: Mapping[str, NDArray[np.float64]]) -> Self:
        """Learn the terms alone, from variables that were read, as the folds of a search do.

        Parameters
        ----------
        numbers : mapping from str to ndarray of shape (n_patients,)
            As from :meth:`read`.

        Returns
        -------
        FeatureEncoder
            Itself.
        """
        self.terms_: tuple[Term, ...] = ()
        for variable in _in_order(self.variables):
            n_knots = (self.splines or {}).get(variable.name, 0)
            self.terms_ += learn_terms(numbers[variable.name], variable, self.missing, n_knots)
        self.imputed_ = count_missing(numbers, self.terms_)
        self.terms_ += learn_products(self.terms_, self.interactions)
        self.feature_names_in_ = np.array(self.variable_names, dtype=object)
        self.n_features_in_ = len(self.variables)
        return self

    def transform(self, X: pd.DataFrame) -> pd.DataFrame:
        """Encode patients.

        Parameters
        ----------
        X : DataFrame of shape (n_patients, n_columns)
            Patients, as ``Cohort.X``; other columns are ignored.

        Returns
        -------
        DataFrame of shape (n_patients, n_terms)
            Index of ``X``; no missing values.

        Raises
        ------
        ModelError
            If a column is absent, a level unknown, a number out of range, or a value missing where
            it is needed.
        """
        return pd.DataFrame(
            self.design(X), index=X.index, columns=list(self.get_feature_names_out())
        )

    def design(self, X: pd.DataFrame) -> NDArray[np.float64]:
        """Encode patients as a plain array.

        Parameters
        ----------
        X : DataFrame of shape (n_patients, n_columns)
            Patients, as ``Cohort.X``; other columns are ignored.

        Returns
        -------
        ndarray of shape (n_patients, n_terms)
            The numbers of :meth:`transform`.
        """
        self._check_fitted()
        numbers = self.read(X, where="FeatureEncoder.transform")
        return encode_numbers(numbers, self.terms_, n_rows=len(X))

    def design_numbers(self, numbers: Mapping[str, NDArray[np.float64]]) -> NDArray[np.float64]:
        """Encode variables that were read already.

        Parameters
        ----------
        numbers : mapping from str to ndarray of shape (n_patients,)
            As from :meth:`read`.

        Returns
        -------
        ndarray of shape (n_patients, n_terms)
            The numbers of :meth:`transform`.
        """
        self._check_fitted()
        n_rows = len(next(iter(numbers.values()), ()))
        return encode_numbers(numbers, self.terms_, n_rows=n_rows)

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
        self._check_fitted()
        return np.array([term.name for term in self.terms_], dtype=object)

    def read(self, X: pd.DataFrame, *, where: str = "predictors") -> dict[str, NDArray[np.float64]]:
        """Take the variables as numbers, checked against the dictionary.

        Parameters
        ----------
        X : DataFrame of shape (n_patients, n_columns)
            Patients, as ``Cohort.X``; other columns are ignored.
        where : str, default="predictors"
            What to call the data in a message.

        Returns
        -------
        dict of str to ndarray of shape (n_patients,)
            In the order of ``variables``; NaN where missing.
        """
        return read_numbers(X, {v.name: v for v in self.variables}, where=where)

    def _check_fitted(self) -> None:
        if not hasattr(self, "terms_"):
            raise NotFittedError("FeatureEncoder: not fitted; call fit first.")


def _in_order(variables: Sequence[Variable]) -> list[Variable]:
    """Put numbers first, then levels, then markers."""
    return sorted(variables, key=lambda v: 0 if v.is_number else 2 if v.kind == "marker" else 1)

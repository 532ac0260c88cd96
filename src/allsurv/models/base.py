"""The contract every model keeps, whatever its family."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, clone

from allsurv.errors import ModelError, NotFittedError
from allsurv.features import FeatureEncoder
from allsurv.riskmodel.grid import grid_steps, make_grid
from allsurv.riskmodel.mechanisms import Mechanism
from allsurv.stats.measures.discrimination import harrell_c
from allsurv.stats.outcome import check_y

__all__ = ["SurvivalModel"]

Floats = NDArray[np.float64]
_PLAIN = (bool, int, float, str, type(None))


class SurvivalModel(BaseEstimator):
    """A prognostic model: patients in, risk score and survival out.

    A scikit-learn estimator on data frames; made by :func:`allsurv.make_model`. A family adds its
    own parameters and :meth:`_learn`.

    Parameters
    ----------
    features : FeatureEncoder
        Which variables enter and how; its parameters are reached as ``features__missing``.
    grid : float, default=1.0
        Step of the time grid on which survival is kept, in the study's unit.

    Attributes
    ----------
    encoder_ : FeatureEncoder
        Fitted.
    times_ : ndarray of shape (n_steps,)
        The time grid, from 0.
    max_time_ : float
        Its last point, the last that follow-up reached.
    mechanism_ : Mechanism
        What was learned, as arrays; the model predicts through it.
    n_patients_, n_events_ : int
        Size of development.
    feature_names_in_ : ndarray of str
        Variables the model needs.
    n_features_in_ : int
        Their number.
    """

    family: ClassVar[str]
    path: ClassVar[str] = ""
    """Parameter of which one fit serves many values; empty for none."""
    software: ClassVar[tuple[str, ...]] = ("numpy", "pandas", "scipy")
    """Packages that compute what the family fits, as the package index names them."""

    @property
    def has_published_baseline(self) -> bool:
        """Whether the baseline is a paper's, and tells nothing of the patients fitted to."""
        return False

    def __init__(self, features: FeatureEncoder, *, grid: float = 1.0) -> None:
        self.features = features
        self.grid = grid

    def __sklearn_clone__(self) -> Self:
        """Copy the choices; most are plain values, which scikit-learn would copy deeply."""
        kind: Any = type(self)
        choices: dict[str, Any] = {name: getattr(self, name) for name in _parameters(kind)}
        for name, value in choices.items():
            if not isinstance(value, _PLAIN):
                choices[name] = clone(value, safe=False)
        copied: Self = kind(**choices)
        return copied

    def _learn(self, design: Floats, time: Floats, event: NDArray[np.bool_]) -> Mechanism:
        raise TypeError(f"{type(self).__name__} is a base; use make_model.")

    def score_path(
        self,
        design: Floats,
        time: Floats,
        event: NDArray[np.bool_],
        new: Floats,
        values: Sequence[Any] | None = None,
    ) -> Floats:
        """Score new patients by models that differ in one parameter, as cheaply as the family can.

        Parameters
        ----------
        design : ndarray of shape (n_patients, n_terms)
            Encoded patients of development.
        time, event : ndarray of shape (n_patients,)
            Their outcome.
        new : ndarray of shape (n_new, n_terms)
            Encoded patients to score.
        values : sequence, optional
            Of the parameter ``path``; the model as it is unless given.

        Returns
        -------
        ndarray of shape (n_values, n_new)
            Log relative hazards; NaN where a model could not be fitted.
        """
        if values is None:
            return self._log_hazard(self._learn(design, time, event), new)[None, :]
        return self._score_path(design, time, event, values, new)

    def _score_path(
        self,
        design: Floats,
        time: Floats,
        event: NDArray[np.bool_],
        values: Sequence[Any],
        new: Floats,
    ) -> Floats:
        raise TypeError(f"{type(self).__name__} has no path of models.")

    def _log_hazard(self, mechanism: Mechanism, design: Floats) -> Floats:
        """Log hazard relative to other patients, as this family's risk score implies it."""
        return mechanism.risk_score(design)

    def fit(self, X: pd.DataFrame, y: NDArray[np.void]) -> Self:
        """Fit features and model.

        Parameters
        ----------
        X : DataFrame of shape (n_patients, n_variables)
            As ``Cohort.X``; variables the model does not use are ignored.
        y : structured ndarray of shape (n_patients,)
            Fields ``event`` and ``time``, as from ``Cohort.y``.

        Returns
        -------
        SurvivalModel
            Itself.

        Raises
        ------
        ModelError
            If data break the dictionary, do not fit together, or cannot carry the model.
        OutcomeError
            If times or events are malformed.
        """
        time, event = check_y(y, where=f"{type(self).__name__}.fit")
        if len(X) != len(time):
            raise ModelError(
                f"{type(self).__name__}.fit: {len(X)} patients but {len(time)} outcomes; "
                "give one of each per patient."
            )
        if not event.any():
            raise ModelError(
                f"{type(self).__name__}.fit: no event among {len(time)} patients; "
                "a prognostic model needs events."
            )
        encoder = self.features.unfitted()
        design = encoder.fit_design(X)
        self.prepare(encoder, time)
        self.n_patients_, self.n_events_ = len(time), int(event.sum())
        self.mechanism_ = self._learn(design, time, event)
        return self

    def prepare(self, encoder: FeatureEncoder, time: Floats) -> None:
        """Take over fitted features, and lay the time grid.

        Parameters
        ----------
        encoder : FeatureEncoder
            Fitted.
        time : ndarray of shape (n_patients,)
            Follow-up of development.
        """
        self.times_ = make_grid(time, self.grid)
        self.max_time_ = float(self.times_[-1])
        self.encoder_ = encoder
        self.feature_names_in_ = encoder.feature_names_in_
        self.n_features_in_ = encoder.n_features_in_

    def predict(self, X: pd.DataFrame) -> Floats:
        """Score patients.

        Parameters
        ----------
        X : DataFrame of shape (n_patients, n_variables)
            As in ``fit``.

        Returns
        -------
        ndarray of shape (n_patients,)
            Risk score, without unit; higher is worse. Comparable within a family only.

        Raises
        ------
        ModelError
            If data break the dictionary, or the model was not fitted.
        """
        design = self._design(X)
        return self.mechanism_.risk_score(design)

    def predict_survival(self, X: pd.DataFrame, times: ArrayLike) -> Floats:
        """Predict the probability of being event-free.

        Parameters
        ----------
        X : DataFrame of shape (n_patients, n_variables)
            As in ``fit``.
        times : array-like of shape (n_times,)
            In the study's unit, from 0 to ``max_time_``.

        Returns
        -------
        ndarray of shape (n_patients, n_times)
            S(t | x), with S(0) = 1; between two points of the grid that of the earlier one.

        Raises
        ------
        ModelError
            If a time is beyond follow-up, data break the dictionary, or the model was not fitted.
        """
        self._check_fitted()
        where = f"{type(self).__name__}.predict_survival"
        steps = grid_steps(times, self.times_, where=where)
        return self.mechanism_.survival(self._design(X), steps)

    def score(self, X: pd.DataFrame, y: NDArray[np.void]) -> float:
        """Measure discrimination by Harrell's C.

        Parameters
        ----------
        X : DataFrame of shape (n_patients, n_variables)
            Patients.
        y : structured ndarray of shape (n_patients,)
            Their outcome.

        Returns
        -------
        float
            Share of comparable pairs in which who fails first has the higher score.
        """
        return harrell_c(y, self.predict(X)).value

    def _design(self, X: pd.DataFrame) -> Floats:
        self._check_fitted()
        found: Floats = self.encoder_.design(X)
        return found

    def _check_fitted(self) -> None:
        if not hasattr(self, "mechanism_"):
            raise NotFittedError(f"{type(self).__name__}: not fitted; call fit first.")


@lru_cache(maxsize=64)
def _parameters(kind: Any) -> tuple[str, ...]:
    """Name the parameters of a class, which scikit-learn reads from its signature each time."""
    return tuple(kind._get_param_names())

"""The contract of every model of several causes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from allsurv.errors import ModelError
from allsurv.models.base import SurvivalModel
from allsurv.riskmodel.causes import CauseMechanism
from allsurv.riskmodel.grid import grid_steps
from allsurv.stats.competing.causes import check_caused_y

__all__ = ["CompetingModel"]

Floats = NDArray[np.float64]
Causes = NDArray[np.intp]


class CompetingModel(SurvivalModel):
    """A prognostic model of events that compete: patients in, the risk of each cause out.

    At every time the risks of all causes and the probability of no event sum to 1; risks begin at 0
    and never fall. ``predict_survival`` gives the probability of no event, ``predict`` the risk
    score of the first cause: its mean risk over the time grid.

    Parameters
    ----------
    features : FeatureEncoder
        Which variables enter and how.
    grid : float, default=1.0
        Step of the time grid on which risks are kept, in the study's unit.
    causes : sequence of str, default=("1", "2")
        Names of the causes, in the order of their codes 1, 2, ...

    Attributes
    ----------
    n_events_of_ : tuple of int
        Patients of development who had each cause.
    """

    mechanism_: CauseMechanism
    causes: Sequence[str]

    def _learn_causes(self, design: Floats, time: Floats, cause: Causes) -> CauseMechanism:
        raise TypeError(f"{type(self).__name__} is a base; use make_model.")

    def fit(self, X: pd.DataFrame, y: NDArray[np.void]) -> Self:
        """Fit features and model.

        Parameters
        ----------
        X : DataFrame of shape (n_patients, n_variables)
            As ``Cohort.X``; variables the model does not use are ignored.
        y : structured ndarray of shape (n_patients,)
            Fields ``time`` and ``cause``, as from ``Cohort.competing(endpoint).y()``.

        Returns
        -------
        CompetingModel
            Itself.

        Raises
        ------
        ModelError
            If data break the dictionary, do not fit together, or a cause has too few events.
        OutcomeError
            If times or causes are malformed.
        """
        where = f"{type(self).__name__}.fit"
        time, cause = check_caused_y(y, where=where)
        if len(X) != len(time):
            raise ModelError(
                f"{where}: {len(X)} patients but {len(time)} outcomes; give one of each per "
                "patient."
            )
        counts = np.bincount(cause, minlength=len(self.causes) + 1)[1:]
        if counts.size > len(self.causes):
            raise ModelError(
                f"{where}: cause {counts.size} occurs, but {len(self.causes)} causes are named; "
                "name all of them in 'causes'."
            )
        encoder = self.features.unfitted()
        design = encoder.fit_design(X)
        self._check_events(counts, design.shape[1])
        self.prepare(encoder, time)
        self.n_patients_, self.n_events_ = len(time), int(counts.sum())
        self.n_events_of_ = tuple(map(int, counts))
        self.mechanism_ = self._learn_causes(design, time, cause)
        return self

    def predict_risk(self, X: pd.DataFrame, times: ArrayLike) -> Floats:
        """Predict the probability of each cause.

        Parameters
        ----------
        X : DataFrame of shape (n_patients, n_variables)
            As in ``fit``.
        times : array-like of shape (n_times,)
            In the study's unit, from 0 to ``max_time_``.

        Returns
        -------
        ndarray of shape (n_causes, n_patients, n_times)
            Cumulative incidence; between two points of the grid that of the earlier one.

        Raises
        ------
        ModelError
            If a time is beyond follow-up, data break the dictionary, or the model was not fitted.
        """
        self._check_fitted()
        steps = grid_steps(times, self.times_, where=f"{type(self).__name__}.predict_risk")
        return self.mechanism_.incidence(self._design(X), steps)[0]

    def predict_scores(self, X: pd.DataFrame) -> Floats:
        """Score patients for each cause.

        Parameters
        ----------
        X : DataFrame of shape (n_patients, n_variables)
            As in ``fit``.

        Returns
        -------
        ndarray of shape (n_causes, n_patients)
            Mean risk of the cause over the time grid; higher is worse.

        Raises
        ------
        ModelError
            If data break the dictionary, or the model was not fitted.
        """
        return self.mechanism_.cause_scores(self._design(X))

    def _check_events(self, counts: NDArray[np.intp], n_terms: int) -> None:
        """Refuse a cause that cannot carry the model, and say how many events it needs."""
        needed = max(1, self._needed(n_terms))
        few = [
            f"'{name}' has {n}" for name, n in zip(self.causes, counts, strict=True) if n < needed
        ]
        if few:
            raise ModelError(
                f"{type(self).__name__}.fit: too few events: {', '.join(few)}; {n_terms} terms "
                f"need at least {needed} of each cause. Take fewer predictors, or count causes "
                "together."
            )

    def _needed(self, n_terms: int) -> int:
        return n_terms

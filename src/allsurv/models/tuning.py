"""Parameters chosen by cross-validation inside the development of a model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.model_selection import ParameterGrid

from allsurv.errors import ModelError
from allsurv.features import FeatureEncoder
from allsurv.models.base import SurvivalModel
from allsurv.models.folds import deal_folds
from allsurv.nearest import did_you_mean
from allsurv.stats.cox.scores import log_partial_likelihood
from allsurv.stats.outcome import check_y

__all__ = ["TunedModel"]

Floats = NDArray[np.float64]
Candidate = Mapping[str, Any]


class TunedModel(SurvivalModel):
    r"""A family whose parameters are chosen among candidates each time it is fitted.

    The search sees only the patients it is given: refitted in a resample it is repeated there, and
    what is measured on the patients left out includes it.

    Parameters
    ----------
    model : SurvivalModel
        The family, with the parameters that are not searched.
    space : mapping from str to sequence
        Values to try by parameter; all combinations are compared. Among equals the first wins.
    folds : int, default=5
        Parts of the inner cross-validation; each has its share of events.
    random_state : int, RandomState or None, default=None
        Deals patients to folds.

    Attributes
    ----------
    model_ : SurvivalModel
        The family with the chosen parameters, fitted to everybody.
    best_ : dict of str to object
        What was chosen.
    search_ : DataFrame
        Candidates with their cross-validated log partial likelihood per event; NaN for one that
        could not be fitted in every fold.

    Notes
    -----
    Candidates are compared by :math:`\sum_k \ell_k(s_{-k})`: the log partial likelihood, among the
    patients of fold k, of the log relative hazards that a model fitted without them gives [1]_. It
    is a proper score of ranking and spread together. A forest's log hazard is the log of the
    number of events it expects. Many ridge penalties, elastic-net weights or numbers of stages
    come from one fit.

    References
    ----------
    .. [1] Verweij PJM, Van Houwelingen HC. Stat Med. 1993;12(24):2305-2314.
       doi:10.1002/sim.4780122407
    """

    def __init__(
        self,
        model: SurvivalModel,
        space: Mapping[str, Sequence[Any]],
        *,
        folds: int = 5,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.model = model
        self.space = space
        self.folds = folds
        self.random_state = random_state

    @property
    def family(self) -> str:  # type: ignore[override]
        """Family of the model that is tuned."""
        return self.model.family

    @property
    def software(self) -> tuple[str, ...]:  # type: ignore[override]
        """That of the model that is tuned."""
        return self.model.software

    @property
    def features(self) -> FeatureEncoder:
        """Features of the model that is tuned."""
        return self.model.features

    def fit(self, X: pd.DataFrame, y: NDArray[np.void]) -> Self:
        """Choose the parameters, then fit features and model with them.

        Parameters
        ----------
        X : DataFrame of shape (n_patients, n_variables)
            As ``Cohort.X``.
        y : structured ndarray of shape (n_patients,)
            Fields ``event`` and ``time``, as from ``Cohort.y``.

        Returns
        -------
        TunedModel
            Itself; it predicts as ``model_``.

        Raises
        ------
        ModelError
            If the search names an unknown parameter, or no candidate can be fitted.
        OutcomeError
            If times or events are malformed.
        """
        candidates = self._candidates()
        if isinstance(X, pd.DataFrame):
            X = X[[name for name in self.features.variable_names if name in X.columns]]
        likelihood = self._compare(X, y, candidates)
        self.search_ = pd.DataFrame(candidates).assign(log_likelihood=likelihood)
        if np.isnan(likelihood).all():
            raise ModelError(
                f"{self.family}: none of {len(candidates)} candidates could be fitted in every "
                "fold; widen the search or take fewer predictors."
            )
        self.best_ = candidates[int(np.nanargmax(likelihood))]
        self.model_: SurvivalModel = clone(self.model).set_params(**self.best_).fit(X, y)
        learned = {name: value for name, value in vars(self.model_).items() if name.endswith("_")}
        self.__dict__.update(learned)
        return self

    def _candidates(self) -> list[dict[str, Any]]:
        allowed = self.model.get_params(deep=False)
        for name in self.space:
            if name not in allowed or name == "features":
                known = sorted(set(allowed) - {"features"})
                raise ModelError(
                    f"{self.family}: '{name}' is searched, but is no parameter of it; allowed are "
                    f"{', '.join(known)}.{did_you_mean(name, known)}"
                )
        return list(ParameterGrid(dict(self.space)))

    def _compare(
        self, X: pd.DataFrame, y: NDArray[np.void], candidates: list[dict[str, Any]]
    ) -> Floats:
        """Cross-validated log partial likelihood per event of each candidate."""
        time, event = check_y(y, where=f"{self.family}.fit")
        if len(candidates) == 1:
            return np.zeros(1)
        fold = deal_folds(event, self.folds, self.random_state, where=f"{self.family}.fit")
        total = np.zeros(len(candidates))
        numbers = self.features.read(X, where=f"{self.family}.fit")
        for k in range(fold.max() + 1):
            inside, outside = fold != k, fold == k
            kept, left_out = ({n: v[who] for n, v in numbers.items()} for who in (inside, outside))
            encoder = clone(self.features).fit_numbers(kept)
            design, new = encoder.design_numbers(kept), encoder.design_numbers(left_out)
            scores = self._score(encoder, design, y[inside], new, candidates)
            good = np.isfinite(scores).all(axis=1)
            total[~good] = np.nan
            total[good] += log_partial_likelihood(scores[good].T, time[outside], event[outside])
        found: Floats = total / event.sum()
        return found

    def _score(
        self,
        encoder: Any,
        design: Floats,
        y: NDArray[np.void],
        new: Floats,
        candidates: list[dict[str, Any]],
    ) -> Floats:
        """Log relative hazards of the patients left out, one row per candidate."""
        scores = np.full((len(candidates), len(new)), np.nan)
        path = self.model.path if self.model.path in self.space else ""
        for rest, members in _groups(candidates, path).items():
            model = clone(self.model).set_params(**dict(rest))
            model.prepare(encoder, y["time"])
            values = [candidates[k][path] for k in members] if path else None
            try:
                scores[members] = model.score_path(design, y["time"], y["event"], new, values)
            except ModelError:
                continue
        return scores


def _groups(
    candidates: list[dict[str, Any]], path: str
) -> dict[tuple[tuple[str, Any], ...], list[int]]:
    """Candidates that differ in one parameter only, by what they share."""
    groups: dict[tuple[tuple[str, Any], ...], list[int]] = {}
    for k, candidate in enumerate(candidates):
        shared = tuple((name, value) for name, value in candidate.items() if name != path)
        groups.setdefault(shared, []).append(k)
    return groups

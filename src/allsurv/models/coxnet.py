"""Cox regression with an elastic-net penalty."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from sksurv.linear_model import CoxnetSurvivalAnalysis

from allsurv.errors import ModelError
from allsurv.features import FeatureEncoder
from allsurv.models.base import SurvivalModel
from allsurv.models.breslow import breslow_hazard
from allsurv.models.folds import deal_folds
from allsurv.riskmodel.mechanisms import Linear
from allsurv.stats.cox.scores import log_partial_likelihood
from allsurv.stats.outcome import make_y

__all__ = ["ElasticNetCox"]

Floats = NDArray[np.float64]
Events = NDArray[np.bool_]

_SMALLEST_PENALTY = 0.01


class ElasticNetCox(SurvivalModel):
    """Cox regression whose coefficients are shrunk, some to exactly 0.

    Parameters
    ----------
    features : FeatureEncoder
        Which variables enter and how.
    grid : float, default=1.0
        Step of the time grid, in the study's unit.
    l1_ratio : float, default=0.5
        Share of the penalty on absolute values, in (0, 1]; the rest is on squares.
    alpha : float, optional
        Weight of the penalty. By default chosen in ``fit`` among ``n_alphas``, where the
        cross-validated partial likelihood is largest [1]_.
    n_alphas : int, default=50
        Length of the path, from the smallest weight that leaves nothing to 1% of it.
    folds : int, default=10
        Folds of the choice; each has its share of events.
    random_state : int, RandomState or None, default=None
        Deals patients to folds.

    Attributes
    ----------
    coef_ : ndarray of shape (n_terms,)
        Log hazard ratios per unit of each term of ``encoder_.terms_``.
    alpha_ : float
        Weight that was used.
    path_ : ndarray of shape (n_alphas, 2)
        Weights and their cross-validated log partial likelihood; absent where ``alpha`` is given.
    estimator_ : CoxnetSurvivalAnalysis
        The fitted scikit-survival model.

    References
    ----------
    .. [1] Verweij PJM, Van Houwelingen HC. Stat Med. 1993;12(24):2305-2314.
       doi:10.1002/sim.4780122407
    """

    family: ClassVar[str] = "coxnet"
    path: ClassVar[str] = "alpha"
    software: ClassVar[tuple[str, ...]] = (
        *SurvivalModel.software,
        "scikit-learn",
        "scikit-survival",
    )

    def __init__(
        self,
        features: FeatureEncoder,
        *,
        grid: float = 1.0,
        l1_ratio: float = 0.5,
        alpha: float | None = None,
        n_alphas: int = 50,
        folds: int = 10,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        super().__init__(features, grid=grid)
        self.l1_ratio = l1_ratio
        self.alpha = alpha
        self.n_alphas = n_alphas
        self.folds = folds
        self.random_state = random_state

    def _learn(self, design: Floats, time: Floats, event: Events) -> Linear:
        varies = np.ptp(design, axis=0) > 0
        if not varies.any():
            raise ModelError(
                "ElasticNetCox.fit: no predictor varies among the patients; give others, "
                "or use 'null'."
            )
        moving = design[:, varies]
        path = self._path(moving, time, event)
        if self.alpha is None:
            self.alpha_, chosen = self._choose(path, moving, time, event)
        else:
            self.alpha_, chosen = float(self.alpha), 0
        self.estimator_ = path
        self.coef_ = np.zeros(design.shape[1])
        self.coef_[varies] = path.coef_[:, chosen]
        hazard = breslow_hazard(design @ self.coef_, time, event, self.times_)
        return Linear(self.coef_, hazard)

    def _path(
        self, design: Floats, time: Floats, event: Events, alphas: Floats | None = None
    ) -> CoxnetSurvivalAnalysis:
        if alphas is None and self.alpha is not None:
            alphas = np.array([self.alpha], dtype=float)
        model = CoxnetSurvivalAnalysis(
            l1_ratio=self.l1_ratio,
            alphas=alphas,
            n_alphas=self.n_alphas,
            alpha_min_ratio=_SMALLEST_PENALTY,
        )
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="all coefficients are zero")
            try:
                return model.fit(design, make_y(time, event))
            except (ValueError, ArithmeticError) as error:
                raise ModelError(
                    f"ElasticNetCox.fit: {error}; use a larger alpha or fewer predictors."
                ) from None

    def _choose(
        self, path: CoxnetSurvivalAnalysis, design: Floats, time: Floats, event: Events
    ) -> tuple[float, int]:
        fold = deal_folds(event, self.folds, self.random_state, where="ElasticNetCox.fit")
        likelihood = np.zeros(len(path.alphas_))
        for k in range(fold.max() + 1):
            kept = fold != k
            coef = _whole_path(
                self._path(design[kept], time[kept], event[kept], path.alphas_).coef_,
                len(path.alphas_),
            )
            everybody = log_partial_likelihood(design @ coef, time, event)
            without = log_partial_likelihood(design[kept] @ coef, time[kept], event[kept])
            likelihood += everybody - without
        self.path_ = np.column_stack([path.alphas_, likelihood])
        best = int(np.argmax(likelihood))
        return float(path.alphas_[best]), best

    def _score_path(
        self, design: Floats, time: Floats, event: Events, values: Sequence[float], new: Floats
    ) -> Floats:
        falling = np.argsort(-np.asarray(values, dtype=float), kind="stable")
        varies = np.ptp(design, axis=0) > 0
        path = self._path(design[:, varies], time, event, np.asarray(values, dtype=float)[falling])
        scores = np.empty((len(values), len(new)))
        scores[falling] = _whole_path(path.coef_, len(values)).T @ new[:, varies].T
        return scores


def _whole_path(coef: Floats, n_alphas: int) -> Floats:
    """Coefficients at every alpha; a path that settles early is not followed to its end."""
    return coef[:, np.minimum(np.arange(n_alphas), coef.shape[1] - 1)]

"""Instability intervals for a risk model, from refits of the whole pipeline."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from allsurv.cohort.table import Cohort
from allsurv.models.riskmodel_instability import Instability
from allsurv.validation.resampling import draw_bootstraps, refit_all

if TYPE_CHECKING:
    from allsurv.models.base import SurvivalModel

__all__ = ["measure_instability"]

_TIMES = 12


def measure_instability(
    model: SurvivalModel,
    cohort: Cohort,
    endpoint: str = "os",
    *,
    n_bootstrap: int = 200,
    level: float = 0.95,
    random_state: int | None = 0,
    n_jobs: int | None = 1,
    progress: Callable[[int, int], None] | None = None,
) -> Instability:
    """Refit a model on bootstrap samples and keep how far its predictions move.

    Parameters
    ----------
    model : SurvivalModel
        Fitted on the cohort.
    cohort : Cohort
        Patients of development.
    endpoint : str, default="os"
        What the model was fitted to.
    n_bootstrap : int, default=200
        Refits of features and model, on patients drawn with replacement.
    level : float, default=0.95
        Share of refits between the limits.
    random_state : int or None, default=0
        Seed of the samples.
    n_jobs : int or None, default=1
        Processes, as joblib counts them; the numbers do not depend on it.
    progress : callable, optional
        Called as ``progress(done, total)``.

    Returns
    -------
    Instability
        For ``RiskModel.from_model(..., instability=...)``.

    Raises
    ------
    DisclosureError
        If there are fewer than eleven patients.
    ModelError
        If fewer than ten refits speak of any time.

    References
    ----------
    .. [1] Riley RD, Collins GS. Biom J. 2023;65(8):2200302. doi:10.1002/bimj.202200302
    """
    eligible = cohort.eligible(endpoint)
    X, y = eligible.X, eligible.y(endpoint)
    grid = model.times_
    asked = [h for h in cohort.study.prediction.horizons if h <= grid[-1]]
    even = np.linspace(0, grid.size - 1, _TIMES + 1)[1:].round()
    on_grid = np.floor(np.array(asked) / grid[1] + 1e-9)
    steps = np.unique(np.concatenate([even, on_grid])).astype(np.intp)
    steps = steps[steps > 0]
    splits = draw_bootstraps(len(X), n_bootstrap, random_state)
    refits: list[Any] = refit_all(
        {"model": model}, X, y, splits, grid[steps], n_jobs=n_jobs, progress=progress
    )
    survival = np.asarray(model.predict_survival(X, grid[steps]))
    return Instability.of(
        survival, np.array([1 - refit.risk for refit in refits]), steps, level=level
    )

"""Instability intervals for a risk model, from refits of the whole pipeline."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from allsurv.cohort.table import Cohort
from allsurv.riskmodel.instability import Instability
from allsurv.validation.plans import draw_bootstraps
from allsurv.validation.prediction import Prediction
from allsurv.validation.resampling import refit_all

if TYPE_CHECKING:
    from allsurv.models.base import SurvivalModel

__all__ = ["band_steps", "make_band", "measure_instability"]

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
        For ``export_model(..., instability=...)``.

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
    steps = band_steps(model, cohort.study.prediction.horizons)
    times = model.times_[steps]
    splits = draw_bootstraps(len(X), n_bootstrap, random_state)
    refits = refit_all(
        {"model": model}, X, y, splits, times, times=times, n_jobs=n_jobs, progress=progress
    )
    return make_band(model, X, refits, steps, level=level)


def band_steps(model: SurvivalModel, horizons: Sequence[float]) -> NDArray[np.intp]:
    """Choose the points of the time grid at which refits are asked."""
    grid = model.times_
    asked = np.array([h for h in horizons if h <= grid[-1]])
    even = np.linspace(0, grid.size - 1, _TIMES + 1)[1:].round()
    on_grid = np.floor(asked / grid[1] + 1e-9)
    steps = np.unique(np.concatenate([even, on_grid])).astype(np.intp)
    return steps[steps > 0]


def make_band(
    model: SurvivalModel,
    X: pd.DataFrame,
    refits: Sequence[Prediction],
    steps: NDArray[np.intp],
    *,
    level: float = 0.95,
) -> Instability:
    """Summarise refits that predicted everybody at the times of :func:`band_steps`."""
    survival = np.asarray(model.predict_survival(X, model.times_[steps]))
    moved = np.array([1 - refit.curves for refit in refits])
    return Instability.of(survival, moved, steps, level=level)

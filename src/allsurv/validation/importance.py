"""How far refits agree on which variables move a model."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import joblib
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from allsurv.cohort.table import Cohort
from allsurv.errors import ModelError
from allsurv.explain.movement import measure_movement
from allsurv.explain.ranking import importance
from allsurv.explain.values import ask
from allsurv.validation.plans import Split, draw_bootstraps
from allsurv.validation.resampling import NoFit, ask_refit, map_with_progress

__all__ = ["importance_limits"]

Floats = NDArray[np.float64]

_FEWEST_REFITS = 10


def importance_limits(
    model: Any,
    cohort: Cohort,
    endpoint: str = "os",
    *,
    n_bootstrap: int = 100,
    n_patients: int | None = None,
    level: float = 0.95,
    random_state: int | None = 0,
    n_jobs: int | None = 1,
    progress: Callable[[int, int], None] | None = None,
) -> pd.DataFrame:
    """Rank the variables by how much they move the risk score, with what refits say of it.

    Parameters
    ----------
    model : SurvivalModel
        Fitted; of any family but null.
    cohort : Cohort
        Patients over whom the movement is averaged.
    endpoint : str, default="os"
        What the model was fitted to.
    n_bootstrap : int, default=100
        Refits of features and model on patients drawn with replacement; at least 10.
    n_patients : int, optional
        Explain a random sample of so many patients, the same in every refit, as
        :func:`allsurv.explain.importance` does; everybody unless given.
    level : float, default=0.95
        Share of refits between the limits.
    random_state : int or None, default=0
        Seed of the samples, and of what is random in a model.
    n_jobs : int or None, default=1
        Processes; any number gives the same limits.
    progress : callable, optional
        Called as ``progress(done, total)`` after each refit.

    Returns
    -------
    DataFrame
        As :func:`allsurv.explain.importance`, and ``lower`` and ``upper``: what refits give the
        ``share``.

    Raises
    ------
    ModelError
        If the model cannot be explained, or if fewer than ten refits succeed.
    """
    sampled = {"n_patients": n_patients, "random_state": random_state}
    table = importance(model, cohort, **sampled)
    patients = cohort.eligible(endpoint)
    X, y = patients.X, patients.y(endpoint)
    tasks = [
        joblib.delayed(_shares)(model, X, y, split, sampled)
        for split in draw_bootstraps(len(X), n_bootstrap, random_state)
    ]
    found = map_with_progress(tasks, n_jobs, progress)
    shares = [share for share in found if not isinstance(share, NoFit)]
    if len(shares) < _FEWEST_REFITS:
        raise ModelError(
            f"importance_limits: {len(shares)} of {n_bootstrap} refits succeeded; limits need "
            f"{_FEWEST_REFITS} or more. Ask for more refits."
        )
    tails = [(1 - level) / 2, (1 + level) / 2]
    lower, upper = np.quantile(np.array(shares), tails, axis=0)
    place = {name: j for j, name in enumerate(ask(model, X.iloc[:1]).variables)}
    order = [place[name] for name in table["variable"]]
    table.insert(4, "lower", lower[order])
    table.insert(5, "upper", upper[order])
    return table


def _shares(
    model: Any, X: pd.DataFrame, y: NDArray[np.void], split: Split, sampled: dict[str, int | None]
) -> Floats | NoFit:
    """Refit a model to a sample and share out how much each variable moves the patients."""

    def shares(fitted: Any) -> Floats:
        return measure_movement(ask(fitted, X), **sampled).share

    return ask_refit(model, X.iloc[split.train], y[split.train], split.seed, shares)

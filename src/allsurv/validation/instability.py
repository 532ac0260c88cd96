"""How much a patient's predicted risk depends on who happened to be in the cohort."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from allsurv.cohort import Cohort
from allsurv.validation.plans import draw_bootstraps
from allsurv.validation.prediction import Prediction
from allsurv.validation.resampling import refit_all
from allsurv.validation.summary import summarise_reasons

__all__ = ["instability"]

COLUMNS = ["model", "horizon", "mape", "mape_95", "n_resamples", "n_failed", "reason"]


def instability(
    models: Mapping[str, Any],
    cohort: Cohort,
    endpoint: str = "os",
    *,
    horizons: Sequence[float] | None = None,
    n_bootstrap: int = 200,
    random_state: int | None = 0,
    n_jobs: int | None = 1,
    progress: Callable[[int, int], None] | None = None,
) -> pd.DataFrame:
    r"""Mean absolute difference between a patient's risk and that of refitted models.

    0.10 says: had the model been developed on another cohort of this size, this patient's
    predicted risk would on average have been 10 percentage points higher or lower.

    Parameters
    ----------
    models : mapping from str to SurvivalModel
        Fitted on the cohort.
    cohort : Cohort
        The patients they were developed on.
    endpoint : str, default="os"
        Name of the endpoint.
    horizons : sequence of float, optional
        Times, in the study's unit; the study's prediction horizons unless given.
    n_bootstrap : int, default=200
        Refits of the whole pipeline, on patients drawn with replacement.
    random_state : int or None, default=0
        Seed of the resamples.
    n_jobs : int or None, default=1
        Processes, as joblib counts them; the numbers do not depend on it.
    progress : callable, optional
        Called as ``progress(done, total)``.

    Returns
    -------
    DataFrame
        Per model and horizon: ``mape``, its mean over patients; ``mape_95``, what 95% of patients
        do not exceed; ``n_resamples``, ``n_failed``, ``reason``.

    Notes
    -----
    :math:`MAPE_i = B^{-1} \sum_b |\hat p_{bi} - \hat p_i|` [1]_.

    References
    ----------
    .. [1] Riley RD, Collins GS. Biom J. 2023;65(8):2200302. doi:10.1002/bimj.202200302
    """
    eligible = cohort.eligible(endpoint)
    X, y = eligible.X, eligible.y(endpoint)
    chosen = horizons if horizons is not None else cohort.study.prediction.horizons
    times = np.asarray(chosen, dtype=float)
    splits = draw_bootstraps(len(X), n_bootstrap, random_state)
    refits = refit_all(models, X, y, splits, times, n_jobs=n_jobs, progress=progress)
    rows = []
    for name, model in models.items():
        original = 1 - np.asarray(model.predict_survival(X, times))
        mine = [refit for refit in refits if refit.model == name]
        for k, horizon in enumerate(times):
            rows.append(_row(name, float(horizon), original[:, k], mine, k))
    return pd.DataFrame(rows, columns=COLUMNS)


def _row(
    name: str, horizon: float, original: np.ndarray, refits: list[Prediction], k: int
) -> dict[str, Any]:
    usable = [refit.risk[:, k] for refit in refits if np.isfinite(refit.risk[:, k]).all()]
    reasons = Counter(refit.reason_at(k) for refit in refits if refit.reason_at(k))
    per_patient = np.abs(np.array(usable) - original).mean(axis=0) if usable else np.array([np.nan])
    return {
        "model": name,
        "horizon": horizon,
        "mape": float(per_patient.mean()),
        "mape_95": float(np.quantile(per_patient, 0.95)),
        "n_resamples": len(usable),
        "n_failed": len(refits) - len(usable),
        "reason": summarise_reasons(reasons),
    }

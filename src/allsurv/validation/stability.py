"""How much a patient's predicted risk depends on who happened to be in the cohort."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from allsurv.cohort import Cohort
from allsurv.policy.rules import SMALLEST_GROUP
from allsurv.riskmodel.horizons import read_horizons
from allsurv.validation.finished import FinishedRefits
from allsurv.validation.plans import draw_bootstraps
from allsurv.validation.prediction import NO_TIMES, Prediction
from allsurv.validation.resampling import refit_all
from allsurv.validation.summary import summarise_reasons

__all__ = ["InstabilityReport", "instability"]

Floats = NDArray[np.float64]
MOST_BANDS = 10
SUMMARY = ["model", "horizon", "mape", "mape_95", "n_resamples", "n_failed", "reason"]
BANDS = ["model", "horizon", "band", "n", "risk", "lower", "upper", "mape"]
CLASSIFICATION = ["model", "horizon", "threshold", "estimate"]
PATIENTS = ["model", "patient", "horizon", "risk", "lower", "upper", "mape"]


@dataclass(frozen=True, eq=False)
class InstabilityReport:
    """What refits on other samples of the patients say about each of them.

    Attributes
    ----------
    summary : DataFrame
        Per model and horizon: ``mape``, the mean over patients of the mean absolute difference
        between a patient's risk and that of refits; ``mape_95``, what 95% of patients do not
        exceed; ``n_resamples``, ``n_failed``, ``reason``.
    bands : DataFrame
        The instability plot: patients in bands of predicted risk of at least eleven, each with
        mean ``risk``, mean limits ``lower`` and ``upper`` between which 95% of refits lie, and
        ``mape``.
    classification : DataFrame
        Per model, horizon and ``threshold``: the mean share of refits that put a patient on the
        other side of it.
    per_patient : DataFrame
        The same for each ``patient``. It stays in memory and is not to be logged.
    refits : list of Prediction
        Every refit's predictions of everybody.
    """

    summary: pd.DataFrame
    bands: pd.DataFrame
    classification: pd.DataFrame
    per_patient: pd.DataFrame
    refits: list[Prediction]


def instability(
    models: Mapping[str, Any],
    cohort: Cohort,
    endpoint: str = "os",
    *,
    horizons: Sequence[float] | None = None,
    times: Floats = NO_TIMES,
    n_bootstrap: int = 200,
    random_state: int | None = 0,
    n_jobs: int | None = 1,
    progress: Callable[[int, int], None] | None = None,
    finished: FinishedRefits | None = None,
) -> InstabilityReport:
    r"""Refit the whole pipeline on bootstrap samples and see how far predictions move.

    A MAPE of 0.10 says: had the model been developed on another cohort of this size, a patient's
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
    times : ndarray of shape (n_times,), optional
        A grid at which refits predict as well, in ``refits``.
    n_bootstrap : int, default=200
        Refits of the whole pipeline, on patients drawn with replacement.
    random_state : int or None, default=0
        Seed of the resamples.
    n_jobs : int or None, default=1
        Processes, as joblib counts them; the numbers do not depend on it.
    progress : callable, optional
        Called as ``progress(done, total)``.
    finished : FinishedRefits, optional
        Where refits are kept as they finish, so that a killed job goes on from them.

    Returns
    -------
    InstabilityReport
        Tables, and the refits they were made from.

    Notes
    -----
    :math:`MAPE_i = B^{-1} \sum_b |\hat p_{bi} - \hat p_i|` [1]_.

    References
    ----------
    .. [1] Riley RD, Collins GS. Biom J. 2023;65(8):2200302. doi:10.1002/bimj.202200302
    """
    eligible = cohort.eligible(endpoint)
    X, y = eligible.X, eligible.y(endpoint)
    prediction = cohort.study.prediction
    wanted = prediction.horizons if horizons is None else horizons
    asked = np.array(read_horizons(wanted, where="instability"))
    splits = draw_bootstraps(len(X), n_bootstrap, random_state)
    refits = refit_all(
        models,
        X,
        y,
        splits,
        asked,
        times=times,
        n_jobs=n_jobs,
        progress=progress,
        finished=finished,
    )
    summary, bands, classification, patients = [], [], [], []
    for name, model in models.items():
        original = 1 - np.asarray(model.predict_survival(X, asked))
        mine = [refit for refit in refits if refit.model == name]
        for k, horizon in enumerate(map(float, asked)):
            moved = _moved(original[:, k], mine, k)
            here = {"model": name, "horizon": horizon}
            summary.append(here | _summary(moved, mine, k))
            bands += [here | band for band in _bands(moved)]
            usable = [refit.risk[:, k] for refit in mine if np.isfinite(refit.risk[:, k]).all()]
            for threshold in prediction.thresholds:
                other = _other_side(original[:, k], usable, threshold)
                classification.append(here | {"threshold": threshold, "estimate": other})
            patients.append(moved.assign(**here, patient=np.arange(len(X))))
    return InstabilityReport(
        summary=pd.DataFrame(summary, columns=SUMMARY),
        bands=pd.DataFrame(bands, columns=BANDS),
        classification=pd.DataFrame(classification, columns=CLASSIFICATION),
        per_patient=pd.concat(patients, ignore_index=True)[PATIENTS],
        refits=refits,
    )


def _moved(original: Floats, refits: list[Prediction], k: int) -> pd.DataFrame:
    """Each patient's risk, the limits of 95% of refits, and the mean absolute difference."""
    usable = [refit.risk[:, k] for refit in refits if np.isfinite(refit.risk[:, k]).all()]
    table = pd.DataFrame({"risk": original, "lower": np.nan, "upper": np.nan, "mape": np.nan})
    if usable:
        table["lower"], table["upper"] = np.quantile(usable, [0.025, 0.975], axis=0)
        table["mape"] = np.abs(np.array(usable) - original).mean(axis=0)
    return table


def _summary(moved: pd.DataFrame, refits: list[Prediction], k: int) -> dict[str, Any]:
    reasons = Counter(refit.reason_at(k) for refit in refits if refit.reason_at(k))
    return {
        "mape": float(moved["mape"].mean()),
        "mape_95": float(moved["mape"].quantile(0.95)),
        "n_resamples": len(refits) - reasons.total(),
        "n_failed": reasons.total(),
        "reason": summarise_reasons(reasons),
    }


def _bands(moved: pd.DataFrame) -> list[dict[str, float]]:
    n_bands = min(MOST_BANDS, len(moved) // SMALLEST_GROUP)
    order = np.argsort(moved["risk"].to_numpy(), kind="stable")
    rows = []
    for band, members in enumerate(np.array_split(order, n_bands) if n_bands else (), start=1):
        means = moved.iloc[members][["risk", "lower", "upper", "mape"]].mean()
        rows.append({"band": band, "n": len(members), **means.to_dict()})
    return rows


def _other_side(original: Floats, refits: list[Floats], threshold: float) -> float:
    if not refits:
        return float("nan")
    return float(np.mean((np.array(refits) >= threshold) != (original >= threshold)))

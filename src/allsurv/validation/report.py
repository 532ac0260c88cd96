"""The validation of one or several models on the same patients and the same resamples."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from allsurv.cohort import Cohort
from allsurv.errors import ModelError, OutcomeError
from allsurv.models import make_model
from allsurv.validation.measures import measure_resamples, pool_risks, summarise
from allsurv.validation.patients import average_patients, calibration_curves, group_survival
from allsurv.validation.plans import Plan, draw_folds
from allsurv.validation.resampling import refit_all

__all__ = ["Validation", "validate", "validate_all"]

REFERENCE = "kaplan_meier"
DEFAULT_PLAN = Plan()


@dataclass(frozen=True, eq=False)
class Validation:
    """How well models predict patients they have not seen.

    Attributes
    ----------
    endpoint : str
        What is predicted.
    horizons : tuple of float
        By when, in the study's unit.
    plan : Plan
        The resamples.
    n, n_events : int
        Patients and events measured.
    performance : DataFrame
        One row per model, measure and horizon, the reference ``kaplan_meier`` included: ``model``,
        ``measure``, ``horizon`` (NaN where the measure has none), ``estimate``,
        ``lower``, ``upper``, ``level``, ``n_resamples``, ``n_failed``, ``reason``, ``estimator``.
        What the limits mean stands in :func:`allsurv.validation.measures.summarise`.
    calibration : DataFrame
        Smooth curves: ``model``, ``horizon``, ``predicted``, ``observed``, ``lower``, ``upper``,
        ``reason``.
    risk_groups : DataFrame
        Patients grouped by the out-of-fold centile of their risk score, cut at the centiles the
        study states: ``model``, ``group``, ``horizon``, ``n``, ``n_events``, ``n_at_risk``,
        ``predicted`` (mean survival), ``survival`` (Kaplan-Meier), ``lower``, ``upper``.
    resamples : DataFrame
        Every measure of every resample, behind ``performance``.
    out_of_fold : DataFrame
        One row per model, patient and horizon: ``model``, ``patient`` (position among the
        eligible), ``horizon``, ``risk`` and ``risk_centile``, averaged over repeats, and
        ``n_repeats``. About single patients: it stays in memory and is not to be logged.
    """

    endpoint: str
    horizons: tuple[float, ...]
    plan: Plan
    n: int
    n_events: int
    performance: pd.DataFrame
    calibration: pd.DataFrame
    risk_groups: pd.DataFrame
    resamples: pd.DataFrame
    out_of_fold: pd.DataFrame

    def __repr__(self) -> str:
        """Say what was validated, without showing a patient."""
        models = ", ".join(self.performance["model"].unique())
        return (
            f"Validation({models}; endpoint='{self.endpoint}', n={self.n}, "
            f"n_events={self.n_events}, {self.plan})"
        )


def validate(
    model: Any,
    cohort: Cohort,
    endpoint: str = "os",
    *,
    horizons: Sequence[float] | None = None,
    plan: Plan = DEFAULT_PLAN,
    random_state: int | None = 0,
    n_jobs: int | None = 1,
    progress: Callable[[int, int], None] | None = None,
) -> Validation:
    """Measure how well a model predicts patients it has not seen.

    Parameters
    ----------
    model : SurvivalModel
        The whole pipeline; encoding, imputation, scaling and tuning are refitted in each fold. It
        need not be fitted and is not changed.
    cohort : Cohort
        The patients; those outside the endpoint's population are left aside.
    endpoint : str, default="os"
        Name of the endpoint.
    horizons : sequence of float, optional
        Times, in the study's unit; the study's prediction horizons unless given.
    plan : Plan, default=Plan(repeats=5, folds=5)
        The resamples.
    random_state : int or None, default=0
        Seed of splits and refits.
    n_jobs : int or None, default=1
        Processes, as joblib counts them; the numbers do not depend on it.
    progress : callable, optional
        Called as ``progress(done, total)`` after each refit.

    Returns
    -------
    Validation
        The model, under the name of its family, beside Kaplan-Meier, ``kaplan_meier``.

    Raises
    ------
    OutcomeError
        If there are fewer events, or fewer patients without, than folds; or no horizon is given.
    """
    return validate_all(
        {str(model.family): model},
        cohort,
        endpoint,
        horizons=horizons,
        plan=plan,
        random_state=random_state,
        n_jobs=n_jobs,
        progress=progress,
    )


def validate_all(
    models: Mapping[str, Any],
    cohort: Cohort,
    endpoint: str = "os",
    *,
    horizons: Sequence[float] | None = None,
    plan: Plan = DEFAULT_PLAN,
    random_state: int | None = 0,
    n_jobs: int | None = 1,
    progress: Callable[[int, int], None] | None = None,
) -> Validation:
    """Measure several models on the same folds.

    Parameters
    ----------
    models : mapping from str to SurvivalModel
        Whole pipelines by the name they have in the tables; ``kaplan_meier`` is added.
    cohort : Cohort
        The patients; those outside the endpoint's population are left aside.
    endpoint : str, default="os"
        Name of the endpoint.
    horizons : sequence of float, optional
        Times, in the study's unit; the study's prediction horizons unless given.
    plan : Plan, default=Plan(repeats=5, folds=5)
        The resamples.
    random_state : int or None, default=0
        Seed of splits and refits.
    n_jobs : int or None, default=1
        Processes, as joblib counts them; the numbers do not depend on it.
    progress : callable, optional
        Called as ``progress(done, total)`` after each refit.

    Returns
    -------
    Validation
        Measures of all models; a resample that cannot be measured is counted with its reason.

    Raises
    ------
    OutcomeError
        If there are fewer events, or fewer patients without, than folds; or no horizon is given.
    ModelError
        If there is no model.
    """
    if not models:
        raise ModelError("validate: no model was given; give at least one.")
    study = cohort.study
    times = _check_horizons(study.prediction.horizons if horizons is None else horizons)
    eligible = cohort.eligible(endpoint)
    X, y = eligible.X, eligible.y(endpoint)
    splits = draw_folds(y["event"], plan, random_state)
    everyone = dict(models)
    everyone.setdefault(REFERENCE, make_model("null", study))
    predictions = refit_all(everyone, X, y, splits, times, n_jobs=n_jobs, progress=progress)
    pooled = pool_risks(predictions, len(X), times.size)
    resamples = measure_resamples(predictions, pooled, y, times)
    out_of_fold = average_patients(predictions, len(X), times)
    return Validation(
        endpoint=endpoint,
        horizons=tuple(map(float, times)),
        plan=plan,
        n=len(X),
        n_events=int(y["event"].sum()),
        performance=summarise(resamples),
        calibration=calibration_curves(out_of_fold, pooled, y),
        risk_groups=group_survival(out_of_fold, y, study.prediction),
        resamples=resamples,
        out_of_fold=out_of_fold,
    )


def _check_horizons(horizons: Sequence[float]) -> NDArray[np.float64]:
    times = np.asarray(horizons, dtype=float)
    if times.ndim != 1 or times.size == 0 or not np.all(np.isfinite(times) & (times > 0)):
        raise OutcomeError("validate: horizons are not positive numbers; give at least one time.")
    return np.unique(times)

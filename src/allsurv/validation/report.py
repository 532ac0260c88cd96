"""The validation of one or several models on the same patients and the same resamples."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from allsurv.cohort import Cohort
from allsurv.cohort.deaths import check_absolute_risk
from allsurv.errors import ModelError, OutcomeError
from allsurv.models import make_model
from allsurv.riskmodel.horizons import read_horizons
from allsurv.study.spec import Study
from allsurv.validation.assess import Assessment
from allsurv.validation.censoring import FollowedBy
from allsurv.validation.finished import FinishedRefits
from allsurv.validation.plans import (
    AnyPlan,
    Bootstrap,
    External,
    Plan,
)
from allsurv.validation.validated import Validation

__all__ = ["validate", "validate_all"]

Floats = NDArray[np.float64]
Progress = Callable[[int, int], None]
REFERENCE, REFERENCE_OF_CAUSES = "kaplan_meier", "aalen_johansen"
DEFAULT_PLAN = Plan()


def validate(
    model: Any,
    cohort: Cohort,
    endpoint: str = "os",
    *,
    horizons: Sequence[float] | None = None,
    plan: AnyPlan = DEFAULT_PLAN,
    random_state: int | None = 0,
    n_jobs: int | None = 1,
    n_bootstrap: int = 50,
    progress: Progress | None = None,
    finished: FinishedRefits | None = None,
    censoring: FollowedBy = "auto",
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
    plan : Plan, Bootstrap, InternalExternal or External, default=Plan(repeats=5, folds=5)
        Repeated cross-validation (nested, if the model tunes itself); bootstrap of the whole
        pipeline; each group left out in turn; or other patients, on whom nothing is refitted.
    random_state : int or None, default=0
        Seed of splits and refits.
    n_jobs : int or None, default=1
        Processes, as joblib counts them; the numbers do not depend on it.
    n_bootstrap : int, default=50
        Samples of patients behind the limits of calibration errors and net benefit.
    progress : callable, optional
        Called as ``progress(done, total)`` after each refit.
    finished : FinishedRefits, optional
        Where refits are kept as they finish, so that a killed job goes on from them.
    censoring : "auto", "marginal" or sequence of str, default="auto"
        What the censoring weights depend on: the predictors that are associated with the time to
        censoring (see :mod:`allsurv.validation.censoring`), nothing, or the predictors named.

    Returns
    -------
    Validation
        The model, under the name of its family, beside Kaplan-Meier, ``kaplan_meier``; where
        events compete, beside Aalen and Johansen, ``aalen_johansen``, and for each cause.

    Raises
    ------
    OutcomeError
        If there are fewer events, or fewer patients without, than folds; if no horizon is given; or
        if the endpoint censors deaths.
    """
    return validate_all(
        {str(model.family): model},
        cohort,
        endpoint,
        horizons=horizons,
        plan=plan,
        random_state=random_state,
        n_jobs=n_jobs,
        n_bootstrap=n_bootstrap,
        progress=progress,
        finished=finished,
        censoring=censoring,
    )


def validate_all(
    models: Mapping[str, Any],
    cohort: Cohort,
    endpoint: str = "os",
    *,
    horizons: Sequence[float] | None = None,
    plan: AnyPlan = DEFAULT_PLAN,
    random_state: int | None = 0,
    n_jobs: int | None = 1,
    n_bootstrap: int = 50,
    progress: Progress | None = None,
    finished: FinishedRefits | None = None,
    censoring: FollowedBy = "auto",
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
    plan : Plan, Bootstrap, InternalExternal or External, default=Plan(repeats=5, folds=5)
        Repeated cross-validation (nested, if the model tunes itself); bootstrap of the whole
        pipeline; each group left out in turn; or other patients, on whom nothing is refitted.
    random_state : int or None, default=0
        Seed of splits and refits.
    n_jobs : int or None, default=1
        Processes, as joblib counts them; the numbers do not depend on it.
    n_bootstrap : int, default=50
        Samples of patients behind the limits of calibration errors and net benefit.
    progress : callable, optional
        Called as ``progress(done, total)`` after each refit.
    finished : FinishedRefits, optional
        Where refits are kept as they finish, so that a killed job goes on from them.
    censoring : "auto", "marginal" or sequence of str, default="auto"
        What the censoring weights depend on: the predictors that are associated with the time to
        censoring (see :mod:`allsurv.validation.censoring`), nothing, or the predictors named.

    Returns
    -------
    Validation
        Measures of all models; a resample that cannot be measured is counted with its reason.

    Raises
    ------
    OutcomeError
        If there are fewer events, or fewer patients without, than folds; if no horizon is given; or
        if the endpoint censors deaths.
    ModelError
        If there is no model, or the plan is none of these.
    """
    if not models:
        raise ModelError("validate: no model was given; give at least one.")
    if not isinstance(plan, AnyPlan):
        raise ModelError(
            f"validate: plan is {plan!r}; allowed are Plan(repeats=5, folds=5), Bootstrap(200), "
            "InternalExternal(by) and External(cohort), all of allsurv.validation."
        )
    study = cohort.study
    check_absolute_risk(cohort, endpoint)
    asked = study.prediction.horizons if horizons is None else horizons
    work = Assessment(
        models=_with_reference(models, study, endpoint),
        cohort=cohort.eligible(endpoint),
        endpoint=endpoint,
        horizons=np.unique(read_horizons(asked, where="validate", error=OutcomeError)),
        plan=plan,
        random_state=random_state,
        n_jobs=n_jobs,
        n_bootstrap=n_bootstrap,
        progress=progress,
        finished=finished,
        censoring=censoring,
    )
    if isinstance(plan, Bootstrap):
        return work.bootstrap(plan)
    if isinstance(plan, External):
        return work.external(plan)
    return work.left_out(plan)


def _with_reference(models: Mapping[str, Any], study: Study, endpoint: str) -> dict[str, Any]:
    """Add what predicts without predictors; refuse models of another kind of outcome."""
    causes = tuple(study.endpoint(endpoint).causes)
    for name, model in models.items():
        theirs = tuple(getattr(model, "causes", ()))
        if theirs != causes:
            predicts = f"the causes {', '.join(theirs)}" if theirs else "one event"
            has = f"the causes {', '.join(causes)}" if causes else "one event"
            raise ModelError(
                f"validate: model '{name}' predicts {predicts}, and endpoint '{endpoint}' has "
                f"{has}; make the model for this endpoint."
            )
    if causes:
        reference = models.get(REFERENCE_OF_CAUSES) or make_model(
            "incidence", study, endpoint=endpoint
        )
        return {**models, REFERENCE_OF_CAUSES: reference}
    return {**models, REFERENCE: models.get(REFERENCE, make_model("null", study))}

"""One row for each published finding and model.

Three questions stand behind a row. What does the paper say? What does the model say, asked the
same thing? And can the two, with their uncertainty, be told apart - or be told from no effect?
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from allsurv.cohort import Cohort
from allsurv.errors import ModelError
from allsurv.findings.agreement.importance import importance_table
from allsurv.findings.agreement.questions import Patients, ask, refit_all
from allsurv.findings.agreement.rows import horizon_rows
from allsurv.findings.agreement.shrinkage import FEWEST, simulate_answers
from allsurv.findings.agreement.table import Asked, findings_table
from allsurv.riskmodel.horizons import read_horizons
from allsurv.validation.plans import draw_bootstraps

__all__ = ["Agreement", "assess_findings", "compare_findings"]


@dataclass(frozen=True, eq=False)
class Agreement:
    """How models agree with the published findings of their study.

    Attributes
    ----------
    findings : DataFrame
        One row per finding and model, see :func:`compare_findings`.
    horizons : DataFrame
        The standardised contrast at each horizon: ``finding``, ``label``, ``model``, ``horizon``,
        ``estimate``, ``lower``, ``upper`` (hazard ratios per unit of the finding),
        ``n_bootstrap``.
    importance : DataFrame
        Per model, measure (``shap``, ``permutation``) and variable: ``estimate``, ``lower``,
        ``upper``, ``rank``, ``rank_lower``, ``rank_upper``, ``n_bootstrap``.
    """

    findings: pd.DataFrame
    horizons: pd.DataFrame
    importance: pd.DataFrame


@dataclass(frozen=True)
class _Settings:
    level: float
    margin: float
    n_bootstrap: int
    n_simulated: int
    random_state: int | None
    n_jobs: int | None
    progress: Callable[[int, int], None] | None


def compare_findings(
    models: Any,
    cohort: Cohort,
    *,
    endpoint: str | None = None,
    horizons: Sequence[float] | None = None,
    n_bootstrap: int = 25,
    n_simulated: int = 0,
    margin: float = 1.5,
    level: float = 0.95,
    random_state: int | None = 0,
    n_jobs: int | None = 1,
    progress: Callable[[int, int], None] | None = None,
) -> pd.DataFrame:
    """Hold models against every published finding of the study.

    Parameters
    ----------
    models : SurvivalModel, or mapping from str to SurvivalModel
        Fitted on this cohort's patients.
    cohort : Cohort
        The patients; its study has the findings.
    endpoint : str, optional
        What the models predict; the study's prediction endpoint unless given.
    horizons : sequence of float, optional
        Times of the standardised contrast, in the study's unit; the study's unless given.
    n_bootstrap : int, default=25
        Refits of each model's whole pipeline, on patients drawn with replacement, behind the
        intervals; at least 2.
    n_simulated : int, default=0
        Refits to simulated outcomes of the same patients, by which the shrinkage of each model is
        measured and undone; 0, or at least 10.
    margin : float, default=1.5
        Factor by which the hazard ratios of the whole contrast may differ and still count as
        equivalent.
    level : float, default=0.95
        Confidence level of all intervals.
    random_state : int or None, default=0
        Seed of bootstrap and simulation.
    n_jobs : int or None, default=1
        Processes, as joblib counts them; the numbers do not depend on it.
    progress : callable, optional
        Called as ``progress(done, total)`` after each refit.

    Returns
    -------
    DataFrame
        One row per finding and model. *What is asked*: ``finding``, ``label``, ``variable``,
        ``unit``, ``contrast``, ``span`` (units in the contrast), ``model``, ``how``.
        *Our answer*: ``estimate``, ``lower``, ``upper``, ``level``; ``calibrated``,
        ``calibrated_lower``, ``calibrated_upper``, ``shrinkage`` where simulated (see
        :func:`assess_findings`). *The paper's*: ``published``, ``published_lower``,
        ``published_upper``, and ``target``, ``target_lower``, ``target_upper``, the same on the
        scale of our answer. *Agreement*: ``same_sign``, ``ratio`` (ours / target) with limits,
        ``heterogeneity_p``, ``published_inside``, ``prediction_lower``, ``prediction_upper``,
        ``inside_prediction``, ``equivalence_p``, ``equivalent``, ``margin``, ``verdict``,
        ``reason``, see :func:`judge`, asked of ``judged`` with limits: the calibrated numbers
        where there are any (``judged_on``). *Rank of the variable* among ``n_variables``:
        ``shap_rank``, ``permutation_rank``, each with ``_lower`` and ``_upper``. *Counts*: ``n``,
        ``n_events``, ``n_bootstrap``, ``n_failed``, ``failures``, ``n_simulated``. And
        ``statement``, the sentence that belongs to the row where the patients are not real.

    Raises
    ------
    ModelError
        If fewer refits are asked for than an interval needs, or the margin is not above 1.
    """
    return assess_findings(
        models,
        cohort,
        endpoint=endpoint,
        horizons=horizons,
        n_bootstrap=n_bootstrap,
        n_simulated=n_simulated,
        margin=margin,
        level=level,
        random_state=random_state,
        n_jobs=n_jobs,
        progress=progress,
    ).findings


def assess_findings(
    models: Any,
    cohort: Cohort,
    *,
    endpoint: str | None = None,
    horizons: Sequence[float] | None = None,
    n_bootstrap: int = 25,
    n_simulated: int = 0,
    n_explained: int | None = None,
    margin: float = 1.5,
    level: float = 0.95,
    random_state: int | None = 0,
    n_jobs: int | None = 1,
    progress: Callable[[int, int], None] | None = None,
) -> Agreement:
    r"""Hold models against every published finding: effects, effects over time, ranks.

    Each finding is first asked of the paper's own protocol (the Cox model of its analysis,
    time-dependent events included) fitted to this cohort, then of each model as a standardised
    hazard ratio, see :func:`standardised_effect`.

    Parameters
    ----------
    models : SurvivalModel, or mapping from str to SurvivalModel
        Fitted on this cohort's patients.
    cohort : Cohort
        The patients; its study has the findings.
    endpoint : str, optional
        What the models predict; the study's prediction endpoint unless given.
    horizons : sequence of float, optional
        Times of the standardised contrast, in the study's unit; the study's unless given.
    n_bootstrap : int, default=25
        Refits of each model's whole pipeline, on patients drawn with replacement, behind the
        intervals; at least 2.
    n_simulated : int, default=0
        Refits to simulated outcomes of the same patients, by which the shrinkage of each model is
        measured and undone; 0, or at least 10.
    n_explained : int, optional
        Patients, drawn at random, over whom the importance of a variable in a model of trees is
        averaged; everybody unless given.
    margin : float, default=1.5
        Factor by which the hazard ratios of the whole contrast may differ and still count as
        equivalent.
    level : float, default=0.95
        Confidence level of all intervals.
    random_state : int or None, default=0
        Seed of bootstrap and simulation.
    n_jobs : int or None, default=1
        Processes, as joblib counts them; the numbers do not depend on it.
    progress : callable, optional
        Called as ``progress(done, total)`` after each refit.

    Returns
    -------
    Agreement
        Three tables.

    Raises
    ------
    ModelError
        If fewer refits are asked for than an interval needs, or the margin is not above 1.

    Notes
    -----
    A standardised interval is normal on the log scale, :math:`\log HR \pm z\,s`, with :math:`s`
    the standard deviation over the bootstrap refits that could be made. It reflects the sampling of
    patients and all steps of the pipeline, but not that penalised models, forests and boosting
    shrink effects on purpose: on simulated cohorts the plain interval of such a model holds the
    true value too seldom (``experiments/004-coverage``). With ``n_simulated`` the model is also
    refitted to outcomes drawn with known effects; the line of its answers on the truth gives the
    ``shrinkage`` (its slope) and, read backwards, the ``calibrated`` effect with limits, on which
    the verdict then rests. Without, *inconsistent, weaker* says of a flexible model that it
    shrinks, before it says anything of the finding.

    The published hazard ratio is conditional on the paper's other variables, the standardised one
    is marginal. ``target`` is the published value on the marginal scale: the log hazard ratio
    times what standardising the published equation over these patients leaves of it.
    """
    asked = _Settings(level, margin, n_bootstrap, n_simulated, random_state, n_jobs, progress)
    _check(asked)
    models = dict(models) if isinstance(models, Mapping) else {str(models.family): models}
    study = cohort.study
    endpoint = endpoint or study.prediction.endpoint
    eligible = cohort.eligible(endpoint)
    wanted = study.prediction.horizons if horizons is None else horizons
    times = np.array(read_horizons(wanted, where="compare_findings"))
    askable = tuple(
        finding
        for finding in study.findings.values()
        if finding.endpoint == endpoint and finding.variable in study.variables
    )
    patients = Patients(study, eligible.X, eligible.y(endpoint), askable, times, n_explained)
    everything = _ask_all(models, patients, asked)
    return Agreement(
        findings=findings_table(
            models, cohort, everything, endpoint=endpoint, level=level, margin=margin
        ),
        horizons=horizon_rows(patients, everything.answers, everything.refits, level),
        importance=importance_table(study, models, everything.answers, everything.refits, level),
    )


def _check(settings: _Settings) -> None:
    if settings.n_bootstrap < 2:
        raise ModelError(
            f"compare_findings: n_bootstrap is {settings.n_bootstrap}; an interval needs at least "
            "2 refits."
        )
    if 0 < settings.n_simulated < FEWEST:
        raise ModelError(
            f"compare_findings: n_simulated is {settings.n_simulated}; give 0, or at least "
            f"{FEWEST} simulated cohorts."
        )
    if not settings.margin > 1:
        raise ModelError(
            f"compare_findings: margin is {settings.margin:g}; give a factor above 1, such as 1.5."
        )


def _ask_all(models: Mapping[str, Any], patients: Patients, settings: _Settings) -> Asked:
    if not patients.findings:
        return Asked(patients)
    splits = draw_bootstraps(len(patients.X), settings.n_bootstrap, settings.random_state)
    n_refits = len(splits) * len(models)
    total = n_refits + settings.n_simulated

    def told(done: int, _: int) -> None:
        if settings.progress is not None:
            settings.progress(done, total)

    answers = {name: ask(model, patients) for name, model in models.items()}
    refits = refit_all(models, patients, splits, n_jobs=settings.n_jobs, progress=told)
    simulated = None
    if settings.n_simulated:
        simulated = simulate_answers(
            models,
            patients,
            settings.n_simulated,
            random_state=settings.random_state,
            n_jobs=settings.n_jobs,
            progress=lambda done, _: told(n_refits + done, total),
        )
    return Asked(patients, answers, refits, simulated)

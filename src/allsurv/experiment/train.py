"""Training: every model validated on the same folds, fitted on all, held against the findings."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from allsurv.cohort import Cohort
from allsurv.disclosure.words import safe_sentence
from allsurv.errors import ConfigError, ModelError
from allsurv.experiment.config import Config
from allsurv.experiment.evidence import evidence_tables
from allsurv.experiment.explained import explanation_tables, importance_statement
from allsurv.experiment.plans import ExternalFile
from allsurv.experiment.points import points_tables
from allsurv.experiment.support import sample_size_verdict
from allsurv.experiment.tables import (
    coefficient_table,
    instability_tables,
    labelled,
    model_table,
    named,
    tuning_table,
    validation_tables,
)
from allsurv.models import SurvivalModel, TunedModel, make_model
from allsurv.models.export import export_model, is_exported
from allsurv.models.published import published_equation
from allsurv.riskmodel.instability import Instability
from allsurv.riskmodel.model import RiskModel
from allsurv.study.spec import Study
from allsurv.validation import Bootstrap, choose, instability, validate_all
from allsurv.validation.bands import band_steps, make_band
from allsurv.validation.finished import FinishedRefits
from allsurv.validation.plans import AnyPlan

__all__ = ["Trained", "train_models"]

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, eq=False)
class Trained:
    """Models fitted on the whole cohort, and what was measured of them.

    Parameters
    ----------
    tables : dict of str to DataFrame
        As :mod:`allsurv.experiment.run` lists them, from ``performance`` on.
    risk_models : dict of str to RiskModel
        Exported form of each model.
    chosen : str
        Name of the recommended model.
    statements : dict of str to str
        ``choice``: the rule by which it was chosen; ``sample_size``: how many parameters the
        cohort supports; ``importance``: over whom it was averaged, if that is not everybody.
    """

    chosen: str
    tables: dict[str, pd.DataFrame] = field(default_factory=dict)
    risk_models: dict[str, RiskModel] = field(default_factory=dict)
    statements: dict[str, str] = field(default_factory=dict)


def train_models(
    cohort: Cohort, config: Config, progress: Progress, finished: FinishedRefits | None = None
) -> Trained:
    """Validate, fit, choose, compare and export the models of a configuration."""
    study = cohort.study
    eligible = cohort.eligible(config.endpoint)
    X, y = eligible.X, eligible.y(config.endpoint)
    pipelines, left_out = _fit_all(_pipelines(study, config), X, y, progress)
    left_out = safe_sentence(left_out, config.policy)
    report = validate_all(
        pipelines | _references(study, config),
        cohort,
        config.endpoint,
        horizons=config.horizons,
        plan=_plan(config),
        random_state=config.seed,
        n_jobs=config.jobs,
        n_bootstrap=config.draws,
        progress=partial(progress, "validate"),
        finished=finished,
        censoring=config.censoring,
    )
    fitted = {name: getattr(pipeline, "model_", pipeline) for name, pipeline in pipelines.items()}
    choice = choose(report.performance)
    tables = validation_tables(report, study, config)
    if config.optimism.bootstrap and "optimism" not in tables:
        tables["optimism"] = _optimism(pipelines, cohort, config, progress, finished)
    steps = band_steps(fitted[choice.model], config.horizons)
    moved = instability(
        pipelines,
        cohort,
        config.endpoint,
        horizons=config.horizons,
        times=fitted[choice.model].times_[steps],
        n_bootstrap=config.instability.bootstrap,
        random_state=config.seed,
        n_jobs=config.jobs,
        progress=partial(progress, "instability"),
        finished=finished,
    )
    tables |= instability_tables(moved)
    evidence = evidence_tables(pipelines, cohort, config, partial(progress, "findings"))
    own = {name: model for name, model in fitted.items() if is_exported(model)}
    explained = explanation_tables(
        own, eligible, config, evidence.get("findings_importance"), partial(progress, "explain")
    )
    tables |= {name: labelled(table) for name, table in (evidence | explained).items()}
    tables["coefficients"] = coefficient_table(cohort, fitted)
    tables["models"] = model_table(fitted, pipelines, choice.model)
    if config.tuning.spaces:
        tables["tuning"] = tuning_table(pipelines)
    mine = [refit for refit in moved.refits if refit.model == choice.model]
    bands = {choice.model: make_band(fitted[choice.model], X, mine, steps)}
    risk_models = _risk_models(own, eligible, config, bands)
    said = {
        "left_out": left_out,
        "choice": choice.statement,
        "censoring": report.censoring_sentence,
        "sample_size": sample_size_verdict(
            y, fitted, horizons=config.horizons or study.prediction.horizons, unit=study.time.unit
        ),
        "importance": importance_statement(explained["importance"], len(y)),
    }
    tables |= points_tables(risk_models, eligible, first=choice.model)
    return Trained(
        chosen=choice.model,
        tables=tables,
        risk_models=risk_models,
        statements={topic: text for topic, text in said.items() if text},
    )


def _plan(config: Config) -> AnyPlan:
    if isinstance(config.validation, ExternalFile):
        raise ConfigError(
            f"validation: '{config.validation.file}' was not opened; open_plan does it."
        )
    return config.validation


def _fit_all(
    pipelines: Mapping[str, SurvivalModel],
    X: pd.DataFrame,
    y: NDArray[np.void],
    progress: Progress,
) -> tuple[dict[str, SurvivalModel], str]:
    """Fit every model to everybody; one that these patients cannot carry is left out, with why."""
    fitted: dict[str, SurvivalModel] = {}
    reasons: dict[str, str] = {}
    for done, (name, pipeline) in enumerate(pipelines.items(), start=1):
        try:
            fitted[name] = pipeline.fit(X, y)
        except ModelError as error:
            reasons[name] = str(error).splitlines()[0]
        progress("fit", done, len(pipelines))
    said = " ".join(f"Model {name} was left out: {reason}" for name, reason in reasons.items())
    if not fitted:
        raise ModelError(f"no model can be fitted. {said}")
    if said:
        said += (
            " A ridge penalty gives a finite estimate where there is none, for example"
            " 'models: {cox: {ridge: 1}}' in the configuration."
        )
    return fitted, said


def _risk_models(
    fitted: Mapping[str, SurvivalModel],
    eligible: Cohort,
    config: Config,
    bands: Mapping[str, Instability],
) -> dict[str, RiskModel]:
    """Export every model, those whose refits are wanted with how much these differ."""
    return {
        name: export_model(
            model,
            eligible,
            endpoint=config.endpoint,
            horizons=config.horizons,
            instability=bands.get(name),
            provenance={"disclosure": config.disclosure},
        )
        for name, model in fitted.items()
    }


def _pipelines(study: Study, config: Config) -> dict[str, SurvivalModel]:
    """Make the models, those with a search space with their search."""
    pipelines: dict[str, SurvivalModel] = {}
    for name, params in config.models.items():
        model = make_model(
            name,
            study,
            predictors=config.predictors,
            random_state=config.seed,
            trusted=config.trusted,
            **{**config.features.parameters, **params},
        )
        space = {k: v for k, v in config.tuning.spaces.get(name, {}).items() if k not in params}
        pipelines[name] = model
        if space:
            folds = config.tuning.folds
            pipelines[name] = TunedModel(model, space, folds=folds, random_state=config.seed)
    return pipelines


def _references(study: Study, config: Config) -> dict[str, SurvivalModel]:
    """Make the published equation, where the study has one; Kaplan-Meier is always there."""
    if not published_equation(study, config.endpoint):
        return {}
    # Its equation may hold variables that no model here does, and that are missing in some.
    return {"published": make_model("published", study, features__missing="impute")}


def _optimism(
    pipelines: Mapping[str, SurvivalModel],
    cohort: Cohort,
    config: Config,
    progress: Progress,
    finished: FinishedRefits | None,
) -> pd.DataFrame:
    report = validate_all(
        {name: model for name, model in pipelines.items() if name in config.optimism.models},
        cohort,
        config.endpoint,
        horizons=config.horizons,
        plan=Bootstrap(config.optimism.bootstrap),
        random_state=config.seed,
        n_jobs=config.jobs,
        progress=partial(progress, "optimism"),
        finished=finished,
        censoring=config.censoring,
    )
    return named(report.optimism)

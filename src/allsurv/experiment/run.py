"""The one flow: study and cohort, description, training, validation, findings, result.

The tables of a :class:`~allsurv.experiment.result.Result`, each tidy and safe to show:

``table_one``            characteristics, overall and by the study's group; small cells suppressed
``missing``              how many values of each predictor are missing, and how models treat them
``survival``             per curve: patients, events, median and survival at horizons, with limits
``curves``               Kaplan-Meier on the study's time grid, tails under the threshold cut
``incidence``            where events compete: per curve and cause, incidence at horizons, Gray's P
``incidence_curves``     cumulative incidence of each cause on the grid, tails cut likewise
``competing``            the study's analyses where events compete: cause-specific and Fine-Gray
``cox``                  the study's Cox analyses: hazard ratios with limits and P
``performance``          per model, measure and horizon: out-of-fold estimate with limits
``differences``          paired differences between models and against both references, with limits
``over_time``            per model: AUC and Brier score along follow-up
``calibration``          per model and horizon: smooth observed against predicted risk
``net_benefit``          per model, horizon and threshold; treating all and none beside
``risk_groups``          out-of-fold risk groups: predicted and observed survival at horizons
``risk_group_curves``    their Kaplan-Meier curves, thinned
``held_out``             plan internal-external: measures inside each group left out, with limits
``subgroups``            measures by the variables the study names; small counts suppressed
``optimism``             bootstrap validation: apparent, corrected and .632+ estimates
``instability``          per model and horizon: how far predictions move with the sample
``instability_bands``    the same by bands of predicted risk, with limits
``classification``       how often refits put a patient on the other side of a threshold
``findings``             per published finding and model: estimate beside the published one, verdict
``findings_horizons``    per finding, model and horizon: the standardised contrast with limits
``findings_importance``  per model, measure and variable: importance, and its rank over refits
``non_findings``         what the paper examined and did not retain, added to its model here
``published_equation``   recalibration of the published equation, and what these patients add to it
``importance``           per model and variable: SHAP and permutation, with limits over refits
``directions``           per model and term: whether it is used in the direction of Cox regression
``coefficients``         of the linear models, per unit of the variable
``points``               the recommended linear model as whole points per value
``nomogram``             the same as marks on scales of 0 to 100, exact
``points_survival``      survival at horizons by total points
``points_loss``          what rounding to whole points loses, per measure
``models``               per model: label, number of terms, parameters, whether it was chosen
``tuning``               what was tried for each model fitted to everybody, and what was chosen
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd

from allsurv.cohort import Cohort, load_cohort, read_cohort
from allsurv.cohort.deaths import check_absolute_risk
from allsurv.cohort.missing import check_missing, complete_cases
from allsurv.cohort.source_digest import describe_source
from allsurv.disclosure.words import safe_reasons
from allsurv.errors import ConfigError
from allsurv.experiment.config import Config, read_config
from allsurv.experiment.describe import (
    LEFT_OUT,
    describe_cohort,
    left_out_statement,
    missing_statement,
)
from allsurv.experiment.evidence import evidence_statement
from allsurv.experiment.plans import open_plan, others_of, plan_statement
from allsurv.experiment.result import Provenance, Result
from allsurv.experiment.train import Trained, train_models
from allsurv.experiment.varying import without_constant
from allsurv.models.origin import package_versions
from allsurv.study import load_study
from allsurv.study.spec import Study
from allsurv.validation.finished import FinishedRefits

__all__ = ["Progress", "check_run", "open_cohort", "run_endpoints", "run_experiment"]

Progress = Callable[[str, int, int], None]
"""Called with the stage, how much of it is done, and how much there is."""


@dataclass(frozen=True)
class _Silent:
    def __call__(self, stage: str, done: int, total: int) -> None:
        return None


def run_experiment(
    config: Config | str | Path,
    *,
    cohort: Cohort | None = None,
    progress: Progress | None = None,
    finished: FinishedRefits | None = None,
) -> Result:
    """Carry out one experiment from its configuration.

    Parameters
    ----------
    config : Config, str or Path
        The choices, or the YAML file that holds them.
    cohort : Cohort, optional
        Patients at hand; those that the configuration names unless given.
    progress : callable, optional
        Called as ``progress(stage, done, total)``.
    finished : FinishedRefits, optional
        Where refits are kept as they finish, so that a killed job goes on from them.

    Returns
    -------
    Result
        Tables that have passed the disclosure rules, exported models, provenance.

    Raises
    ------
    AllsurvError
        Whatever is wrong with study, cohort or configuration, before anything is trained.
    """
    config = config if isinstance(config, Config) else read_config(config)
    progress = progress or _Silent()
    started, clock = datetime.now(UTC), time.perf_counter()
    cohort = cohort or open_cohort(config, load_study(config.study))
    study = cohort.study
    config = check_run(config, cohort)
    patients, described, left_out = _complete(cohort, config)
    config, constant = without_constant(patients, config)
    tables = describe_cohort(described, config, progress)
    trained = train_models(patients, config, progress, finished)
    tables |= trained.tables
    tables = {name: safe_reasons(table, config.policy) for name, table in tables.items()}
    provenance = _provenance(patients, config, started, time.perf_counter() - clock)
    return Result(
        name=config.name,
        question=config.question,
        study=study,
        config=config.to_dict(),
        provenance=provenance,
        tables=tables,
        statements={
            **_statements(cohort, config, trained, tables, left_out),
            **({"constant": constant} if constant else {}),
        },
        chosen=trained.chosen,
        risk_models=trained.risk_models,
    )


def run_endpoints(
    config: Config | str | Path,
    *,
    cohort: Cohort | None = None,
    progress: Progress | None = None,
    finished: FinishedRefits | None = None,
) -> dict[str, Result]:
    """Carry out one experiment for each endpoint of its configuration.

    Parameters
    ----------
    config : Config, str or Path
        The choices, or the YAML file that holds them.
    cohort : Cohort, optional
        Patients at hand; those that the configuration names unless given.
    progress : callable, optional
        Called as ``progress(stage, done, total)``; the stage begins with the endpoint where there
        are several.
    finished : FinishedRefits, optional
        Where refits are kept as they finish.

    Returns
    -------
    dict of str to Result
        By endpoint, in the order asked; each is what :func:`run_experiment` gives for it alone.

    Raises
    ------
    AllsurvError
        Whatever is wrong for any endpoint, before anything is trained for the first.
    """
    config = config if isinstance(config, Config) else read_config(config)
    cohort = cohort or open_cohort(config, load_study(config.study))
    runs = [check_run(one, cohort) for one in config.each_endpoint(cohort.study)]
    progress = progress or _Silent()
    return {
        one.endpoint: run_experiment(
            one,
            cohort=cohort,
            progress=progress if len(runs) == 1 else _OfEndpoint(progress, one.endpoint),
            finished=finished,
        )
        for one in runs
    }


@dataclass(frozen=True)
class _OfEndpoint:
    progress: Progress
    endpoint: str

    def __call__(self, stage: str, done: int, total: int) -> None:
        self.progress(f"{self.endpoint} {stage}", done, total)


def check_run(config: Config, cohort: Cohort) -> Config:
    """Complete a configuration of one endpoint, and refuse what the patients cannot bear."""
    if config.endpoints:
        raise ConfigError(
            f"{config.name}: {len(config.endpoints)} endpoints; run_experiment gives the result of "
            "one, run_endpoints those of several."
        )
    study = cohort.study
    config = config.complete(study)
    complete = config.predictors if config.features.missing == "complete cases" else ()
    plan = open_plan(config.validation, study, complete=complete)
    config = replace(config, validation=plan)
    for group in (cohort, *others_of(plan)):
        _check_horizons(group, config)
        check_absolute_risk(group, config.endpoint)
        check_missing(
            group,
            predictors=config.predictors,
            endpoint=config.endpoint,
            missing=config.features.missing or "impute",
        )
    return config


def _check_horizons(cohort: Cohort, config: Config) -> None:
    """Refuse horizons that follow-up does not pass, or by which nobody has had the event."""
    y = cohort.eligible(config.endpoint).y(config.endpoint)
    unit, grid = cohort.study.time.unit, cohort.study.time.grid
    last = float(np.floor(y["time"].max() / grid) * grid)
    for horizon in config.horizons:
        if not horizon < y["time"].max():
            raise ConfigError(
                f"horizons: {horizon:g} {unit} is not before the end of follow-up ({last:g} "
                f"{unit}); choose earlier ones, in the configuration or with --horizons."
            )
        if not np.any(y["event"] & (y["time"] <= horizon)):
            raise ConfigError(
                f"horizons: nobody had the event '{config.endpoint}' by {horizon:g} {unit}; choose "
                "later ones, in the configuration or with --horizons."
            )


def _complete(cohort: Cohort, config: Config) -> tuple[Cohort, Cohort, int]:
    """Give who is trained on, who is described, and how many are left out of training.

    Few who are left out would follow from the difference between two sizes; then all tables are of
    the patients trained on.
    """
    if config.features.missing != "complete cases":
        return cohort, cohort, 0
    patients = complete_cases(cohort, config.predictors)
    n_left_out = cohort.eligible(config.endpoint).n - patients.eligible(config.endpoint).n
    few = n_left_out > 0 and config.policy.is_small(n_left_out)
    return patients, patients if few else cohort, n_left_out


def open_cohort(config: Config, study: Study) -> Cohort:
    """Open the cohort a configuration names: a file, or the one that comes with the study."""
    if config.cohort is None:
        return load_cohort(study)
    return read_cohort(config.cohort, study)


def _provenance(cohort: Cohort, config: Config, started: datetime, seconds: float) -> Provenance:
    y = cohort.eligible(config.endpoint).y(config.endpoint)
    return Provenance(
        study=cohort.study.name,
        study_digest=cohort.study.digest,
        source_kind=cohort.source.kind,
        source_name=cohort.source.name,
        source_digest=describe_source(cohort.source)["digest"],
        source_statement=cohort.source.statement,
        n=len(y),
        n_events=int(y["event"].sum()),
        endpoint=config.endpoint,
        seed=config.seed,
        started=started.isoformat(timespec="seconds"),
        seconds=round(seconds, 1),
        versions=package_versions(),
    )


def _statements(
    cohort: Cohort,
    config: Config,
    trained: Trained,
    tables: Mapping[str, pd.DataFrame],
    n_left_out: int,
) -> dict[str, str]:
    said = {
        "source": cohort.source.statement,
        **trained.statements,
        "validation": plan_statement(
            config.validation,
            cohort.study,
            tables,
            endpoint=config.endpoint,
            policy=config.policy,
        ),
        "missing": missing_statement(config, n_left_out),
        "disclosure": f"Policy {config.policy.statement}",
    }
    if LEFT_OUT in tables:
        said[LEFT_OUT] = left_out_statement(tables[LEFT_OUT])
    if "findings" in tables:
        said["findings"] = evidence_statement(tables["findings"])
    return said

"""Training: every model validated on the same folds, fitted on all, held against the findings."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from allsurv.cohort import Cohort
from allsurv.experiment.config import Config
from allsurv.experiment.evidence import evidence_tables
from allsurv.experiment.support import sample_size_verdict
from allsurv.explain import directions, importance
from allsurv.models import RiskModel, SurvivalModel, make_model
from allsurv.models.riskmodel_instability import FEWEST_REFITS
from allsurv.scoring.instability import measure_instability
from allsurv.validation import Validation, choose, validate_all

__all__ = ["MEASURE_LABELS", "MODEL_LABELS", "Trained", "train_models"]

Progress = Callable[[str, int, int], None]

MODEL_LABELS = {
    "cox": "Cox regression",
    "coxnet": "Elastic-net Cox",
    "rsf": "Random survival forest",
    "gbs": "Gradient-boosted survival",
    "kaplan_meier": "Kaplan-Meier (no patient known)",
    "published protocol": "Cox, the paper's protocol",
}
MEASURE_LABELS = {
    "harrell_c": "Harrell's C",
    "uno_c": "Uno's C",
    "auc": "AUC",
    "brier": "Brier score",
    "ipa": "IPA",
    "observed_expected_ratio": "O/E",
    "calibration_slope": "Calibration slope",
}


@dataclass(frozen=True, eq=False)
class Trained:
    """Models fitted on the whole cohort, and what was measured of them.

    Parameters
    ----------
    tables : dict of str to DataFrame
        ``performance``, ``calibration``, ``findings``, ``importance``, ``directions``,
        ``coefficients``, ``models``.
    risk_models : dict of str to RiskModel
        Exported form of each model.
    chosen : str
        Name of the recommended model.
    statements : dict of str to str
        ``choice``: the rule by which it was chosen; ``sample_size``: how many parameters the
        cohort supports.
    """

    chosen: str
    tables: dict[str, pd.DataFrame] = field(default_factory=dict)
    risk_models: dict[str, RiskModel] = field(default_factory=dict)
    statements: dict[str, str] = field(default_factory=dict)


def train_models(cohort: Cohort, config: Config, progress: Progress) -> Trained:
    """Validate, fit, choose, compare and export the models of a configuration.

    Parameters
    ----------
    cohort : Cohort
        Checked patients.
    config : Config
        Complete configuration.
    progress : callable
        Called with stage, done, total.

    Returns
    -------
    Trained
        Tables that are safe to show, exported models, the choice.
    """
    study = cohort.study
    unfitted = {
        name: make_model(
            name, study, predictors=config.predictors, random_state=config.seed, **params
        )
        for name, params in config.models.items()
    }
    report = validate_all(
        unfitted,
        cohort,
        config.endpoint,
        horizons=config.horizons,
        plan=config.validation,
        random_state=config.seed,
        n_jobs=config.jobs,
        progress=lambda done, total: progress("validate", done, total),
    )
    eligible = cohort.eligible(config.endpoint)
    X, y = eligible.X, eligible.y(config.endpoint)
    fitted: dict[str, SurvivalModel] = {}
    for done, (name, model) in enumerate(unfitted.items(), start=1):
        fitted[name] = model.fit(X, y)
        progress("fit", done, len(unfitted))
    choice = choose(report.performance)
    tables = _report_tables(report, config)
    evidence = evidence_tables(
        fitted, cohort, config, lambda done, total: progress("findings", done, total)
    )
    for name, table in evidence.items():
        labelled = "model" in table
        tables[name] = (
            table.assign(model_label=table["model"].map(MODEL_LABELS)) if labelled else table
        )
    tables["importance"] = pd.concat(
        [importance(model, eligible).assign(model=name) for name, model in fitted.items()],
        ignore_index=True,
    )
    tables["directions"] = directions(fitted, eligible)
    tables["coefficients"] = _coefficients(cohort, fitted)
    tables["models"] = _models(fitted, config, choice.model)
    return Trained(
        chosen=choice.model,
        tables=tables,
        risk_models=_export(fitted, eligible, config, choice.model, progress),
        statements={
            "choice": choice.statement,
            "sample_size": sample_size_verdict(y, fitted),
        },
    )


def _export(
    fitted: Mapping[str, SurvivalModel],
    cohort: Cohort,
    config: Config,
    chosen: str,
    progress: Progress,
) -> dict[str, RiskModel]:
    """Export every model, the recommended one with what its refits predict."""
    band = measure_instability(
        fitted[chosen],
        cohort,
        config.endpoint,
        n_bootstrap=max(config.findings.bootstrap, FEWEST_REFITS),
        random_state=config.seed,
        n_jobs=config.jobs,
        progress=lambda done, total: progress("instability", done, total),
    )
    return {
        name: RiskModel.from_model(
            model,
            cohort,
            endpoint=config.endpoint,
            horizons=config.horizons,
            instability=band if name == chosen else None,
        )
        for name, model in fitted.items()
    }


def _report_tables(report: Validation, config: Config) -> dict[str, pd.DataFrame]:
    labelled = report.performance.assign(
        label=report.performance["measure"].map(MEASURE_LABELS),
        model_label=report.performance["model"].map(MODEL_LABELS),
    )
    calibration = report.calibration.assign(
        model_label=report.calibration["model"].map(MODEL_LABELS)
    )
    return {"performance": labelled, "calibration": calibration}


def _coefficients(cohort: Cohort, fitted: Mapping[str, SurvivalModel]) -> pd.DataFrame:
    """Coefficients of the linear models, per unit of the variable as the model sees it."""
    rows = []
    for name, model in fitted.items():
        coef = getattr(model.mechanism_, "coef", None)
        if coef is None:
            continue
        for term, value in zip(model.encoder_.terms_, coef, strict=True):
            per_unit = float(value) / term.scale
            rows.append(
                {
                    "model": name,
                    "term": term.name,
                    "variable": term.variable,
                    "label": f"{cohort.study.variable(term.variable).label} ({term.name})",
                    "coef": per_unit,
                    "hazard_ratio": float(np.exp(per_unit)),
                }
            )
    columns = ["model", "term", "variable", "label", "coef", "hazard_ratio"]
    return pd.DataFrame(rows, columns=columns)


def _models(fitted: Mapping[str, SurvivalModel], config: Config, chosen: str) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "model": name,
            "label": MODEL_LABELS[name],
            "n_terms": len(model.encoder_.terms_),
            "parameters": ", ".join(f"{k}={v}" for k, v in config.models[name].items()),
            "chosen": name == chosen,
        }
        for name, model in fitted.items()
    )

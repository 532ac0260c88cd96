"""What validation and fitting found, as tables that are safe to show."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import pandas as pd

from allsurv.cohort import Cohort
from allsurv.disclosure.tables import safe_curve
from allsurv.disclosure.validated import safe_net_benefit, safe_risk_groups, safe_subgroups
from allsurv.experiment.config import Config
from allsurv.models import SurvivalModel, TunedModel
from allsurv.riskmodel.products import factors_of
from allsurv.study.spec import Study
from allsurv.validation import InstabilityReport, Validation

__all__ = [
    "MEASURE_LABELS",
    "MODEL_LABELS",
    "coefficient_table",
    "instability_tables",
    "model_table",
    "named",
    "tuning_table",
    "validation_tables",
]

MODEL_LABELS = {
    "cox": "Cox regression",
    "coxnet": "Elastic-net Cox",
    "rsf": "Random survival forest",
    "gbs": "Gradient-boosted survival",
    "cgbs": "Componentwise boosting",
    "kaplan_meier": "Kaplan-Meier (no patient known)",
    "published": "Published equation",
    "treat_all": "Treat all",
    "treat_none": "Treat none",
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
    "d": "Royston's D",
    "integrated_brier": "Integrated Brier score",
    "ici": "ICI",
    "e50": "E50",
    "e90": "E90",
}


def validation_tables(report: Validation, study: Study, config: Config) -> dict[str, pd.DataFrame]:
    """Take from a validation what may be shown."""
    curves = report.group_curves.rename(columns={"model": "comparison"})
    thinned = safe_curve(curves, study, config.policy).rename(columns={"comparison": "model"})
    tables = {
        "performance": named(report.performance),
        "differences": named(report.differences),
        "over_time": named(report.over_time),
        "calibration": named(report.calibration),
        "net_benefit": named(safe_net_benefit(report.net_benefit, report.n, config.policy)),
        "risk_groups": named(safe_risk_groups(report.risk_groups, config.policy)),
        "risk_group_curves": named(thinned),
    }
    if len(report.subgroups):
        subgroups = safe_subgroups(report.subgroups, config.policy)
        tables["subgroups"] = named(subgroups)
    return tables


def instability_tables(found: InstabilityReport) -> dict[str, pd.DataFrame]:
    """Take from an instability report what may be shown."""
    return {
        "instability": named(found.summary),
        "instability_bands": named(found.bands),
        "classification": named(found.classification),
    }


def tuning_table(pipelines: Mapping[str, SurvivalModel]) -> pd.DataFrame:
    """List what was tried for each model that was tuned, fitted to everybody."""
    rows = []
    for name, model in pipelines.items():
        if isinstance(model, TunedModel):
            for candidate in model.search_.to_dict("records"):
                likelihood = candidate.pop("log_likelihood")
                rows.append(
                    {
                        "model": name,
                        "parameters": _words(candidate),
                        "log_likelihood": likelihood,
                        "chosen": _words(candidate) == _words(model.best_),
                    }
                )
    return named(pd.DataFrame(rows, columns=["model", "parameters", "log_likelihood", "chosen"]))


def _words(parameters: Mapping[str, object]) -> str:
    given = sorted(
        (k, None if isinstance(v, float) and np.isnan(v) else v) for k, v in parameters.items()
    )
    shown = ((name, int(v) if isinstance(v, float) and v.is_integer() else v) for name, v in given)
    return ", ".join(f"{name}={value}" for name, value in shown)


def coefficient_table(cohort: Cohort, fitted: Mapping[str, SurvivalModel]) -> pd.DataFrame:
    """List the coefficients of linear models, per unit of the variable as the model sees it.

    A product's is per unit of all its factors. Beside a product, the coefficient of a factor holds
    where the others are 0: at the mean of a number, at the reference of a level.
    """
    rows = []
    for name, model in fitted.items():
        coef = getattr(model.mechanism_, "coef", None)
        if coef is None:
            continue
        terms = model.encoder_.terms_
        for term, value, factors in zip(terms, coef, factors_of(terms), strict=True):
            per_unit = float(value) / math.prod(terms[k].scale for k in factors)
            variables = dict.fromkeys(terms[k].variable for k in factors)
            label = " x ".join(cohort.study.variable(name).label for name in variables)
            rows.append(
                {
                    "model": name,
                    "term": term.name,
                    "variable": term.variable,
                    "label": f"{label} ({term.name})",
                    "coef": per_unit,
                    "hazard_ratio": float(np.exp(per_unit)),
                }
            )
    columns = ["model", "term", "variable", "label", "coef", "hazard_ratio"]
    return pd.DataFrame(rows, columns=columns)


def model_table(
    fitted: Mapping[str, SurvivalModel], pipelines: Mapping[str, SurvivalModel], chosen: str
) -> pd.DataFrame:
    """List the models."""
    rows = []
    for name, model in fitted.items():
        defaults = type(model)(model.features).get_params(deep=False)
        own = {
            key: value
            for key, value in model.get_params(deep=False).items()
            if key not in ("features", "grid", "random_state") and value != defaults.get(key)
        }
        rows.append(
            {
                "model": name,
                "label": MODEL_LABELS[name],
                "n_terms": len(model.encoder_.terms_),
                "parameters": _words(own),
                "tuned": isinstance(pipelines[name], TunedModel),
                "chosen": name == chosen,
            }
        )
    return pd.DataFrame(rows)


def named(table: pd.DataFrame) -> pd.DataFrame:
    """Add what readers call models and measures."""
    said = table.assign(model_label=table["model"].map(MODEL_LABELS))
    if "measure" in table:
        said["label"] = table["measure"].map(MEASURE_LABELS)
    return said

"""What validation and fitting found, as tables that are safe to show."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import pandas as pd

from allsurv.cohort import Cohort
from allsurv.disclosure.curves import safe_curve
from allsurv.disclosure.validated import (
    safe_measures,
    safe_net_benefit,
    safe_risk_groups,
    safe_subgroups,
)
from allsurv.experiment.config import Config
from allsurv.models import SurvivalModel, TunedModel
from allsurv.models.catalog import find_family, model_label
from allsurv.models.challenger import own_parameters
from allsurv.riskmodel.products import factors_of
from allsurv.study.spec import Study
from allsurv.validation import InstabilityReport, Validation, find_measure

__all__ = [
    "coefficient_table",
    "instability_tables",
    "labelled",
    "model_table",
    "named",
    "tuning_table",
    "validation_tables",
]


def validation_tables(report: Validation, study: Study, config: Config) -> dict[str, pd.DataFrame]:
    """Take from a validation what may be shown."""
    curves = report.group_curves.rename(columns={"model": "comparison"})
    thinned = safe_curve(curves, study, config.policy).rename(columns={"comparison": "model"})
    groups, n = report.risk_groups, report.n
    tables = {
        "performance": named(safe_measures(report.performance, groups, n, config.policy)),
        "censoring": named(report.censoring),
        "differences": named(safe_measures(report.differences, groups, n, config.policy)),
        "over_time": named(safe_measures(report.over_time, groups, n, config.policy)),
        "calibration": named(report.calibration),
        "net_benefit": named(safe_net_benefit(report.net_benefit, groups, n, config.policy)),
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
        rows.append(
            {
                "model": name,
                "label": model_label(name),
                "n_terms": len(model.encoder_.terms_),
                "parameters": _words(own_parameters(model)),
                "tuned": isinstance(pipelines[name], TunedModel),
                "chosen": name == chosen,
                "survival": getattr(model, "how_survival", "own"),
                "not_exported": find_family(model.family).not_exported,
            }
        )
    return pd.DataFrame(rows)


def named(table: pd.DataFrame) -> pd.DataFrame:
    """Add what readers call models and measures; a name that has no label is refused."""
    said = labelled(table)
    if "measure" in table:
        # A subgroup that is too small to be measured has a row without a measure.
        labels = table["measure"].map(lambda name: find_measure(name).label, na_action="ignore")
        said["label"] = labels
    return said


def labelled(table: pd.DataFrame) -> pd.DataFrame:
    """Add what readers call models, to a table that has any."""
    if "model" not in table:
        return table
    return table.assign(model_label=table["model"].map(model_label))

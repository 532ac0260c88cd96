"""What the main job says of a cohort before any model: characteristics, curves, Cox analyses."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd

from allsurv.cohort import Cohort
from allsurv.describe import analysis_table, comparison_curves, comparison_summary, table_one
from allsurv.disclosure.characteristics import safe_characteristics, safe_missing
from allsurv.disclosure.cox import safe_hazard_ratios
from allsurv.disclosure.curves import safe_curve
from allsurv.disclosure.dominance import dominated_summaries
from allsurv.disclosure.survival import medians_on_grid, safe_survival
from allsurv.disclosure.words import safe_sentence
from allsurv.experiment.config import Config
from allsurv.study.spec import Comparison, Study, Variable

__all__ = ["describe_cohort", "missing_statement"]

Progress = Callable[[str, int, int], None]

HANDLED = {
    "impute": (
        "Missing values are imputed without using the outcome, separately in each resample, and in "
        "the same way in development, validation and use. Records lacking a required value are "
        "rejected."
    ),
    "level": (
        "Where a value is missing a column of its own says so, and a constant stands in for the "
        "value, in the same way in development, validation and use. Records lacking a required "
        "value are rejected."
    ),
    "complete cases": (
        "Models are developed and validated in patients with all predictors; records lacking one "
        "are not scored. Results hold for such patients only."
    ),
    "refuse": "Every predictor must be known, in development as in use.",
}


def describe_cohort(cohort: Cohort, config: Config, progress: Progress) -> dict[str, pd.DataFrame]:
    """Describe a cohort in tables that are safe to show."""
    study = cohort.study
    comparisons = _comparisons(study, config)
    total = 1 + len(comparisons) + len(study.analyses)
    tables = {
        "table_one": safe_characteristics(
            table_one(cohort, by=study.group),
            study,
            config.policy,
            dominated=dominated_summaries(cohort, config.policy, by=study.group),
        ),
        "missing": _missing(cohort, config),
    }
    progress("describe", 1, total)
    curves, summaries = [], []
    for done, comparison in enumerate(comparisons, start=2):
        curves.append(safe_curve(comparison_curves(cohort, comparison), study, config.policy))
        summary = comparison_summary(cohort, comparison, horizons=config.horizons)
        summaries.append(safe_survival(summary, config.policy))
        progress("describe", done, total)
    tables["curves"] = pd.concat(curves, ignore_index=True)
    survival = pd.concat(summaries, ignore_index=True)
    tables["survival"] = medians_on_grid(survival, study, config.policy)
    fits = []
    for done, analysis in enumerate(study.analyses.values(), start=2 + len(comparisons)):
        fits.append(analysis_table(cohort, analysis))
        progress("describe", done, total)
    if fits:
        tables["cox"] = safe_hazard_ratios(pd.concat(fits, ignore_index=True), config.policy)
    return tables


def _comparisons(study: Study, config: Config) -> list[Comparison]:
    """Those of the study; without any, one curve of the endpoint."""
    within = [c for c in study.comparisons.values() if c.against is None]
    if within:
        return within
    label = study.endpoint(config.endpoint).label
    return [Comparison(name="overall", label=label, endpoint=config.endpoint, by=None)]


def _missing(cohort: Cohort, config: Config) -> pd.DataFrame:
    rows = []
    for name in config.predictors:
        variable = cohort.study.variable(name)
        n_missing = int(cohort.frame[name].isna().sum())
        how = _handling(variable, config.features.missing)
        shown, percent = safe_missing(n_missing, cohort.n, config.policy)
        rows.append(
            {
                "variable": name,
                "label": variable.label,
                "n": cohort.n,
                "n_missing": shown,
                "percent": percent,
                "handling": how if n_missing else "nothing is missing",
            }
        )
    return pd.DataFrame(rows)


def _handling(variable: Variable, missing: str) -> str:
    """Say what becomes of a missing value of a predictor, in development as in use."""
    if variable.kind == "marker":
        return "own column 'tested'"
    if missing == "refuse" or (variable.missing != "allowed" and variable.derivation is None):
        return "not allowed"
    if missing == "complete cases":
        return "such patients are left out, and not scored"
    if missing == "level":
        return "a column of its own says whether the value is known"
    filled = "median" if variable.is_number else "commonest level"
    return f"{filled} of development, without the outcome, anew in every resample"


def missing_statement(config: Config, n_left_out: int) -> str:
    """Say how prognostic models handle missing values, and how many patients they leave out."""
    said = HANDLED[config.features.missing or "impute"]
    if n_left_out:
        noun = "patient was" if n_left_out == 1 else "patients were"
        said = f"{n_left_out} {noun} left out because a predictor is missing. {said}"
    return safe_sentence(said, config.policy)

"""What the main job says of a cohort before any model: characteristics, curves, Cox analyses."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pandas as pd

from allsurv.cohort import Cohort
from allsurv.describe import (
    analysis_table,
    comparison_curves,
    comparison_incidence,
    comparison_incidence_table,
    comparison_summary,
    competing_analysis_table,
    table_one,
)
from allsurv.disclosure.characteristics import safe_characteristics, safe_missing
from allsurv.disclosure.cox import safe_hazard_ratios
from allsurv.disclosure.curves import safe_curve
from allsurv.disclosure.dominance import dominated_summaries
from allsurv.disclosure.incidence import safe_competing, safe_incidence, safe_incidence_table
from allsurv.disclosure.survival import medians_on_grid, safe_survival
from allsurv.disclosure.words import safe_sentence
from allsurv.errors import ModelError, OutcomeError
from allsurv.experiment.config import Config
from allsurv.study.spec import Analysis, Comparison, Study, Variable

__all__ = ["LEFT_OUT", "describe_cohort", "left_out_statement", "missing_statement"]

LEFT_OUT = "analyses_left_out"

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
    # Courses through states are for the report of `reproduce`.
    analyses = [a for a in study.analyses.values() if study.endpoint(a.endpoint).kind != "states"]
    total = 1 + len(comparisons) + len(analyses)
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
    parts: dict[str, list[pd.DataFrame]] = {}
    for done, comparison in enumerate(comparisons, start=2):
        for name, table in _compared(cohort, comparison, config):
            parts.setdefault(name, []).append(table)
        progress("describe", done, total)
    for done, analysis in enumerate(analyses, start=2 + len(comparisons)):
        try:
            name, table = _analysed(cohort, analysis, config)
        except (ModelError, OutcomeError) as error:
            # What these patients cannot carry is said, and the rest goes on.
            name, table = (
                LEFT_OUT,
                pd.DataFrame(
                    {"analysis": [analysis.name], "label": [analysis.label], "reason": [str(error)]}
                ),
            )
        parts.setdefault(name, []).append(table)
        progress("describe", done, total)
    return tables | {name: pd.concat(made, ignore_index=True) for name, made in parts.items()}


def _compared(
    cohort: Cohort, comparison: Comparison, config: Config
) -> Iterator[tuple[str, pd.DataFrame]]:
    """Describe one comparison: survival, or incidences where events compete."""
    study, policy, horizons = cohort.study, config.policy, config.horizons
    if study.endpoint(comparison.endpoint).kind == "competing":
        curves = comparison_incidence(cohort, comparison)
        yield "incidence_curves", safe_incidence(curves, study, policy)
        table = comparison_incidence_table(cohort, comparison, horizons=horizons)
        yield "incidence", medians_on_grid(safe_incidence_table(table, policy), study, policy)
        return
    yield "curves", safe_curve(comparison_curves(cohort, comparison), study, policy)
    summary = safe_survival(comparison_summary(cohort, comparison, horizons=horizons), policy)
    yield "survival", medians_on_grid(summary, study, policy)


def _analysed(cohort: Cohort, analysis: Analysis, config: Config) -> tuple[str, pd.DataFrame]:
    """Fit one analysis: a Cox model, or two models of each cause where events compete."""
    if cohort.study.endpoint(analysis.endpoint).kind == "competing":
        return "competing", safe_competing(
            competing_analysis_table(cohort, analysis), config.policy
        )
    return "cox", safe_hazard_ratios(analysis_table(cohort, analysis), config.policy)


def _comparisons(study: Study, config: Config) -> list[Comparison]:
    """Those of the study, and one of all patients where an outcome has none.

    That is the endpoint that models predict, if no comparison is of one event, and each endpoint of
    events that compete.
    """
    within = [
        c
        for c in study.comparisons.values()
        if c.against is None and study.endpoint(c.endpoint).kind != "states"
    ]
    compared = {c.endpoint for c in within}
    alone = [
        Comparison(name=f"{e.name}_overall", label=e.label, endpoint=e.name, by=None)
        for e in study.endpoints.values()
        if e.kind == "competing" and e.name not in compared
    ]
    if not any(study.endpoint(name).kind == "event" for name in compared):
        label = study.endpoint(config.endpoint).label
        overall = Comparison(name="overall", label=label, endpoint=config.endpoint, by=None)
        alone.insert(0, overall)
    taken = {c.name for c in alone}
    return [*alone, *(c for c in within if c.name not in taken)]


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


def left_out_statement(left_out: pd.DataFrame) -> str:
    """Say which analyses of the study these patients cannot carry, and why."""
    said = (f"{row.label}: {row.reason}" for row in left_out.itertuples())
    return f"Analyses of the study that could not be made. {' '.join(said)}"


def missing_statement(config: Config, n_left_out: int) -> str:
    """Say how prognostic models handle missing values, and how many patients they leave out."""
    said = HANDLED[config.features.missing or "impute"]
    if n_left_out:
        noun = "patient was" if n_left_out == 1 else "patients were"
        said = f"{n_left_out} {noun} left out because a predictor is missing. {said}"
    return safe_sentence(said, config.policy)

"""The published evidence of a study held against a cohort and its models, safe to show."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pandas as pd

from allsurv.cohort import Cohort
from allsurv.experiment.config import Config
from allsurv.findings import assess_findings, compare_non_findings, update_published
from allsurv.models import SurvivalModel
from allsurv.models.published import published_equation

__all__ = ["evidence_statement", "evidence_tables"]

BY_CONSTRUCTION = (
    "Agreement with the published findings is by construction on this cohort: it is a check of the "
    "machinery, never evidence."
)
ASKED = (
    "Models are asked for the average hazard ratio, standardised over the cohort; limits reflect "
    "the sampling of patients and the whole pipeline."
)
CALIBRATED = (
    "Models shrink effects; what is shown has each model's shrinkage undone, as measured on "
    "simulated outcomes of known effect; on simulated cohorts of 110 patients its 95% limits held "
    "the truth in 96 of 100."
)
PLAIN = (
    "Models shrink effects and this is not undone here, so that 'inconsistent, weaker' speaks of "
    "the model before it speaks of the finding; on simulated cohorts of 110 patients such 95% "
    "limits held the truth in 95 of 100 for Cox regression, 82 for elastic-net Cox, 71 for "
    "gradient boosting and 3 for a survival forest."
)
CANNOT_SAY = "'Cannot say' is no verdict on the finding: the cohort is too small to see it."


def evidence_tables(
    fitted: Mapping[str, SurvivalModel],
    cohort: Cohort,
    config: Config,
    progress: Callable[[int, int], None],
) -> dict[str, pd.DataFrame]:
    """Hold models and cohort against everything the study has published."""
    study, plan = cohort.study, config.findings
    tables: dict[str, pd.DataFrame] = {}
    if study.findings:
        found = assess_findings(
            fitted,
            cohort,
            endpoint=config.endpoint,
            horizons=config.horizons,
            n_bootstrap=plan.bootstrap,
            n_simulated=plan.simulated,
            margin=plan.margin,
            random_state=config.seed,
            n_jobs=config.jobs,
            progress=progress,
        )
        tables["findings"] = found.findings
        tables["findings_horizons"] = found.horizons
        tables["findings_importance"] = found.importance
    if study.non_findings:
        table = compare_non_findings(cohort, margin=plan.margin)
        left_out = cohort.n - table["n"]
        fewest = config.policy.threshold
        shown = table["n"].ge(fewest) & ~left_out.between(1, fewest - 1)
        counts = table[["n", "n_events"]].where(shown)
        tables["non_findings"] = table.assign(**dict(counts.items()))
    if published_equation(study, config.endpoint):
        tables["published_equation"] = update_published(
            cohort, endpoint=config.endpoint, predictors=config.predictors
        )
    return tables


def evidence_statement(findings: pd.DataFrame) -> str:
    """Say how the table of findings is to be read."""
    made = bool(findings["statement"].ne("").any())
    calibrated = bool(findings["judged_on"].eq("calibrated").any())
    said = [BY_CONSTRUCTION] if made else []
    return " ".join([*said, ASKED, CALIBRATED if calibrated else PLAIN, CANNOT_SAY])

"""The published evidence of a study held against a cohort and its models, safe to show."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pandas as pd

from allsurv.cohort import Cohort
from allsurv.disclosure.evidence import safe_non_findings
from allsurv.experiment.config import Config
from allsurv.findings import assess_findings, compare_non_findings, update_published
from allsurv.models import SurvivalModel
from allsurv.models.published import published_equation

__all__ = ["evidence_statement", "evidence_tables"]

BY_CONSTRUCTION = (
    "This cohort was built to match the paper, so agreement tests the software and is not evidence "
    "for the findings."
)
ASKED = (
    "Models are asked for the average hazard ratio, standardised over the cohort; limits reflect "
    "the sampling of patients and the whole pipeline."
)
CALIBRATED = (
    "Penalised and tree models shrink effects. The estimates shown are corrected for this, using "
    "simulated outcomes of known effect. In simulations of 110 patients under proportional hazards "
    "their 95% limits covered the true effect 96 of 100 times; where a hazard ratio changes with "
    "time they are too narrow."
)
PLAIN = (
    "Penalised and tree models shrink effects, and this is not corrected here, so 'inconsistent, "
    "weaker' may be a property of the model and not of the finding. In simulations of 110 patients "
    "such 95% limits covered the true effect 95 of 100 times for Cox regression, 82 for "
    "elastic-net Cox, 71 for gradient boosting and 3 for a survival forest."
)
CANNOT_SAY = (
    "'Cannot say' means that this cohort is too small to confirm or contradict the finding."
)


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
            n_explained=config.importance.patients,
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
        tables["non_findings"] = safe_non_findings(table, cohort.n, config.policy)
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

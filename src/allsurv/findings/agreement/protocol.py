"""The paper's own Cox model fitted to other patients, and its equation as a model."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from allsurv.cohort import Cohort
from allsurv.describe import analysis_table
from allsurv.errors import AllsurvError
from allsurv.findings.agreement.contrast import standardised_effect
from allsurv.findings.agreement.questions import Patients
from allsurv.models import make_model
from allsurv.models.published import published_equation
from allsurv.study.spec import Finding, Study

__all__ = ["InPaper", "in_paper", "standardised_published"]


@dataclass(frozen=True)
class InPaper:
    """What the paper's model says of these patients.

    Attributes
    ----------
    estimate, lower, upper : float
        Hazard ratio per unit of the finding; NaN where there is none.
    n, n_events : int
        Patients and events in the model.
    reason : str
        Why there is no estimate; empty where there is one.
    """

    estimate: float = math.nan
    lower: float = math.nan
    upper: float = math.nan
    n: int = 0
    n_events: int = 0
    reason: str = ""


def in_paper(finding: Finding, cohort: Cohort, *, level: float) -> InPaper:
    """Ask the paper's own Cox model, time-dependent events included, about these patients."""
    name = finding.analysis_variable or finding.variable
    try:
        table = analysis_table(cohort, cohort.study.analyses[finding.analysis], level=level)
    except AllsurvError as error:
        return InPaper(reason=str(error).splitlines()[0])
    terms = table[table["variable"] == name]
    is_number = name in cohort.study.variables and cohort.study.variable(name).is_number
    if not is_number and name in cohort.study.variables:
        terms = terms[terms["level"] == _level_text(finding.contrast.to)]
    if len(terms) != 1 or not math.isfinite(terms.iloc[0]["hazard_ratio"]):
        return InPaper(reason=f"no hazard ratio for '{name}' in this model")
    term = terms.iloc[0]
    power = 1.0
    if is_number:  # the table is per so many units as the analysis says
        scale = cohort.study.analyses[finding.analysis].scales.get(name)
        power = (finding.contrast.per or 1.0) / (scale.per if scale else 1.0)
    value, lower, upper = (float(term[c]) ** power for c in ("hazard_ratio", "lower", "upper"))
    return InPaper(value, lower, upper, n=_whole(term["n"]), n_events=_whole(term["n_events"]))


def standardised_published(patients: Patients) -> NDArray[np.float64]:
    """Factor by which standardising over these patients shrinks each published log hazard ratio."""
    factor = np.ones(len(patients.findings))
    equation = published_equation(patients.study, _endpoint(patients))
    if not {finding.variable for finding in equation} <= set(patients.X.columns):
        return factor
    try:
        model = make_model("published", patients.study).fit(patients.X, patients.y)
    except AllsurvError:
        return factor
    for k, finding in enumerate(patients.findings):
        log = math.log(finding.estimate)
        if finding in equation and log:
            variable = patients.study.variable(finding.variable)
            effect = standardised_effect(
                model, patients.X, variable, finding.contrast, patients.horizons
            )
            factor[k] = effect.average / log if math.isfinite(effect.average) else 1.0
    return factor


def _endpoint(patients: Patients) -> str | None:
    return patients.findings[0].endpoint if patients.findings else None


def _level_text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _whole(count: object) -> int:
    return 0 if pd.isna(count) else int(count)  # type: ignore[call-overload]


def study_unit(study: Study, finding: Finding) -> str:
    """Say per what a finding's hazard ratio is."""
    if finding.unit or finding.variable not in study.variables:
        return finding.unit
    return study.variable(finding.variable).unit

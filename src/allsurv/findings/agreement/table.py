"""The table of findings, row by row, from everything that was asked of the models."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from allsurv.cohort import Cohort
from allsurv.findings.agreement.importance import places
from allsurv.findings.agreement.protocol import in_paper, standardised_published, study_unit
from allsurv.findings.agreement.questions import Answers, Patients, Refits
from allsurv.findings.agreement.rows import COLUMNS, Said, finding_row, standardised
from allsurv.findings.agreement.shrinkage import Simulated
from allsurv.study.spec import Finding

__all__ = ["Asked", "findings_table"]

PROTOCOL = "published protocol"
IN_PAPER = "hazard ratio in the paper's model"
STANDARDISED = "average hazard ratio, standardised"


@dataclass(frozen=True, eq=False)
class Asked:
    """Everything that is computed before a row is written.

    Attributes
    ----------
    patients : Patients
        Who was asked about what.
    answers, refits : dict of str to Answers, and to Refits
        Of each model.
    simulated : Simulated or None
        Answers about simulated outcomes of known effect.
    """

    patients: Patients
    answers: dict[str, Answers] = field(default_factory=dict)
    refits: dict[str, Refits] = field(default_factory=dict)
    simulated: Simulated | None = None


def findings_table(
    models: Mapping[str, Any],
    cohort: Cohort,
    asked: Asked,
    *,
    endpoint: str,
    level: float,
    margin: float,
) -> pd.DataFrame:
    """Write a row for each finding and model, the paper's protocol first."""
    patients = asked.patients
    kept = dict(zip(patients.findings, standardised_published(patients), strict=True))
    rows = []
    for finding in cohort.study.findings.values():
        said = [_of_protocol(finding, cohort, level)]
        for name, model in models.items():
            reason = _unaskable(finding, model, cohort, endpoint)
            if reason:
                counts = len(patients.X), int(patients.y["event"].sum())
                said.append(Said(name, STANDARDISED, *counts, reason=reason))
                continue
            said.append(_of_model(name, model, finding, asked, level, kept[finding]))
        unit = study_unit(cohort.study, finding)
        rows += [
            finding_row(
                finding,
                unit,
                answer,
                level=level,
                margin=margin,
                is_synthetic=cohort.source.is_synthetic,
            )
            for answer in said
        ]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _of_protocol(finding: Finding, cohort: Cohort, level: float) -> Said:
    found = in_paper(finding, cohort, level=level)
    return Said(
        PROTOCOL,
        IN_PAPER,
        found.n,
        found.n_events,
        estimate=(found.estimate, found.lower, found.upper),
        reason=found.reason,
    )


def _unaskable(finding: Finding, model: Any, cohort: Cohort, endpoint: str) -> str:
    if finding.endpoint != endpoint:
        return f"the model predicts '{endpoint}', the finding is about '{finding.endpoint}'"
    if finding.variable not in cohort.study.variables:
        return f"'{finding.variable}' happens after baseline; the model knows baseline only"
    if finding.variable not in set(model.feature_names_in_):
        return f"'{finding.variable}' is not a predictor of this model"
    return ""


def _of_model(
    name: str,
    model: Any,
    finding: Finding,
    asked: Asked,
    level: float,
    attenuation: float,
) -> Said:
    k = asked.patients.findings.index(finding)
    refits = asked.refits[name]
    log = float(asked.answers[name].average[k])
    made = asked.simulated
    found = None if made is None else made.calibrated(name, k, log, level=level)
    return standardised(
        Said(
            name,
            STANDARDISED,
            len(asked.patients.X),
            int(asked.patients.y["event"].sum()),
            n_bootstrap=len(refits.average),
            n_failed=refits.n_failed,
            failures=refits.reasons,
            attenuation=attenuation,
            ranks=places(finding.variable, model, asked.answers[name], refits, level),
        ),
        log,
        refits.average[:, k] if len(refits.average) else np.empty(0),
        found,
        level=level,
    )

"""Missing values against what the study file says of them, before anything is computed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from allsurv.cohort.table import Cohort
from allsurv.dictionary.filters import matches
from allsurv.dictionary.values import rows_of
from allsurv.errors import CohortError, Violation
from allsurv.study.spec import Analysis, Missing

__all__ = ["check_missing", "complete_cases"]


def complete_cases(cohort: Cohort, predictors: Sequence[str]) -> Cohort:
    """Keep patients in whom every predictor is known; a marker not tested is known to be that."""
    return cohort.known(_needed(cohort, predictors))


def check_missing(
    cohort: Cohort, *, predictors: Sequence[str], endpoint: str, missing: Missing
) -> None:
    """Refuse missing values that the study, its analyses or the prediction cannot handle.

    Parameters
    ----------
    cohort : Cohort
        Patients.
    predictors : sequence of str
        Variables of prognostic models.
    endpoint : str
        What is predicted.
    missing : {"impute", "level", "complete cases", "refuse"}
        What prognostic models do with missing values.

    Raises
    ------
    CohortError
        With every fault, by variable and row.
    """
    eligible = cohort.study.endpoint(endpoint).population
    faults = list(_prediction_faults(cohort, predictors, matches(cohort.frame, eligible), missing))
    for analysis in cohort.study.analyses.values():
        faults += _analysis_faults(cohort, analysis)
    if faults:
        raise CohortError(cohort.source.name, cohort.study.name, faults)


def _prediction_faults(
    cohort: Cohort, predictors: Sequence[str], eligible: np.ndarray, missing: Missing
) -> Iterator[Violation]:
    names = _needed(cohort, predictors)
    lacking = cohort.frame[names].isna().to_numpy() & eligible[:, None]
    for name, absent in zip(names, lacking.T, strict=True):
        if absent.sum() == eligible.sum():
            yield Violation(name, "has no value in any patient; leave it out of the predictors.")
        elif missing == "refuse" and absent.any():
            yield Violation(name, _REFUSED.format("the prediction"), rows_of(absent))
    if missing == "complete cases" and not (eligible & ~lacking.any(axis=1)).any():
        yield Violation(", ".join(names), "no patient has values of all predictors; impute them.")


_REFUSED = (
    "missing, which {} refuses; allowed are the other ways of 'missing' in the study file: "
    "complete cases, impute, level."
)


def _analysis_faults(cohort: Cohort, analysis: Analysis) -> Iterator[Violation]:
    study, frame = cohort.study, cohort.frame
    population = {**study.endpoint(analysis.endpoint).population, **analysis.population}
    if not {*analysis.columns, *population} <= set(frame.columns):
        return
    asked = matches(frame, study.endpoint(analysis.endpoint).population)
    asked &= matches(frame, analysis.population)
    what = f"analysis '{analysis.name}'"
    for name in analysis.columns:
        absent = frame[name].isna().to_numpy() & asked
        if not absent.any():
            continue
        if absent.sum() == asked.sum():
            yield Violation(name, f"has no value in any patient of {what}; leave it out.")
        elif analysis.missing == "refuse":
            yield Violation(name, _REFUSED.format(what), rows_of(absent))
        elif analysis.missing == "impute" and name in analysis.design:
            rule = f"missing, and as strata, cluster or weights of {what} not imputed; give it a "
            yield Violation(name, f"{rule}population in which it is known.", rows_of(absent))
        elif analysis.missing == "impute":
            barred = absent & ~matches(frame, study.variable(name).only_if)
            if barred.any():
                rule = f"not applicable, so that {what} cannot impute it; give it a population."
                yield Violation(name, rule, rows_of(barred))


def _needed(cohort: Cohort, predictors: Sequence[str]) -> list[str]:
    study = cohort.study
    return [
        name
        for name in predictors
        if study.variable(name).kind != "marker" and name in cohort.frame.columns
    ]

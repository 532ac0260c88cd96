"""A Cox analysis answered: one fit, or fits of completed cohorts pooled."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd

from allsurv.cohort import Cohort
from allsurv.describe.cox.fits import CohortFit, check_missing
from allsurv.describe.cox.imputed import impute_missing
from allsurv.describe.cox.pooled import PooledFit, pool_fits
from allsurv.describe.cox.scales import Scales, fix_scales
from allsurv.describe.cox.terms import check_columns_present
from allsurv.describe.needed import only_needed
from allsurv.errors import ModelError
from allsurv.study.evidence import Analysis, Missing

__all__ = ["Handling", "answer"]

FitOne = Callable[[Cohort, Missing, Scales | None], CohortFit]


@dataclass(frozen=True)
class Handling:
    """What is done with missing values.

    Attributes
    ----------
    missing : str
        One of the words of the study file.
    n_imputations : int or None
        Where values are imputed; as the share of incomplete patients asks for where ``None``.
    random_state : int
        Seed of the imputations.
    """

    missing: Missing = "complete cases"
    n_imputations: int | None = None
    random_state: int = 0


def answer(
    cohort: Cohort,
    analysis: Analysis,
    where: str,
    fit_one: FitOne,
    handling: Handling,
    level: float,
) -> CohortFit | PooledFit:
    """Fit as missing values are to be handled; where nothing is missing all ways are one."""
    check_missing(handling.missing, where)
    if handling.missing != "impute":
        return fit_one(cohort, handling.missing, None)
    endpoint, events = analysis.endpoint, analysis.time_dependent
    check_columns_present(cohort, analysis.columns, where)
    patients = only_needed(cohort, endpoint, analysis.columns, events).eligible(endpoint)
    lacking = patients.frame[list(analysis.columns)].isna().any()
    incomplete = [name for name in analysis.variables if lacking[name]]
    _check_design_known(analysis, lacking, where)
    if not incomplete:
        return fit_one(patients, "refuse", None)
    if analysis.design and analysis.interactions:
        raise ModelError(
            f"{where}: with strata, cluster or weights, values that agree with the products of the "
            "analysis cannot be imputed; choose missing: complete cases."
        )
    completed = impute_missing(
        patients,
        endpoint,
        tuple(dict.fromkeys((*analysis.variables, *analysis.strata))),
        time_dependent=events,
        interactions=analysis.interactions,
        scales=analysis.scales,
        n_imputations=handling.n_imputations,
        random_state=handling.random_state,
    )
    scales = fix_scales(patients, analysis.scales, where)
    return pool_fits(
        completed, lambda one: fit_one(one, "refuse", scales), incomplete=incomplete, level=level
    )


def _check_design_known(analysis: Analysis, lacking: pd.Series, where: str) -> None:
    absent = [name for name in analysis.design if lacking[name]]
    if absent:
        raise ModelError(
            f"{where}: '{absent[0]}' (strata, cluster or weights) is missing in some patients and "
            "is not imputed; give the analysis a population in which it is known."
        )

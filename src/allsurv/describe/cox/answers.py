"""A Cox analysis answered: one fit, or fits of completed cohorts pooled."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from allsurv.cohort import Cohort
from allsurv.describe.cox.fits import CohortFit, check_missing
from allsurv.describe.cox.imputed import impute_missing
from allsurv.describe.cox.pooled import PooledFit, pool_fits
from allsurv.describe.cox.terms import check_columns_present
from allsurv.describe.needed import only_needed
from allsurv.study.evidence import Missing

__all__ = ["Handling", "answer"]

FitOne = Callable[[Cohort, Missing], CohortFit]


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
    endpoint: str,
    variables: Sequence[str],
    events: Sequence[str],
    where: str,
    fit_one: FitOne,
    handling: Handling,
    level: float,
    interactions: Sequence[tuple[str, str]] = (),
) -> CohortFit | PooledFit:
    """Fit as missing values are to be handled; where nothing is missing all ways are one."""
    check_missing(handling.missing, where)
    if handling.missing != "impute":
        return fit_one(cohort, handling.missing)
    check_columns_present(cohort, variables, where)
    patients = only_needed(cohort, endpoint, variables, events).eligible(endpoint)
    lacking = patients.frame[list(variables)].isna().any()
    incomplete = [name for name in variables if lacking[name]]
    if not incomplete:
        return fit_one(patients, "refuse")
    completed = impute_missing(
        patients,
        endpoint,
        variables,
        time_dependent=events,
        interactions=interactions,
        n_imputations=handling.n_imputations,
        random_state=handling.random_state,
    )
    return pool_fits(
        completed, lambda one: fit_one(one, "refuse"), incomplete=incomplete, level=level
    )

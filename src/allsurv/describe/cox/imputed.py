"""Untested markers multiply imputed for a Cox analysis."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from allsurv.cohort import Cohort
from allsurv.cohort.groups import check_known_at_origin
from allsurv.describe.cox.pooled import pooled_cox_table
from allsurv.describe.cox.terms import variable_terms
from allsurv.errors import ModelError
from allsurv.stats.curves import nonparametric
from allsurv.stats.missing.chained import impute_binary

__all__ = ["impute_markers", "imputed_cox_table", "n_imputations_for"]

Floats = NDArray[np.float64]
FEWEST = 5


def n_imputations_for(share_incomplete: float) -> int:
    """Say how many imputations a share of incomplete patients asks for.

    Notes
    -----
    The rule of White, Royston and Wood [1]_, with the share of incomplete patients as an upper
    bound of the fraction of missing information.

    References
    ----------
    .. [1] White IR, Royston P, Wood AM. Stat Med. 2011;30(4):377-399. doi:10.1002/sim.4067

    Examples
    --------
    >>> n_imputations_for(0.545), n_imputations_for(0.01)
    (55, 5)
    """
    return max(FEWEST, math.ceil(round(100 * share_incomplete, 6)))


def impute_markers(
    cohort: Cohort,
    endpoint: str,
    variables: Sequence[str],
    *,
    time_dependent: Sequence[str] = (),
    n_imputations: int | None = None,
    random_state: int = 0,
) -> tuple[Cohort, ...]:
    """Complete the missing yes/no values of a cohort several times.

    Parameters
    ----------
    cohort : Cohort
        Patients of the endpoint's population.
    endpoint : str
        Name of an endpoint of the study.
    variables : sequence of str
        Variables of the analysis; those with missing values must be yes/no.
    time_dependent : sequence of str, default=()
        Events of the analysis: whether each ever happened helps to impute.
    n_imputations : int, optional
        As :func:`n_imputations_for` says where not given.
    random_state : int, default=0
        Seed.

    Returns
    -------
    tuple of Cohort
        Completed cohorts; values derived from completed ones are not derived anew.

    Raises
    ------
    ModelError
        If another kind of variable is missing, or nothing is.

    Notes
    -----
    Imputed from all other variables, the event indicator and the Nelson-Aalen cumulative hazard at
    each patient's time [1]_, by chained logistic regressions
    (:mod:`allsurv.stats.missing.chained`).

    References
    ----------
    .. [1] White IR, Royston P. Stat Med. 2009;28(15):1982-1998. doi:10.1002/sim.3618
    """
    incomplete, design = _imputation_design(cohort, endpoint, variables, time_dependent)
    values = cohort.frame[incomplete].to_numpy(dtype=float, na_value=np.nan)
    share = float(np.isnan(values).any(axis=1).mean())
    m = n_imputations_for(share) if n_imputations is None else n_imputations
    drawn = impute_binary(values, design, n_imputations=m, random_state=random_state)
    return tuple(_completed(cohort, incomplete, one) for one in drawn)


def imputed_cox_table(
    cohort: Cohort,
    endpoint: str,
    variables: Sequence[str],
    *,
    time_dependent: Sequence[str] = (),
    n_imputations: int | None = None,
    random_state: int = 0,
    level: float = 0.95,
) -> pd.DataFrame:
    """Hazard ratios of a multivariable Cox model, untested markers multiply imputed.

    Parameters
    ----------
    cohort : Cohort
        The patients; those outside the endpoint's population are not part of the question.
    endpoint : str
        Name of an endpoint of the study.
    variables : sequence of str
        Variables known at baseline; those with missing values must be yes/no.
    time_dependent : sequence of str, default=()
        Events of the study that switch on during follow-up.
    n_imputations : int, optional
        As :func:`n_imputations_for` says where not given.
    random_state : int, default=0
        Seed of the imputations.
    level : float, default=0.95
        Confidence level, in (0, 1).

    Returns
    -------
    DataFrame
        Columns as of :func:`allsurv.describe.cox_table`, ``z`` being Rubin's t statistic, and
        ``n_imputations`` and ``missing_information``, the share of a coefficient's information
        that is missing.

    Raises
    ------
    ModelError
        As :func:`allsurv.describe.cox_table` and :func:`impute_markers`.

    Notes
    -----
    Pooled by Rubin's rules with the degrees of freedom of Barnard and Rubin, events less
    coefficients for complete data. Checked against R ``survival::coxph`` and ``mice::pool.scalar``.
    """
    check_known_at_origin(cohort.study, tuple(variables), "imputed_cox_table")
    completed = impute_markers(
        cohort.eligible(endpoint),
        endpoint,
        variables,
        time_dependent=time_dependent,
        n_imputations=n_imputations,
        random_state=random_state,
    )
    return pooled_cox_table(
        completed, endpoint, variables, time_dependent=time_dependent, level=level
    )


def _imputation_design(
    cohort: Cohort, endpoint: str, variables: Sequence[str], time_dependent: Sequence[str]
) -> tuple[list[str], Floats]:
    study = cohort.study
    lacking = cohort.frame.reindex(columns=list(variables)).isna().any()
    incomplete = [name for name in variables if lacking[name]]
    others = [name for name in incomplete if not study.variable(name).is_yes_no]
    if others or not incomplete:
        found = f"'{others[0]}' has missing values" if others else "nothing is missing"
        raise ModelError(
            f"impute_markers: {found}; yes/no variables with missing values can be imputed. "
            "Complete the data, or use cox_table."
        )
    complete = [name for name in variables if not lacking[name]]
    y = cohort.y(endpoint)
    hazard = nonparametric.nelson_aalen(y["time"], y["event"]).at(y["time"])
    columns = [
        term.values
        for name in complete
        for term in variable_terms(cohort.frame, study.variable(name), "impute_markers")
    ]
    columns += [y["event"].astype(float), hazard]
    columns += [np.isfinite(cohort.event_times(event)).astype(float) for event in time_dependent]
    design = np.column_stack(columns)
    varying = design[:, design.std(axis=0) > 0]
    return incomplete, (varying - varying.mean(axis=0)) / varying.std(axis=0)


def _completed(cohort: Cohort, names: Sequence[str], values: Floats) -> Cohort:
    frame = cohort.frame.copy()
    for name, column in zip(names, values.T, strict=True):
        frame[name] = pd.array(column == 1, dtype="boolean")
    return Cohort(cohort.study, frame, cohort.source)

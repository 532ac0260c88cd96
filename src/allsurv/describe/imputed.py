"""Cox analyses of cohorts with untested markers: multiple imputation, pooled by Rubin's rules."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from allsurv.cohort import Cohort
from allsurv.describe.cox_fits import IMPUTED
from allsurv.describe.cox_rows import COX_COLUMNS
from allsurv.describe.groups import check_known_at_origin, tidy
from allsurv.describe.terms import Term, event_terms, variable_terms
from allsurv.errors import ModelError
from allsurv.stats import nonparametric
from allsurv.stats.chained import impute_binary
from allsurv.stats.cox import CoxFit, fit_cox
from allsurv.stats.pooling import PooledCoefficients, pool_coefficients

__all__ = ["impute_markers", "imputed_cox_table", "n_imputations_for"]

Floats = NDArray[np.float64]
FEWEST = 5


def n_imputations_for(share_incomplete: float) -> int:
    """Say how many imputations a share of incomplete patients asks for.

    Parameters
    ----------
    share_incomplete : float
        Patients with a missing value, as a share of all, in [0, 1].

    Returns
    -------
    int
        One per hundredth of incomplete patients, at least 5.

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
    each patient's time [1]_, by chained logistic regressions (:mod:`allsurv.stats.chained`).

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
    coefficients for complete data. Vouched for by R ``mice`` and ``survival::coxph``.
    """
    where = "imputed_cox_table"
    check_known_at_origin(cohort.study, tuple(variables), where)
    patients = cohort.eligible(endpoint)
    completed = impute_markers(
        patients,
        endpoint,
        variables,
        time_dependent=time_dependent,
        n_imputations=n_imputations,
        random_state=random_state,
    )
    model = _Model.of(patients, endpoint, time_dependent)
    fits = []
    for one in completed:
        terms = [
            term
            for v in variables
            for term in variable_terms(one.frame, one.study.variable(v), where)
        ]
        fits.append(model.fit(terms, level))
    pooled = pool_coefficients(
        [fit.coef for fit in fits],
        [fit.covariance for fit in fits],
        df_complete=max(fits[0].n_events - fits[0].coef.size, 1),
        level=level,
    )
    rows = list(_rows(patients, [*terms, *model.events], fits[0], pooled))
    return tidy(rows, (*COX_COLUMNS, "n_imputations", "missing_information"), cohort)


@dataclass(frozen=True, eq=False)
class _Model:
    """Rows of the analysis, the same in every imputation."""

    patient: NDArray[np.intp]
    start: Floats | None
    time: Floats
    event: NDArray[np.bool_]
    events: list[Term]

    @classmethod
    def of(cls, cohort: Cohort, endpoint: str, time_dependent: Sequence[str]) -> _Model:
        if not time_dependent:
            y = cohort.y(endpoint)
            return cls(np.arange(cohort.n), None, y["time"], y["event"], [])
        rows = cohort.intervals(endpoint, list(time_dependent))
        events = event_terms(cohort, time_dependent, rows.X)
        return cls(rows.patient, rows.start, rows.stop, rows.event, events)

    def fit(self, terms: Sequence[Term], level: float) -> CoxFit:
        baseline = [term.values[self.patient] for term in terms]
        X = np.column_stack([*baseline, *(term.values for term in self.events)])
        names = [term.name for term in (*terms, *self.events)]
        return fit_cox(self.time, self.event, X, start=self.start, level=level, names=names)


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


def _rows(
    cohort: Cohort, terms: Sequence[Term], fit: CoxFit, pooled: PooledCoefficients
) -> Iterator[dict[str, object]]:
    for at, term in enumerate(terms):
        yield {
            "analysis": "",
            "analysis_label": "",
            "variable": term.variable,
            "level": term.level,
            "term": term.name,
            "label": term.label,
            "unit": term.unit,
            "coef": float(pooled.coef[at]),
            "std_error": float(pooled.std_error[at]),
            "hazard_ratio": math.exp(pooled.coef[at]),
            "lower": math.exp(pooled.lower[at]),
            "upper": math.exp(pooled.upper[at]),
            "z": float(pooled.statistic[at]),
            "p_value": float(pooled.p_value[at]),
            "n": cohort.n,
            "n_rows": fit.n,
            "n_events": fit.n_events,
            "n_left_out": 0,
            "method": IMPUTED,
            "note": "",
            "n_imputations": pooled.n_imputations,
            "missing_information": float(pooled.missing_information[at]),
        }

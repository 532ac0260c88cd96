"""Cox models of completed cohorts, pooled by Rubin's rules."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from allsurv.cohort import Cohort
from allsurv.cohort.groups import check_known_at_origin, tidy
from allsurv.describe.cox.fits import IMPUTED
from allsurv.describe.cox.rows import COX_COLUMNS
from allsurv.describe.cox.terms import Term, event_terms, variable_terms
from allsurv.stats.cox.fit import CoxFit, fit_cox
from allsurv.stats.missing.pooling import PooledCoefficients, pool_coefficients

__all__ = ["pooled_cox_table"]

Floats = NDArray[np.float64]


def pooled_cox_table(
    completed: Sequence[Cohort],
    endpoint: str,
    variables: Sequence[str],
    *,
    time_dependent: Sequence[str] = (),
    level: float = 0.95,
) -> pd.DataFrame:
    """Hazard ratios pooled over completed cohorts of the same patients.

    Parameters
    ----------
    completed : sequence of Cohort
        From :func:`impute_missing`, or completed otherwise; at least two.
    endpoint : str
        Name of an endpoint of the study.
    variables : sequence of str
        Variables known at baseline.
    time_dependent : sequence of str, default=()
        Events of the study that switch on during follow-up.
    level : float, default=0.95
        Confidence level, in (0, 1).

    Returns
    -------
    DataFrame
        Columns as of :func:`imputed_cox_table`.

    Raises
    ------
    ModelError
        If a variable is not known at baseline (immortal time), or a model cannot be fitted.

    Notes
    -----
    Checked against R ``survival::coxph`` and ``mice::pool.scalar``.
    """
    where = "pooled_cox_table"
    first = completed[0]
    check_known_at_origin(first.study, tuple(variables), where)
    lines = [first.study.variable(name) for name in variables]
    model = _Model.of(first, endpoint, time_dependent)
    fits = []
    for one in completed:
        terms = [term for line in lines for term in variable_terms(one.frame, line, where)]
        fits.append(model.fit(terms, level))
    pooled = pool_coefficients(
        [fit.coef for fit in fits],
        [fit.covariance for fit in fits],
        df_complete=max(fits[0].n_events - fits[0].coef.size, 1),
        level=level,
    )
    rows = list(_rows(first, [*terms, *model.events], fits[0], pooled))
    return tidy(rows, (*COX_COLUMNS, "n_imputations", "missing_information"), first)


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

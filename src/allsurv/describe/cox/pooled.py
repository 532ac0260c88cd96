"""Cox models of completed cohorts, pooled by Rubin's rules."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd

from allsurv.cohort import Cohort
from allsurv.cohort.groups import check_known_at_origin
from allsurv.describe.cox.fits import IMPUTED, ORDINARY, CohortFit, fit_analysis
from allsurv.describe.cox.rows import cohort_rows, cox_rows
from allsurv.errors import ModelError
from allsurv.stats.cox.zph import ProportionalHazardsTest
from allsurv.stats.missing.pooled_tests import pool_chi_squared, pool_wald
from allsurv.stats.missing.pooling import PooledCoefficients, pool_coefficients
from allsurv.study.spec import Analysis

__all__ = ["PooledFit", "pool_fits", "pooled_cox_table", "pooled_rows"]

WERE_IMPUTED = "missing values imputed {} times, pooled by Rubin's rules"


@dataclass(frozen=True, eq=False)
class PooledFit:
    """The same Cox model fitted to several completed cohorts."""

    fits: tuple[CohortFit, ...]
    pooled: PooledCoefficients
    incomplete: frozenset[str]
    """Variables that differ between the completed cohorts, whose levels have no one count."""

    @property
    def columns(self) -> dict[str, list[int]]:
        """Positions of the coefficients of each variable."""
        return self.first.columns()

    @property
    def first(self) -> CohortFit:
        """The fit of the first completed cohort."""
        return self.fits[0]

    def p_values(self, *, curved: bool = False) -> dict[str, float]:
        """Test all coefficients of each variable, or those of its curve, at once (D1)."""
        coef = np.array([one.fit.coef for one in self.fits])
        covariance = np.array([one.covariance for one in self.fits])
        return {
            name: pool_wald(coef[:, at], covariance[np.ix_(range(len(coef)), at, at)]).p_value
            for name, at in self.first.columns(curved=curved).items()
        }

    def proportional(self) -> dict[str, tuple[float, str]]:
        """Test proportional hazards of each variable (D2), or say why that cannot be."""
        tests = [one.proportional_hazards() for one in self.fits]
        return {name: _pooled_test(tests, name) for name in self.columns}


def pool_fits(
    completed: Sequence[Cohort],
    fit_one: Callable[[Cohort], CohortFit],
    *,
    incomplete: Sequence[str],
    level: float,
) -> PooledFit:
    """Fit one model to each completed cohort and pool the fits."""
    fits = tuple(fit_one(one) for one in completed)
    if len({one.fit.names for one in fits}) > 1:
        raise ModelError(
            "multiple imputation: a term that somebody has in one completed cohort nobody has in "
            "another, so that they cannot be pooled; merge rare levels or leave out the product."
        )
    pooled = pool_coefficients(
        [one.fit.coef for one in fits],
        [one.covariance for one in fits],
        df_complete=max(fits[0].fit.n_events - len(fits[0].fit.names), 1),
        level=level,
    )
    return PooledFit(fits, pooled, frozenset(incomplete))


def pooled_rows(
    fitted: PooledFit, analysis: Analysis | None = None, *, note: str = ""
) -> list[dict[str, object]]:
    """Make the rows of a pooled Cox table."""
    pooled, first = fitted.pooled, fitted.fits[0]
    place = {name: k for k, name in enumerate(first.fit.names)}
    tests, curves = fitted.p_values(), fitted.p_values(curved=True)
    proportional = fitted.proportional()
    said = "; ".join(filter(None, (note, WERE_IMPUTED.format(pooled.n_imputations))))
    method = IMPUTED if first.method == ORDINARY else f"{IMPUTED}, {first.method}"
    rows = []
    for row in cox_rows(first, analysis, note=said, proportional=proportional):
        row |= {"n_imputations": pooled.n_imputations, "method": method}
        if row["variable"] in fitted.incomplete:
            row |= {"n_level": None, "n_level_events": None}
        at = place.get(str(row["term"]))
        if at is not None:
            name = str(row["variable"])
            row |= _numbers(pooled, at) | {"variable_p_value": tests[name]}
            row |= {"nonlinear_p_value": curves[name]} if name in curves else {}
        rows.append(row)
    return rows


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
        Columns as of :func:`allsurv.describe.cox_table`, ``z`` being Rubin's t statistic, and
        ``variable_p_value`` (D1, all coefficients of the variable), ``n_imputations`` and
        ``missing_information``, the share of a coefficient's information that is missing.
        ``ph_p_value`` pools the tests of proportional hazards (D2).

    Raises
    ------
    ModelError
        If a variable is not known at baseline (immortal time), or a model cannot be fitted.

    Notes
    -----
    Pooled with the degrees of freedom of Barnard and Rubin, events less coefficients for complete
    data. Checked against R ``survival::coxph`` and ``mice::pool.scalar``.
    """
    where = "pooled_cox_table"
    first = completed[0]
    check_known_at_origin(first.study, tuple(variables), where)
    asked = Analysis("", "", endpoint, tuple(variables), time_dependent=tuple(time_dependent))
    fit_one = partial(fit_analysis, analysis=asked, where=where, level=level, missing="refuse")
    differ = [
        name
        for name in variables
        if any(not one.frame[name].equals(first.frame[name]) for one in completed)
    ]
    fitted = pool_fits(completed, fit_one, incomplete=differ, level=level)
    return cohort_rows(first, pooled_rows(fitted, asked))


def _numbers(pooled: PooledCoefficients, at: int) -> dict[str, float]:
    return {
        "coef": float(pooled.coef[at]),
        "std_error": float(pooled.std_error[at]),
        "hazard_ratio": math.exp(pooled.coef[at]),
        "lower": math.exp(pooled.lower[at]),
        "upper": math.exp(pooled.upper[at]),
        "z": float(pooled.statistic[at]),
        "p_value": float(pooled.p_value[at]),
        "missing_information": float(pooled.missing_information[at]),
    }


def _pooled_test(tests: Sequence[ProportionalHazardsTest], name: str) -> tuple[float, str]:
    at = tests[0].names.index(name)
    reason = next((test.reasons[at] for test in tests if test.reasons[at]), "")
    if reason:
        return math.nan, reason
    return pool_chi_squared(
        [test.statistic[at] for test in tests], int(tests[0].df[at])
    ).p_value, ""

"""Rows of a Cox table: one per term of a fit, in clinical units."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from allsurv.cohort import Cohort
from allsurv.cohort.groups import tidy
from allsurv.describe.cox.fits import CohortFit
from allsurv.describe.cox.terms import Term
from allsurv.study.spec import Analysis

__all__ = ["COX_COLUMNS", "cohort_rows", "cox_rows"]

COX_COLUMNS = (
    "analysis",
    "analysis_label",
    "variable",
    "level",
    "term",
    "label",
    "unit",
    "coef",
    "std_error",
    "hazard_ratio",
    "lower",
    "upper",
    "z",
    "p_value",
    "ph_p_value",
    "n",
    "n_rows",
    "n_events",
    "n_left_out",
    "n_level",
    "n_level_events",
    "method",
    "note",
)
CURVE_COLUMNS = ("variable_p_value", "nonlinear_p_value")
POOLED_COLUMNS = ("variable_p_value", "n_imputations", "missing_information")
NUMBERS = ("coef", "std_error", "hazard_ratio", "lower", "upper", "z", "p_value")
NOBODY = "no patient has this level"
CURVED = "restricted cubic spline; hazard ratio of the upper against the lower quartile"


def cox_rows(
    fitted: CohortFit,
    analysis: Analysis | None = None,
    *,
    note: str = "",
    proportional: Mapping[str, tuple[float, str]] | None = None,
) -> list[dict[str, object]]:
    """Make the rows of a Cox table; tests of proportional hazards its own unless given."""
    fit = fitted.fit
    if proportional is None:
        proportional = _proportional(fitted)
    note = "; ".join(filter(None, (note, fitted.left_out_note)))
    position = {term: index for index, term in enumerate(fit.names)}
    curves = fitted.p_values(curved=True)
    tests = fitted.p_values() if curves else {}
    rows = []
    for term in (term for term in fitted.terms if not term.curved):
        at = position.get(term.name)
        row: dict[str, object] = {
            "analysis": analysis.name if analysis else "",
            "analysis_label": analysis.label if analysis else "",
            "variable": term.variable,
            "level": term.level,
            "term": term.name,
            "label": term.label,
            "unit": term.unit,
            "n": fitted.cohort.n,
            "n_rows": fit.n,
            "n_events": fit.n_events,
            "n_left_out": fitted.n_left_out,
            "method": fitted.method,
            "note": f"{NOBODY if at is None else ''} {note}".strip(),
        }
        if term.level:
            row |= _level_counts(fitted, term)
        if at is not None:
            row |= {number: float(getattr(fit, number)[at]) for number in NUMBERS}
            row["ph_p_value"], reason = proportional[term.variable]
            if reason:
                untested = f"proportional hazards cannot be tested: {reason}"
                row["note"] = "; ".join(filter(None, (str(row["note"]), untested)))
            if curves:
                row |= {"variable_p_value": tests[term.variable]}
            if term.variable in curves:
                row |= {"nonlinear_p_value": curves[term.variable]}
                row["note"] = "; ".join(filter(None, (str(row["note"]), CURVED)))
        rows.append(row)
    return rows


def cohort_rows(cohort: Cohort, rows: list[dict[str, object]]) -> pd.DataFrame:
    """Make a Cox table that carries its source; of pooled fits with what imputation adds."""
    more = [
        *(CURVE_COLUMNS if any("nonlinear_p_value" in row for row in rows) else ()),
        *(POOLED_COLUMNS if any("n_imputations" in row for row in rows) else ()),
    ]
    table = tidy(rows, tuple(dict.fromkeys((*COX_COLUMNS, *more))), cohort)
    counts = ["n_level", "n_level_events"]
    table[counts] = table[counts].astype("Int64")
    return table


def _level_counts(fitted: CohortFit, term: Term) -> dict[str, object]:
    has = term.values > 0
    return {
        "n_level": np.unique(fitted.patient[has]).size,
        "n_level_events": int(fitted.fit.likelihood.data.event[has].sum()),
    }


def _proportional(fitted: CohortFit) -> dict[str, tuple[float, str]]:
    test = fitted.proportional_hazards()
    answers = zip(map(float, test.p_value), test.reasons, strict=True)
    return dict(zip(test.names, answers, strict=True))

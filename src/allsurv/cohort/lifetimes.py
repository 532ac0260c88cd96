"""Follow-up that no human life has: days taken for months, or a date for a duration."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from allsurv.dictionary.units import UNITS, unit_ratio
from allsurv.dictionary.values import rows_of
from allsurv.dictionary.variable import Variable
from allsurv.errors import Violation
from allsurv.study.spec import Study

__all__ = ["check_lifetimes"]

_LONGEST_LIFE = 120.0
"""Years; the longest documented life had 122."""

_LONGEST_FOLLOW_UP = 60.0
"""Years beyond which a study must name a ``maximum`` for its follow-up to be believed."""


def check_lifetimes(clean: pd.DataFrame, study: Study) -> tuple[Violation, ...]:
    """Find follow-up beyond 60 years without a stated maximum, and beyond any life."""
    violations = []
    ages = _ages(clean, study)
    # With delayed entry the clock may be a patient's age: follow-up begins at entry.
    clocks = {endpoint.time for endpoint in study.endpoints.values() if endpoint.entry}
    for name in dict.fromkeys(endpoint.time for endpoint in study.endpoints.values()):
        variable = study.variables[name]
        if name not in clean or variable.unit not in UNITS:
            continue
        years = clean[name].to_numpy(dtype=float) * unit_ratio(variable.unit, "years")
        beyond = years > _LONGEST_LIFE
        if ages is not None and name not in clocks:
            beyond |= ages + years > _LONGEST_LIFE
        long = ~beyond & (years > _LONGEST_FOLLOW_UP)
        violations += _faults(variable, beyond, "no human life is so long", "")
        if variable.maximum is None and name not in clocks and not beyond.any():
            remedy = " If they are right, give the longest as 'maximum' in the study file."
            violations += _faults(variable, long, "more than 60 years of follow-up", remedy)
    return tuple(violations)


def _ages(clean: pd.DataFrame, study: Study) -> NDArray[np.float64] | None:
    """Take the age at baseline, in years, where the study has one."""
    for variable in study.variables.values():
        is_age = variable.name == "age" or variable.label.lower().split(" ")[0].strip(",") == "age"
        fits = variable.is_number and variable.unit == "years" and variable.known == "baseline"
        if is_age and fits and variable.name in clean:
            ages = clean[variable.name].to_numpy(dtype=float)
            return np.where((ages > 0) & (ages < _LONGEST_LIFE), ages, 0.0)
    return None


def _faults(variable: Variable, rows: NDArray[np.bool_], what: str, remedy: str) -> list[Violation]:
    if not rows.any():
        return []
    read = variable.column_unit or variable.unit
    doubt = "Are they dates?" if read == "days" else "Are they days, or dates? See 'column_unit'."
    says = f"cannot be {read}: {what}. {doubt}"
    return [Violation(variable.column, says + remedy, rows_of(rows))]

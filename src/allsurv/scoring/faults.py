"""Reasons for which single patients could not be scored."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from allsurv.errors import AllsurvError, CohortError, Violation

__all__ = ["reasons_of", "rule_without_value", "without_values"]

_ONE = {
    "are not numbers": "is not a number",
    "are not whole numbers": "is not a whole number",
    "have a value": "has a value",
    "are ": "is ",
    "have ": "has ",
}


def reasons_of(faults: Sequence[Violation], n_rows: int) -> NDArray[np.object_]:
    """Say for each patient what is wrong.

    Examples
    --------
    >>> fault = Violation("age", "are out of range; allowed 15 to 100.", (1, 3))
    >>> reasons_of([fault], 3).tolist()
    ['age: is out of range; allowed 15 to 100.', '', 'age: is out of range; allowed 15 to 100.']
    """
    reasons = np.full(n_rows, "", dtype=object)
    for fault in faults:
        text = f"{fault.column}: {_about_one(fault.rule)}"
        for row in fault.rows:
            reasons[row - 1] = f"{reasons[row - 1]} {text}".strip()
    return reasons


def without_values(error: AllsurvError) -> str:
    """Say what is wrong without repeating what a patient's cell holds.

    Examples
    --------
    >>> fault = Violation("sex", "is 'femal'; allowed male, female. Did you mean 'female'?", (2,))
    >>> print(without_values(CohortError("the table", "rr-all", [fault])))
    the table breaks 1 rule of study 'rr-all':
      sex: 1 row (2) is not allowed; allowed male, female.
    """
    if not isinstance(error, CohortError):
        return str(error)
    plain = [Violation(v.column, rule_without_value(v.rule), v.rows) for v in error.violations]
    return str(CohortError(error.where, error.study, plain))


def rule_without_value(rule: str) -> str:
    """Take a quoted value out of a rule.

    Examples
    --------
    >>> rule_without_value("is 140; allowed 15 to 100. Looks 10 times too large; is the unit %?")
    'is not allowed; allowed 15 to 100. Looks 10 times too large; is the unit %?'
    """
    rule = re.sub(r"^(is|are) ('.*'|[-+.\deE]+);", r"\1 not allowed;", rule, flags=re.DOTALL)
    return re.sub(r" Did you mean '.*'\?", "", rule)


def _about_one(rule: str) -> str:
    for many, one in _ONE.items():
        if rule.startswith(many):
            return one + rule[len(many) :]
    return rule

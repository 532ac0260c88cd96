"""Reasons for which single patients could not be scored."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from allsurv.errors import Violation

__all__ = ["reasons_of"]

_ONE = {
    "are not numbers": "is not a number",
    "are not whole numbers": "is not a whole number",
    "have a value": "has a value",
    "are ": "is ",
    "have ": "has ",
}


def reasons_of(faults: Sequence[Violation], n_rows: int) -> NDArray[np.object_]:
    """Say for each patient what is wrong.

    Parameters
    ----------
    faults : sequence of Violation
        Each with the rows it concerns.
    n_rows : int
        Number of patients.

    Returns
    -------
    ndarray of str of shape (n_rows,)
        Reasons one after the other; empty where nothing is wrong.

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


def _about_one(rule: str) -> str:
    for many, one in _ONE.items():
        if rule.startswith(many):
            return one + rule[len(many) :]
    return rule

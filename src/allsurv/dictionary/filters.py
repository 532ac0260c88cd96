"""Filters of a study, asked of patients."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from allsurv.dictionary.variable import Filter, Scalar
from allsurv.errors import StudyError
from allsurv.nearest import did_you_mean

__all__ = ["matches"]


def matches(frame: pd.DataFrame, condition: Filter) -> NDArray[np.bool_]:
    """Tell which patients meet every part of a filter.

    Parameters
    ----------
    frame : DataFrame of shape (n_patients, n_variables)
        Canonical values, as in ``Cohort.frame``.
    condition : mapping
        Variable to the value, or the values, it may have; empty for everybody.

    Returns
    -------
    ndarray of bool of shape (n_patients,)
        A missing value never matches.

    Raises
    ------
    StudyError
        If a variable is not among the columns; the message suggests the near miss.

    Examples
    --------
    >>> frame = pd.DataFrame({"age": [34.0, 60.0], "sct": pd.array([True, None])})
    >>> matches(frame, {"sct": True}).tolist()
    [True, False]
    """
    met = np.ones(len(frame), dtype=bool)
    for name, wanted in condition.items():
        if name not in frame.columns:
            hint = did_you_mean(name, map(str, frame.columns))
            raise StudyError(f"filter: '{name}' is not among the variables of these data.{hint}")
        met &= _has(frame[name], wanted if isinstance(wanted, tuple | list) else (wanted,))
    return met


def _has(column: pd.Series, values: Sequence[Scalar]) -> NDArray[np.bool_]:
    if isinstance(column.dtype, pd.CategoricalDtype):
        wanted = column.cat.categories.isin(list(values))
        found: NDArray[np.bool_] = np.append(wanted, False)[column.cat.codes.to_numpy()]
        return found
    if column.dtype == "boolean":
        yes = column.to_numpy(dtype=np.int8, na_value=-1)
        return np.isin(yes, [int(v) for v in values if isinstance(v, bool | int)])
    return np.asarray(column.isin(list(values)).to_numpy(dtype=bool, na_value=False))

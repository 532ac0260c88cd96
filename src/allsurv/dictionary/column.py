"""From the column of a file to the variable: codes for "no value", zeros, another unit."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from allsurv.dictionary.codes import code_text, missing_texts
from allsurv.dictionary.variable import Scalar, Variable

__all__ = ["numbers_in_unit", "without_missing_codes"]


def without_missing_codes(raw: pd.Series, variable: Variable) -> pd.Series:
    """Empty the cells that hold a code for "no value"."""
    if not variable.missing_codes:
        return raw
    codes: tuple[Scalar, ...] = variable.missing_codes
    if pd.api.types.is_numeric_dtype(raw.dtype) and not pd.api.types.is_bool_dtype(raw.dtype):
        return raw.mask(raw.isin([code for code in codes if not isinstance(code, str | bool)]))
    texts = missing_texts(variable)
    distinct = [v for v in raw.dropna().unique().tolist() if code_text(v).strip() in texts]
    return raw.mask(raw.isin(distinct))


def numbers_in_unit(values: NDArray[np.float64], variable: Variable) -> NDArray[np.float64]:
    """Turn the numbers of a file's column into the variable's unit; 0 into what it stands for."""
    if variable.zero_as is not None:
        values = np.where(values == 0, variable.zero_as, values)
    return values if variable.scale == 1.0 else values * variable.scale

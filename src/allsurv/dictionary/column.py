"""From the column of a file to the variable: codes for "no value", zeros, another unit."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.api.extensions import ExtensionArray

from allsurv.dictionary.codes import code_text, missing_texts
from allsurv.dictionary.variable import Scalar, Variable

__all__ = ["Column", "array_of", "column_at", "numbers_in_unit", "without_missing_codes"]

Column: TypeAlias = NDArray[Any] | ExtensionArray


def column_at(frame: pd.DataFrame, position: int) -> Column:
    """Take a column's values without making a Series, which for few patients is most of the work.

    Examples
    --------
    >>> column_at(pd.DataFrame({"age": [34.0, 51.0]}), 0).tolist()
    [34.0, 51.0]
    """
    if hasattr(frame, "_get_column_array"):  # of pandas' own, so it may go
        return frame._get_column_array(position)
    return array_of(frame.iloc[:, position])


def array_of(series: pd.Series) -> Column:
    """Take the values of a Series: an array of NumPy's where pandas holds one, else of pandas'."""
    return series.to_numpy() if isinstance(series.dtype, np.dtype) else series.array


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

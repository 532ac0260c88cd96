"""The content of a table, named by a digest."""

from __future__ import annotations

import hashlib

import numpy as np
import pandas as pd

__all__ = ["table_digest"]


def table_digest(frame: pd.DataFrame) -> str:
    r"""Name the content of a table of canonical values.

    Examples
    --------
    The name, a separator, then the number as eight bytes:

    >>> table_digest(pd.DataFrame({"age": [34.0]}))[:12]
    '087f223cce63'
    >>> hashlib.sha256(b"age\x1e" + np.float64(34).tobytes()).hexdigest()[:12]
    '087f223cce63'
    """
    digest = hashlib.sha256()
    for name, column in frame.items():
        digest.update(f"{name}\x1e".encode())
        if isinstance(column.dtype, pd.CategoricalDtype):
            digest.update("\x1f".join(map(str, column.cat.categories)).encode())
            digest.update(column.cat.codes.to_numpy().astype("<i4").tobytes())
        elif column.dtype == "boolean":
            digest.update(column.to_numpy(dtype=np.int8, na_value=-1).tobytes())
        elif pd.api.types.is_numeric_dtype(column.dtype):
            values = column.to_numpy(dtype="<f8") + 0.0
            digest.update(np.where(np.isnan(values), np.nan, values).tobytes())
        else:
            texts = column.to_numpy(dtype=object, na_value="")
            digest.update("\x1f".join(map(str, texts)).encode())
    return digest.hexdigest()

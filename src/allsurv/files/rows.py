"""Rows that hold nothing, and words that mean "no value"."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from allsurv.files.missing import MISSING_WORDS

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["blank_rows_at_end", "words_read_as_missing"]

_PLAIN = frozenset({"", "NA"})
"""Read as missing without a word: the empty cell, and R's sign."""


def blank_rows_at_end(frame: pd.DataFrame) -> int:
    """Count the rows at the end that hold no value: Excel leaves them under a sheet.

    Examples
    --------
    >>> blank_rows_at_end(pd.DataFrame({"age": ["34", "", "60", " ", ""]}))
    2
    """
    n, step = len(frame), 1024
    blank = 0
    while blank < n and frame.shape[1]:
        part = frame.iloc[max(n - blank - step, 0) : n - blank]
        full = np.flatnonzero(~part.apply(_is_blank).to_numpy(dtype=bool).all(axis=1))
        if full.size:
            return blank + len(part) - 1 - int(full[-1])
        blank += len(part)
    return blank


def _is_blank(column: pd.Series) -> pd.Series:
    if column.dtype.kind in "biufcM" and not isinstance(column.dtype, pd.CategoricalDtype):
        return column.isna()
    texts = column.astype("string").str.strip()
    return column.isna() | texts.isin(MISSING_WORDS).fillna(True)


def words_read_as_missing(table: pa.Table) -> list[str]:
    """Say which words, beyond the empty cell and NA, stand for "no value" in a table of texts.

    Examples
    --------
    >>> import pyarrow as pa
    >>> words_read_as_missing(pa.table({"wbc": ["2.1", "#N/A", "."], "sex": ["NA", "", "male"]}))
    ["'#N/A' and '.' read as missing"]
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    asked = pa.array(sorted(MISSING_WORDS - _PLAIN))
    found: set[str] = set()
    for column in table.columns:
        among = pc.unique(column.filter(pc.is_in(column, value_set=asked)))
        found |= set(among.to_pylist())
    if not found:
        return []
    return [" and ".join(f"'{word}'" for word in sorted(found)) + " read as missing"]

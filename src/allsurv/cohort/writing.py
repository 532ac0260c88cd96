"""Patients as a file that can be read back."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from allsurv.cohort.table import Cohort
from allsurv.dictionary.variable import Variable
from allsurv.errors import ConfigError
from allsurv.whole_file import whole_file

__all__ = ["write_cohort"]

_DECIMALS = 9
"""Beyond what any column is measured to: 730 days come back as 730, not 729.9999999999999."""


def write_cohort(cohort: Cohort, path: str | os.PathLike[str]) -> Path:
    """Write patients as CSV, Excel or Parquet, one row each, as ``read_cohort`` reads them.

    Parameters
    ----------
    cohort : Cohort
        The patients; derived variables are left out, as they follow from the others.
    path : str or path
        File ending in ``.csv``, ``.xlsx`` or ``.parquet``; replaced whole, or left as it was if
        anything fails.

    Returns
    -------
    Path
        The file. In Parquet and Excel the statement of the source is part of the metadata.

    Raises
    ------
    ConfigError
        If the name ends otherwise, the folder does not exist, or openpyxl is not installed.
    """
    import pyarrow as pa

    target = Path(path)
    if target.suffix not in _WRITERS:
        raise ConfigError(f"{target.name}: allowed are names ending in {_ENDINGS}.")
    if not target.parent.is_dir():
        raise ConfigError(f"{target}: its folder does not exist; make it first.")
    given = [v for v in cohort.study.variables.values() if v.name in cohort.frame]
    table = pa.table(
        {
            v.column: _arrow(_as_in_files(cohort.frame[v.name], v))
            for v in given
            if v.derivation is None
        },
        metadata={"source": cohort.source.statement},
    )
    with whole_file(target) as part:
        _WRITERS[target.suffix](table, part)
    return target


def _write_csv(table: Any, path: Path) -> None:
    from pyarrow import csv

    csv.write_csv(
        table, path, write_options=csv.WriteOptions(quoting_style="needed", quoting_header="needed")
    )


def _write_parquet(table: Any, path: Path) -> None:
    import pyarrow.parquet as pq

    pq.write_table(table, path)


def _write_excel(table: Any, path: Path) -> None:
    from allsurv.files.workbook import write_workbook

    write_workbook(table.to_pandas(), path, table.schema.metadata[b"source"].decode())


_WRITERS = {".csv": _write_csv, ".xlsx": _write_excel, ".parquet": _write_parquet}
_ENDINGS = ".csv, .xlsx or .parquet"


def _as_in_files(column: pd.Series, variable: Variable) -> pd.Series:
    """Give numbers in the unit of the file's column."""
    return column if variable.scale == 1.0 else (column / variable.scale).round(_DECIMALS)


def _arrow(column: pd.Series) -> Any:
    """Turn a canonical column into what a reader expects: yes and no, levels, plain numbers."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if column.dtype == "boolean":
        return pc.if_else(pa.array(column), "yes", "no")
    if isinstance(column.dtype, pd.CategoricalDtype):
        codes = column.cat.codes.to_numpy()
        levels = pa.array([str(level) for level in column.cat.categories])
        return levels.take(pa.array(codes, mask=codes < 0))
    if column.dtype == "float64":
        values = column.to_numpy()
        known = values[~np.isnan(values)]
        numbers = pa.array(values, from_pandas=True)
        return numbers.cast(pa.int64()) if (known == np.round(known)).all() else numbers
    return pa.array(column)

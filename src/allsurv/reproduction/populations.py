"""Curves, tests and Cox models that published numbers are read from, each made once."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from allsurv.cohort import Cohort
from allsurv.describe import analysis_table
from allsurv.errors import AllsurvError, OutcomeError
from allsurv.reproduction.patients import Members, Patients
from allsurv.stats.curves import nonparametric
from allsurv.stats.outcome import entry_of
from allsurv.study import LedgerEntry
from allsurv.study.spec import Finding

__all__ = ["STUDY", "Populations"]

STUDY = "study"


class Populations:
    """Patients, curves and models that ledger entries ask for, remembered."""

    def __init__(self, cohort: Cohort, comparison: Cohort | None = None) -> None:
        if comparison is not None and comparison.study.time.unit != cohort.study.time.unit:
            raise OutcomeError(
                f"comparison: times of study '{comparison.study.name}' are in "
                f"{comparison.study.time.unit}, those of '{cohort.study.name}' in "
                f"{cohort.study.time.unit}; give a cohort in the same unit."
            )
        self._study = Patients(cohort)
        self._other = None if comparison is None else Patients(comparison)
        self._known: dict[Hashable, Any] = {}

    def of(self, entry: LedgerEntry) -> Members:
        """Give the patients an entry is about."""
        named = entry.population.get("cohort", STUDY)
        if isinstance(named, tuple):
            raise OutcomeError("The number is of several cohorts at once.")
        return self._among(str(named), entry)

    def curve(self, entry: LedgerEntry) -> nonparametric.KaplanMeier:
        """Give the Kaplan-Meier curve an entry is read from."""
        key = ("curve", entry.population, entry.endpoint)
        if key not in self._known:
            y = self.of(entry).y(str(entry.endpoint))
            self._known[key] = nonparametric.kaplan_meier(y["time"], y["event"], start=entry_of(y))
        found: nonparametric.KaplanMeier = self._known[key]
        return found

    def logrank(self, entry: LedgerEntry) -> nonparametric.LogRankTest:
        """Compare the survival of an entry's groups."""
        compare, endpoint = entry.compare, str(entry.endpoint)
        if compare is None:
            raise OutcomeError(f"'{entry.id}' says no groups to compare.")
        if compare.variable == "cohort":
            parts = [self._among(str(name), entry).y(endpoint) for name in compare.levels]
            y, group = np.concatenate(parts), _codes(parts)
        else:
            members = self.of(entry)
            group = members.groups(compare)
            y, group = members.y(endpoint)[group >= 0], group[group >= 0]
        return nonparametric.logrank_test(y["time"], y["event"], group, start=entry_of(y))

    def model_term(self, entry: LedgerEntry) -> pd.Series:
        """Give the row of a published Cox model that an entry is of."""
        finding = self._finding(entry)
        table = self._model(finding.analysis)
        rows = table[table["variable"] == finding.analysis_variable]
        if len(rows) != 1:
            raise OutcomeError(
                f"'{finding.analysis_variable}' has {len(rows)} terms in '{finding.analysis}'."
            )
        return rows.iloc[0]

    def _among(self, named: str, entry: LedgerEntry) -> Members:
        patients = self._study if named == STUDY else self._other
        if patients is None:
            raise OutcomeError(f"About another cohort, '{named}', which was not given.")
        return patients.members(entry.population, entry.endpoint)

    def _finding(self, entry: LedgerEntry) -> Finding:
        for finding in self._study.cohort.study.findings.values():
            if finding.variable == entry.variable and finding.endpoint == entry.endpoint:
                found: Finding = finding
                return found
        raise OutcomeError(f"The study has no finding on '{entry.variable}'.")

    def _model(self, name: str) -> pd.DataFrame:
        if name not in self._known:
            cohort = self._study.cohort
            try:
                self._known[name] = analysis_table(cohort, cohort.study.analyses[name])
            except AllsurvError as problem:
                self._known[name] = problem
        if isinstance(self._known[name], AllsurvError):
            raise self._known[name]
        return self._known[name]


def _codes(parts: list[NDArray[np.void]]) -> NDArray[np.intp]:
    return np.repeat(np.arange(len(parts)), [part.size for part in parts])

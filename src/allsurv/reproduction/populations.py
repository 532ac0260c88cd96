"""Patients a published number is about, their curves and Cox models, each made once."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from allsurv.cohort import Cohort
from allsurv.cohort.filters import matches
from allsurv.describe import analysis_table
from allsurv.describe.landmarks import reach_landmark
from allsurv.errors import AllsurvError, OutcomeError
from allsurv.stats import nonparametric
from allsurv.study import Compared, LedgerEntry
from allsurv.study.spec import Filter, Finding

__all__ = ["STUDY", "Populations"]

STUDY = "study"
_SPECIAL = ("cohort", "any_of", "landmark_month", "event_free_at_month")


class Populations:
    """Patients, curves and models that ledger entries ask for, remembered.

    Parameters
    ----------
    cohort : Cohort
        Patients of the study.
    comparison : Cohort, optional
        Patients of the other cohort that the paper compares with.
    """

    def __init__(self, cohort: Cohort, comparison: Cohort | None = None) -> None:
        self.cohort = _of_known_columns(cohort)
        self.comparison = None if comparison is None else _of_known_columns(comparison)
        self._known: dict[Hashable, Any] = {}

    def of(self, entry: LedgerEntry) -> Cohort:
        """Give the patients an entry is about.

        Parameters
        ----------
        entry : LedgerEntry
            With its population.

        Returns
        -------
        Cohort
            Those patients; where the entry has an endpoint, those the endpoint is defined for.

        Raises
        ------
        OutcomeError
            If nobody is among them, or a column is absent or empty.
        """
        named = entry.population.get("cohort", STUDY)
        if isinstance(named, tuple):
            raise OutcomeError("The number is of several cohorts at once.")
        return self._of(entry, str(named))

    def curve(self, entry: LedgerEntry) -> nonparametric.KaplanMeier:
        """Give the Kaplan-Meier curve an entry is read from.

        Parameters
        ----------
        entry : LedgerEntry
            With population and endpoint.

        Returns
        -------
        KaplanMeier
            Limits on the log-log scale.

        Raises
        ------
        OutcomeError
            As :meth:`of`, or if times or events are missing.
        """
        key = ("curve", entry.population, entry.endpoint)
        if key not in self._known:
            y = self.of(entry).y(str(entry.endpoint))
            self._known[key] = nonparametric.kaplan_meier(y["time"], y["event"])
        return self._known[key]

    def outcome_by_group(self, entry: LedgerEntry) -> tuple[NDArray[np.void], NDArray[np.intp]]:
        """Give the outcome of the patients a log-rank test compares, and their groups.

        Parameters
        ----------
        entry : LedgerEntry
            With population, endpoint and ``compare``.

        Returns
        -------
        y : structured ndarray of shape (n_patients,)
            Outcome.
        group : ndarray of int of shape (n_patients,)
            Position among the levels compared.

        Raises
        ------
        OutcomeError
            As :meth:`of`.
        """
        compare = entry.compare or Compared("")
        endpoint = str(entry.endpoint)
        if compare.variable == "cohort":
            parts = [self._of(entry, str(name)).y(endpoint) for name in compare.levels]
            return np.concatenate(parts), np.repeat(np.arange(len(parts)), [len(p) for p in parts])
        patients = self.of(entry)
        group = self.groups(patients, compare)
        known = group >= 0
        return patients.y(endpoint)[known], group[known]

    def groups(self, patients: Cohort, compare: Compared) -> NDArray[np.intp]:
        """Sort patients into the groups that a test compares.

        Parameters
        ----------
        patients : Cohort
            The patients.
        compare : Compared
            Variable and levels.

        Returns
        -------
        ndarray of int of shape (n_patients,)
            Position among the levels; -1 in none of them.

        Raises
        ------
        OutcomeError
            If the column is absent or empty.
        """
        group = np.full(patients.n, -1, dtype=np.intp)
        for position, level in enumerate(compare.levels):
            group[self.matching(patients, {compare.variable: level})] = position
        return group

    def column(self, patients: Cohort, name: str) -> pd.Series:
        """Give one variable of patients.

        Parameters
        ----------
        patients : Cohort
            The patients.
        name : str
            Variable.

        Returns
        -------
        Series of shape (n_patients,)
            Canonical values.

        Raises
        ------
        OutcomeError
            If these data do not hold it, or hold no value of it at all.
        """
        if name not in patients.frame.columns:
            raise OutcomeError(f"The data hold no '{name}'.")
        return patients.frame[name]

    def matching(self, patients: Cohort, condition: Filter) -> NDArray[np.bool_]:
        """Tell which patients meet a filter.

        Parameters
        ----------
        patients : Cohort
            The patients.
        condition : mapping
            Variable to the value, or the values, it may have.

        Returns
        -------
        ndarray of bool of shape (n_patients,)
            A missing value never matches.

        Raises
        ------
        OutcomeError
            If these data do not hold a variable.
        """
        for name in condition:
            self.column(patients, name)
        return matches(patients.frame, condition)

    def model_term(self, entry: LedgerEntry) -> pd.Series:
        """Give the row of a published Cox model that an entry is of.

        Parameters
        ----------
        entry : LedgerEntry
            With variable and endpoint.

        Returns
        -------
        Series
            ``hazard_ratio``, ``lower``, ``upper``, ``p_value`` and the other columns of
            :func:`allsurv.describe.cox_table`.

        Raises
        ------
        OutcomeError
            If the study has no finding on it, or the model holds no such term.
        ModelError
            If the model cannot be fitted.
        """
        finding = self._finding(entry)
        table = self._model(finding.analysis)
        rows = table[table["variable"] == finding.analysis_variable]
        if len(rows) != 1:
            raise OutcomeError(
                f"'{finding.analysis_variable}' has {len(rows)} terms in '{finding.analysis}'."
            )
        return rows.iloc[0]

    def _finding(self, entry: LedgerEntry) -> Finding:
        for finding in self.cohort.study.findings.values():
            if finding.variable == entry.variable and finding.endpoint == entry.endpoint:
                return finding
        raise OutcomeError(f"The study has no finding on '{entry.variable}'.")

    def _model(self, name: str) -> pd.DataFrame:
        key = ("model", name)
        if key not in self._known:
            try:
                self._known[key] = analysis_table(self.cohort, self.cohort.study.analyses[name])
            except AllsurvError as problem:
                self._known[key] = problem
        if isinstance(self._known[key], AllsurvError):
            raise self._known[key]
        return self._known[key]

    def _of(self, entry: LedgerEntry, named: str) -> Cohort:
        key = ("patients", entry.population, entry.endpoint, named)
        if key not in self._known:
            whole = self.cohort if named == STUDY else self.comparison
            if whole is None:
                raise OutcomeError(f"About another cohort, '{named}', which was not given.")
            self._known[key] = self._select(whole, entry.population, entry.endpoint)
        patients: Cohort = self._known[key]
        if not patients.n:
            raise OutcomeError("No patient of these data is in this population.")
        return patients

    def _select(self, whole: Cohort, asked: Mapping[str, Any], endpoint: str | None) -> Cohort:
        conditions = [{name: v for name, v in asked.items() if name not in _SPECIAL}]
        if endpoint is not None:
            conditions.append(dict(whole.study.endpoint(endpoint).population))
        inside = np.ones(whole.n, dtype=bool)
        for condition in conditions:
            inside &= self.matching(whole, condition)
        if "any_of" in asked:
            inside &= np.any([self.matching(whole, one) for one in asked["any_of"]], axis=0)
        patients = whole.take(np.flatnonzero(inside))
        free_of = {
            "landmark_month": whole.study.prediction.endpoint,
            "event_free_at_month": endpoint,
        }
        for key, event in free_of.items():
            if key in asked and event is not None and patients.n:
                patients = reach_landmark(patients, event, float(asked[key])).cohort
        return patients


def _of_known_columns(cohort: Cohort) -> Cohort:
    """Leave out columns without any value: what they are asked for cannot be told."""
    known = cohort.frame.columns[cohort.frame.notna().any()]
    return Cohort(cohort.study, cohort.frame[known], cohort.source)

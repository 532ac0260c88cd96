"""Patients a published number is about: filters, landmarks and outcomes, each worked out once."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from allsurv.cohort import Cohort
from allsurv.describe.landmarks import reach_landmark
from allsurv.dictionary.filters import matches
from allsurv.errors import OutcomeError
from allsurv.study import Compared
from allsurv.study.ledger import Population
from allsurv.study.spec import Filter

__all__ = ["Members", "Patients"]

T = TypeVar("T")
Mask = NDArray[np.bool_]
_SPECIAL = ("cohort", "any_of", "landmark_month", "event_free_at_month")


class Patients:
    """One cohort, and what was asked of it before."""

    def __init__(self, cohort: Cohort) -> None:
        held = cohort.frame.columns[cohort.frame.notna().any()]
        self.cohort = Cohort(cohort.study, cohort.frame[held], cohort.source)
        self._known: dict[Hashable, Any] = {}

    def column(self, name: str) -> pd.Series:
        """Give one variable of all patients."""
        if name not in self.cohort.frame.columns:
            raise OutcomeError(f"The data hold no '{name}'.")
        return self.cohort.frame[name]

    def matching(self, condition: Filter) -> Mask:
        """Tell which patients meet a filter."""
        met = np.ones(self.cohort.n, dtype=bool)
        for name, value in condition.items():
            # 1 and True are one key of a dictionary, so the type stands beside the value.
            met &= self._once(("is", name, value, type(value)), self._is, name, value)
        return met

    def members(self, population: Population, endpoint: str | None) -> Members:
        """Pick the patients of a population."""
        inside = self._once(("inside", population, endpoint), self._inside, population, endpoint)
        if not inside.any():
            raise OutcomeError("No patient of these data is in this population.")
        return Members(self, inside)

    def outcome(self, endpoint: str) -> NDArray[np.void]:
        """Give the outcome of all patients an endpoint is defined for."""
        return self._once(("outcome", endpoint), self._outcome, endpoint)

    def _once(self, key: Hashable, work: Callable[..., T], *arguments: Any) -> T:
        if key not in self._known:
            self._known[key] = work(*arguments)
        found: T = self._known[key]
        return found

    def _is(self, name: str, value: Any) -> Mask:
        self.column(name)
        return matches(self.cohort.frame, {name: value})

    def _eligible(self, endpoint: str) -> Mask:
        return self.matching(self.cohort.study.endpoint(endpoint).population)

    def _inside(self, population: Population, endpoint: str | None) -> Mask:
        asked: dict[str, Any] = dict(population)
        inside = self.matching({name: v for name, v in asked.items() if name not in _SPECIAL})
        if "any_of" in asked:
            inside &= np.any([self.matching(one) for one in asked["any_of"]], axis=0)
        if "landmark_month" in asked:
            inside &= self._reached(self.cohort.study.prediction.endpoint, asked["landmark_month"])
        if endpoint is not None:
            inside &= self._eligible(endpoint)
            if "event_free_at_month" in asked:
                inside &= self._reached(endpoint, asked["event_free_at_month"])
        return inside

    def _reached(self, endpoint: str, at: float) -> Mask:
        return self._once(("reached", endpoint, at), self._at_risk, endpoint, float(at))

    def _at_risk(self, endpoint: str, at: float) -> Mask:
        eligible = np.flatnonzero(self._eligible(endpoint))
        reached = np.zeros(self.cohort.n, dtype=bool)
        reached[eligible[reach_landmark(self.cohort.take(eligible), endpoint, at).rows]] = True
        return reached

    def _outcome(self, endpoint: str) -> NDArray[np.void]:
        eligible = np.flatnonzero(self._eligible(endpoint))
        known = self.cohort.take(eligible).follow_up(endpoint)
        y = np.zeros(self.cohort.n, dtype=known.dtype)
        y[eligible] = known
        return y


@dataclass(frozen=True, eq=False)
class Members:
    """Some patients of a cohort.

    Attributes
    ----------
    patients : Patients
        All of the cohort.
    inside : ndarray of bool of shape (n_patients,)
        Who is among them.
    """

    patients: Patients
    inside: Mask

    @property
    def n(self) -> int:
        """How many they are."""
        return int(self.inside.sum())

    def column(self, name: str) -> pd.Series:
        """Give one variable of theirs."""
        return self.patients.column(name)[self.inside]

    def matching(self, condition: Filter) -> Mask:
        """Tell which of them meet a filter."""
        return self.patients.matching(condition)[self.inside]

    def groups(self, compare: Compared) -> NDArray[np.intp]:
        """Sort them into the groups that a test compares."""
        group = np.full(self.n, -1, dtype=np.intp)
        for position, level in enumerate(compare.levels):
            group[self.matching({compare.variable: level})] = position
        return group

    def y(self, endpoint: str) -> NDArray[np.void]:
        """Give their outcome."""
        return self.patients.outcome(endpoint)[self.inside]

"""A model of a study's patients, and the cohorts drawn from it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from allsurv.cohort.table import SIMULATED, Cohort, Source
from allsurv.simulate.codes import Codebook, Columns
from allsurv.simulate.copula import BaselineModel
from allsurv.simulate.course import Course, CourseModel
from allsurv.simulate.effects import Effects
from allsurv.simulate.hazard import Hazard
from allsurv.simulate.story import StoryModel
from allsurv.study.spec import Study

__all__ = ["Simulation", "Simulator", "groups_of"]

Floats = NDArray[np.float64]
_CHUNK = 50_000


@dataclass(frozen=True, eq=False)
class Simulation:
    """A simulated cohort and the truth it was drawn from.

    Attributes
    ----------
    cohort : Cohort
        The patients.
    effects : mapping from str to float
        Log hazard ratios put in.
    linear_predictor : ndarray of shape (n_patients,)
        True log hazard at baseline, relative to reference levels and zeros.
    hazard : Hazard
        Of a patient whose linear predictor is 0, before any event.
    """

    cohort: Cohort
    effects: Mapping[str, float]
    linear_predictor: Floats
    hazard: Hazard

    def survival(self, times: Floats) -> Floats:
        """Give the true survival of each patient, were no time-dependent event to happen.

        Parameters
        ----------
        times : array-like of shape (n_times,)
            In the study's unit.

        Returns
        -------
        ndarray of shape (n_patients, n_times)
            Probability of being free of the prediction endpoint's event.
        """
        cumulative = self.hazard.at(np.asarray(times, dtype=float))
        return np.exp(-np.exp(self.linear_predictor)[:, None] * cumulative)


@dataclass(frozen=True, eq=False)
class Simulator:
    """A model of a study's patients, with effects put in; make one with :func:`make_simulator`.

    Attributes
    ----------
    like : Cohort
        The patients it resembles.
    effects : Effects
        What is put in.
    codebook : Codebook
        How variables are held.
    baseline, course, story
        Models of baseline, of follow-up, and of what is recorded later.
    derivers : mapping from str to callable
        How derived baseline variables follow.
    """

    like: Cohort
    effects: Effects
    codebook: Codebook
    baseline: BaselineModel
    course: CourseModel
    story: StoryModel
    derivers: Mapping[str, Callable[[Columns], NDArray[Any]]]

    def draw_follow_up(self, n: int, rng: np.random.Generator) -> tuple[Columns, Floats, Course]:
        """Draw baseline and follow-up as arrays; nothing else is recorded.

        Parameters
        ----------
        n : int
            Number of patients.
        rng : Generator
            Source of chance.

        Returns
        -------
        columns : dict from str to ndarray
            Baseline variables: level numbers (-1 where missing) or floats.
        linear_predictor : ndarray of shape (n_patients,)
            True log hazard at baseline.
        course : Course
            Exact follow-up and times of events; no two are the same.
        """
        columns = self.baseline.draw(n, rng)
        for name, derive in self.derivers.items():
            columns[name] = derive(columns)
        linear = self.effects.linear_predictor(columns)
        group = groups_of(self.codebook.study, columns)
        return columns, linear, self.course.draw(linear, self.effects.events, group, rng)

    def draw(self, n: int, seed: int) -> Simulation:
        """Draw a cohort.

        Parameters
        ----------
        n : int
            Number of patients.
        seed : int
            The same one draws the same patients.

        Returns
        -------
        Simulation
            The cohort, and the truth it was drawn from.
        """
        rng = np.random.default_rng(seed)
        parts = [self._part(min(_CHUNK, n - at), rng) for at in range(0, n, _CHUNK)]
        columns = _joined([columns for columns, _ in parts])
        linear = np.concatenate([linear for _, linear in parts])
        study = self.codebook.study
        arrays = self._identifiers(n) | self.codebook.arrays(columns)
        order = [name for name in self.codebook.dtypes if name in arrays]
        frame = pd.DataFrame({name: arrays[name] for name in order}, copy=False)
        source = Source(
            "simulated",
            f"{study.name}, {n} simulated, seed {seed}",
            _digest(columns),
            self.statement,
        )
        cohort = Cohort(study, frame, source)
        return Simulation(cohort, self.effects.terms, linear, self.course.death)

    def _part(self, n: int, rng: np.random.Generator) -> tuple[Columns, Floats]:
        columns, linear, course = self.draw_follow_up(n, rng)
        return self.story.record(columns, self.story.rounded(course), rng), linear

    def _identifiers(self, n: int) -> dict[str, Any]:
        dtypes, study = self.codebook.dtypes, self.codebook.study
        return {x: _names(n) for x in dtypes if study.variable(x).kind == "identifier"}

    @property
    def statement(self) -> str:
        """The sentence that everything made from a simulated cohort carries.

        Returns
        -------
        str
            Says that these are not patients, and what was put in.
        """
        terms = ", ".join(f"{name} {value:.3g}" for name, value in self.effects.terms.items())
        put_in = f"with these log hazard ratios put in: {terms}" if terms else "with no effect"
        return (
            f"Simulated from a model of study '{self.codebook.study.name}'; not patients; "
            f"survival was drawn {put_in}, so finding them again is by construction."
        )


def groups_of(study: Study, columns: Columns) -> NDArray[np.intp]:
    """Give each patient the number of its group."""
    n = next(iter(columns.values())).size
    group = study.group
    if group is None or group not in columns or study.variable(group).is_number:
        return np.zeros(n, dtype=np.intp)
    return np.maximum(columns[group], 0).astype(np.intp)


def _joined(parts: list[Columns]) -> Columns:
    if len(parts) == 1:
        return parts[0]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


@lru_cache(maxsize=2)
def _names(n: int) -> Any:
    import pyarrow as pa
    import pyarrow.compute as pc

    numbers = pa.array(np.arange(1, n + 1)).cast(pa.string())
    named = pc.binary_join_element_wise(SIMULATED, numbers, "")
    return pd.arrays.ArrowStringArray(named.cast(pa.large_string()))


def _digest(columns: Columns) -> str:
    """SHA-256 of every value drawn."""
    digest = hashlib.sha256()
    for name in columns:
        digest.update(f"{name}\x1e".encode())
        digest.update(np.ascontiguousarray(columns[name]).data)
    return digest.hexdigest()

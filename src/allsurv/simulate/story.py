"""What is recorded of simulated patients after baseline, consistent with their follow-up."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from allsurv.cohort.table import Cohort
from allsurv.dictionary.filters import matches
from allsurv.dictionary.units import unit_ratio
from allsurv.simulate.clock import read_clock
from allsurv.simulate.codes import Codebook, Columns, decimals_of
from allsurv.simulate.copula import quantile_knots
from allsurv.simulate.course import Course
from allsurv.simulate.network import choose_parents, fit_node
from allsurv.simulate.steps import (
    SHARES,
    CopyStep,
    LaterStep,
    LevelStep,
    NumberStep,
    Setting,
    own_events,
)
from allsurv.study.spec import Endpoint, Study, Variable

__all__ = ["StoryModel", "fit_story"]

Floats = NDArray[np.float64]
Codes = NDArray[Any]
Step = Callable[[Columns, np.random.Generator], Codes]


@dataclass(frozen=True, eq=False)
class StoryModel:
    """What it takes to record a course.

    Attributes
    ----------
    setting : Setting
        How the study records.
    edges : ndarray of shape (n_edges,)
        Ends of the bands of follow-up among those with the event.
    middle : float
        Divides the follow-up of the others.
    steps : mapping from str to callable
        How each variable is recorded, in the order in which they are.
    """

    setting: Setting
    edges: Floats
    middle: float
    steps: Mapping[str, Step]

    def rounded(self, course: Course) -> Course:
        """Round times as they are recorded; follow-up that would become 0 lasts one step."""
        variable = self.setting.codebook.study.variable(self.setting.clock.main)
        decimals = self.setting.decimals[self.setting.clock.main]
        time = np.round(course.time, decimals)
        return replace(course, time=np.maximum(time, variable.minimum or 10.0**-decimals))

    def record(self, columns: Columns, course: Course, rng: np.random.Generator) -> Columns:
        """Add every variable that is known after baseline."""
        columns = dict(columns) | self.drivers(course.time, course.event)
        columns[self.setting.clock.main] = course.time
        for name, at in course.switches.items():
            columns[f"@{name}"] = np.isfinite(at).astype(np.int8)
            event_time = self.setting.codebook.study.events[name].time
            columns[event_time] = self._event_time(event_time, at, course.time)
        for name, step in self.steps.items():
            columns[name] = step(columns, rng)
        return {name: values for name, values in columns.items() if not name.startswith("@")}

    def drivers(self, time: Floats, event: NDArray[np.bool_]) -> Columns:
        """Say whether the event was seen, and how long follow-up was."""
        with_event = np.searchsorted(self.edges, time, side="left")
        without = self.edges.size + 1 + (time > self.middle)
        band = np.where(event, with_event, without).astype(np.int8)
        late = np.int8(len(self.setting.clock.limits))
        early = np.where(event, np.minimum(band, late), late)
        return {"@event": event.astype(np.int8), "@early": early, "@band": band}

    @property
    def n_bands(self) -> int:
        """Number of bands of follow-up."""
        return self.edges.size + 3

    def _event_time(self, name: str, at: Floats, time: Floats) -> Floats:
        variable = self.setting.codebook.study.variable(name)
        ratio = unit_ratio(self.setting.codebook.study.time.unit, variable.unit)
        decimals = self.setting.decimals[name]
        if ratio == 1.0:
            decimals = max(decimals, self.setting.decimals[self.setting.clock.main])
        latest = time * ratio
        seen = np.clip(np.round(at * ratio, decimals), variable.minimum or 0.0, latest)
        return np.where(np.isfinite(at), seen, np.nan if variable.only_if else latest)


def fit_story(codebook: Codebook, cohort: Cohort) -> StoryModel:
    """Learn what is recorded after baseline."""
    study = cohort.study
    clock = read_clock(study)
    y = cohort.y(study.prediction.endpoint)
    dead, others = y["time"][y["event"]], y["time"][~y["event"]]
    later = dead[dead > max(clock.limits, default=0.0)]
    thirds = np.quantile(later, [1 / 3, 2 / 3]) if later.size else np.empty(0)
    times = [*clock.event_times, *clock.copies, *clock.later, clock.main]
    decimals = {
        name: decimals_of(cohort.frame[name].dropna().to_numpy(float))
        for name in times
        if name in cohort.frame
    }
    story = StoryModel(
        Setting(codebook, clock, decimals),
        edges=np.append(clock.limits, thirds),
        middle=float(np.median(others)) if others.size else 0.0,
        steps={},
    )
    columns = codebook.encode(cohort.frame) | story.drivers(y["time"], y["event"])
    for event in study.events.values():
        columns[f"@{event.name}"] = matches(cohort.frame, event.occurred).astype(np.int8)
    return replace(story, steps=dict(_Learner(story, columns).steps()))


@dataclass(frozen=True, eq=False)
class _Learner:
    """Makes the steps of a story from the patients to resemble."""

    story: StoryModel
    columns: Columns

    @property
    def study(self) -> Study:
        return self.story.setting.codebook.study

    def steps(self) -> Iterator[tuple[str, Step]]:
        drivers = [name for name in self.columns if name.startswith("@")]
        have = {n for n, v in self.study.variables.items() if v.known == "baseline"}
        have = (have & set(self.columns)) | {
            self.story.setting.clock.main,
            *self.story.setting.clock.event_times,
        }
        candidates = drivers + [n for n in self.columns if n in have and self._coded(n)]
        waiting = [self.study.variable(n) for n in self.columns if n[0] != "@" and n not in have]
        while ready := [v for v in waiting if self._needs(v) <= have]:
            variable = ready[0]
            waiting.remove(variable)
            step = self._step(variable, candidates)
            if step is None:
                continue
            yield variable.name, step
            have.add(variable.name)
            if self._coded(variable.name):
                candidates.append(variable.name)

    def _coded(self, name: str) -> bool:
        given = name[0] == "@" or self.study.variable(name).derivation is None
        return given and (name[0] == "@" or name in self.story.setting.codebook.values)

    def _needs(self, variable: Variable) -> set[str]:
        sources = variable.derivation.sources if variable.derivation else ()
        needs = {*variable.only_if, *sources}
        if variable.name in self.story.setting.clock.later:
            endpoint = self.story.setting.clock.later[variable.name]
            needs |= {n for f in own_events(self.study, endpoint) for n in f}
            needs |= {endpoint.origin_time} if endpoint.origin_time else set()
        return needs

    def _step(self, variable: Variable, candidates: list[str]) -> Step | None:
        clock = self.story.setting.clock
        if variable.derivation is not None:
            return _without_chance(self.story.setting.codebook.deriver(variable.name))
        if variable.name in clock.copies:
            return CopyStep(self.story.setting, variable)
        if variable.name in clock.later:
            return self._later(variable, clock.later[variable.name])
        if variable.name in self.story.setting.codebook.values:
            return self._level(variable, candidates)
        bound = bool(variable.only_if) or variable.name in clock.origins
        if variable.kind == "duration" and not bound:
            return None  # a time of follow-up that no rule ties to the others
        return self._number(variable)

    def _asked(self, variable: Variable) -> NDArray[np.bool_]:
        if variable.only_if:
            return self.story.setting.codebook.holds(self.columns, variable.only_if)
        return np.ones(self.columns["@event"].size, dtype=bool)

    def _size(self, name: str) -> int:
        if name == "@band":
            return self.story.n_bands
        if name == "@early":
            return len(self.story.setting.clock.limits) + 1
        return 2 if name[0] == "@" else len(self.story.setting.codebook.values[name])

    def _level(self, variable: Variable, candidates: list[str]) -> Step | None:
        asked = self._asked(variable)
        if not asked.any():
            return None
        codes, n_levels = self.columns[variable.name][asked], self._size(variable.name)
        known = {name: (self.columns[name][asked], self._size(name)) for name in candidates}
        bound = self.story.setting.clock.bound.get(variable.name)
        parents = bound or choose_parents(codes, n_levels, known)
        node = fit_node(codes, n_levels, {name: known[name] for name in parents})
        return LevelStep(self.story.setting, variable.only_if, node)

    def _number(self, variable: Variable) -> Step | None:
        found = self.columns[variable.name][self._asked(variable)]
        known = found[~np.isnan(found)]
        if known.size == 0:
            return None
        return NumberStep(
            self.story.setting,
            variable,
            knots=quantile_knots(known),
            decimals=decimals_of(known),
            share_missing=1 - known.size / found.size,
        )

    def _later(self, variable: Variable, endpoint: Endpoint) -> Step:
        step = LaterStep(self.story.setting, variable, endpoint, {})
        start, origin = step.start(self.columns)
        share = (self.columns[variable.name] + origin - start) / (
            self.columns[self.story.setting.clock.main] - start
        )
        happened = step.happened(self.columns) & (share >= 0) & (share <= 1)
        shares = {}
        for event in (0, 1):
            seen = share[happened & (self.columns["@event"] == event)]
            shares[event] = np.quantile(seen, SHARES) if seen.size else SHARES
        return replace(step, shares=shares)


def _without_chance(compute: Callable[[Columns], Codes]) -> Step:
    def step(columns: Columns, rng: np.random.Generator) -> Codes:
        return compute(columns)

    return step

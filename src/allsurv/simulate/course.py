"""Follow-up of simulated patients: death, events on the way, and the end of observation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from allsurv.cohort.table import Cohort
from allsurv.simulate.effects import Effects
from allsurv.simulate.hazard import (
    Hazard,
    breslow_steps,
    nelson_aalen_steps,
    smooth_hazard,
)
from allsurv.study.spec import Study

__all__ = ["Course", "CourseModel", "EventModel", "fit_course"]

Floats = NDArray[np.float64]
_MOST_FOLLOW_UP_KNOTS = 20


@dataclass(frozen=True, eq=False)
class Course:
    """What happened to simulated patients, in the study's unit of time.

    Attributes
    ----------
    time : ndarray of float of shape (n_patients,)
        Follow-up: to death, or to the end of observation.
    event : ndarray of bool of shape (n_patients,)
        Whether the prediction endpoint's event was seen.
    switches : mapping from str to ndarray of float
        Time of each time-dependent event; infinite where it was not seen.
    """

    time: Floats
    event: NDArray[np.bool_]
    switches: Mapping[str, Floats]


@dataclass(frozen=True)
class EventModel:
    """How one time-dependent event comes about.

    Attributes
    ----------
    by_group : tuple of Hazard
        Its hazard in each group.
    after : str or None
        Event that must have happened, and from which the clock of the hazard runs.
    """

    by_group: tuple[Hazard, ...]
    after: str | None


@dataclass(frozen=True, eq=False)
class CourseModel:
    """What it takes to draw follow-up.

    Attributes
    ----------
    death : Hazard
        Of a patient whose linear predictor is 0, before any event.
    events : mapping from str to EventModel
        Of each time-dependent event, those that must come first before the others.
    follow_up : tuple of (ndarray, ndarray)
        Distribution of potential follow-up by group: cumulative probability, time.
    """

    death: Hazard
    events: Mapping[str, EventModel]
    follow_up: tuple[tuple[Floats, Floats], ...]

    def draw(
        self, linear: Floats, effects: Mapping[str, float], group: NDArray[np.intp],
        rng: np.random.Generator,
    ) -> Course:  # fmt: skip
        """Draw follow-up."""
        budget = rng.standard_exponential(linear.size) * np.exp(-linear)
        switches: dict[str, Floats] = {}
        for name, model in self.events.items():
            switches[name] = _drawn(model.by_group, group, rng)
            if model.after is not None:
                switches[name] = switches[name] + switches[model.after]
        changing = {name: effect for name, effect in effects.items() if effect}
        death = self._death(budget, {name: switches[name] for name in changing}, changing)
        end = self._end(group, rng)
        time, event = np.minimum(death, end), death <= end
        seen = {name: np.where(at < time, at, np.inf) for name, at in switches.items()}
        return Course(time, event, seen)

    def _death(
        self, budget: Floats, switches: Mapping[str, Floats], effects: Mapping[str, float]
    ) -> Floats:
        """Spend each patient's budget of cumulative hazard, faster or slower after each event."""
        if not switches:
            return self.death.reached(budget)
        at = np.column_stack(list(switches.values()))
        order = np.argsort(at, axis=1)
        at = np.take_along_axis(at, order, axis=1)
        change = np.array([effects[name] for name in switches])[order]
        spent, multiplier = np.zeros(budget.size), np.ones(budget.size)
        reached, alive = np.zeros(budget.size), np.ones(budget.size, dtype=bool)
        for k in range(at.shape[1]):
            here = np.where(
                np.isfinite(at[:, k]), self.death.at(np.minimum(at[:, k], 1e300)), np.inf
            )
            cost = (here - reached) * multiplier
            alive &= spent + cost < budget
            spent = np.where(alive, spent + cost, spent)
            reached = np.where(alive, here, reached)
            multiplier = np.where(alive, multiplier * np.exp(change[:, k]), multiplier)
        return self.death.reached(reached + (budget - spent) / multiplier)

    def _end(self, group: NDArray[np.intp], rng: np.random.Generator) -> Floats:
        drawn = rng.random(group.size)
        if len(self.follow_up) == 1:
            return np.interp(drawn, *self.follow_up[0])
        out = np.empty(group.size)
        for g, (probability, times) in enumerate(self.follow_up):
            rows = group == g
            out[rows] = np.interp(drawn[rows], probability, times)
        return out


def _drawn(
    by_group: tuple[Hazard, ...], group: NDArray[np.intp], rng: np.random.Generator
) -> Floats:
    drawn = rng.standard_exponential(group.size)
    if len(by_group) == 1:
        return by_group[0].reached(drawn)
    out = np.empty(group.size)
    for g, hazard in enumerate(by_group):
        rows = group == g
        out[rows] = hazard.reached(drawn[rows])
    return out


def fit_course(
    cohort: Cohort, effects: Effects, linear: Floats, group: NDArray[np.intp]
) -> CourseModel:
    """Learn the course of patients, given the effects."""
    study = cohort.study
    y = cohort.y(study.prediction.endpoint)
    rows = cohort.intervals(study.prediction.endpoint, list(study.events))
    offset = linear[rows.patient]
    for name, effect in effects.events.items():
        offset = offset + effect * rows.X[name].to_numpy(dtype=float)
    death = breslow_steps(rows.start, rows.stop, rows.event, np.exp(offset))
    n_groups = int(group.max()) + 1
    at = {
        name: _switch_times(rows.X[name].to_numpy(), rows.start, rows.patient, cohort.n)
        for name in study.events
    }
    events = {}
    for name, after in _in_order(study).items():
        start = np.zeros(cohort.n) if after is None else at[after]
        happened = np.isfinite(at[name])
        spell = np.where(happened, at[name], y["time"]) - start
        used = spell > 0
        events[name] = EventModel(
            tuple(
                smooth_hazard(
                    *nelson_aalen_steps(spell[used & (group == g)], happened[used & (group == g)])
                )
                for g in range(n_groups)
            ),
            after,
        )
    follow_up = tuple(_follow_up(y[group == g]) for g in range(n_groups))
    return CourseModel(smooth_hazard(*death, end=float(y["time"].max())), events, follow_up)


def _in_order(study: Study) -> dict[str, str | None]:
    """Name, for each event, the one that a rule puts before it; that one first."""
    times = {event.time: event.name for event in study.events.values()}
    after = {
        times[rule.then]: times[rule.first]
        for rule in study.rules
        if rule.plus is None and rule.first in times and rule.then in times
    }
    order: dict[str, str | None] = {}
    waiting = list(study.events)
    while waiting:
        ready = [name for name in waiting if after.get(name) not in waiting] or waiting[:1]
        order[ready[0]] = after.get(ready[0]) if after.get(ready[0]) in order else None
        waiting.remove(ready[0])
    return order


def _switch_times(
    on: NDArray[np.float64], start: Floats, patient: NDArray[np.intp], n: int
) -> Floats:
    at = np.full(n, np.inf)
    np.minimum.at(at, patient[on > 0], start[on > 0])
    return at


def _follow_up(y: NDArray[np.void]) -> tuple[Floats, Floats]:
    """Distribution of the time to the end of observation, were nobody to die."""
    times, hazard = nelson_aalen_steps(y["time"], ~y["event"])
    if times.size == 0:
        return np.array([0.0, 1.0]), np.full(2, 2 * y["time"].max())
    left = np.cumprod(1 - np.minimum(hazard, 1.0))
    reached = 1 - left
    reached[-1] = 1.0
    kept = np.unique(np.linspace(0, times.size - 1, _MOST_FOLLOW_UP_KNOTS).round().astype(int))
    first = max(0.0, times[0] - (times[-1] - times[0]) / (2 * times.size))
    return np.append(0.0, reached[kept]), np.append(first, times[kept])

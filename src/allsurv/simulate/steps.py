"""The ways a variable is recorded after baseline, each a function of the patients so far."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from allsurv.dictionary.units import unit_ratio
from allsurv.simulate.clock import Clock
from allsurv.simulate.codes import Codebook, Columns
from allsurv.simulate.copula import SCORES
from allsurv.simulate.network import Node
from allsurv.study.spec import Endpoint, Filter, Study, Variable

__all__ = ["SHARES", "CopyStep", "LaterStep", "LevelStep", "NumberStep", "Setting", "own_events"]

Floats = NDArray[np.float64]
Codes = NDArray[Any]
SHARES = np.linspace(0, 1, 21)
"""Probabilities at which shares of follow-up are kept."""


@dataclass(frozen=True, eq=False)
class Setting:
    """How a study records what happens.

    Attributes
    ----------
    codebook : Codebook
        How variables are held.
    clock : Clock
        Which times are bound to follow-up.
    decimals : mapping from str to int
        With how many decimals times are recorded.
    """

    codebook: Codebook
    clock: Clock
    decimals: Mapping[str, int]


def own_events(study: Study, endpoint: Endpoint) -> list[Filter]:
    """List the events of an endpoint that are none of the prediction endpoint."""
    main = study.endpoint(study.prediction.endpoint)
    return [
        condition
        for condition in endpoint.any_event
        if not any(of_main.items() <= condition.items() for of_main in main.any_event)
    ]


@dataclass(frozen=True, eq=False)
class LevelStep:
    """A level, drawn given its parents.

    Attributes
    ----------
    setting : Setting
        How the study records.
    only_if : mapping
        Who can have a level.
    node : Node
        Its distribution.
    """

    setting: Setting
    only_if: Filter
    node: Node

    def __call__(self, columns: Columns, rng: np.random.Generator) -> Codes:
        """Draw the level."""
        codes = self.node.draw(columns, columns["@event"].size, rng)
        if self.only_if:
            codes[~self.setting.codebook.holds(columns, self.only_if)] = -1
        return codes


@dataclass(frozen=True, eq=False)
class NumberStep:
    """A number or duration, drawn from its quantiles and held within the rules.

    Attributes
    ----------
    setting : Setting
        How the study records.
    variable : Variable
        What is drawn.
    knots : ndarray of shape (103,)
        Its quantiles.
    decimals : int
        How it is recorded.
    share_missing : float
        Share of those who can have it in whom it is missing.
    """

    setting: Setting
    variable: Variable
    knots: Floats
    decimals: int
    share_missing: float

    def __call__(self, columns: Columns, rng: np.random.Generator) -> Codes:
        """Draw the number."""
        out = np.full(columns["@event"].size, np.nan)
        asked = np.arange(out.size)
        if self.variable.only_if:
            asked = np.flatnonzero(self.setting.codebook.holds(columns, self.variable.only_if))
        if self.share_missing:
            asked = asked[rng.random(asked.size) >= self.share_missing]
        drawn = np.interp(rng.standard_normal(asked.size), SCORES, self.knots)
        out[asked] = np.round(drawn, self.decimals)
        for latest in self._latest(columns):
            step = 10.0**self.decimals
            out = np.minimum(
                out, np.floor(np.where(np.isnan(latest), np.inf, latest) * step) / step
            )
        return out

    def _latest(self, columns: Columns) -> Iterator[Floats]:
        study, clock = self.setting.codebook.study, self.setting.clock
        unit = self.variable.unit
        for rule in study.rules:
            if rule.first == self.variable.name and rule.plus is None and rule.then in columns:
                yield columns[rule.then] * unit_ratio(study.variable(rule.then).unit, unit)
        for name, endpoint in clock.later.items():
            if endpoint.origin_time == self.variable.name:
                shortest = study.variable(name).minimum or 0.0
                ratio = unit_ratio(study.time.unit, unit)
                yield (columns[clock.main] - shortest) * ratio


@dataclass(frozen=True, eq=False)
class CopyStep:
    """The follow-up once more, in another unit, for some patients.

    Attributes
    ----------
    setting : Setting
        How the study records.
    variable : Variable
        What is copied to.
    """

    setting: Setting
    variable: Variable

    def __call__(self, columns: Columns, rng: np.random.Generator) -> Codes:
        """Copy the follow-up."""
        study, name = self.setting.codebook.study, self.variable.name
        ratio = unit_ratio(study.time.unit, self.variable.unit)
        decimals = self.setting.decimals[name]
        if ratio == 1.0:
            decimals = max(decimals, self.setting.decimals[self.setting.clock.main])
        values = np.round(columns[self.setting.clock.main] * ratio, decimals)
        values = np.clip(values, self.variable.minimum, self.variable.maximum)
        if self.variable.only_if:
            values[~self.setting.codebook.holds(columns, self.variable.only_if)] = np.nan
        return values


@dataclass(frozen=True, eq=False)
class LaterStep:
    """Time of another endpoint: to its own event, or as far as follow-up goes.

    Attributes
    ----------
    setting : Setting
        How the study records.
    variable : Variable
        The time.
    endpoint : Endpoint
        Its endpoint.
    shares : mapping from int to ndarray of shape (21,)
        Quantiles of when, between the earliest moment and the end of follow-up, its own event
        happens: in patients without (0) and with (1) the prediction endpoint's event.
    """

    setting: Setting
    variable: Variable
    endpoint: Endpoint
    shares: Mapping[int, Floats]

    def start(self, columns: Columns) -> tuple[Floats, Floats]:
        """Find when its own event can happen at the earliest, and when its clock starts."""
        study, clock = self.setting.codebook.study, self.setting.clock
        origin = np.zeros(columns["@event"].size)
        start = origin
        if self.endpoint.origin_time is not None:
            unit = study.variable(self.endpoint.origin_time).unit
            origin = columns[self.endpoint.origin_time] * unit_ratio(unit, study.time.unit)
            start = origin
            for rule in study.rules:
                if rule.first == self.endpoint.origin_time and rule.then in clock.event_times:
                    ratio = unit_ratio(study.variable(rule.then).unit, study.time.unit)
                    start = np.fmax(start, columns[rule.then] * ratio)
        return start, origin

    def happened(self, columns: Columns) -> NDArray[np.bool_]:
        """Tell whose own event was seen."""
        out = np.zeros(columns["@event"].size, dtype=bool)
        for condition in own_events(self.setting.codebook.study, self.endpoint):
            out |= self.setting.codebook.holds(columns, condition)
        return out

    def __call__(self, columns: Columns, rng: np.random.Generator) -> Codes:
        """Draw the time."""
        time = columns[self.setting.clock.main]
        start, origin = self.start(columns)
        chance = rng.random(time.size)
        share = np.where(
            columns["@event"] == 1,
            np.interp(chance, SHARES, self.shares[1]),
            np.interp(chance, SHARES, self.shares[0]),
        )
        at = np.where(self.happened(columns), start + share * (time - start), time) - origin
        at = np.round(at, self.setting.decimals[self.variable.name])
        at = np.maximum(at, self.variable.minimum or 0.0)
        if self.variable.only_if:
            at[~self.setting.codebook.holds(columns, self.variable.only_if)] = np.nan
        return at

"""Numbers before treatment: medians, ranges, counts and rank tests of Table 1, exactly."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from allsurv.reconstruct.rr_all.printed import Printed, Spread
from allsurv.reconstruct.search.draws import Patients, Quantile, numbers_with
from allsurv.reconstruct.search.targets import printed_interval
from allsurv.stats.groups.rank_tests import mann_whitney
from allsurv.study.ledger import LedgerEntry

__all__ = ["ARMS", "SOS_AGES", "add_numbers", "spread_by_rank"]

ARMS = ("before", "after")


@dataclass(frozen=True)
class Shape:
    """What the paper does not say of a number: how it is spread about its median.

    Parameters
    ----------
    tails : tuple of tuple of float
        By arm, exponents below and above the median; larger keeps values nearer to the median.
    decimals : int
        Decimals to keep.
    log : bool
        Whether the spread is on the logarithmic scale.
    include : tuple of tuple of float
        Values each arm must hold: the ages of patients with SOS.
    middle : tuple of int
        How often each arm holds the overall median.
    counted_from_50 : bool
        Whether the paper counts patients at 50 and more.
    """

    tails: tuple[tuple[float, float], tuple[float, float]]
    decimals: int = 0
    log: bool = False
    include: tuple[tuple[float, ...], tuple[float, ...]] = ((), ())
    middle: tuple[int, int] = (0, 0)
    counted_from_50: bool = False


SOS_AGES = ((19, 24, 28, 31, 34, 39, 43, 47, 50), (36,))
SHAPES = {
    "age": Shape(tails=((0.8, 1.4), (0.8, 1.4)), include=SOS_AGES, middle=(1, 1)),
    "wbc": Shape(
        tails=((2.0, 2.4), (2.0, 2.4)), decimals=1, log=True, middle=(1, 1), counted_from_50=True
    ),
    "pb_blasts": Shape(tails=((0.5, 0.95), (0.5, 0.95))),
    "bm_blasts": Shape(tails=((1.15, 0.9), (1.1, 0.33)), middle=(2, 1), counted_from_50=True),
    "cd22": Shape(tails=((4.0, 1.0), (4.0, 1.0)), decimals=1, middle=(1, 1)),
    "cd19": Shape(tails=((9.0, 1.0), (9.0, 1.0)), decimals=1),
}


def add_numbers(rng: np.random.Generator, people: Patients, printed: Printed) -> None:
    """Add age, white cells, blasts and antigen expression, in random order within the arm."""
    for name, shape in SHAPES.items():
        arms = [_one_arm_of(name, shape, arm, printed) for arm in (0, 1)]
        overall = printed.median(name)
        parts = _two_arms(rng, arms, overall)
        _meet_rank_test(rng, parts, arms, overall, printed.rank_test(name))
        people[name] = np.concatenate(
            [part[np.argsort(rng.random(part.size), kind="stable")] for part in parts]
        )


def _one_arm_of(name: str, shape: Shape, arm: int, printed: Printed) -> OneArm:
    among = {"arm": ARMS[arm]}
    spread = printed.spread(name, among)
    to, back = (np.log, np.exp) if shape.log else (np.positive, np.positive)
    count = printed.count({f"{name}_ge50": True}, among) if shape.counted_from_50 else None
    include = (*shape.include[arm], *((printed.median(name),) * shape.middle[arm]))
    return OneArm(
        size=printed.count({}, among),
        spread=spread,
        quantile=_quantile(Spread(*map(to, spread)), shape.tails[arm], back),
        decimals=shape.decimals,
        include=include,
        at_least_50=count,
    )


def _two_arms(
    rng: np.random.Generator, arms: Sequence[OneArm], overall: float
) -> list[NDArray[np.float64]]:
    """Draw until the median of all is as printed."""
    for _ in range(2_000):
        parts = [arm.draw(rng) for arm in arms]
        if abs(np.median(np.concatenate(parts)) - overall) < 1e-9:
            return parts
    raise ValueError("add_numbers: no draw meets the printed overall median.")


def _meet_rank_test(
    rng: np.random.Generator,
    parts: list[NDArray[np.float64]],
    arms: Sequence[OneArm],
    overall: float,
    entry: LedgerEntry,
) -> None:
    """Redraw one number at a time until the rank test prints as published."""
    codes = np.repeat([0, 1], [part.size for part in parts])
    low, high = printed_interval(entry)
    miss = np.inf
    for _ in range(20_000):
        k = int(rng.random() * 2)
        trial = [parts[0], parts[1]]
        trial[k] = arms[k].redraw(rng, parts[k])
        values = np.concatenate(trial)
        if not arms[k].holds(trial[k]) or abs(np.median(values) - overall) > 1e-9:
            continue
        p = mann_whitney(values, codes).p_value
        if max(low - p, p - high, 0.0) <= miss:
            miss = max(low - p, p - high, 0.0)
            parts[k] = trial[k]
        if miss == 0.0:
            return
    raise ValueError(f"add_numbers: no draw meets the printed rank test of {entry.variable}.")


@dataclass(frozen=True)
class OneArm:
    """The numbers of one arm: how many, how they spread, and what must be among them.

    Parameters
    ----------
    size : int
        Patients.
    spread : Spread
        Lowest, median, highest.
    quantile : callable
        Shape.
    decimals : int
        Decimals to keep.
    include : tuple of float
        Numbers that must be among them.
    at_least_50 : int or None
        How many are 50 or more.
    """

    size: int
    spread: Spread
    quantile: Quantile
    decimals: int
    include: tuple[float, ...]
    at_least_50: int | None

    def draw(self, rng: np.random.Generator) -> NDArray[np.float64]:
        """Draw until the count of 50 and more is as printed."""
        low, median, high = self.spread
        for _ in range(2_000):
            drawn = numbers_with(
                rng,
                self.size,
                self.quantile,
                low=low,
                median=median,
                high=high,
                decimals=self.decimals,
                include=self.include,
            )
            if self.holds(drawn):
                return drawn
        raise ValueError("add_numbers: no draw meets the printed count of 50 or more.")

    def redraw(self, rng: np.random.Generator, part: NDArray[np.float64]) -> NDArray[np.float64]:
        """Draw one of the numbers anew, on its side of the median."""
        k = int(rng.random() * part.size)
        low, median, high = self.spread
        if part[k] in (low, median, high, *self.include):
            return part
        half = 0.0 if part[k] < median else 0.5
        drawn = self.quantile(np.array([half + 0.5 * rng.random()]))
        changed = part.copy()
        ends = (low, median) if half == 0.0 else (median, high)
        changed[k] = np.round(drawn.clip(*ends), self.decimals)[0]
        return np.sort(changed)

    def holds(self, part: NDArray[np.float64]) -> bool:
        """Tell whether median and count of 50 and more are as printed."""
        many = self.at_least_50 in (None, int((part >= 50).sum()))
        return many and bool(np.median(part) == self.spread.median)


def _quantile(
    spread: Spread,
    tails: tuple[float, float],
    back: Callable[[NDArray[np.float64]], NDArray[np.float64]],
) -> Quantile:
    low, median, high = spread

    def at(p: NDArray[np.float64]) -> NDArray[np.float64]:
        below = median + (low - median) * np.abs(1 - 2 * p) ** tails[0]
        above = median + (high - median) * np.abs(2 * p - 1) ** tails[1]
        return back(np.where(p < 0.5, below, above))

    return at


def spread_by_rank(
    rng: np.random.Generator, people: Patients, name: str, like: str, noise: float
) -> None:
    """Reorder a number within each arm so that it goes along with another."""
    for arm in ARMS:
        here = np.flatnonzero(people["arm"] == arm)
        ranks = np.argsort(np.argsort(people[like][here], kind="stable"), kind="stable")
        key = ranks / here.size + noise * rng.random(here.size)
        order = np.argsort(key, kind="stable")
        people[name][here[order]] = np.sort(people[name][here])

"""What patients are like before treatment: Table 1, by arm, exactly."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from allsurv.cohort.reconstruct.draws import Patients, choose, deal, numbers_with

__all__ = ["add_categories", "add_numbers", "spread_by_rank"]

ARMS = ("before", "after")
ARM_SIZES = (67, 43)
KARYOTYPES: Mapping[str, tuple[int, int]] = {
    "ho_tr": (4, 8),
    "kmt2a": (8, 2),
    "complex": (10, 3),
    "im_nd": (10, 6),
    "heh": (3, 0),
    "tt": (1, 1),
    "other": (17, 9),
    "diploid": (14, 14),
}
FRONTLINE = {
    "none_intensive": 2,
    "cog": 4,
    "augmented_bfm": 7,
    "calgb": 9,
    "other_intensive": 12,
    "hyper_cvad": 76,
}


def add_categories(rng: np.random.Generator, people: Patients) -> None:
    """Add sex, performance, karyotype, markers, earlier treatment and CNS disease.

    Parameters
    ----------
    rng : Generator
        Source of uniform numbers.
    people : Patients
        From ``make_strata``; columns are added.
    """
    n = people["arm"].size
    dead = ~people["alive"]
    arms = [people["arm"] == arm for arm in ARMS]
    for name in ("sex", "karyotype", "tp53_mut", "crlf2_pos", "frontline"):
        people[name] = np.full(n, None, dtype=object)
    for i, arm in enumerate(arms):
        deal(rng, people["sex"], arm, {"male": (31, 21)[i]})
        high = dict.fromkeys(("ho_tr", "kmt2a", "complex"), dead.astype(float))
        counts = {level: count[i] for level, count in KARYOTYPES.items()}
        deal(rng, people["karyotype"], arm, counts, prefer=high, sharpness=2.5)
    people["sex"][[s is None for s in people["sex"]]] = "female"
    people["ecog"] = _performance(rng, people, arms)
    _test_tp53(rng, people, arms)
    for i, arm in enumerate(arms):
        deal(rng, people["crlf2_pos"], arm, {True: (6, 6)[i], False: (28, 31)[i]})
    later = (people["salvage"] > 1).astype(float)
    grafted = people["s1_subtype"] != "primary_refractory"
    people["prior_asct"] = _flags(rng, arms, (19, 2), among=grafted, prefer=later, sharpness=1.5)
    people["cd20_ge20"] = _flags(rng, arms, (12, 16))
    people["rituximab"] = people["cd20_ge20"].copy()
    plain = np.isin(people["karyotype"].astype(str), ("diploid", "other", "im_nd"))
    likely = plain + 2.0 * (people["crlf2_pos"] == True)  # noqa: E712
    people["ph_like"] = _flags(rng, arms, (7, 13), prefer=likely, sharpness=1.5)
    people["cns"] = np.zeros(n, dtype=bool)
    people["cns"][choose(rng, np.ones(n, dtype=bool), 6)] = True
    deal(rng, people["frontline"], np.ones(n, dtype=bool), FRONTLINE)


def _flags(
    rng: np.random.Generator,
    arms: list[NDArray[np.bool_]],
    counts: tuple[int, int],
    *,
    among: NDArray[np.bool_] | None = None,
    prefer: NDArray[np.float64] | None = None,
    sharpness: float = 1.0,
) -> NDArray[np.bool_]:
    flags = np.zeros(arms[0].size, dtype=bool)
    for arm, count in zip(arms, counts, strict=True):
        allowed = arm if among is None else arm & among
        flags[choose(rng, allowed, count, prefer=prefer, sharpness=sharpness)] = True
    return flags


def _performance(
    rng: np.random.Generator, people: Patients, arms: list[NDArray[np.bool_]]
) -> NDArray[np.int_]:
    """ECOG 2 or worse in 11 and 8; exactly 2 of the 7 early deaths had 2."""
    early = people["fate"] == "early_death"
    ecog = (rng.random(early.size) < 0.6).astype(int)
    ecog[choose(rng, early, 2)] = 2
    poor = np.concatenate(
        [choose(rng, arm & ~early, count) for arm, count in zip(arms, (9, 8), strict=True)]
    )
    ecog[poor] = 2
    ecog[poor[rng.random(poor.size) < 0.15]] = 3
    return ecog


def _test_tp53(rng: np.random.Generator, people: Patients, arms: list[NDArray[np.bool_]]) -> None:
    """19 mutated of 60 tested; two live: transplanted and not, both in remission, after."""
    column, karyotype = people["tp53_mut"], people["karyotype"]
    survivors = people["alive_in_cr"] & arms[1] & (karyotype != "ho_tr")
    people["tp53_survivor"] = np.zeros(column.size, dtype=bool)
    for sct in (True, False):
        column[choose(rng, survivors & (people["sct"] == sct), 1)] = True
    people["tp53_survivor"][column == True] = True  # noqa: E712
    hypodiploid = (karyotype == "ho_tr").astype(float)
    for i, arm in enumerate(arms):
        deal(
            rng,
            column,
            arm & ~people["alive"],
            {True: (9, 8)[i]},
            prefer={True: hypodiploid},
            sharpness=6.0,
        )
        deal(rng, column, arm, {False: (15, 26)[i]})


@dataclass(frozen=True)
class Shape:
    """How a number is spread in each arm.

    Parameters
    ----------
    before, after : tuple of float
        Lowest, median, highest.
    overall : float
        Median of all 110.
    tails : tuple of tuple of float
        By arm, exponents below and above the median; larger keeps values nearer to the median.
    decimals : int
        Decimals to keep.
    log : bool
        Whether the spread is on the logarithmic scale.
    include : tuple of tuple of float
        Values each arm must hold: the overall median, and the ages of patients with SOS.
    at_least_50 : tuple of int, optional
        Patients at 50 or more, by arm.
    """

    before: tuple[float, float, float]
    after: tuple[float, float, float]
    overall: float
    tails: tuple[tuple[float, float], tuple[float, float]]
    decimals: int = 0
    log: bool = False
    include: tuple[tuple[float, ...], tuple[float, ...]] = ((), ())
    at_least_50: tuple[int | None, int | None] = (None, None)


SOS_AGES = ((19, 24, 28, 31, 34, 39, 43, 47, 50), (36,))
SHAPES = {
    "age": Shape(
        before=(17, 34, 87),
        after=(18, 42, 79),
        overall=37,
        tails=((0.8, 1.4), (0.8, 1.4)),
        include=(SOS_AGES[0] + (37,), SOS_AGES[1] + (37,)),
    ),
    "wbc": Shape(
        before=(0.1, 3.7, 194.7),
        after=(0.8, 3.1, 129.9),
        overall=3.4,
        tails=((2.0, 2.4), (2.0, 2.4)),
        decimals=1,
        log=True,
        include=((3.4,), (3.4,)),
        at_least_50=(2, 2),
    ),
    "pb_blasts": Shape(
        before=(0, 3, 93), after=(0, 2, 97), overall=2.5, tails=((0.5, 1.1), (0.5, 1.1))
    ),
    "bm_blasts": Shape(
        before=(8, 72, 98),
        after=(6, 50, 96),
        overall=70,
        tails=((1.15, 0.9), (1.1, 0.33)),
        include=((70, 70), (70,)),
        at_least_50=(47, 22),
    ),
    "cd22": Shape(
        before=(20, 95.6, 100),
        after=(14.3, 95.2, 99.9),
        overall=95.4,
        tails=((4.0, 1.0), (4.0, 1.0)),
        decimals=1,
        include=((95.4,), (95.4,)),
    ),
    "cd19": Shape(
        before=(0.5, 99.9, 100),
        after=(10.5, 99.9, 100),
        overall=99.9,
        tails=((9.0, 1.0), (9.0, 1.0)),
        decimals=1,
    ),
}


def add_numbers(rng: np.random.Generator, people: Patients) -> None:
    """Add age, white cells, blasts and antigen expression, in random order within the arm.

    Parameters
    ----------
    rng : Generator
        Source of uniform numbers.
    people : Patients
        Columns are added.
    """
    for name, shape in SHAPES.items():
        parts = _two_arms(rng, shape)
        people[name] = np.concatenate(
            [part[np.argsort(rng.random(part.size), kind="stable")] for part in parts]
        )


def _two_arms(rng: np.random.Generator, shape: Shape) -> list[NDArray[np.float64]]:
    """Draw until the median of all is as printed."""
    for _ in range(2_000):
        parts = [_one_arm(rng, shape, arm) for arm in (0, 1)]
        if abs(np.median(np.concatenate(parts)) - shape.overall) < 1e-9:
            return parts
    raise ValueError("add_numbers: no draw meets the printed overall median.")


def _one_arm(rng: np.random.Generator, shape: Shape, arm: int) -> NDArray[np.float64]:
    """Draw until the count of 50 and more is as printed."""
    low, median, high = (shape.before, shape.after)[arm]
    to, back = (np.log, np.exp) if shape.log else (np.positive, np.positive)
    quantile = _quantile(to(low), to(median), to(high), shape.tails[arm], back)
    wanted = shape.at_least_50[arm]
    for _ in range(2_000):
        drawn = numbers_with(
            rng,
            ARM_SIZES[arm],
            quantile,
            low=low,
            median=median,
            high=high,
            decimals=shape.decimals,
            include=shape.include[arm],
        )
        if wanted is None or int((drawn >= 50).sum()) == wanted:
            return drawn
    raise ValueError("add_numbers: no draw meets the printed count of 50 or more.")


def _quantile(
    low: float,
    median: float,
    high: float,
    tails: tuple[float, float],
    back: Callable[[NDArray[np.float64]], NDArray[np.float64]],
) -> Callable[[NDArray[np.float64]], NDArray[np.float64]]:
    def at(p: NDArray[np.float64]) -> NDArray[np.float64]:
        below = median + (low - median) * np.abs(1 - 2 * p) ** tails[0]
        above = median + (high - median) * np.abs(2 * p - 1) ** tails[1]
        return back(np.where(p < 0.5, below, above))

    return at


def spread_by_rank(
    rng: np.random.Generator, people: Patients, name: str, like: str, noise: float
) -> None:
    """Reorder a number within each arm so that it goes along with another.

    Parameters
    ----------
    rng : Generator
        Source of uniform numbers.
    people : Patients
        ``name`` is reordered in place.
    name, like : str
        The number to reorder, and the one to follow.
    noise : float
        0 follows exactly; larger follows more loosely.
    """
    for arm in ARMS:
        here = np.flatnonzero(people["arm"] == arm)
        ranks = np.argsort(np.argsort(people[like][here], kind="stable"), kind="stable")
        key = ranks / here.size + noise * rng.random(here.size)
        order = np.argsort(key, kind="stable")
        people[name][here[order]] = np.sort(people[name][here])

"""Random choices that meet fixed counts.

Everything is made from uniform numbers alone, so that a seed means the same cohort on every
machine.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["Patients", "choose", "deal", "empty", "numbers_with", "place_below", "shuffled"]

Patients = dict[str, NDArray[Any]]
"""Columns under construction; an object column holds ``None`` where a patient has no value."""

Item = TypeVar("Item")
Quantile = Callable[[NDArray[np.float64]], NDArray[np.float64]]


def shuffled(rng: np.random.Generator, items: Sequence[Item]) -> list[Item]:
    """Put items in random order."""
    order = np.argsort(rng.random(len(items)), kind="stable")
    return [items[i] for i in order]


def choose(
    rng: np.random.Generator,
    among: ArrayLike,
    count: int,
    *,
    prefer: ArrayLike | None = None,
    sharpness: float = 1.0,
) -> NDArray[np.intp]:
    """Choose an exact number of patients, some more readily than others."""
    allowed = np.flatnonzero(np.asarray(among, dtype=bool))
    if allowed.size < count:
        raise ValueError(f"choose: {count} patients wanted, {allowed.size} may be chosen.")
    key = -np.log(-np.log(rng.random(allowed.size)))
    if prefer is not None:
        key = key + sharpness * np.asarray(prefer, dtype=float)[allowed]
    return np.sort(allowed[np.argsort(-key, kind="stable")[:count]])


def deal(
    rng: np.random.Generator,
    column: NDArray[np.object_],
    among: ArrayLike,
    counts: Mapping[Any, int],
    *,
    prefer: Mapping[Any, ArrayLike] | None = None,
    sharpness: float = 1.0,
) -> None:
    """Fill a column with values in exact numbers, value by value."""
    for value, count in counts.items():
        score = None if prefer is None else prefer.get(value)
        open_cells = np.asarray(among, dtype=bool) & empty(column)
        column[choose(rng, open_cells, count, prefer=score, sharpness=sharpness)] = value


def empty(column: NDArray[np.object_]) -> NDArray[np.bool_]:
    """Tell which cells hold nothing yet."""
    return np.array([cell is None for cell in column], dtype=bool)


def place_below(
    rng: np.random.Generator, values: Sequence[float], limits: ArrayLike
) -> NDArray[np.float64]:
    """Give each patient one of the values, below the patient's limit.

    Examples
    --------
    >>> place_below(np.random.default_rng(1), [3.0, 1.0], [2.0, 9.0]).tolist()
    [1.0, 3.0]
    """
    bounds = np.asarray(limits, dtype=float)
    placed = np.empty(bounds.size)
    left = sorted(values)
    for patient in np.argsort(bounds, kind="stable"):
        possible = sum(v < bounds[patient] for v in left)
        if not possible:
            raise ValueError("place_below: a limit leaves no value.")
        placed[patient] = left.pop(int(rng.random() * possible))
    return placed


def numbers_with(
    rng: np.random.Generator,
    n: int,
    quantile: Quantile,
    *,
    low: float,
    median: float,
    high: float,
    decimals: int = 0,
    include: Sequence[float] = (),
) -> NDArray[np.float64]:
    """Draw numbers whose lowest, middle and highest are exactly as printed.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> drawn = numbers_with(rng, 5, lambda p: 100 * p, low=17, median=34, high=87)
    >>> [float(drawn[i]) for i in (0, 2, 4)]
    [17.0, 34.0, 87.0]
    """
    if n % 2 == 0:
        raise ValueError("numbers_with: an even number of patients has no middle one.")
    under = [low, *(v for v in include if v < median)]
    over = [high, *(v for v in include if v > median)]
    below = quantile(0.5 * rng.random(n // 2 - len(under))).clip(low, median)
    above = quantile(0.5 + 0.5 * rng.random(n // 2 - len(over))).clip(median, high)
    return np.round(np.sort(np.concatenate([under, below, [median], above, over])), decimals)

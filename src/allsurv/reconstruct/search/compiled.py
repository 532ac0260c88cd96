"""Compiling the search, and its own stream of chance.

Imported only where a cohort is reconstructed: the rest of the package runs without numba.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numba
import numpy as np

from allsurv.reconstruct.search.arrays import Stream

__all__ = ["compiled", "draw_below", "draw_normal", "draw_unit", "inner"]

Function = TypeVar("Function", bound=Callable[..., Any])

_STEP = np.uint64(0x9E3779B97F4A7C15)
_MIX = (np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB))
_SHIFT = (np.uint64(30), np.uint64(27), np.uint64(31), np.uint64(11))


def compiled(function: Function) -> Function:
    """Compile a function of arrays at its first call, without reordering its arithmetic."""
    made: Any = numba.njit(nogil=True, error_model="numpy")(function)
    found: Function = made
    return found


def inner(function: Function) -> Function:
    """Compile a function that only compiled functions call, which takes less time."""
    options: dict[str, Any] = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}
    found: Function = numba.njit(nogil=True, error_model="numpy", **options)(function)
    return found


@compiled
def draw_unit(stream: Stream) -> float:
    """Draw a number in [0, 1), by splitmix64."""
    stream[0] += _STEP
    z = stream[0]
    z = (z ^ (z >> _SHIFT[0])) * _MIX[0]
    z = (z ^ (z >> _SHIFT[1])) * _MIX[1]
    return np.float64((z ^ (z >> _SHIFT[2])) >> _SHIFT[3]) * (1.0 / 9007199254740992.0)


@compiled
def draw_below(stream: Stream, n: int) -> int:
    """Draw a whole number from 0 to n - 1."""
    return int(draw_unit(stream) * n)


@compiled
def draw_normal(stream: Stream) -> float:
    """Draw a number that is nearly standard normal: a sum of twelve uniforms."""
    total = -6.0
    for _ in range(12):
        total += draw_unit(stream)
    return total

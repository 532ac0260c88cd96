"""Compiling the innermost loops, and chance inside them.

Imported only where a model is fitted: the rest of the package runs without numba.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba
import numpy as np
from numpy.typing import NDArray

__all__ = ["compiled", "draw_below", "draw_to_front"]

Function = TypeVar("Function", bound=Callable[..., Any])

_STEP = np.uint64(0x9E3779B97F4A7C15)
_MIX_1, _MIX_2 = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_SHIFT_1, _SHIFT_2, _SHIFT_3 = np.uint64(30), np.uint64(27), np.uint64(31)


def compiled(function: Function) -> Function:
    """Compile a function of arrays, once per machine where a folder for it can be written."""
    fast: Any
    try:
        fast = numba.njit(cache=True, nogil=True, error_model="numpy")(function)
    except RuntimeError:  # numba finds no folder it may write to
        fast = numba.njit(nogil=True, error_model="numpy")(function)
    return cast("Function", fast)


@compiled
def draw_below(state: NDArray[np.uint64], n: int) -> int:
    """Draw a whole number from 0 to n - 1, by splitmix64."""
    state[0] += _STEP
    z = state[0]
    z = (z ^ (z >> _SHIFT_1)) * _MIX_1
    z = (z ^ (z >> _SHIFT_2)) * _MIX_2
    return int((z ^ (z >> _SHIFT_3)) % np.uint64(n))


@compiled
def draw_to_front(state: NDArray[np.uint64], pool: NDArray[np.int64], k: int) -> int:
    """Draw one of the members of a pool that are not drawn yet."""
    other = k + draw_below(state, pool.size - k)
    drawn = pool[other]
    pool[other] = pool[k]
    pool[k] = drawn
    found: int = drawn
    return found

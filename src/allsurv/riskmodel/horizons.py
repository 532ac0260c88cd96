"""Horizons as a user gives them: times at which survival is predicted or judged."""

from __future__ import annotations

import math
from collections.abc import Iterable
from numbers import Real
from typing import Any

from allsurv.errors import AllsurvError, ModelError

__all__ = ["read_horizons"]

_ALLOWED = "give a list of different numbers, such as [12, 24, 36], in the study's unit"


def read_horizons(
    given: Any,
    *,
    where: str,
    error: type[AllsurvError] = ModelError,
    fewest: int = 1,
    zero: bool = False,
) -> tuple[float, ...]:
    """Read horizons, or say what is allowed.

    Two that share their first six digits would give two columns of one name.

    Examples
    --------
    >>> read_horizons([12, 24.0], where="score")
    (12.0, 24.0)
    >>> read_horizons(12, where="score")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    allsurv.errors.ModelError: score: horizons are 12, which is no list; give a list of ...
    """
    if isinstance(given, str | bytes | dict) or not isinstance(given, Iterable):
        raise error(f"{where}: horizons are {_shown(given)}, which is no list; {_ALLOWED}.")
    found = tuple(given)
    if len(found) < fewest:
        raise error(f"{where}: horizons are an empty list; {_ALLOWED}.")
    for horizon in found:
        if isinstance(horizon, bool) or not isinstance(horizon, Real):
            raise error(f"{where}: horizon {_shown(horizon)} is not a number; {_ALLOWED}.")
    times = tuple(map(float, found))
    for time in times:
        if not math.isfinite(time) or time < 0 or (time == 0 and not zero):
            least = "0 or later" if zero else "above 0"
            raise error(f"{where}: horizon {time:g} must be {least} and finite; {_ALLOWED}.")
    names = [f"{time:g}" for time in times]
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise error(f"{where}: horizon {twice[0]} is given twice; {_ALLOWED}.")
    return times


def _shown(given: Any) -> str:
    return repr(given)[:40]

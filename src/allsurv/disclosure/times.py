"""Patients' times in what is about to leave."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from allsurv.cohort import Cohort
from allsurv.disclosure.artefacts import Contents
from allsurv.disclosure.chance import Numbers

__all__ = ["Times"]

Floats = NDArray[np.float64]
TELLING_DECIMALS = 3
TELLING_DIGITS = 4
SIMPLEST = 24
"""Largest denominator of a fraction that is no sign of a patient."""
COINCIDENCE = 1e-5
"""Chance above which a number equal to a time says nothing: a card holds thousands of numbers."""
MOST_SIMPLE = 0.1
"""Share of a column of times that may be let through as simple fractions."""
RUN = 10
"""Patients, one after another in the order of the file, whose times are a sign of all."""
RARE = 1e-12
_SAME = 1e-9


def _is_simple(time: float) -> bool:
    """Tell whether a time is a share that many a result is by chance, such as 8 months in years.

    Examples
    --------
    >>> _is_simple(2 / 3), _is_simple(1 + 2 / 3), _is_simple(178 / 30.4375)
    (True, False, False)
    """
    return 0 < time < 1 and abs(float(Fraction(time).limit_denominator(SIMPLEST)) - time) < _SAME


class Times:
    """Follow-up and event times of a cohort, off the study's grid and on it."""

    def __init__(self, cohort: Cohort) -> None:
        study, frame = cohort.study, cohort.frame
        durations = [
            frame[name].dropna().to_numpy(dtype=float)
            for name in frame.columns
            if study.variable(name).kind == "duration"
        ]
        times = np.unique(np.concatenate(durations)) if durations else np.empty(0)
        step = study.time.grid
        off_grid = times[np.abs(times / step - np.round(times / step)) > 1e-6]
        decimals = [len(f"{time:.6f}".rstrip("0").split(".")[1]) for time in off_grid]
        # A few half days among whole days do not make whole days telling.
        places = int(np.quantile(decimals, 0.9, method="higher")) if decimals else 0
        self.numbers = Numbers(off_grid, 10.0**-places)
        precise = [
            time
            for time, places in zip(off_grid, decimals, strict=True)
            if places >= TELLING_DECIMALS
        ]
        simple = {time for time in precise if _is_simple(time)}
        for column in durations:
            own = column[np.isin(column, list(simple))]
            if own.size > MOST_SIMPLE * column.size:  # as where times are years in twelfths
                simple -= set(own.tolist())
        self.telling = _no_coincidence([time for time in precise if time not in simple])
        runs = [_rare_runs(column) for column in durations]
        self.runs = np.unique(np.concatenate(runs)) if runs else np.empty(0, dtype=np.uint64)
        self.whole = tuple(np.sort(column) for column in durations if _has_ties(column))

    def one_is_in(self, found: Contents) -> bool:
        """Tell whether a file holds a time that only a patient has."""
        return any(self._is_telling(word) for word in found.words)

    def fill_a_column(self, found: Contents) -> bool:
        """Tell whether a column of a file is patients' times, on the grid too."""
        return any(self.numbers.fill(column) or self._follow(column) for column in found.columns)

    def _is_telling(self, word: str) -> bool:
        if "." not in word or not word[0].isdigit():
            return False
        try:
            return f"{float(word):.10g}" in self.telling
        except ValueError:
            return False

    def _follow(self, column: Floats) -> bool:
        """Tell whether a column has patients' times in their order, or all of them in any order."""
        column = column[np.isfinite(column)]
        if column.size < RUN:
            return False
        if np.isin(_run_codes(column), self.runs).any():
            return True
        ordered = np.sort(column)
        return any(np.array_equal(ordered, whole) for whole in self.whole)


def _no_coincidence(times: list[float]) -> frozenset[str]:
    """Keep the times that a number of as many decimals would hardly equal by chance.

    In years with three decimals 110 patients fill one in a hundred of all numbers up to ten, so
    that any card would hold one; a column of such times is found all the same.

    Examples
    --------
    >>> len(_no_coincidence([k / 97 for k in range(1, 100)]))
    98
    >>> len(_no_coincidence([k / 1000 for k in range(1, 1000, 10)]))
    0
    >>> sorted(_no_coincidence([0.001, 211.372]))
    ['211.372']
    """
    words = {f"{time:.10g}" for time in times}
    places = {word: len(word.partition(".")[2]) for word in words}
    counts = Counter(places.values())
    span = max(times, default=1.0)
    return frozenset(
        word
        for word, n in places.items()
        if counts[n] * 10.0**-n / span <= COINCIDENCE and _digits(word) >= TELLING_DIGITS
    )


def _digits(word: str) -> int:
    """Count significant digits: 0.001 has one, as many a P value."""
    return len(word.replace(".", "").lstrip("0"))


def _has_ties(column: Floats) -> bool:
    """Tell times with ties from a grid, which has none; few values may be so by chance."""
    return column.size >= RUN and RUN <= np.unique(column).size < column.size


def _rare_runs(column: Floats) -> NDArray[np.uint64]:
    """Code the runs of a column that would hardly follow one another by chance."""
    if column.size < RUN:
        return np.empty(0, dtype=np.uint64)
    _, place, count = np.unique(column, return_inverse=True, return_counts=True)
    share = np.log(count[place] / column.size)
    chance = np.lib.stride_tricks.sliding_window_view(share, RUN).sum(axis=1)
    steps = np.lib.stride_tricks.sliding_window_view(np.diff(column), RUN - 1)
    in_order = (steps >= 0).all(axis=1) | (steps <= 0).all(axis=1)
    rare: NDArray[np.uint64] = _run_codes(column)[(chance < np.log(RARE)) & ~in_order]
    return rare


def _run_codes(column: Floats) -> NDArray[np.uint64]:
    """Give each run of ten values one number, equal for equal runs."""
    millionths = np.round(np.clip(column, -1e9, 1e9) * 1e6).astype(np.int64).view(np.uint64)
    weights = np.random.default_rng(0).integers(1, 2**63, RUN, dtype=np.uint64) * np.uint64(2)
    runs = np.lib.stride_tricks.sliding_window_view(millionths, RUN)
    codes: NDArray[np.uint64] = (runs * (weights + np.uint64(1))).sum(axis=1, dtype=np.uint64)
    return codes

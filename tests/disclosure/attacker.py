"""Somebody who has only what was published, and solves it for what was hidden.

Each attack gives what follows with certainty: a count of 1 to 10 that is the only one to fit.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import pandas as pd
from scipy.stats import norm

MOST = 10
"""Largest count that is small."""
LEFT_BETWEEN = 14
"""Patients, at most, who are taken to be censored between two points."""
COMBINATIONS = 20_000
Z = float(norm.ppf(0.975))
EXACT = 1e-10


@dataclass(frozen=True)
class Known:
    """A point from which to go on: who is at risk, survival between two bounds, Greenwood's sum."""

    n: int
    low: float
    high: float
    greenwood: float | None


@dataclass(frozen=True)
class Found:
    """Events between two points."""

    where: str
    n_events: int


def solve_curve(rows: pd.DataFrame, where: str) -> list[Found]:
    """Solve the points of one Kaplan-Meier curve for the events between them.

    Every event multiplies survival by 1 - 1/k, k being at risk, and adds 1/(k (k - 1)) to
    Greenwood's sum, which the log-log limits give away.
    """
    rows = rows[rows["survival"].notna()].sort_values("time")
    if rows.empty or pd.isna(rows["n_at_risk"].iloc[0]):
        return []
    n = int(rows["n_at_risk"].iloc[0])
    start = Known(n, 1.0, 1.0, 0.0)
    found = list(_go_on(start, rows.iloc[1:], n, where))
    for place in range(1, len(rows)):
        row = rows.iloc[place].to_dict()
        if pd.notna(row["n_at_risk"]):
            half = unit_of(row, n) / 2 or EXACT
            bounds = row["survival"] - half, row["survival"] + half
            known = Known(int(row["n_at_risk"]), *bounds, None)
            found += _go_on(known, rows.iloc[place + 1 :], n, where)
    return found


def _go_on(state: Known, rows: pd.DataFrame, n: int, where: str) -> Iterator[Found]:
    for row in rows.to_dict("records"):
        unit = unit_of(row, n)
        half = unit / 2 or EXACT
        bounds = max(row["survival"] - half, 0.0), min(row["survival"] + half, 1.0)
        if bounds[1] < state.low * (1 - (MOST + 3) / state.n):
            return
        fits = {d: _explanations(state, row, bounds, unit, d) for d in range(MOST + 3)}
        fits = {d: several for d, several in fits.items() if several}
        if len(fits) == 1:
            n_events, several = next(iter(fits.items()))
            if 1 <= n_events <= MOST:
                yield Found(f"{where}, by {row['time']:g}", n_events)
            if unit == 0 and n_events and state.greenwood is not None:
                if len(several) > 1:
                    return
                added = sum(1 / (k * (k - 1)) for k in several[0] if k > 1)
                survival = float(row["survival"])
                state = Known(several[0][-1] - 1, survival, survival, state.greenwood + added)
        elif unit == 0:
            return


def _explanations(
    state: Known, row: dict, bounds: tuple[float, float], unit: float, n_events: int
) -> list[tuple[int, ...]]:
    """Numbers at risk at the events that explain a point: the first, or two if it is exact."""
    last = max(state.n - LEFT_BETWEEN - n_events, 0)
    fewest, most = last / max(last + n_events, 1), (state.n - n_events) / state.n
    if state.high * most < bounds[0] - EXACT or state.low * fewest > bounds[1] + EXACT:
        return []
    found: list[tuple[int, ...]] = []
    for sizes in _sizes(state.n, n_events):
        product = math.prod(1 - 1 / k for k in sizes)
        low, high = max(state.low * product, bounds[0]), min(state.high * product, bounds[1])
        fits = high >= low - EXACT and sizes not in found
        if fits and (state.greenwood is None or _limits_fit(state, row, sizes, product, unit)):
            found.append(sizes)
            if unit > 0 or len(found) > 1:
                return found
    return found


def _sizes(n: int, n_events: int) -> Iterator[tuple[int, ...]]:
    for left in range(min(LEFT_BETWEEN, n - n_events) + 1):  # events one after another: likeliest
        yield tuple(range(n - left, n - left - n_events, -1))
    pool = range(n, max(n - LEFT_BETWEEN - n_events, 0), -1)
    yield from itertools.islice(itertools.combinations(pool, n_events), COMBINATIONS)


def _limits_fit(
    state: Known, row: dict, sizes: tuple[int, ...], product: float, unit: float
) -> bool:
    """Tell whether Greenwood's error gives the limits, exact or by the published rule of rounding.

    By that rule they are those of the rounded survival, of the number of patients that would have
    had the same error without censoring, rounded down to a multiple of five.
    """
    survival, shown = state.low * product, float(row["survival"])
    if not (0 < survival < 1 and 0 < shown < 1) or pd.isna(row["lower"]):
        return True
    variance = state.greenwood + sum(1 / (k * (k - 1)) for k in sizes if k > 1)
    if unit > 0:
        patients = (1 - survival) / (survival * variance)
        variance = (1 - shown) / (shown * max(5 * math.floor(patients / 5 + 1e-6), 5))
    width = Z * math.sqrt(variance) / abs(math.log(shown))
    slack = unit / 2 + 1e-9 if unit > 0 else 1e-8
    return all(
        abs(shown ** math.exp(sign * width) - row[limit]) <= slack
        for limit, sign in (("lower", 1), ("upper", -1))
    )


def unit_of(row: dict, n: int) -> float:
    """Unit of a rounded point: the finest of the published ones that fits its numbers; or 0."""
    values = [row[name] for name in ("survival", "lower", "upper") if pd.notna(row[name])]
    for unit in sorted(k * 10.0**-p for k in (1, 2, 5) for p in range(1, 8)):
        if unit >= 2 / n * (1 - 1e-9) and all(
            abs(v / unit - round(v / unit)) < 1e-7 for v in values
        ):
            return unit
    return 0.0


def solve_at_risk(rows: pd.DataFrame, where: str) -> list[Found]:
    """Subtract numbers at risk from one another."""
    shown = rows.sort_values("time")["n_at_risk"].dropna().astype(int)
    gone = -shown.diff().dropna()
    return [Found(f"{where}, patients who left", int(k)) for k in gone if 1 <= k <= MOST]


def solve_sums(sizes: Sequence[float], total: float, where: str) -> list[Found]:
    """Subtract groups from everybody, where all but one are shown."""
    known = [size for size in sizes if pd.notna(size)]
    if len(known) < len(sizes) - 1 or pd.isna(total):
        return []
    rest = total - sum(known)
    return [Found(f"{where}, by subtraction", int(rest))] if 1 <= rest <= MOST else []


def solve_hazard(steps: np.ndarray, n_patients: int, where: str) -> list[Found]:
    """Find steps of a hazard that are so many events of so many at risk."""
    found = []
    for step in np.unique(steps[steps > EXACT]):
        ratio = Fraction(float(step)).limit_denominator(int(n_patients))
        if abs(float(ratio) - step) < 1e-9 and 1 <= ratio.numerator <= MOST:
            found.append(Found(f"{where}: {ratio} of those at risk", ratio.numerator))
    return found

"""Moves of the search: exchange or shift values, unless that breaks a count or a rule."""

from __future__ import annotations

import numpy as np

from allsurv.reconstruct.search.arrays import Conditions, Floats, Ints, Stream
from allsurv.reconstruct.search.compiled import draw_below, draw_normal, draw_unit, inner

__all__ = [
    "belongs",
    "counts_agree",
    "exchange",
    "follow",
    "plausible",
    "propose",
    "same_risk_sets",
    "sort",
]

LONG_STEPS = 0.5
IS_NUDGE, AMONG, BITS, SAME, ROW, BETWEEN, IN_MODEL = range(7)


@inner
def belongs(conditions: Conditions, group: int, i: int, bits: Ints, values: Floats) -> int:
    """Tell (1 or 0) whether a patient belongs to a group.

    A group is a list of alternatives; in each, a mask has the bits of the labels that a patient
    must not have. A patient has one bit per column, so any condition on labels is one AND.
    """
    starts, alternatives, above = conditions
    for a in range(starts[group], starts[group + 1]):
        if bits[i] & alternatives[a, 0]:
            continue
        met = True
        for c in range(above.shape[1]):
            row = alternatives[a, 1 + c]
            if row >= 0 and not values[row, i] > above[a, c]:
                met = False
        if met:
            return 1
    return 0


@inner
def follow(
    endpoint: Ints,
    decimals: float,
    conditions: Conditions,
    i: int,
    bits: Ints,
    values: Floats,
    event: Ints,
) -> None:
    """Work out one patient's time and event of an endpoint."""
    stop = values[endpoint[0], i]
    seen = belongs(conditions, endpoint[1], i, bits, values)
    if endpoint[2] >= 0:
        earlier = values[endpoint[2], i]
        if earlier == earlier:
            stop, seen = earlier, 1
    origin = values[endpoint[3], i] if endpoint[3] >= 0 else 0.0
    time = np.floor((stop - origin) * decimals + 0.5) / decimals
    values[endpoint[4], i] = time
    values[endpoint[4] + 1, i] = origin + time
    values[endpoint[4] + 2, i] = -origin
    event[i] = seen


@inner
def _later(time: Floats, event: Ints, a: int, b: int) -> bool:
    """Tell whether patient a comes after patient b; those without a time come last."""
    if time[a] != time[a]:
        return time[b] == time[b] or a > b
    if time[b] != time[b]:
        return False
    if time[a] != time[b]:
        return time[a] > time[b]
    if event[a] != event[b]:
        return event[a] < event[b]
    return a > b


@inner
def sort(order: Ints, time: Floats, event: Ints) -> None:
    """Sort patients by time, events before the censored; quick where few are out of place.

    By insertion: after a move of two patients it makes n comparisons and the shifts they need.
    """
    for k in range(1, order.size):
        i = order[k]
        m = k
        while m > 0 and _later(time, event, order[m - 1], i):
            order[m] = order[m - 1]
            m -= 1
        order[m] = i


@inner
def exchange(
    bits: Ints, values: Floats, mask: int, rows: Ints, first: int, last: int, i: int, j: int
) -> None:
    """Exchange labels (those in mask) and numbers (rows from first to last) of two patients.

    An exchange leaves every count of a single column as it is; only groups of several columns can
    change, and these are compared by :func:`counts_agree`.
    """
    # Bits that differ, flipped in both: each then has the other's.
    changed = (bits[i] ^ bits[j]) & mask
    bits[i] ^= changed
    bits[j] ^= changed
    for m in range(first, last):
        row = rows[m]
        values[row, i], values[row, j] = values[row, j], values[row, i]


@inner
def _nudged(
    values: Floats, row: int, grid: float, spread: float, between: int, i: int, stream: Stream
) -> float:
    """Propose a number: a long step, or a few grids up or down; NaN where there is no room."""
    old = values[row, i]
    if draw_unit(stream) < LONG_STEPS:
        new = old * np.exp(spread * draw_normal(stream))
    else:
        steps = 1 + draw_below(stream, 3)
        new = old + grid * (steps if draw_unit(stream) < 0.5 else -steps)
    new = np.floor(new / grid + 0.5) * grid
    new = np.floor(new * 1e4 + 0.5) / 1e4
    if between:
        for k in range(values.shape[1]):
            other = values[row, k]
            if k != i and (other == old or (other - old) * (other - new) <= 0):
                return np.nan
    return new


@inner
def propose(
    shape: Ints,
    step: Floats,
    rows: Ints,
    first: int,
    last: int,
    conditions: Conditions,
    bits: Ints,
    values: Floats,
    stream: Stream,
    pair: Ints,
) -> float:
    """Choose one or two patients; the new number of a nudge, or NaN where nothing is to be done."""
    n = bits.size
    i = draw_below(stream, n)
    pair[0], pair[1] = i, -1
    if not belongs(conditions, shape[AMONG], i, bits, values):
        return np.nan
    if shape[IS_NUDGE]:
        row = shape[ROW]
        new = _nudged(values, row, step[0], step[1], shape[BETWEEN], i, stream)
        return new if new > 0 and new != values[row, i] else np.nan
    j = draw_below(stream, n)
    differing = bits[i] ^ bits[j]
    if i == j or differing & shape[SAME]:
        return np.nan
    differ = (differing & shape[BITS]) != 0
    for m in range(first, last):
        differ = differ or values[rows[m], i] != values[rows[m], j]
    if not differ or not belongs(conditions, shape[AMONG], j, bits, values):
        return np.nan
    pair[1] = j
    return 0.0


@inner
def same_risk_sets(
    time: Floats, event: Ints, switch: Floats, i: int, old: float, new: float, of_switch: bool
) -> bool:
    """Tell whether moving one patient's time, or switch, leaves every risk set as it was.

    The partial likelihood depends on the order of times alone. Most nudges pass no event and no
    switch; the Cox model, which costs most, is then not fitted again.
    """
    for k in range(time.size):
        if of_switch:
            if event[k] and (old < time[k]) != (new < time[k]):
                return False
            continue
        if (switch[k] < old) != (switch[k] < new):
            return False
        if k == i or not (event[k] or event[i]):
            continue
        if time[k] == old or time[k] == new or (time[k] < old) != (time[k] < new):
            return False
    return True


@inner
def plausible(
    rules: Ints,
    gaps: Floats,
    listed: Ints,
    first: int,
    last: int,
    conditions: Conditions,
    i: int,
    bits: Ints,
    values: Floats,
) -> bool:
    """Tell whether a patient meets the rules a move could break."""
    for m in range(first, last):
        k = listed[m]
        if not belongs(conditions, rules[k, 3], i, bits, values):
            continue
        left = gaps[k]
        if rules[k, 0] >= 0:
            left += values[rules[k, 0], i]
        if rules[k, 1] >= 0:
            left += values[rules[k, 1], i]
        right = values[rules[k, 2], i] if rules[k, 2] >= 0 else 0.0
        if left > right + 1e-9:
            return False
    return True


@inner
def counts_agree(
    listed: Ints,
    first: int,
    last: int,
    conditions: Conditions,
    i: int,
    j: int,
    bits: Ints,
    values: Floats,
    counts: Ints,
    after: bool,
) -> bool:
    """Count two patients in each group a move could change; afterwards compare."""
    for m in range(first, last):
        met = belongs(conditions, listed[m], i, bits, values)
        if j >= 0:
            met += belongs(conditions, listed[m], j, bits, values)
        if not after:
            counts[m - first] = met
        elif counts[m - first] != met:
            return False
    return True

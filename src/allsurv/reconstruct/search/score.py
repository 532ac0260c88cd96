"""How far the targets are missed: nothing where all are met."""

from __future__ import annotations

import numpy as np

from allsurv.reconstruct.search.arrays import Floats, Ints, Work
from allsurv.reconstruct.search.compiled import inner
from allsurv.reconstruct.search.measures import (
    Z95,
    cox_step,
    invert,
    log_rank_z,
    order_statistic,
    survival_at,
)

__all__ = ["fill_moments", "miss_of_curve", "miss_of_model", "miss_of_order", "miss_of_test"]

WORST = 1e4
NEAR = 0.05
CONVERGED, NEARLY, HOPELESS = 1e-5, 0.3, 2.0


@inner
def _miss(x: float, interval: Floats) -> float:
    """Square of how many scales a number lies outside its interval, and a step at its edge.

    With x scales outside it is x^2 + s x / (x + 0.05). The square pulls from afar but is flat near
    the edge, where numbers that round to the wrong last digit would lie for ever; the second part
    has slope s / 0.05 there and is at most s, so that no number outweighs many others.
    """
    if interval[0] <= x <= interval[1]:
        return 0.0
    if not -1e300 < x < 1e300:
        return WORST
    away = interval[0] - x if x < interval[0] else x - interval[1]
    off = away / interval[2]
    found: float = min(off * off + interval[3] * off / (off + NEAR), WORST)
    return found


@inner
def miss_of_curve(
    order: Ints, time: Floats, event: Ints, member: Ints, at: float, intervals: Floats, out: Floats
) -> float:
    """Miss of a Kaplan-Meier curve: survival, both limits, median."""
    survival_at(order, time, event, member, at, out)
    total = 0.0
    for part in range(4):
        total += _miss(out[part], intervals[part])
    return total


@inner
def miss_of_test(
    order: Ints, time: Floats, event: Ints, first: Ints, second: Ints, interval: Floats
) -> float:
    """Miss of a log-rank test."""
    return _miss(log_rank_z(order, time, event, first, second), interval)


@inner
def miss_of_order(
    values: Floats, member: Ints, which: int, interval: Floats, scratch: Floats
) -> float:
    """Miss of a lowest, middle or highest number."""
    return _miss(order_statistic(values, member, which, scratch), interval)


@inner
def fill_moments(term: Ints, member: Ints, values: Floats, moments: Floats, i: int) -> None:
    """Write one patient's covariates and their products, before and after the switch.

    The row is 1, x_1 ... x_p, then x_a x_b for b <= a. So one sum of weighted rows over a risk set
    holds the sums of risks, their first and their second moments, and a patient enters, leaves or
    switches by one addition.
    """
    n_terms = term.shape[0]
    p = n_terms + 1
    for on in range(2):
        row = moments[on, i]
        row[0] = 1.0
        for a in range(n_terms):
            at = term[a, 1]
            row[1 + a] = member[at, i] if term[a, 0] else values[at, i]
        row[p] = on
        k = 1 + p
        for a in range(p):
            for b in range(a + 1):
                row[k] = row[1 + a] * row[1 + b]
                k += 1


@inner
def miss_of_model(
    order: Ints,
    time: Floats,
    event: Ints,
    moments: Floats,
    switch_order: Ints,
    switch: Floats,
    beta: Floats,
    intervals: Floats,
    enough: float,
    work: Work,
) -> float:
    """Fit the Cox model from ``beta`` on; stop early where it can no longer be good enough.

    ``beta`` fits the patients as they were. One or two changed patients move it by a fraction of a
    standard error, so one or two Newton steps suffice; six are the most. Near the maximum (steps
    below 0.3 standard errors) a miss of twice what is allowed is not going to be met any more.
    """
    score, information, inverse, sums, dead, weight = work
    p = beta.size
    total = 0.0
    for _ in range(6):
        cox_step(
            order, time, event, moments, switch_order, switch, beta, score, information,
            sums, dead, weight,
        )  # fmt: skip
        if information[p - 1, p - 1] == 0:
            information[p - 1, p - 1] = 1.0
        if not invert(information, inverse):
            return WORST * 4 * p
        largest = 0.0
        for a in range(p):
            step = 0.0
            for b in range(p):
                step += inverse[a, b] * score[b]
            beta[a] += step
            largest = max(largest, abs(step) / np.sqrt(inverse[a, a]))
        total = 0.0
        for a in range(p - 1):
            error = np.sqrt(inverse[a, a])
            k = 4 * a
            total += _miss(beta[a], intervals[k])
            total += _miss(beta[a] - Z95 * error, intervals[k + 1])
            total += _miss(beta[a] + Z95 * error, intervals[k + 2])
            total += _miss(abs(beta[a]) / error, intervals[k + 3])
        if largest < CONVERGED or (largest < NEARLY and total > enough * HOPELESS):
            break
    return total

"""The measures that the search brings to their printed values, on rows already sorted by time."""

from __future__ import annotations

import numpy as np

from allsurv.reconstruct.search.arrays import Floats, Ints
from allsurv.reconstruct.search.compiled import compiled

__all__ = ["cox_step", "invert", "log_rank_z", "order_statistic", "survival_at"]

Z95 = 1.959963984540054
HALF = 1.5e-8  # within which a curve is exactly at one half


@compiled
def survival_at(
    order: Ints, time: Floats, event: Ints, member: Ints, at: float, out: Floats
) -> None:
    """Give a Kaplan-Meier curve's survival, its log-log limits and its median.

    Tied deaths taken one after the other give the same product and the same Greenwood sum.
    """
    left, last = 0, -np.inf
    for i in order:
        left += member[i]
        if member[i]:
            last = time[i]
    survival, variance, here, here_variance = 1.0, 0.0, 1.0, 0.0
    median, flat = np.inf, np.inf
    for i in order:
        if not member[i]:
            continue
        if event[i]:
            if flat < np.inf and median == np.inf:
                median = (flat + time[i]) / 2
            survival *= 1 - 1 / left
            if left > 1:
                variance += 1 / (left * (left - 1.0))
            if time[i] <= at:
                here, here_variance = survival, variance
            if median == np.inf and flat == np.inf:
                if abs(survival - 0.5) < HALF:
                    flat = time[i]
                elif survival < 0.5:
                    median = time[i]
        left -= 1
    out[0] = here
    out[3] = median
    if last < at and here > 0:
        out[0] = out[1] = out[2] = np.inf
    elif 0 < here < 1:
        shift = np.exp(Z95 * np.sqrt(here_variance) / np.log(here))
        out[1] = np.exp(np.log(here) / shift)
        out[2] = np.exp(np.log(here) * shift)
    else:
        out[1] = out[2] = here


@compiled
def log_rank_z(order: Ints, time: Floats, event: Ints, first: Ints, second: Ints) -> float:
    """Give the size of the log-rank statistic of two groups, as a normal deviate."""
    n1, n2 = 0, 0
    for i in order:
        n1 += first[i]
        n2 += second[i]
    excess, variance = 0.0, 0.0
    k, size = 0, order.size
    while k < size:
        now = time[order[k]]
        if now != now:
            break
        deaths, ours, gone1, gone2 = 0, 0, 0, 0
        while k < size and time[order[k]] == now:
            i = order[k]
            gone1 += first[i]
            gone2 += second[i]
            if event[i]:
                deaths += first[i] + second[i]
                ours += first[i]
            k += 1
        n = n1 + n2
        if deaths and n > 0:
            share = n1 / n
            excess += ours - deaths * share
            if n > 1:
                variance += deaths * share * (1 - share) * (n - deaths) / (n - 1.0)
        n1 -= gone1
        n2 -= gone2
    if variance <= 0:
        return 0.0
    return abs(excess) / np.sqrt(variance)


@compiled
def order_statistic(values: Floats, member: Ints, which: int, scratch: Floats) -> float:
    """Give the lowest (0), middle (1) or highest (2) value of a group."""
    n = 0
    for i in range(values.size):
        if member[i]:
            x = values[i]
            k = n
            while k > 0 and scratch[k - 1] > x:
                scratch[k] = scratch[k - 1]
                k -= 1
            scratch[k] = x
            n += 1
    if n == 0:
        return np.inf
    if which == 0:
        return scratch[0]
    if which == 2:
        return scratch[n - 1]
    return (scratch[(n - 1) // 2] + scratch[n // 2]) / 2


@compiled
def _add(sums: Floats, moments: Floats, weight: float) -> None:
    for k in range(sums.size):
        sums[k] += weight * moments[k]


@compiled
def cox_step(
    order: Ints,
    time: Floats,
    event: Ints,
    moments: Floats,
    switch_order: Ints,
    switch: Floats,
    beta: Floats,
    score: Floats,
    information: Floats,
    sums: Floats,
    dead: Floats,
    weight: Floats,
) -> None:
    """Give score and information of a Cox model with one variable that switches on (Efron).

    Going back in time ``sums`` holds the risk set: patients enter at their own time, as they are
    then, and those whose switch is not before ``now`` are exchanged for what they were before it.
    ``order`` and ``switch_order`` are sorted already, so this is one pass over both.
    """
    n, p = order.size, beta.size
    last = p - 1
    score[:] = 0.0
    information[:, :] = 0.0
    sums[:] = 0.0
    for i in range(n):
        linear = 0.0
        for a in range(last):
            linear += moments[0, i, 1 + a] * beta[a]
        weight[i] = np.exp(linear)
    jump = np.exp(beta[last])
    s = n - 1
    while s >= 0 and not switch[switch_order[s]] < time[switch_order[s]]:
        s -= 1
    k = n - 1
    while k >= 0 and time[order[k]] != time[order[k]]:
        k -= 1
    while k >= 0:
        now = time[order[k]]
        first = k
        deaths = 0
        while first >= 0 and time[order[first]] == now:
            i = order[first]
            if switch[i] < time[i]:
                _add(sums, moments[1, i], weight[i] * jump)
            else:
                _add(sums, moments[0, i], weight[i])
            deaths += event[i]
            first -= 1
        # Before its switch a patient's covariate is 0.
        while s >= 0 and switch[switch_order[s]] >= now:
            i = switch_order[s]
            if switch[i] < time[i]:
                _add(sums, moments[1, i], -weight[i] * jump)
                _add(sums, moments[0, i], weight[i])
            s -= 1
        if deaths:
            dead[:] = 0.0
            for m in range(first + 1, k + 1):
                i = order[m]
                if event[i]:
                    on = 1 if switch[i] < now else 0
                    if deaths > 1:
                        _add(dead, moments[on, i], weight[i] * (jump if on else 1.0))
                    for a in range(p):
                        score[a] += moments[on, i, 1 + a]
        for d in range(deaths):
            # Efron: of d deaths at one time the k-th finds k / d of the others' risk gone.
            share = d / deaths
            over = 1.0 / (sums[0] - share * dead[0])
            c = 1 + p
            for a in range(p):
                mean = (sums[1 + a] - share * dead[1 + a]) * over
                score[a] -= mean
                for b in range(a + 1):
                    other = (sums[1 + b] - share * dead[1 + b]) * over
                    information[a, b] += (sums[c] - share * dead[c]) * over - mean * other
                    c += 1
        k = first
    for a in range(p):
        for b in range(a):
            information[b, a] = information[a, b]


@compiled
def invert(matrix: Floats, inverse: Floats) -> bool:
    """Invert a small positive definite matrix."""
    p = matrix.shape[0]
    for a in range(p):
        for b in range(p):
            inverse[a, b] = 1.0 if a == b else 0.0
    for a in range(p):
        pivot = matrix[a, a]
        if not pivot > 1e-10:
            return False
        for b in range(p):
            matrix[a, b] /= pivot
            inverse[a, b] /= pivot
        for c in range(p):
            if c != a:
                factor = matrix[c, a]
                for b in range(p):
                    matrix[c, b] -= factor * matrix[a, b]
                    inverse[c, b] -= factor * inverse[a, b]
    return True

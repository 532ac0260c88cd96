"""Fisher's exact test for tables of any size."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln

from allsurv.errors import OutcomeError

__all__ = ["TooManyTablesError", "fisher_p_value"]

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

SAME_PROBABILITY = 1e-7  # as R's fisher.test: tables this close in probability count as equal
MOST_STATES = 3_000_000


class TooManyTablesError(OutcomeError):
    """Tables with the same margins are too many to go through."""


def fisher_p_value(table: Integers) -> float:
    r"""Probability of a table at most as likely as the one seen, its margins being given.

    Parameters
    ----------
    table : ndarray of shape (n_rows, n_columns)
        Counts, without empty rows or columns.

    Returns
    -------
    float
        Two-sided P value.

    Raises
    ------
    OutcomeError
        If there are too many tables with these margins to enumerate.

    Notes
    -----
    Columns are laid down one by one. What matters of those laid is the margin they leave and the
    product :math:`\prod_j c_j! / \prod_i x_{ij}!`, so that equal histories are counted together;
    one that no completion can lift above the probability seen is counted whole, since its
    completions sum to a multinomial coefficient [1]_. Checked against R ``fisher.test``.

    References
    ----------
    .. [1] Mehta CR, Patel NR. J Am Stat Assoc. 1983;78(382):427-434. doi:10.2307/2288652

    Examples
    --------
    The tea taster: 3 of 4 right in both rows has P = (16 + 1 + 1 + 16) / 70.

    >>> round(fisher_p_value(np.array([[3, 1], [1, 3]])), 4)
    0.4857
    """
    counts = table if table.shape[0] <= table.shape[1] else table.T
    columns = np.sort(counts.sum(axis=0))
    margins = np.sort(counts.sum(axis=1))[None, :]
    total = _log_ways(margins)[0]
    seen = _log_factorial(counts.sum(axis=0)).sum() - _log_factorial(counts).sum()
    limit = seen + math.log1p(SAME_PROBABILITY)
    history, paths = np.zeros(1), np.ones(1)
    p_value = 0.0
    for j, column in enumerate(columns[:-2]):
        margins, history, paths = _lay_column(margins, history, paths, int(column))
        rest = columns[j + 1 :]
        counted = history + _log_most_likely(margins, rest) <= limit
        whole = history[counted] + _log_ways(margins[counted]) - total
        p_value += float(np.sum(paths[counted] * np.exp(whole)))
        margins, history, paths = _merge(margins[~counted], history[~counted], paths[~counted])
    p_value += _finish(margins, history - total, paths, columns[-2:], limit - total)
    return min(p_value, 1.0)


def _finish(
    margins: Integers, history: Floats, paths: Floats, columns: Integers, limit: float
) -> float:
    # With two columns left, the completions of a margin are listed once for all its histories.
    if not history.size:  # all were counted whole
        return 0.0
    p_value = 0.0
    left, which = np.unique(margins, axis=0, return_inverse=True)
    order = np.argsort(which.ravel(), kind="stable")
    edges = np.cumsum(np.bincount(which.ravel(), minlength=left.shape[0]))[:-1]
    for margin, rows in zip(left, np.split(order, edges), strict=True):
        rest, ways, _ = _lay_column(margin[None, :], np.zeros(1), np.ones(1), int(columns[0]))
        ways = np.sort(ways + _log_ways(rest))
        upto = np.concatenate([[0.0], np.cumsum(np.exp(ways - ways[-1]))])
        within = upto[np.searchsorted(ways, limit - history[rows], side="right")]
        p_value += float(np.sum(paths[rows] * np.exp(history[rows] + ways[-1]) * within))
    return p_value


def _log_factorial(counts: NDArray[Any]) -> Floats:
    return np.asarray(gammaln(counts + 1.0), dtype=float)


def _log_ways(margins: Integers) -> Floats:
    found: Floats = _log_factorial(margins.sum(axis=1)) - _log_factorial(margins).sum(axis=1)
    return found


def _log_most_likely(margins: Integers, columns: Integers) -> Floats:
    # The continuous table of independence bounds every whole-number completion from above.
    share = columns / columns.sum()
    cells = margins[:, :, None] * share
    found: Floats = _log_factorial(columns).sum() - _log_factorial(cells).sum(axis=(1, 2))
    return found


def _lay_column(
    margins: Integers, history: Floats, paths: Floats, column: int
) -> tuple[Integers, Floats, Floats]:
    left = np.full(margins.shape[0], column)
    after = np.cumsum(margins[:, ::-1], axis=1)[:, ::-1] - margins
    state = np.arange(margins.shape[0])
    laid: list[Integers] = []
    for i in range(margins.shape[1]):
        low = np.maximum(0, left - after[state, i])
        high = np.minimum(margins[state, i], left)
        choices = high - low + 1
        if choices.sum() > MOST_STATES:
            raise TooManyTablesError(
                "fisher_exact: too many tables have these margins; merge sparse categories or "
                "use the chi-squared test."
            )
        origin = np.repeat(np.arange(state.size), choices)
        first = np.cumsum(choices) - choices
        cell = low[origin] + np.arange(origin.size) - first[origin]
        laid = [earlier[origin] for earlier in laid] + [cell]
        state, left = state[origin], left[origin] - cell
    cells = np.stack(laid, axis=1)
    ways = math.lgamma(column + 1) - _log_factorial(cells).sum(axis=1)
    return margins[state] - cells, history[state] + ways, paths[state]


def _merge(margins: Integers, history: Floats, paths: Floats) -> tuple[Integers, Floats, Floats]:
    if not history.size:
        return margins, history, paths
    keys = np.column_stack([np.sort(margins, axis=1), np.round(history * 1e9).astype(np.int64)])
    _, first, which = np.unique(keys, axis=0, return_index=True, return_inverse=True)
    together = np.bincount(which.ravel(), paths).astype(float)
    return keys[first, :-1], history[first], together

"""Levels drawn one variable after another, each given at most two earlier ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Node", "choose_parents", "fit_node"]

Codes = NDArray[Any]
_MOST_PARENTS = 2


@dataclass(frozen=True, eq=False)
class Node:
    """Distribution of a coded variable given its parents.

    Attributes
    ----------
    parents : tuple of (str, int)
        Earlier variables, and in how many ways each can be: its levels, and missing.
    cumulative : ndarray of float32 of shape (n_categories - 1, n_cells)
        Probability of no later category, for each category but the last that occurs.
    missing : int
        Category that stands for a missing value.
    """

    parents: tuple[tuple[str, int], ...]
    cumulative: NDArray[np.float32]
    missing: int

    def draw(self, columns: Mapping[str, Codes], n: int, rng: np.random.Generator) -> Codes:
        """Draw the variable."""
        chance = rng.random(n, dtype=np.float32)
        codes = np.zeros(n, dtype=np.int8)
        if not self.parents:
            for step in self.cumulative[:, 0]:
                codes += chance >= step
        elif len(self.cumulative):
            cell: Codes = np.zeros(n, dtype=np.intp)
            for name, size in self.parents:
                cell = cell * size + columns[name] % np.int8(size)
            for steps in self.cumulative:
                codes += chance >= steps[cell]
        if len(self.cumulative) == self.missing:
            codes[codes == self.missing] = -1
        return codes


def choose_parents(
    codes: Codes, n_levels: int, candidates: Mapping[str, tuple[Codes, int]]
) -> tuple[str, ...]:
    """Find the earlier variables that say most about one variable.

    References
    ----------
    .. [1] Cooper GF, Herskovits E. Mach Learn. 1992;9:309-347. doi:10.1007/BF00994110

    Examples
    --------
    >>> coin, other = np.tile([0, 1], 20), np.repeat([0, 1], 20)
    >>> choose_parents(coin, 2, {"same": (1 - coin, 2), "other": (other, 2)})
    ('same',)
    """
    chosen: list[str] = []
    size = n_levels + 1
    value = codes % size
    cell = np.zeros(codes.size, dtype=np.intp)
    best = _criterion(cell, value, size)
    while len(chosen) < _MOST_PARENTS:
        scored = [
            (_criterion(cell * (k + 1) + other % (k + 1), value, size), name)
            for name, (other, k) in candidates.items()
            if name not in chosen
        ]
        if not scored or max(scored)[0] <= best + 1e-9:
            break
        best, name = max(scored)
        other, k = candidates[name]
        cell = cell * (k + 1) + other % (k + 1)
        chosen.append(name)
    return tuple(chosen)


def _criterion(cell: NDArray[np.intp], value: NDArray[np.intp], size: int) -> float:
    """Log-likelihood of the conditional distributions less half a logarithm per free number."""
    found = np.bincount(cell * size + value)
    counts = np.append(found, np.zeros(-found.size % size)).reshape(-1, size)
    totals = counts.sum(axis=1)
    seen = counts > 0
    likelihood = float(np.sum(counts[seen] * np.log(counts[seen])))
    likelihood -= float(np.sum(totals[totals > 0] * np.log(totals[totals > 0])))
    free = int((totals > 0).sum()) * (int(seen.any(axis=0).sum()) - 1)
    return likelihood - 0.5 * free * float(np.log(value.size))


def fit_node(codes: Codes, n_levels: int, parents: Mapping[str, tuple[Codes, int]]) -> Node:
    """Count a variable within each combination of its parents."""
    size = n_levels + 1
    value = codes % size
    sizes = [k + 1 for _, k in parents.values()]
    everybody = np.bincount(value, minlength=size).astype(float)
    table = everybody[None, :]
    cell = np.zeros(codes.size, dtype=np.intp)
    for (other, _), k in zip(parents.values(), sizes, strict=True):
        cell = cell * k + other % k
        n_cells = table.shape[0] * k
        counts = np.bincount(cell * size + value, minlength=n_cells * size)
        counts = counts.reshape(n_cells, size).astype(float)
        empty = counts.sum(axis=1) == 0
        counts[empty] = np.repeat(table, k, axis=0)[empty]
        table = counts
    share = np.cumsum(table, axis=1) / table.sum(axis=1, keepdims=True)
    last = int(np.flatnonzero(everybody)[-1])
    cumulative = np.ascontiguousarray(share.T[:last], dtype=np.float32)
    return Node(tuple(zip(parents, sizes, strict=True)), cumulative, missing=n_levels)

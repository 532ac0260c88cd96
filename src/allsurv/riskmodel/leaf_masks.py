"""Leaves of many patients in many trees at once: one bit per leaf, one logical AND per term.

For each interval between two thresholds of a term a table holds which leaves of which tree a
patient in it can still reach. The tables' rows of all terms ANDed leave one bit per tree [1]_.

References
----------
.. [1] Lucchese C, et al. QuickScorer. SIGIR 2015:73-82. doi:10.1145/2766462.2767733
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["LeafMasks", "make_leaf_masks"]

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]

_MOST_ROWS = 4096
"""Rows up to which tables of several terms are joined into one."""
_MOST_BYTES = 64_000_000
"""Size of all tables beyond which walking down the trees is the better way."""

Bounds = Mapping[int, tuple[float, float]]


@dataclass(frozen=True, eq=False)
class _Table:
    """Masks for every combination of intervals of a few terms."""

    terms: tuple[int, ...]
    thresholds: tuple[Floats, ...]
    masks: NDArray[Any]

    def rows(self, single: NDArray[np.float32]) -> Ints:
        """Give the number of the combination each patient is in."""
        row = np.zeros(len(single), dtype=np.intp)
        for term, thresholds in zip(self.terms, self.thresholds, strict=True):
            row *= thresholds.size + 1
            row += np.searchsorted(thresholds, single[:, term].astype(float), side="left")
        return row


@dataclass(frozen=True, eq=False)
class LeafMasks:
    """Tables of masks of a set of trees.

    Parameters
    ----------
    tables : tuple of _Table
        For groups of terms.
    first_leaf : ndarray of int of shape (n_trees,)
        Number of each tree's first leaf.
    """

    tables: tuple[_Table, ...]
    first_leaf: Ints

    def leaves(self, single: NDArray[np.float32]) -> Ints:
        """Find the leaf each patient falls into."""
        first, *others = self.tables
        open_ = np.take(first.masks, first.rows(single), axis=0)
        # One leaf remains in each tree, a single bit. Subtracting 1 turns it into all the bits
        # below it, and their number is the place of the leaf in its tree.
        for table in others:
            open_ &= np.take(table.masks, table.rows(single), axis=0)
        width = 8 * open_.itemsize
        place: NDArray[Any]
        if open_.shape[2] == 1:
            place = np.bitwise_count(open_[:, :, 0] - open_.dtype.type(1))
        else:
            bit = np.bitwise_count(open_ - open_.dtype.type(1)) + np.arange(
                0, width * open_.shape[2], width
            )
            place = np.where(open_ != 0, bit, 0).sum(axis=2)
        return place + self.first_leaf


def make_leaf_masks(bounds: Sequence[Sequence[Bounds]]) -> LeafMasks | None:
    """Tabulate which leaves remain in reach.

    Examples
    --------
    A tree asks whether x <= 1, and if not, whether y <= 2; its leaves are bits 1, 2 and 4. By x the
    masks are 001 up to 1 and 110 above; by y they are 011 up to 2 and 101 above. For x = 3, y = 5
    the masks 110 & 101 leave 100, and the bits set in 100 - 1 = 011 count the leaves before it: 2.

    >>> high = math.inf
    >>> tree = [{0: (-high, 1)}, {0: (1, high), 1: (-high, 2)}, {0: (1, high), 1: (2, high)}]
    >>> masks = make_leaf_masks([tree])
    >>> masks.leaves(np.array([[3, 5], [3, 2], [1, 5]], dtype=np.float32)).ravel().tolist()
    [2, 1, 0]
    """
    leaves = [leaf for tree in bounds for leaf in tree]
    words = _Words.of(np.array([len(tree) for tree in bounds], dtype=np.intp))
    asked = {
        term: np.array([leaf.get(term, (-np.inf, np.inf)) for leaf in leaves])
        for term in sorted({term for leaf in leaves for term in leaf})
    }
    thresholds = {term: np.unique(found[np.isfinite(found)]) for term, found in asked.items()}
    groups = _groups({term: values.size + 1 for term, values in thresholds.items()})
    n_rows = sum(math.prod(thresholds[t].size + 1 for t in group) for group in groups)
    if not asked or n_rows * math.prod(words.shape) * words.kind.itemsize > _MOST_BYTES:
        return None
    single = {term: words.masks(_within(thresholds[term], found)) for term, found in asked.items()}
    tables = tuple(_joined(group, thresholds, single) for group in groups)
    return LeafMasks(tables, words.first_leaf)


@dataclass(frozen=True, eq=False)
class _Words:
    """Where each leaf's bit is: tree by tree, in as few words as its leaves need."""

    shape: tuple[int, int]
    kind: np.dtype
    first_leaf: Ints
    word: Ints
    bit: NDArray[Any]

    @classmethod
    def of(cls, n_leaves: Ints) -> _Words:
        width = next((w for w in (8, 16, 32) if n_leaves.max() <= w), 64)
        n_words = -(-int(n_leaves.max()) // width)
        kind = np.dtype(f"u{width // 8}")
        place = np.concatenate([np.arange(n) for n in n_leaves])
        tree = np.repeat(np.arange(n_leaves.size), n_leaves)
        bit = np.left_shift(kind.type(1), (place % width).astype(kind))
        first = np.concatenate([[0], np.cumsum(n_leaves)[:-1]]).astype(np.intp)
        return cls((n_leaves.size, n_words), kind, first, tree * n_words + place // width, bit)

    def masks(self, reached: NDArray[np.bool_]) -> NDArray[Any]:
        """Pack, per row, which leaves are reached; leaves of one word stand together."""
        words, first = np.unique(self.word, return_index=True)
        packed = np.zeros((len(reached), math.prod(self.shape)), dtype=self.kind)
        packed[:, words] = np.bitwise_or.reduceat(reached * self.bit, first, axis=1)
        return packed.reshape(len(reached), *self.shape)


def _within(thresholds: Floats, bounds: Floats) -> NDArray[np.bool_]:
    """Say for every interval between thresholds which leaves' bounds it is within."""
    interval = np.arange(thresholds.size + 1)[:, None]
    above = np.searchsorted(thresholds, bounds[:, 0], side="right")
    up_to = np.searchsorted(thresholds, bounds[:, 1], side="left")
    return (interval >= above) & (interval <= up_to)


def _groups(n_rows: Mapping[int, int]) -> list[tuple[int, ...]]:
    """Join terms of few intervals while their combinations stay few."""
    groups: list[tuple[tuple[int, ...], int]] = []
    for term in sorted(n_rows, key=lambda t: n_rows[t]):
        if groups and groups[-1][1] * n_rows[term] <= _MOST_ROWS:
            members, rows = groups.pop()
            groups.append(((*members, term), rows * n_rows[term]))
        else:
            groups.append(((term,), n_rows[term]))
    return [members for members, _ in groups]


def _joined(
    group: tuple[int, ...], thresholds: Mapping[int, Floats], single: Mapping[int, NDArray[Any]]
) -> _Table:
    masks = single[group[0]]
    for term in group[1:]:
        both = masks[:, None] & single[term][None]
        masks = both.reshape(-1, *masks.shape[1:])
    return _Table(group, tuple(thresholds[term] for term in group), masks)

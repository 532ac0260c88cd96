"""Ways to the leaves of fitted trees, as the variables of a cooperative game see them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from allsurv.riskmodel.trees import LEAF, Trees

__all__ = ["Layer", "Paths", "paths_of"]

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Layer:
    """What columns of paths ask of one term each.

    Parameters
    ----------
    at : ndarray of int of shape (n_conditions,) or slice
        Which columns ask, all paths' columns being numbered through.
    term : ndarray of int of shape (n_conditions,)
        Of what.
    low, high : ndarray of shape (n_conditions,)
        Met above the one, up to the other.
    """

    at: Ints | slice
    term: Ints
    low: Floats
    high: Floats


@dataclass(frozen=True, eq=False)
class Paths:
    """Ways to leaves on which equally many variables, and gates, are asked.

    A *gate* is what a path asks of the products of the same variables. Columns are the variables,
    then the gates.

    Parameters
    ----------
    leaf : ndarray of int of shape (n_paths,)
        Where each leads.
    weight : ndarray of shape (n_paths,)
        What the leaf's value counts.
    variable : ndarray of int of shape (n_paths, n_variables)
        Which variables play.
    ratio : ndarray of shape (n_paths, n_columns)
        Share of patients who go that way where it is not known.
    layers : tuple of Layer
        All that is asked; a column with several terms is in several layers.
    """

    leaf: Ints
    weight: Floats
    variable: Ints
    ratio: Floats
    layers: tuple[Layer, ...]

    def shares(self, asked_of: Floats) -> Floats:
        r"""Shapley value of each variable, in units of the weighted leaf.

        Notes
        -----
        The weight of a coalition of m variables is :math:`\int t^m (1 - t)^{d - 1 - m} dt`, so the
        Shapley value of variable j is :math:`(s_j - r_j) \int \prod_{k \ne j} f_k(t)\,dt` with
        :math:`f_k = (1 - t) r_k + t s_k`: a polynomial, which Gauss and Legendre integrate exactly
        in :math:`d / 2` points. There the product of all :math:`f_k` is made once and serves every
        variable: :math:`(s_j - r_j) / f_j` is :math:`(1 - r_j) / ((1 - t) r_j + t)` where
        :math:`s_j = 1` and :math:`-1 / (1 - t)` where it is 0, whatever the variable. (If
        :math:`r_j` is 0 too, so is the product.)
        """
        met = self._met(asked_of)
        depth = self.variable.shape[1]
        at, weight = _points(depth)
        ratio = self.ratio[:, :depth, None]
        product = np.empty((len(met), at.size, met.shape[2]))
        for q, (t, w) in enumerate(zip(at, weight, strict=True)):
            factors = met[:, :depth] * t
            factors += (1 - t) * ratio
            np.multiply.reduce(factors, axis=1, out=product[:, q], initial=w)
        shares: Floats = ((1 - ratio) / ((1 - at) * ratio + at) + 1 / (1 - at)) @ product
        shares *= met[:, :depth]
        shares -= (1 / (1 - at) @ product)[:, None, :]
        for gate in range(depth, met.shape[1]):
            shares *= (met[:, gate] - self.ratio[:, gate, None])[:, None, :]
        return shares

    def _met(self, asked_of: Floats) -> Floats:
        met = np.ones((self.ratio.size, asked_of.shape[1]), dtype=bool)
        for layer in self.layers:
            asked = asked_of[layer.term]
            met[layer.at] &= (asked > layer.low[:, None]) & (asked <= layer.high[:, None])
        return met.reshape(*self.ratio.shape, -1).astype(float)


@cache
def _points(depth: int) -> tuple[Floats, Floats]:
    """Give points and weights that integrate polynomials of degree depth - 1 over [0, 1]."""
    at, weight = np.polynomial.legendre.leggauss((depth + 1) // 2)
    return (1 + at) / 2, weight / 2


def paths_of(trees: Trees, owners: NDArray[np.bool_], at_once: int) -> Iterator[Paths]:
    r"""Find all ways to leaves, some at once, so that the variables on each play a product game.

    Notes
    -----
    Seen from a leaf, a coalition A makes of each variable k on the way a factor: :math:`s_k` (1 if
    the patient meets all that is asked of its terms, else 0) if k is in A, else :math:`r_k`, the
    share of patients who go that way. A gate g makes :math:`r_g + (s_g - r_g)` if A holds all of
    its variables, else :math:`r_g` alone. Multiplied out, the second part of the sum is a path
    that is closed to coalitions without those variables: a factor :math:`s_g - r_g`, and
    :math:`r_k = 0` for each of them.
    """
    players, owner_of = _owners(owners)
    found = _Conditions.of(trees, owner_of)
    table = _Table.of(found, len(players))
    for gate in range(owners.shape[1], len(players)):
        table = table.split(gate, players[gate])
    n_variables = owners.shape[1]
    size = np.stack(
        [table.plays[:, :n_variables].sum(axis=1), table.plays[:, n_variables:].sum(axis=1)], axis=1
    )
    for one in np.unique(size, axis=0):
        alike = np.flatnonzero((size == one).all(axis=1))
        for first in range(0, alike.size, at_once):
            yield table.take(alike[first : first + at_once]).paths(int(one[0]), found)


def _owners(owners: Bools) -> tuple[Bools, Ints]:
    """List who may own terms, single variables first, and whose each term is."""
    several = np.unique(owners[owners.sum(axis=1) > 1], axis=0)
    players = np.concatenate([np.eye(owners.shape[1], dtype=bool), several])
    same = (owners[:, None, :] == players[None, :, :]).all(axis=2)
    return players, same.argmax(axis=1)


@dataclass(frozen=True, eq=False)
class _Conditions:
    """What is asked on the way to each leaf: one row per leaf and term, by leaf, then owner."""

    leaf: Ints  # value row of each way
    way: Ints
    owner: Ints
    term: Ints
    low: Floats
    high: Floats
    ratio: Floats

    @classmethod
    def of(cls, trees: Trees, owner_of: Ints) -> Self:
        leaves = np.flatnonzero(trees.left == LEAF)
        way, term, low, high, ratio = _climb(trees, leaves)
        order = np.lexsort((term, owner_of[term], way))
        way, term = way[order], term[order]
        first = np.flatnonzero(np.diff(way, prepend=-1) | np.diff(term, prepend=-1))
        if first.size:
            low = np.maximum.reduceat(low[order], first)
            high = np.minimum.reduceat(high[order], first)
            ratio = np.multiply.reduceat(ratio[order], first)
        way, term = way[first], term[first]
        return cls(trees.leaf[leaves], way, owner_of[term], term, low, high, ratio)


def _climb(trees: Trees, leaves: Ints) -> tuple[Ints, Ints, Floats, Floats, Floats]:
    """Walk up from all leaves at once; one row per leaf and node above it."""
    inner = np.flatnonzero(trees.left != LEAF)
    parent = np.full(trees.left.size, LEAF)
    parent[trees.left[inner]] = inner
    parent[trees.right[inner]] = inner
    rows: list[tuple[NDArray[Any], ...]] = []
    way, child = np.arange(leaves.size), leaves
    while way.size:
        above = parent[child]
        way, child, above = way[above != LEAF], child[above != LEAF], above[above != LEAF]
        goes_left, threshold = trees.left[above] == child, trees.threshold[above]
        low, high = np.where(goes_left, -np.inf, threshold), np.where(goes_left, threshold, np.inf)
        share = trees.n_patients[child] / trees.n_patients[above]
        rows.append((way, trees.term[above], low, high, share))
        child = above
    way, term, low, high, ratio = (np.concatenate(column) for column in zip(*rows, strict=True))
    return way, term, low, high, ratio


@dataclass(frozen=True, eq=False)
class _Table:
    """Ways, and what every possible owner asks on each: ``count`` conditions from ``start`` on."""

    way: Ints
    weight: Floats
    plays: Bools
    ratio: Floats
    start: Ints
    count: Ints

    @classmethod
    def of(cls, found: _Conditions, n_owners: int) -> Self:
        shape = found.leaf.size, n_owners
        ratio, start, count = np.ones(shape), np.zeros(shape, np.intp), np.zeros(shape, np.intp)
        np.multiply.at(ratio, (found.way, found.owner), found.ratio)
        np.add.at(count, (found.way, found.owner), 1)
        start.flat[1:] = np.cumsum(count)[:-1]
        return cls(np.arange(shape[0]), np.ones(shape[0]), count > 0, ratio, start, count)

    def take(self, rows: Ints) -> Self:
        return replace(self, **{name: part[rows] for name, part in vars(self).items()})

    def split(self, gate: int, members: Bools) -> Self:
        """Make two ways of each through a gate: one past it, one closed without its members."""
        through = np.flatnonzero(self.plays[:, gate])
        closed = self.take(through)
        closed.plays[:, : members.size] |= members
        closed.ratio[:, : members.size][:, members] = 0.0
        weight, plays = self.weight.copy(), self.plays.copy()
        weight[through] *= self.ratio[through, gate]
        plays[through, gate] = False
        past = replace(self, weight=weight, plays=plays)
        both = {
            name: np.concatenate([part, vars(closed)[name]]) for name, part in vars(past).items()
        }
        return replace(self, **both)

    def paths(self, n_variables: int, found: _Conditions) -> Paths:
        column = np.nonzero(self.plays)[1].reshape(len(self.way), -1)
        at = np.arange(len(self.way))[:, None], column
        start, count = self.start[at].ravel(), self.count[at].ravel()
        layers = []
        for layer in range(count.max(initial=0)):
            asks = np.flatnonzero(count > layer)
            row = start[asks] + layer
            where = slice(None) if asks.size == count.size else asks
            layers.append(Layer(where, found.term[row], found.low[row], found.high[row]))
        return Paths(
            found.leaf[self.way],
            self.weight,
            column[:, :n_variables],
            self.ratio[at],
            tuple(layers),
        )

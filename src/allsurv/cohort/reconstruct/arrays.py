"""The arrays that compiled code reads and writes."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "Conditions",
    "Desk",
    "Floats",
    "Ints",
    "Lists",
    "Mask",
    "Moves",
    "Problem",
    "State",
    "Stream",
    "Targets",
    "Work",
]

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]
Stream = NDArray[np.uint64]
Lists = tuple[Ints, Ints]
"""Starts, and the lists laid end to end."""
Work = tuple[Floats, ...]


class Conditions(NamedTuple):
    """Groups as arrays: a patient of a group meets one of its alternatives.

    ``alternatives`` holds the bits that bar a patient and rows of numbers that have to be above
    ``above``; row -1 asks nothing.
    """

    starts: Ints
    alternatives: Ints
    above: Floats


class Moves(NamedTuple):
    """What a move changes and what it has to be checked against, by move.

    ``shape`` holds, by move: whether a number moves by itself, who may take part, bits exchanged,
    bits that must agree, row of the number, whether it stays between its neighbours, whether the
    Cox model changes.
    """

    until: Floats
    shape: Ints
    step: Floats
    numbers: Lists
    counts: Lists
    limits: Lists
    groups: Lists
    times: Lists


class Targets(NamedTuple):
    """Curves, tests, order statistics and the model's terms, and the intervals to reach."""

    groups: Ints
    curve: Ints
    curve_at: Floats
    test: Ints
    order: Ints
    term: Ints
    model: Ints
    interval: Floats


class Problem(NamedTuple):
    """Everything that stays as it is during a search.

    ``endpoints`` holds, by endpoint: row of the last observation, group of the dead, row of an
    earlier event, row of the origin, row of the time. ``rules`` holds first, plus, then (rows, -1
    counts as 0) and the group concerned.
    """

    conditions: Conditions
    endpoints: Ints
    decimals: Floats
    rules: Ints
    gaps: Floats
    moves: Moves
    targets: Targets


class State(NamedTuple):
    """Everything that changes during a search; saved whole at a checkpoint."""

    bits: Ints
    values: Floats
    event: Ints
    order: Ints
    switch_order: Ints
    member: Ints
    term: Floats
    moments: Floats
    beta: Floats
    stream: Stream
    best_bits: Ints
    best_values: Floats
    tally: Floats
    no_event: Ints


class Desk(NamedTuple):
    """Working space: what two patients were before a move, and what the targets would become."""

    was_member: Ints
    was_time: Floats
    times: Floats
    counts: Ints
    pair: Ints
    fresh: Floats
    trial: Floats

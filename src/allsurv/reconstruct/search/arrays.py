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

    Attributes
    ----------
    starts : ndarray of int of shape (n_groups + 1,)
        Where each group's alternatives start.
    alternatives : ndarray of int of shape (n_alternatives, 4)
        Bits that bar a patient, and rows of numbers to compare; row -1 asks nothing.
    above : ndarray of float of shape (n_alternatives, 3)
        What each of these numbers has to be above.
    """

    starts: Ints
    alternatives: Ints
    above: Floats


class Moves(NamedTuple):
    """What a move changes and what it has to be checked against, by move.

    Attributes
    ----------
    until : ndarray of float of shape (n_moves,)
        Share of chance up to and with each move; the last is 1.
    shape : ndarray of int of shape (n_moves, 7)
        Whether a number moves by itself, who may take part, bits exchanged, bits that must agree,
        row of the number, whether it stays between its neighbours, whether the Cox model changes.
    step : ndarray of float of shape (n_moves, 2)
        Grid of the number, and standard deviation of a long step relative to the number.
    numbers : Lists
        Rows of the numbers changed.
    counts : Lists
        Groups whose size has to stay.
    limits : Lists
        Rules that could be broken.
    groups : Lists
        Groups of targets that could change.
    times : Lists
        Endpoints whose time or event could change.
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
    """Curves, tests, order statistics and the model's terms, and the intervals to reach.

    Attributes
    ----------
    groups : ndarray of int of shape (n_target_groups,)
        Groups that any of them is about.
    curve : ndarray of int of shape (n_curves, 2)
        Group and endpoint.
    curve_at : ndarray of float of shape (n_curves,)
        Time at which each curve is read, on the study's unit.
    test : ndarray of int of shape (n_tests, 3)
        Both groups, and endpoint.
    order : ndarray of int of shape (n_orders, 3)
        Row of the number, group, and which: lowest (0), middle (1), highest (2).
    term : ndarray of int of shape (n_terms, 2)
        Whether it is a label, and its group; or 0, and the row of its number.
    model : ndarray of int of shape (2,)
        Endpoint, and row of the time at which the last term switches on; -1 for none.
    interval : ndarray of float of shape (n_intervals, 4)
        Lowest, highest, scale and edge of a miss: curves (4 each: survival, lower, upper, median),
        tests, orders, terms (4 each: coefficient, lower, upper, deviate).
    """

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

    Attributes
    ----------
    conditions : Conditions
        Groups.
    endpoints : ndarray of int of shape (n_endpoints, 5)
        Row of the last observation, group of the dead, row of an earlier event, row of the origin,
        row of the time; -1 for none.
    decimals : ndarray of float of shape (n_endpoints,)
        Steps per unit of time to which the endpoint is recorded.
    rules : ndarray of int of shape (n_rules, 4)
        Rows of first, plus and then (-1 counts as 0), and the group concerned.
    gaps : ndarray of float of shape (n_rules,)
        Least distance, by rule.
    moves : Moves
        What may be changed.
    targets : Targets
        What is to be reached.
    """

    conditions: Conditions
    endpoints: Ints
    decimals: Floats
    rules: Ints
    gaps: Floats
    moves: Moves
    targets: Targets


class State(NamedTuple):
    """Everything that changes during a search; saved whole at a checkpoint.

    Attributes
    ----------
    bits : ndarray of int of shape (n_patients,)
        Labels.
    values : ndarray of float of shape (n_rows, n_patients)
        Numbers, then three rows of times for each endpoint; NaN for none.
    event : ndarray of int of shape (n_endpoints, n_patients)
        1 where the event was seen.
    order : ndarray of int of shape (n_endpoints, n_patients)
        Patients by time, events before the censored.
    switch_order : ndarray of int of shape (n_patients,)
        Patients by the time at which the model's last term switches on.
    member : ndarray of int of shape (n_groups, n_patients)
        1 where the patient belongs to the group; kept for groups of targets only.
    term : ndarray of float of shape (n_targets,)
        Miss of each curve, test and order statistic, last of the model.
    moments : ndarray of float of shape (2, n_patients, 1 + p + p (p + 1) / 2)
        One, the model's p covariates and their products, before and after the switch.
    beta : ndarray of float of shape (p,)
        The model's coefficients.
    stream : ndarray of uint64 of shape (1,)
        State of the stream of chance.
    best_bits, best_values : ndarray
        Labels and numbers at the lowest objective met.
    tally : ndarray of float of shape (5,)
        Moves accepted, lowest objective, moves tried, moves allowed, objective now.
    no_event : ndarray of int of shape (n_patients,)
        Zeros, with which switches are sorted.
    """

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
    """Working space: what two patients were before a move, and what the targets would become.

    Attributes
    ----------
    was_member : ndarray of int of shape (n_groups, 2)
        Whether each of the two belonged to the group.
    was_time : ndarray of float of shape (n_endpoints, 2)
        Their times, negative where the event was seen.
    times : ndarray of float of shape (n_endpoints, n_patients)
        Everybody's times, signed likewise.
    counts : ndarray of int
        How many of the two each group held whose size has to stay.
    pair : ndarray of int of shape (2,)
        The two patients; the second is -1 where a number moves by itself.
    fresh : ndarray of float of shape (n_targets,)
        Miss of each target after the move.
    trial : ndarray of float of shape (p,)
        The model's coefficients after the move.
    """

    was_member: Ints
    was_time: Floats
    times: Floats
    counts: Ints
    pair: Ints
    fresh: Floats
    trial: Floats

"""What a search may change, and what has to stay true while it does.

A plan belongs to a study as its ledger does: the ledger says which numbers to reach, the plan which
values may be exchanged or moved on the way, and what makes a patient plausible.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from allsurv.study.ledger import Population

__all__ = ["EndpointTimes", "Exchange", "Keep", "Limit", "Nudge", "Plan"]


@dataclass(frozen=True)
class Exchange:
    """Values that two patients may exchange.

    Attributes
    ----------
    columns : tuple of str
        What is exchanged together.
    among : mapping
        Filter of the patients who may take part.
    same : tuple of str
        Columns in which the two must agree.
    often : float
        How often it is tried, relative to others.
    """

    columns: tuple[str, ...]
    among: Population = field(default_factory=dict)
    same: tuple[str, ...] = ()
    often: float = 1.0


@dataclass(frozen=True)
class Nudge:
    """A number that may move by itself.

    Attributes
    ----------
    column : str
        Number to move.
    grid : float
        Its values are whole multiples of this.
    spread : float
        Standard deviation of a long step, relative to the value; steps of one grid are tried too.
    among : mapping
        Filter of the patients it may move in.
    between_neighbours : bool
        Keep its rank among all patients, so that no rank test can change.
    often : float
        How often it is tried, relative to others.
    """

    column: str
    grid: float
    spread: float
    among: Population = field(default_factory=dict)
    between_neighbours: bool = False
    often: float = 1.0


@dataclass(frozen=True)
class Limit:
    """A rule of plausibility: ``first + plus + gap <= then`` where all are known.

    Attributes
    ----------
    first, plus, then : str or None
        Columns; ``None`` counts as 0.
    gap : float
        Least distance.
    among : mapping
        Filter of the patients it is about.
    """

    first: str | None
    then: str | None
    gap: float = 0.0
    plus: str | None = None
    among: Population = field(default_factory=dict)


@dataclass(frozen=True)
class Keep:
    """A count that must not change although no published number fixes it.

    Attributes
    ----------
    population : mapping
        Filter of the patients counted.
    """

    population: Population


@dataclass(frozen=True)
class EndpointTimes:
    """How an endpoint's time follows from the columns that are searched.

    Attributes
    ----------
    stop : str
        Last observation, or death.
    dead : mapping
        Filter of those for whom that is the event.
    earlier : str or None
        An event that comes before, where it is known.
    origin : str or None
        Where the clock starts.
    decimals : int
        To which the time is recorded.
    """

    stop: str
    dead: Population
    earlier: str | None = None
    origin: str | None = None
    decimals: int = 2


@dataclass(frozen=True)
class Plan:
    """Everything a search needs beside the ledger.

    Attributes
    ----------
    labels : tuple of str
        Columns of labels that are searched or filtered by.
    numbers : tuple of str
        Columns of numbers, on the study's unit where they are times.
    endpoints : mapping from str to EndpointTimes
        Endpoints of the study.
    exchanges, nudges : tuple
        Moves.
    limits, keeps : tuple
        What stays true.
    aliases : mapping
        Published variable to the number that holds it.
    events : mapping
        Time-dependent event to the number that holds its time.
    """

    labels: tuple[str, ...]
    numbers: tuple[str, ...]
    endpoints: Mapping[str, EndpointTimes]
    exchanges: tuple[Exchange, ...]
    nudges: tuple[Nudge, ...]
    limits: tuple[Limit, ...]
    keeps: tuple[Keep, ...] = ()
    aliases: Mapping[str, str] = field(default_factory=dict)
    events: Mapping[str, str] = field(default_factory=dict)

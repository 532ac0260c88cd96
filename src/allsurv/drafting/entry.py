"""One line of a drafted data dictionary, with the reason for each guess."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from allsurv.dictionary.variable import Kind, Known, Scalar

__all__ = ["Entry", "LeftOut"]


@dataclass
class Entry:
    """A variable as drafted.

    Parameters
    ----------
    column, name, label : str
        Name in the file, in allsurv, and for readers.
    kind : str
        Kind of the data dictionary.
    notes : list of str
        What was guessed, and why: comments of the study file.
    missing_question : str
        Why a value may mean "not known"; the study file then asks.
    unit_question : str
        Why its unit must be asked.
    """

    column: str
    name: str
    label: str
    kind: Kind
    unit: str = ""
    column_unit: str = ""
    unit_question: str = ""
    minimum: float | None = None
    maximum: float | None = None
    levels: tuple[str | int, ...] = ()
    level_labels: Mapping[Scalar, str] = field(default_factory=dict)
    reference: str | int | None = None
    transform: str = ""
    known: Known = "baseline"
    has_missing: bool = False
    missing_codes: tuple[Scalar, ...] = ()
    missing_question: str = ""
    required: bool = False
    notes: list[str] = field(default_factory=list)

    @property
    def is_predictor(self) -> bool:
        """Whether a prognostic model could use it."""
        return self.known == "baseline" and self.kind not in {"identifier", "duration"}


@dataclass(frozen=True)
class LeftOut:
    """A column that is no part of the drafted study, and why."""

    column: str
    reason: str
    is_personal: bool = False
    is_date: bool = False

"""The data dictionary: what a variable of a study is, and how one follows from others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from allsurv.dictionary.readonly import FrozenDict, FrozenValue
from allsurv.dictionary.units import unit_ratio

__all__ = [
    "ALL_OTHERS",
    "Derivation",
    "Filter",
    "Ignored",
    "Kind",
    "Known",
    "Scalar",
    "Variable",
]

Scalar = str | int | float | bool
Filter = Mapping[str, Scalar | tuple[Scalar, ...]]
"""A conjunction: every named variable has the value, or one of the values. Empty: everybody."""

Kind = Literal[
    "identifier",
    "continuous",
    "integer",
    "binary",
    "marker",
    "nominal",
    "ordinal",
    "duration",
]
Known = Literal["baseline", "post-baseline", "outcome"]
Operation = Literal[
    "is_in", "at_least", "above", "below", "known", "recode", "any_of", "cases", "earliest"
]


ALL_OTHERS: Literal["all others"] = "all others"
"""Every column of a file that the data dictionary does not name."""

Ignored = tuple[str, ...] | Literal["all others"]
"""Columns of files that are no part of a study."""


@dataclass(frozen=True)
class Derivation(FrozenValue):
    """How a derived variable follows from others.

    Attributes
    ----------
    op : str
        ``is_in``: source has one of ``values`` (binary). ``at_least``: source is at least
        ``threshold`` (binary); ``above`` and ``below``: strictly so. ``known``: source is not
        missing (binary). ``recode``: source levels are grouped by ``levels`` (ordinal or
        nominal). ``any_of``: any source is true (binary). ``cases``: the first level of ``cases``
        whose filter the patient fulfils (ordinal or nominal). ``earliest``: the smallest of the
        known sources (duration).
    sources : tuple of str
        Variables it is computed from; for ``cases`` those that the filters name.
    values : tuple
        For ``is_in``.
    threshold : float, optional
        For ``at_least``, ``above`` and ``below``.
    levels : mapping from str to tuple
        For ``recode``: new level to source values; a source value under no level becomes missing.
    cases : mapping from str to filter
        For ``cases``: new level to who has it; a patient whom no filter fits is missing.
    missing_as : bool, optional
        Value of a yes/no variable where it cannot be told because a source is missing; ``None``
        keeps it missing.
    """

    op: Operation
    sources: tuple[str, ...]
    values: tuple[Scalar, ...] = ()
    threshold: float | None = None
    levels: Mapping[str, tuple[Scalar, ...]] = field(default_factory=FrozenDict)
    cases: Mapping[str, Filter] = field(default_factory=FrozenDict)
    missing_as: bool | None = None


@dataclass(frozen=True)
class Variable(FrozenValue):
    """One line of the data dictionary.

    Attributes
    ----------
    name : str
        Name in allsurv.
    label : str
        Name for readers.
    kind : str
        ``identifier``; ``continuous`` or ``integer`` number; ``binary``; ``marker`` (binary,
        missing where not tested); ``nominal`` or ``ordinal`` levels; ``duration`` in ``unit``.
    column : str
        Name in the user's file.
    column_unit : str
        Unit of that column, where it is not ``unit``: values are converted when they are read.
    factor : float, optional
        What the column's values are multiplied by to be in ``unit``; units of time need none.
    zero_as : float, optional
        For a duration: what 0 stands for, in the unit of the column.
    missing_codes : tuple
        Values of the column that mean "no value".
    unit : str
        Unit of measurement; empty for none.
    minimum, maximum : float, optional
        Allowed range, limits included.
    levels : tuple
        Allowed levels, in order.
    level_labels : mapping
        Level (true or false for a yes/no variable) to its name for readers.
    reference : str or int or None
        Level others are compared with.
    transform : {"", "log"}
        Scale on which a number enters a model.
    known : {"baseline", "post-baseline", "outcome"}
        When its value is known, seen from the prediction moment.
    missing : {"refused", "allowed"}
        Whether a value may be missing where the variable applies.
    only_if : mapping
        Filter; elsewhere the value must be missing.
    required : bool
        Whether a file must have the column.
    derivation : Derivation, optional
        For a derived variable.
    table : str
        Table of the paper it belongs to (``table1``, ``table2``, ``table3``...); empty for none.
    description : str
        What a reader should know.
    """

    name: str
    label: str
    kind: Kind
    column: str
    unit: str = ""
    minimum: float | None = None
    maximum: float | None = None
    levels: tuple[str | int, ...] = ()
    level_labels: Mapping[Scalar, str] = field(default_factory=FrozenDict)
    reference: str | int | None = None
    transform: Literal["", "log"] = ""
    known: Known = "baseline"
    missing: Literal["refused", "allowed"] = "refused"
    only_if: Filter = field(default_factory=FrozenDict)
    required: bool = False
    derivation: Derivation | None = None
    table: str = ""
    description: str = ""
    column_unit: str = ""
    factor: float | None = None
    zero_as: float | None = None
    missing_codes: tuple[Scalar, ...] = ()

    @property
    def scale(self) -> float:  # numpydoc ignore=RT01
        """What values of the file's column are multiplied by to be in ``unit``."""
        if self.factor is not None:
            return self.factor
        return unit_ratio(self.column_unit, self.unit) if self.column_unit else 1.0

    def named(self) -> Variable:
        """Give the variable as a table under allsurv's own names holds it, in ``unit``.

        Returns
        -------
        Variable
            Itself where the column of files bears its name.
        """
        if self.column == self.name:
            return self
        return replace(
            self, column=self.name, column_unit="", factor=None, zero_as=None, missing_codes=()
        )

    @property
    def is_number(self) -> bool:  # numpydoc ignore=RT01
        """Whether values are numbers on a scale."""
        return self.kind in {"continuous", "integer", "duration"}

    @property
    def is_yes_no(self) -> bool:  # numpydoc ignore=RT01
        """Whether values are true, false or missing."""
        return self.kind in {"binary", "marker"}

    @property
    def has_levels(self) -> bool:  # numpydoc ignore=RT01
        """Whether values are one of a list of levels."""
        return self.kind in {"nominal", "ordinal"}

    def level_label(self, level: Scalar) -> str:
        """Name a level for readers.

        Parameters
        ----------
        level : str, int or bool
            A level; true or false for a yes/no variable.

        Returns
        -------
        str
            Its label; without one ``yes`` or ``no``, or the level itself.

        Examples
        --------
        >>> Variable("cns", "CNS disease", "binary", "cns").level_label(True)
        'yes'
        """
        if level in self.level_labels:
            return self.level_labels[level]
        if self.is_yes_no:
            return "yes" if level else "no"
        return str(level)

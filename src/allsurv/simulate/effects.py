"""Effects put into simulated survival: log hazard ratios of variables and of later events."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from allsurv.errors import ConfigError
from allsurv.nearest import did_you_mean
from allsurv.simulate.codes import Codebook, Columns
from allsurv.study.spec import Finding, Scalar, Study, Variable

__all__ = ["Effects", "check_numbers", "published_effects", "resolve_effects"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Effects:
    """Log hazard ratios, ready to be applied to patients.

    Attributes
    ----------
    terms : mapping from str to float
        As given: variable, ``variable=level`` or event to log hazard ratio.
    by_level : mapping from str to ndarray
        Coded variable to the contribution of each level, last that of a missing value.
    per_unit : mapping from str to (float, float)
        Number to its log hazard ratio per unit, and the value a missing one counts as.
    events : mapping from str to float
        Time-dependent event to its log hazard ratio.
    """

    terms: Mapping[str, float]
    by_level: Mapping[str, Floats]
    per_unit: Mapping[str, tuple[float, float]]
    events: Mapping[str, float]

    def linear_predictor(self, columns: Columns) -> Floats:
        """Log hazard of each patient at baseline, relative to reference levels and zeros."""
        total = np.zeros(next(iter(columns.values())).size)
        for name, contributions in self.by_level.items():
            total += contributions[columns[name]]
        for name, (slope, typical) in self.per_unit.items():
            total += slope * np.nan_to_num(columns[name], nan=typical)
        return total


def published_effects(study: Study) -> dict[str, float]:
    """Collect the effects that a study's findings report for its prediction endpoint.

    Parameters
    ----------
    study : Study
        With its findings.

    Returns
    -------
    dict from str to float
        ``variable`` or ``variable=level`` to log hazard ratio, as the published analysis coded it;
        per one unit for numbers. Empty for a study without findings.

    Examples
    --------
    >>> from allsurv.study import load_study
    >>> {k: round(v, 3) for k, v in published_effects(load_study("rr-all")).items()}
    {'pb_blasts': 0.014, 'high_risk_cyto': 1.017, 'tp53_mutated': 0.856, 'arm=after': -0.555}
    """
    return {
        _term_of(study, finding): math.log(finding.estimate) / (finding.contrast.per or 1.0)
        for finding in study.findings.values()
        if finding.endpoint == study.prediction.endpoint
    }


def _term_of(study: Study, finding: Finding) -> str:
    name = finding.analysis_variable or finding.variable
    if name in study.events:
        return name
    variable = study.variable(name)
    plain = variable.is_number or variable.is_yes_no
    return variable.name if plain else f"{variable.name}={finding.contrast.to}"


def check_numbers(terms: Mapping[str, float]) -> tuple[tuple[str, float], ...]:
    """Check that effects are log hazard ratios."""
    return tuple((str(term), _number(str(term), value)) for term, value in terms.items())


def resolve_effects(terms: Mapping[str, float], codebook: Codebook, columns: Columns) -> Effects:
    """Check effects against the data dictionary."""
    by_level: dict[str, Floats] = {}
    per_unit: dict[str, tuple[float, float]] = {}
    events: dict[str, float] = {}
    for term, value in check_numbers(terms):
        if term in codebook.study.events:
            events[term] = value
            continue
        name, _, level = term.partition("=")
        variable = _baseline(codebook, name, columns)
        if name in codebook.values:
            table = by_level.setdefault(name, np.zeros(len(codebook.values[name]) + 1))
            table[codebook.values[name].index(_level(variable, level, term))] += value
        elif level:
            raise _refused(term, f"'{name}' is a number; give its effect per unit as '{name}'.")
        else:
            per_unit[name] = (value, float(np.nanmedian(columns[name])))
    return Effects(MappingProxyType(dict(terms)), by_level, per_unit, events)


def _refused(term: str, says: str) -> ConfigError:
    return ConfigError(f"simulate: effect of '{term}': {says}")


def _number(term: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float | np.number):
        raise _refused(term, f"is a {type(value).__name__}; give a log hazard ratio.")
    if not math.isfinite(value):
        raise _refused(term, "is not finite; give a log hazard ratio.")
    return float(value)


def _baseline(codebook: Codebook, name: str, columns: Columns) -> Variable:
    study = codebook.study
    allowed = [n for n in study.baseline() if n in columns]
    if name in allowed:
        return study.variable(name)
    if name in study.variables and study.variable(name).known != "baseline":
        raise _refused(name, "it is known only after baseline; name a baseline variable or event.")
    hint = did_you_mean(name, [*allowed, *study.events])
    raise _refused(name, f"is no baseline variable or event of these patients.{hint}")


def _level(variable: Variable, level: str, term: str) -> Scalar:
    if variable.is_yes_no:
        if level not in ("", "true"):
            raise _refused(term, f"give the effect of yes against no as '{variable.name}'.")
        return True
    reference = variable.levels[0] if variable.reference is None else variable.reference
    others = [x for x in variable.levels if x != reference]
    if not level and len(others) == 1:
        return others[0]
    for candidate in others:
        if str(candidate) == level:
            return candidate
    shown = ", ".join(f"{variable.name}={x}" for x in others)
    raise _refused(term, f"name a level other than the reference: {shown}.")

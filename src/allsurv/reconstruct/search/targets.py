"""The printed numbers that the search has to reach, as intervals of what rounds to them."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from scipy.special import ndtri

from allsurv.errors import StudyError
from allsurv.reconstruct.search.board import Board
from allsurv.reconstruct.search.groups import Groups, NotSearched
from allsurv.reconstruct.search.plan import Plan
from allsurv.study.ledger import Ledger, LedgerEntry
from allsurv.study.spec import Analysis, Finding, Scalar, Study, Variable

__all__ = ["Goals", "Model", "compile_goals", "printed_interval"]

Interval = tuple[float, float]
ANY: Interval = (-math.inf, math.inf)
MARGIN = 0.02
"""Share of the rounding interval left free at each end."""
_CURVE_PARTS = {"km_rate": 0, "km_rate_ci_low": 1, "km_rate_ci_high": 2, "km_median": 3}
_ORDER = {"range_min": 0, "median": 1, "followup_median": 1, "followup_value": 1, "range_max": 2}
_MODEL_PARTS = {"hazard_ratio": 0, "hr_ci_low": 1, "hr_ci_high": 2, "wald_p": 3}
_COUNTED = ("count", "percent", "denominator")


def printed_interval(entry: LedgerEntry) -> Interval:
    """Give the values that round to a printed number, or lie on the printed side of it.

    Examples
    --------
    >>> entry = LedgerEntry("a", "s", "", "km_rate", "os", 40, "40", "", "g")
    >>> printed_interval(entry)
    (39.52, 40.48)
    """
    value = entry.value if entry.authoritative_value is None else entry.authoritative_value
    number = float(value)
    half = 0.5 * 10.0**-entry.decimals
    inside = half * (1 - 2 * MARGIN)
    if entry.relation == "<":
        return -math.inf, number - half * MARGIN
    if entry.relation == ">=":
        return number, number + inside
    return number - inside, number + inside


class Curve(NamedTuple):
    """A Kaplan-Meier curve: survival, limits and median to reach, and how often each is printed."""

    group: int
    endpoint: int
    at: float
    parts: list[Interval]
    printed: list[int]


class Test(NamedTuple):
    """A log-rank test of two groups: the normal deviate to reach."""

    first: int
    second: int
    endpoint: int
    z: Interval


class OrderStatistic(NamedTuple):
    """Lowest, middle or highest number of a group."""

    row: int
    group: int
    which: int
    value: Interval


@dataclass
class Model:
    """A Cox model: what its terms are, and the coefficients, limits and P values to reach.

    Attributes
    ----------
    endpoint : int
        Position of the endpoint.
    terms : list of tuple
        Whether the term is a label, and its group; or the row of its number.
    switch : int
        Row of the time at which the last term becomes 1; -1 where there is none.
    parts : list of list of tuple
        For each term, intervals of coefficient, lower, upper limit and normal deviate.
    """

    endpoint: int
    terms: list[tuple[bool, int]]
    switch: int
    parts: list[list[Interval]]


@dataclass
class Goals:
    """All targets of a search.

    Attributes
    ----------
    curves : list of Curve
        Targets of curves.
    tests, orders : Counter of Test, Counter of OrderStatistic
        Targets, and how many entries of the ledger print each.
    model : Model or None
        The Cox model.
    counts : list of int
        Groups whose size the ledger fixes.
    entries : list of str
        Names of the ledger's entries that the targets stand for.
    """

    curves: list[Curve] = field(default_factory=list)
    tests: Counter[Test] = field(default_factory=Counter)
    orders: Counter[OrderStatistic] = field(default_factory=Counter)
    model: Model | None = None
    counts: list[int] = field(default_factory=list)
    entries: list[str] = field(default_factory=list)


def compile_goals(ledger: Ledger, study: Study, plan: Plan, board: Board, groups: Groups) -> Goals:
    """Turn a ledger's entries into targets of the search."""
    goals = Goals()
    endpoints = list(plan.endpoints)
    curves: dict[tuple[int, int], Curve] = {}
    for entry in _own(ledger):
        if entry.kind in _COUNTED:
            _add_count(goals, groups, entry)
            continue
        if entry.kind in _ORDER:
            _add_order(goals, groups, entry, study, plan, board)
        elif entry.kind in _CURVE_PARTS:
            _add_curve(curves, groups, entry, endpoints)
            goals.entries.append(entry.id)
        elif entry.kind == "logrank_p":
            goals.tests[_test(groups, entry, endpoints)] += 1
            goals.entries.append(entry.id)
        elif entry.kind in _MODEL_PARTS:
            if goals.model is None:
                goals.model = _model(_finding(study, entry), study, plan, board, groups)
            _add_finding(goals.model, study, entry)
            goals.entries.append(entry.id)
    goals.curves = list(curves.values())
    goals.counts = sorted(set(goals.counts))
    return goals


def _own(ledger: Ledger) -> Iterator[LedgerEntry]:
    return (e for e in ledger.entries.values() if e.status != "external")


def _add_count(goals: Goals, groups: Groups, entry: LedgerEntry) -> None:
    try:
        goals.counts.append(groups.add(entry.population))
        goals.counts.append(groups.add(entry.population, entry.event))
    except NotSearched:
        return


def _add_order(
    goals: Goals, groups: Groups, entry: LedgerEntry, study: Study, plan: Plan, board: Board
) -> None:
    column = plan.aliases.get(entry.variable)
    if column is None:
        return
    condition = study.variable(entry.variable).only_if
    group = groups.add(entry.population, condition)
    which = _ORDER[entry.kind]
    value = printed_interval(entry)
    goals.orders[OrderStatistic(board.number(column), group, which, value)] += 1
    goals.entries.append(entry.id)


def _add_curve(
    curves: dict[tuple[int, int], Curve], groups: Groups, entry: LedgerEntry, endpoints: list[str]
) -> None:
    group = groups.add(entry.population, endpoint=entry.endpoint)
    endpoint = endpoints.index(str(entry.endpoint))
    low, high = printed_interval(entry)
    part = _CURVE_PARTS[entry.kind]
    if part < 3:
        low, high = low / 100, high / 100
    curve = curves.get((group, endpoint), Curve(group, endpoint, math.nan, [ANY] * 4, [0] * 4))
    if entry.time is not None:
        if not (math.isnan(curve.at) or curve.at == entry.time):
            raise StudyError(f"ledger {entry.id}: one time is searched per curve.")
        curve = curve._replace(at=entry.time)
    curve.parts[part] = (low, high)
    curve.printed[part] += 1
    curves[(group, endpoint)] = curve


def _test(groups: Groups, entry: LedgerEntry, endpoints: list[str]) -> Test:
    if entry.compare is None or len(entry.compare.levels) != 2:
        raise StudyError(f"ledger {entry.id}: a log-rank test of two groups is searched.")
    first, second = (
        groups.add(entry.population, {entry.compare.variable: level}, endpoint=entry.endpoint)
        for level in entry.compare.levels
    )
    return Test(first, second, endpoints.index(str(entry.endpoint)), _deviate(entry))


def _deviate(entry: LedgerEntry) -> Interval:
    """Turn an interval of P into one of the normal deviate."""
    low, high = printed_interval(entry)
    upper = float(-ndtri(low / 2)) if low > 0 else math.inf
    return float(-ndtri(min(high, 1.0) / 2)), upper


def _finding(study: Study, entry: LedgerEntry) -> Finding:
    for finding in study.findings.values():
        if finding.variable == entry.variable and finding.analysis is not None:
            return finding
    raise StudyError(f"ledger {entry.id}: no finding of the study is about '{entry.variable}'.")


def _terms(analysis: Analysis, study: Study) -> list[Finding | None]:
    """Give the finding of each term, by the variable of the analysis."""
    by_variable = {f.analysis_variable or f.variable: f for f in study.findings.values()}
    return [by_variable.get(name) for name in analysis.variables]


def _model(finding: Finding, study: Study, plan: Plan, board: Board, groups: Groups) -> Model:
    analysis = study.analyses[str(finding.analysis)]
    terms: list[tuple[bool, int]] = []
    for name, of_term in zip(analysis.variables, _terms(analysis, study), strict=True):
        if name in board.numbers:
            terms.append((False, board.number(name)))
        else:
            terms.append((True, groups.add({name: _level(study.variable(name), of_term)})))
    switch = -1
    if analysis.time_dependent:
        (event,) = analysis.time_dependent
        switch = board.number(plan.events[event])
    endpoint = list(plan.endpoints).index(analysis.endpoint)
    return Model(endpoint, terms, switch, [[ANY] * 4 for _ in terms])


def _level(variable: Variable, finding: Finding | None) -> Scalar:
    """Give the level of a label whose effect a term measures."""
    if variable.kind == "binary":
        return True
    return variable.levels[-1] if finding is None else finding.contrast.to


def _add_finding(model: Model, study: Study, entry: LedgerEntry) -> None:
    finding = _finding(study, entry)
    analysis = study.analyses[str(finding.analysis)]
    term = analysis.variables.index(finding.analysis_variable or finding.variable)
    part = _MODEL_PARTS[entry.kind]
    if part == 3:
        model.parts[term][part] = _deviate(entry)
    else:
        low, high = printed_interval(entry)
        model.parts[term][part] = (math.log(low), math.log(high))

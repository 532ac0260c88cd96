"""Follow-up that is not positive, and events in an order that cannot be."""

from __future__ import annotations

import pandas as pd

from allsurv.dictionary.filters import matches
from allsurv.dictionary.units import unit_ratio
from allsurv.dictionary.values import rows_of
from allsurv.errors import Violation
from allsurv.study.spec import Endpoint, Rule, Study

__all__ = ["check_order"]

_ARITHMETIC = 1e-9


def check_order(clean: pd.DataFrame, study: Study) -> tuple[Violation, ...]:
    """Find follow-up that is not positive, and events in an impossible order."""
    violations: list[Violation] = []
    seen: set[str] = set()
    for endpoint in study.endpoints.values():
        if endpoint.time not in seen and endpoint.time in clean.columns:
            seen.add(endpoint.time)
            violations += _zero_follow_up(clean, endpoint, study)
    for endpoint in study.endpoints.values():
        violations += _late_entry(clean, endpoint, study)
    for rule in study.rules:
        violations += _order_faults(clean, rule, study)
    return tuple(violations)


def _order_faults(clean: pd.DataFrame, rule: Rule, study: Study) -> list[Violation]:
    names = [rule.first, rule.then, *([rule.plus] if rule.plus else [])]
    if not {*names, *rule.only_if} <= set(clean.columns):
        return []
    unit = study.variables[rule.then].unit
    first, then, *plus = (
        clean[n].to_numpy(dtype=float) * unit_ratio(study.variables[n].unit, unit) for n in names
    )
    first = first + sum(plus)
    latest = then + rule.tolerance + _ARITHMETIC
    concerned = matches(clean, rule.only_if)
    broken = rows_of(concerned & (first >= then if rule.strict else first > latest))
    if not broken:
        return []
    says = _agreeing(rule.says.rstrip(".") + ".", len(broken))
    return [Violation(study.variables[rule.first].column, says, broken)]


def _agreeing(says: str, n: int) -> str:
    """Make the verb that opens a rule agree with the number of rows."""
    verb, blank, rest = says.partition(" ")
    singular = {"are": "is", "have": "has", "do": "does"}
    plural = {one: many for many, one in singular.items()}
    if n == 1:
        verb = singular.get(verb, verb if verb.endswith("s") else verb + "s")
    else:
        verb = plural.get(verb, verb.removesuffix("s"))
    return verb + blank + rest


def _zero_follow_up(clean: pd.DataFrame, endpoint: Endpoint, study: Study) -> list[Violation]:
    variable = study.variables[endpoint.time]
    zero = (clean[endpoint.time] == 0).to_numpy()
    if set(endpoint.population) <= set(clean.columns):
        zero = zero & matches(clean, endpoint.population)
    rows = rows_of(zero)
    if not rows:
        return []
    verb = "is" if len(rows) == 1 else "are"
    return [
        Violation(
            variable.column,
            f"{verb} zero; follow-up is longer than 0. Say what 0 stands for by 'zero_as', such as "
            "half a day.",
            rows,
        )
    ]


def _late_entry(clean: pd.DataFrame, endpoint: Endpoint, study: Study) -> list[Violation]:
    entry = endpoint.entry
    if entry is None or not {entry, endpoint.time, *endpoint.population} <= set(clean.columns):
        return []
    ratio = unit_ratio(study.variables[entry].unit, study.time.unit)
    begun = clean[entry].to_numpy(dtype=float) * ratio
    never = (begun >= clean[endpoint.time].to_numpy(dtype=float)) & matches(
        clean, endpoint.population
    )
    rows = rows_of(never)
    if not rows:
        return []
    verb = "is" if len(rows) == 1 else "are"
    rule = (
        f"{verb} not before the end of follow-up ('{endpoint.time}') of endpoint "
        f"'{endpoint.name}', so that the patient was never at risk; correct the times, or leave "
        "such patients out by the endpoint's population."
    )
    return [Violation(study.variables[entry].column, rule, rows)]

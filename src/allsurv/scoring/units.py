"""Numbers that were probably measured in another unit than the study's."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from allsurv.dictionary.variable import Variable
from allsurv.errors import Violation
from allsurv.riskmodel.model import RiskModel

__all__ = [
    "UnitCounts",
    "count_units",
    "explain_range_faults",
    "suspect_units",
    "violations_of_units",
]

Floats = NDArray[np.float64]
UnitCounts: TypeAlias = dict[str, list[int]]

_FACTORS = (1000.0, 0.001, 1e6, 1e-6, 10.0, 0.1)
_FACTORS_OF_PERCENT = (0.01,)  # given as fractions
_FEWEST = 5
_WOULD_FIT, _FITS = 0.8, 0.1


def suspect_units(
    model: RiskModel, numbers: Mapping[str, Floats], trusted: Collection[str]
) -> tuple[Violation, ...]:
    """Find columns in which nearly all values fit development only after a power of ten."""
    if not numbers or len(next(iter(numbers.values()))) < _FEWEST:
        return ()
    return violations_of_units(model, count_units(model, numbers), trusted)


def count_units(model: RiskModel, numbers: Mapping[str, Floats]) -> UnitCounts:
    """Count what :func:`violations_of_units` judges; counts of pieces of a table add up."""
    counts = {}
    for name, (low, high) in model.reach.ranges.items():
        known = numbers[name][~np.isnan(numbers[name])]
        scaled = (known, *(known / factor for factor in _factors(_known(model, name))))
        counts[name] = [known.size, *(_within(values, low, high) for values in scaled)]
    return counts


def violations_of_units(
    model: RiskModel, counts: UnitCounts, trusted: Collection[str]
) -> tuple[Violation, ...]:
    """Judge what :func:`count_units` counted."""
    faults = []
    for name, (known, fits, *would_fit) in counts.items():
        if name in trusted or known < _FEWEST or fits / known > _FITS:
            continue
        variable = _known(model, name)
        tried = zip(_factors(variable), would_fit, strict=True)
        factor = next((f for f, n in tried if n / known >= _WOULD_FIT), None)
        if factor is not None:
            low, high = model.reach.ranges[name]
            says = (
                f"{_too(factor)}; development had {low:.3g} to {high:.3g}"
                f"{_unit(variable)}. Convert the column, or name it in trusted_units."
            )
            faults.append(Violation(variable.column, f"looks {says}"))
    return tuple(faults)


def explain_range_faults(
    faults: tuple[Violation, ...], model: RiskModel, frame: pd.DataFrame
) -> tuple[Violation, ...]:
    """Add to values out of range that they fit after a power of ten, where they do."""
    numeric = {
        label: variable
        for variable in model.variables.values()
        if variable.is_number
        for label in (variable.column, variable.name)
    }
    return tuple(_explained(fault, numeric.get(fault.column), model, frame) for fault in faults)


def _explained(
    fault: Violation, variable: Variable | None, model: RiskModel, frame: pd.DataFrame
) -> Violation:
    out_of_range = variable is not None and fault.rows and "allowed" in fault.rule
    if not out_of_range or variable is None or list(frame.columns).count(fault.column) != 1:
        return fault
    rows = np.array(fault.rows) - 1
    values = pd.to_numeric(frame[fault.column].iloc[rows], errors="coerce").to_numpy(dtype=float)
    if fault.column == variable.column:
        values = values * variable.scale
    low, high = model.reach.ranges.get(variable.name, (np.nan, np.nan))
    if np.isnan(values).any():
        return fault
    factor = _factor(values, variable, low, high)
    if factor is None:
        return fault
    verb = "Looks" if len(fault.rows) == 1 else "Look"
    hint = f" {verb} {_too(factor)}; is the unit{_unit(variable) or ' right'}?"
    return Violation(fault.column, fault.rule + hint, fault.rows)


def _known(model: RiskModel, name: str) -> Variable:
    return model.variables.get(name) or model.derived[name]


def _within(values: Floats, low: float, high: float) -> int:
    return int(np.count_nonzero((values >= low) & (values <= high)))


def _factors(variable: Variable) -> tuple[float, ...]:
    if variable.kind != "continuous":
        return ()
    return _FACTORS_OF_PERCENT if variable.unit.startswith("%") else _FACTORS


def _factor(values: Floats, variable: Variable, low: float, high: float) -> float | None:
    fewest = _WOULD_FIT * values.size
    tried = _factors(variable)
    return next((f for f in tried if _within(values / f, low, high) >= fewest), None)


def _too(factor: float) -> str:
    return f"{factor:,.0f} times too large" if factor > 1 else f"{1 / factor:,.0f} times too small"


def _unit(variable: Variable) -> str:
    return f" {variable.unit}" if variable.unit else ""

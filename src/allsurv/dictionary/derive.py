"""Derived variables, computed from what was given."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from allsurv.dictionary.filters import matches
from allsurv.dictionary.values import levels_dtype
from allsurv.dictionary.variable import Derivation, Filter, Variable

__all__ = ["derive", "derived_order"]


def derived_order(variables: Mapping[str, Variable], given: set[str]) -> tuple[str, ...]:
    """Order the derived variables so that each comes after its sources.

    Parameters
    ----------
    variables : mapping from str to Variable
        Data dictionary.
    given : set of str
        Variables the data hold.

    Returns
    -------
    tuple of str
        Derived variables whose sources are all given, or derived from given ones.

    Examples
    --------
    >>> known = Derivation("known", ("tested",))
    >>> dictionary = {"known": Variable("known", "", "binary", "known", derivation=known)}
    >>> derived_order(dictionary, {"tested"}), derived_order(dictionary, set())
    (('known',), ())
    """
    have = set(given)
    order: list[str] = []
    waiting = [v for v in variables.values() if v.derivation is not None]
    found = True
    while found:
        found = False
        for variable in list(waiting):
            if variable.derivation is not None and set(variable.derivation.sources) <= have:
                order.append(variable.name)
                have.add(variable.name)
                waiting.remove(variable)
                found = True
    return tuple(order)


def derive(frame: pd.DataFrame, variable: Variable) -> pd.Series:
    """Compute one derived variable.

    Parameters
    ----------
    frame : DataFrame of shape (n_patients, n_variables)
        Canonical values; holds the sources.
    variable : Variable
        With its derivation.

    Returns
    -------
    Series of shape (n_patients,)
        ``boolean``, Categorical over the variable's levels, or float64; missing where the
        variable's ``only_if`` does not hold.

    Raises
    ------
    ValueError
        If the variable has no derivation.

    Examples
    --------
    >>> frame = pd.DataFrame({"ecog": [0.0, 2.0, np.nan]})
    >>> rule = Derivation("at_least", ("ecog",), threshold=2)
    >>> derive(frame, Variable("poor", "ECOG >= 2", "binary", "poor", derivation=rule)).tolist()
    [False, True, <NA>]
    """
    rule = variable.derivation
    if rule is None:
        raise ValueError(f"'{variable.name}' has no derivation; read it from the data.")
    if rule.op in {"recode", "cases"}:
        values = _levels(frame, variable, rule)
    elif rule.op == "earliest":
        values = frame[list(rule.sources)].min(axis=1, skipna=True)
    else:
        values = _truth(frame, rule)
    asked = set(variable.only_if)
    if asked and asked <= set(frame.columns):
        barred = ~matches(frame, variable.only_if) & frame[list(asked)].notna().all(axis=1)
        values = values.mask(barred)
    return values


def _truth(frame: pd.DataFrame, rule: Derivation) -> pd.Series:
    true, missing = _OPERATIONS[rule.op](frame, rule)
    if rule.missing_as is not None:
        true, missing = np.where(missing, rule.missing_as, true), np.zeros_like(missing)
    return pd.Series(pd.arrays.BooleanArray(true & ~missing, missing))


Truth = tuple[NDArray[np.bool_], NDArray[np.bool_]]


def _is_in(frame: pd.DataFrame, rule: Derivation) -> Truth:
    (source,) = rule.sources
    return matches(frame, {source: rule.values}), frame[source].isna().to_numpy()


def _compared(compare: np.ufunc) -> Callable[[pd.DataFrame, Derivation], Truth]:
    """Make the operation that holds a number or an ordered level against the threshold."""

    def compared(frame: pd.DataFrame, rule: Derivation) -> Truth:
        (source,) = rule.sources
        values = frame[source].astype(float).to_numpy()
        return compare(values, rule.threshold), np.isnan(values)

    return compared


def _known(frame: pd.DataFrame, rule: Derivation) -> Truth:
    missing = frame[list(rule.sources)].isna().any(axis=1).to_numpy()
    return ~missing, np.zeros_like(missing)


def _any_of(frame: pd.DataFrame, rule: Derivation) -> Truth:
    true = np.zeros(len(frame), dtype=bool)
    missing = np.zeros(len(frame), dtype=bool)
    for source in rule.sources:
        true |= matches(frame, {source: True})
        missing |= frame[source].isna().to_numpy()
    return true, missing & ~true


_OPERATIONS: Mapping[str, Callable[[pd.DataFrame, Derivation], Truth]] = {
    "is_in": _is_in,
    "at_least": _compared(np.greater_equal),
    "above": _compared(np.greater),
    "below": _compared(np.less),
    "known": _known,
    "any_of": _any_of,
}


def _levels(frame: pd.DataFrame, variable: Variable, rule: Derivation) -> pd.Series:
    cases: list[tuple[str, Filter]] = list(rule.cases.items())
    if rule.op == "recode":
        (source,) = rule.sources
        cases = [(level, {source: tuple(values)}) for level, values in rule.levels.items()]
    codes = np.full(len(frame), -1, dtype=np.intp)
    for level, condition in reversed(cases):
        codes[matches(frame, condition)] = variable.levels.index(level)
    return pd.Series(
        pd.Categorical.from_codes(
            codes, dtype=levels_dtype(variable.levels, variable.kind == "ordinal")
        )
    )

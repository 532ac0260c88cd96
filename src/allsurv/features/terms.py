"""What is learned of a variable in development: its terms."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from allsurv.dictionary.variable import Variable
from allsurv.errors import ModelError
from allsurv.riskmodel.encoding import Term
from allsurv.riskmodel.splines import curved_part
from allsurv.stats.knots import FEWEST_KNOTS, harrell_knots

__all__ = ["KNOTS", "learn_products", "learn_terms"]

_FEWEST_VALUES = 5

KNOTS = (3, 4, 5)
"""Numbers of knots that a spline may have."""

FILLS = ("impute", "level")
"""Ways with missing values that give every patient a number; the others need a value."""


def learn_terms(
    numbers: NDArray[np.float64], variable: Variable, missing: str, n_knots: int = 0
) -> tuple[Term, ...]:
    """Learn how one variable becomes columns.

    Where not known is a level of its own, a last column is 1 where the value is known; what stands
    in the others then is without consequence: a median, or no level.

    Examples
    --------
    >>> wbc = Variable("wbc", "White cells", "continuous", "wbc", transform="log")
    >>> (term,) = learn_terms(np.array([1.0, np.e, np.e**2]), wbc, "refuse")
    >>> term.name, round(term.centre, 12), round(term.scale**2, 12)
    ('log wbc', 1.0, 0.666666666667)
    >>> may_be_missing = replace(wbc, missing="allowed")
    >>> [term.name for term in learn_terms(np.array([1.0, np.nan, 9.0]), may_be_missing, "level")]
    ['log wbc', 'wbc known']
    """
    if variable.kind == "marker":
        return (
            Term(f"{variable.name} tested", variable.name, "tested"),
            Term(f"{variable.name} positive", variable.name, "positive"),
        )
    unknown = np.isnan(numbers)
    known = numbers[~unknown] if np.count_nonzero(unknown) else numbers
    if known.size == 0:
        raise ModelError(
            f"predictors: '{variable.name}' has no value in any of {numbers.size} patients; "
            "leave it out."
        )
    may_be_missing = variable.missing == "allowed" or variable.derivation is not None
    fills = missing in FILLS and may_be_missing
    if missing == "level" and fills and known.size < numbers.size:
        columns = _columns(known, variable, fills, n_knots, own_level=True)
        return (
            *columns,
            Term(f"{variable.name} known", variable.name, "tested", levels=variable.levels),
        )
    return _columns(known, variable, fills, n_knots, own_level=False)


def _columns(
    known: NDArray[np.float64], variable: Variable, fills: bool, n_knots: int, *, own_level: bool
) -> tuple[Term, ...]:
    if variable.is_number:
        straight = _number(known, variable, fills)
        return (straight, *_curved(known, variable, straight, n_knots)) if n_knots else (straight,)
    if variable.is_yes_no:
        yes = variable.reference is not True
        name = variable.name if yes else f"{variable.name}=no"
        usual = (not yes if own_level else bool(_most_frequent(known))) if fills else None
        return (Term(name, variable.name, "level", level=yes, fill=usual),)
    levels = variable.levels
    fill = levels[_most_frequent(known)] if fills else None
    if variable.kind == "ordinal":
        return (Term(variable.name, variable.name, "score", levels=levels, fill=fill),)
    reference = levels[0] if variable.reference is None else variable.reference
    fill = reference if own_level else fill
    return tuple(
        Term(f"{variable.name}={lev}", variable.name, "level", level=lev, levels=levels, fill=fill)
        for lev in levels
        if lev != reference
    )


def _number(known: NDArray[np.float64], variable: Variable, fills: bool) -> Term:
    fill = float(f"{_median(known):.3g}") if fills else None  # no patient's own odd value
    values = known
    if variable.transform == "log":
        values = np.log(known[known > 0])
    centre = float(np.add.reduce(values)) / values.size if values.size else 0.0
    away = values - centre
    scale = math.sqrt(np.add.reduce(away * away) / values.size) if values.size else 0.0
    return Term(
        f"{variable.transform} {variable.name}".strip(),
        variable.name,
        "number",
        transform=variable.transform,
        centre=centre,
        scale=scale if scale > 0 else 1.0,
        fill=fill,
    )


def _median(known: NDArray[np.float64]) -> float:
    """Take the median as NumPy does; a function of its own costs a refit ten times as much."""
    ordered = np.sort(known)
    return float(ordered[(known.size - 1) // 2] + ordered[known.size // 2]) / 2


def _curved(
    known: NDArray[np.float64], variable: Variable, straight: Term, n_knots: int
) -> Iterator[Term]:
    """Learn the curved parts of a spline; refused where the values do not spread over the knots."""
    values = np.log(known[known > 0]) if straight.transform == "log" else known
    knots = harrell_knots(values, n_knots) if values.size > _FEWEST_VALUES else values[:0]
    knots = np.unique(_rounded(knots)) if knots.size else knots
    if knots.size < FEWEST_KNOTS:
        raise ModelError(
            f"predictors: '{variable.name}' has too few distinct values among {known.size} "
            f"patients for a spline of {n_knots} knots; let it enter as a straight line."
        )
    for part in range(knots.size - 2):
        column = curved_part(values, knots.tolist(), part)
        yield replace(
            straight,
            name=f"{straight.name} curve {part + 1}",
            kind="spline",
            knots=tuple(knots.tolist()),
            part=part,
            centre=float(column.mean()),
            scale=float(column.std()) or 1.0,
        )


def _rounded(knots: NDArray[np.float64]) -> NDArray[np.float64]:
    """To a hundredth of the range or finer, so that a knot is no patient's own odd value."""
    spread = float(np.ptp(knots))
    return np.round(knots, 2 - math.floor(math.log10(spread))) if spread > 0 else knots


def learn_products(
    terms: Sequence[Term], interactions: Sequence[tuple[str, str]]
) -> tuple[Term, ...]:
    """Make the products of all terms of one variable with all of another.

    Examples
    --------
    >>> age, arm = Term("age", "age", "number"), Term("arm=b", "arm", "level", level="b")
    >>> [term.name for term in learn_products([age, arm], [("age", "arm")])]
    ['age x arm=b']
    """
    return tuple(
        Term(f"{one.name} x {two.name}", first, "product", factors=(one.name, two.name))
        for first, second in interactions
        for one in terms
        for two in terms
        if one.variable == first and two.variable == second
    )


def _most_frequent(codes: NDArray[np.float64]) -> int:
    """Give the most frequent position; among equals the first."""
    return int(np.bincount(codes.astype(np.intp)).argmax())

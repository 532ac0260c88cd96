"""Whom development covered: how far its patients reached, in numbers that show none of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from allsurv.dictionary.variable import Filter, Variable
from allsurv.policy.rules import SMALLEST_GROUP
from allsurv.riskmodel.encoding import Term
from allsurv.riskmodel.products import with_products

__all__ = ["Population", "Reach"]

Floats = NDArray[np.float64]
Level = str | int | bool


@dataclass(frozen=True, eq=False)
class Reach:
    """What the patients of development looked like.

    Parameters
    ----------
    ranges : mapping from str to tuple of float
        For each number the mean of its eleven lowest and of its eleven highest values; at most ten
        patients of development lay beyond either.
    levels : mapping from str to tuple
        For every other predictor the levels that at least eleven patients of development had.
    typical : ndarray of shape (n_terms,)
        A typical patient as the model sees one: the middle of numbers, shares of levels to the
        nearest eleven patients, and the products of these. Explanations are measured from here.
    """

    ranges: Mapping[str, tuple[float, float]]
    levels: Mapping[str, tuple[Level, ...]]
    typical: Floats

    @classmethod
    def of(
        cls,
        numbers: Mapping[str, Floats],
        variables: Mapping[str, Variable],
        design: Floats,
        terms: tuple[Term, ...],
    ) -> Reach:
        """Summarise the patients of development.

        Parameters
        ----------
        numbers : mapping from str to ndarray of shape (n_patients,)
            Predictors as numbers and positions of levels, NaN where missing.
        variables : mapping from str to Variable
            Their lines of the data dictionary.
        design : ndarray of shape (n_patients, n_terms)
            The same patients encoded.
        terms : tuple of Term
            Columns of the design.

        Returns
        -------
        Reach
            Ready to be exported.

        Examples
        --------
        >>> age = Variable("age", "Age", "integer", "age")
        >>> values = np.arange(100.0)
        >>> term = Term("age", "age", "number", centre=49.5)
        >>> reach = Reach.of({"age": values}, {"age": age}, values[:, None] - 49.5, (term,))
        >>> reach.ranges["age"], reach.typical.tolist()
        ((5.0, 94.0), [0.0])
        """
        ranges: dict[str, tuple[float, float]] = {}
        levels: dict[str, tuple[Level, ...]] = {}
        for name, variable in variables.items():
            known = np.sort(numbers[name][~np.isnan(numbers[name])])
            if not variable.is_number:
                counts = [int(np.sum(known == code)) for code in range(len(_levels(variable)))]
                levels[name] = tuple(
                    level
                    for level, n in zip(_levels(variable), counts, strict=True)
                    if n >= SMALLEST_GROUP
                )
            elif known.size >= 2 * SMALLEST_GROUP:
                lowest, highest = known[:SMALLEST_GROUP], known[-SMALLEST_GROUP:]
                ranges[name] = float(lowest.mean()), float(highest.mean())
        step = SMALLEST_GROUP / max(len(design), 1)
        share = np.round(design.mean(axis=0) / step) * step
        is_number = np.array([term.kind in ("number", "spline") for term in terms], dtype=bool)
        typical = with_products(np.where(is_number, 0.0, share), terms)
        return cls(ranges, levels, typical)


@dataclass(frozen=True)
class Population:
    """Whom a model may be asked about.

    Parameters
    ----------
    statement : str
        The study's own words; empty where it has none.
    condition : mapping
        Filter of the endpoint's population; empty where it is everybody.
    variables : mapping from str to Variable
        What the filter asks for. A patient of whom it is not given is taken to belong.
    """

    statement: str
    condition: Filter
    variables: Mapping[str, Variable]


def _levels(variable: Variable) -> tuple[Level, ...]:
    return (False, True) if variable.is_yes_no else variable.levels

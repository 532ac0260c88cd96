"""Products of terms: the terms of single variables behind each, and their recomputation."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from allsurv.riskmodel.encoding import Term

__all__ = ["factors_of", "owners_of", "with_products"]


def factors_of(terms: Sequence[Term]) -> tuple[tuple[int, ...], ...]:
    """Find the terms of single variables that each term is the product of.

    Examples
    --------
    >>> age, arm = Term("age", "age", "number"), Term("arm=b", "arm", "level", level="b")
    >>> both = Term("age x arm=b", "age", "product", factors=("age", "arm=b"))
    >>> factors_of([age, arm, both])
    ((0,), (1,), (0, 1))
    """
    found: list[tuple[int, ...]] = []
    place = {term.name: j for j, term in enumerate(terms)}
    for j, term in enumerate(terms):
        of_product = (k for name in term.factors for k in found[place[name]])
        found.append(tuple(of_product) if term.kind == "product" else (j,))
    return tuple(found)


def owners_of(terms: Sequence[Term], variables: Sequence[str]) -> NDArray[np.bool_]:
    """Find the variables that each term is computed from.

    Examples
    --------
    >>> age, arm = Term("age", "age", "number"), Term("arm=b", "arm", "level", level="b")
    >>> both = Term("age x arm=b", "age", "product", factors=("age", "arm=b"))
    >>> owners_of([age, arm, both], ["age", "arm"]).astype(int).tolist()
    [[1, 0], [0, 1], [1, 1]]
    """
    place = {name: k for k, name in enumerate(variables)}
    owners = np.zeros((len(terms), len(place)), dtype=bool)
    for j, factors in enumerate(factors_of(terms)):
        owners[j, [place[terms[k].variable] for k in factors]] = True
    return owners


def with_products(row: NDArray[np.float64], terms: Sequence[Term]) -> NDArray[np.float64]:
    """Recompute the products of a patient from the patient's other terms.

    Examples
    --------
    >>> age, arm = Term("age", "age", "number"), Term("arm=b", "arm", "level", level="b")
    >>> both = Term("age x arm=b", "age", "product", factors=("age", "arm=b"))
    >>> with_products(np.array([2.0, 0.5, 9.0]), [age, arm, both]).tolist()
    [2.0, 0.5, 1.0]
    """
    return np.array([row[list(factors)].prod() for factors in factors_of(terms)])

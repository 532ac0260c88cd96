"""Products of terms: their factors, and the variables behind them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from allsurv.features.encoding import Term

__all__ = ["factors_of", "variables_used", "with_products"]


def factors_of(terms: Sequence[Term]) -> tuple[tuple[int, ...], ...]:
    """Find the terms of single variables that each term is the product of.

    Parameters
    ----------
    terms : sequence of Term
        Columns of a design.

    Returns
    -------
    tuple of tuple of int
        Per term positions among ``terms``: its own, or those of the factors of a product.

    Examples
    --------
    >>> age, arm = Term("age", "age", "number"), Term("arm=b", "arm", "level", level="b")
    >>> both = Term("age x arm=b", "age", "product", factors=("age", "arm=b"))
    >>> factors_of([age, arm, both])
    ((0,), (1,), (0, 1))
    """
    place = {term.name: k for k, term in enumerate(terms)}
    return tuple(tuple(place[name] for name in term.factors or (term.name,)) for term in terms)


def variables_used(terms: Sequence[Term]) -> tuple[tuple[str, ...], ...]:
    """Name the variables each term is computed from.

    Parameters
    ----------
    terms : sequence of Term
        Columns of a design.

    Returns
    -------
    tuple of tuple of str
        One name per term; two for a product of two variables.

    Examples
    --------
    >>> age, arm = Term("age", "age", "number"), Term("arm=b", "arm", "level", level="b")
    >>> both = Term("age x arm=b", "age", "product", factors=("age", "arm=b"))
    >>> variables_used([age, arm, both])
    (('age',), ('arm',), ('age', 'arm'))
    """
    return tuple(
        tuple(dict.fromkeys(terms[k].variable for k in factors)) for factors in factors_of(terms)
    )


def with_products(row: NDArray[np.float64], terms: Sequence[Term]) -> NDArray[np.float64]:
    """Recompute the products of a patient from the patient's other terms.

    Parameters
    ----------
    row : ndarray of shape (n_terms,)
        One value per term; those of products are not looked at.
    terms : sequence of Term
        Columns of a design.

    Returns
    -------
    ndarray of shape (n_terms,)
        Each product is that of its factors.

    Examples
    --------
    >>> age, arm = Term("age", "age", "number"), Term("arm=b", "arm", "level", level="b")
    >>> both = Term("age x arm=b", "age", "product", factors=("age", "arm=b"))
    >>> with_products(np.array([2.0, 0.5, 9.0]), [age, arm, both]).tolist()
    [2.0, 0.5, 1.0]
    """
    return np.array([row[list(factors)].prod() for factors in factors_of(terms)])

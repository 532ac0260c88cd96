"""What is learned of a variable in development: its terms."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from allsurv.errors import ModelError
from allsurv.features.encoding import Term
from allsurv.study.dictionary import Variable

__all__ = ["learn_terms"]


def learn_terms(numbers: NDArray[np.float64], variable: Variable, missing: str) -> tuple[Term, ...]:
    """Learn how one variable becomes columns.

    Parameters
    ----------
    numbers : ndarray of shape (n_patients,)
        The variable in development, as from ``read_numbers``.
    variable : Variable
        Its line of the data dictionary.
    missing : {"impute", "refuse"}
        Policy where the dictionary allows a missing value.

    Returns
    -------
    tuple of Term
        One per column.

    Raises
    ------
    ModelError
        If no patient has a value.

    Examples
    --------
    >>> wbc = Variable("wbc", "White cells", "continuous", "wbc", transform="log")
    >>> (term,) = learn_terms(np.array([1.0, np.e, np.e**2]), wbc, "refuse")
    >>> term.name, round(term.centre, 12), round(term.scale**2, 12)
    ('log wbc', 1.0, 0.666666666667)
    """
    if variable.kind == "marker":
        return (
            Term(f"{variable.name} tested", variable.name, "tested"),
            Term(f"{variable.name} positive", variable.name, "positive"),
        )
    known = numbers[~np.isnan(numbers)]
    if known.size == 0:
        raise ModelError(
            f"predictors: '{variable.name}' has no value in any of {numbers.size} patients; "
            "leave it out."
        )
    may_be_missing = variable.missing == "allowed" or variable.derivation is not None
    fills = missing == "impute" and may_be_missing
    if variable.is_number:
        return (_number(known, variable, fills),)
    if variable.is_yes_no:
        yes = variable.reference is not True
        name = variable.name if yes else f"{variable.name}=no"
        usual = bool(_most_frequent(known)) if fills else None
        return (Term(name, variable.name, "level", level=yes, fill=usual),)
    levels = variable.levels
    fill = levels[_most_frequent(known)] if fills else None
    if variable.kind == "ordinal":
        return (Term(variable.name, variable.name, "score", levels=levels, fill=fill),)
    reference = levels[0] if variable.reference is None else variable.reference
    return tuple(
        Term(f"{variable.name}={lev}", variable.name, "level", level=lev, levels=levels, fill=fill)
        for lev in levels
        if lev != reference
    )


def _number(known: NDArray[np.float64], variable: Variable, fills: bool) -> Term:
    fill = float(f"{np.median(known):.3g}") if fills else None  # no patient's own odd value
    values = known
    if variable.transform == "log":
        values = np.log(known[known > 0])
    scale = float(values.std()) if values.size else 0.0
    return Term(
        f"{variable.transform} {variable.name}".strip(),
        variable.name,
        "number",
        transform=variable.transform,
        centre=float(values.mean()) if values.size else 0.0,
        scale=scale if scale > 0 else 1.0,
        fill=fill,
    )


def _most_frequent(codes: NDArray[np.float64]) -> int:
    """Give the most frequent position; among equals the first."""
    return int(np.bincount(codes.astype(np.intp)).argmax())

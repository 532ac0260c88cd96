"""Folds inside the development of a model."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import check_random_state

from allsurv.errors import ModelError

__all__ = ["deal_folds"]


def deal_folds(
    event: NDArray[np.bool_],
    folds: int,
    random_state: int | np.random.RandomState | None,
    *,
    where: str,
) -> NDArray[np.intp]:
    """Give each patient a fold; those with the event and those without are dealt apart.

    Examples
    --------
    >>> fold = deal_folds(np.array([True, False] * 3), 3, 0, where="example")
    >>> np.bincount(fold).tolist(), np.bincount(fold[::2]).tolist()
    ([2, 2, 2], [1, 1, 1])
    """
    n_folds = int(min(folds, event.sum()))
    if n_folds < 2:
        raise ModelError(
            f"{where}: folds={folds} with {event.sum()} events; a choice by cross-validation takes "
            "two folds with an event in each. Give the parameters instead."
        )
    random = check_random_state(random_state)
    fold = np.empty(event.size, dtype=np.intp)
    for group in (event, ~event):
        members = random.permutation(np.flatnonzero(group))
        fold[members] = np.arange(members.size) % n_folds
    return fold

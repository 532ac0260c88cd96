"""What models refitted on some patients say about others.

A refit is a pure function of model, patients and :class:`Split`: it can be done in any order, in
any process, and done again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import joblib
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import clone
from threadpoolctl import threadpool_limits

from allsurv.errors import AllsurvError, first_line
from allsurv.validation.finished import FinishedRefits
from allsurv.validation.plans import Split, draw_bootstraps
from allsurv.validation.prediction import NO_TIMES, Prediction, predict_fitted

__all__ = [
    "NoFit",
    "Prediction",
    "Split",
    "ask_refit",
    "draw_bootstraps",
    "map_tasks",
    "map_with_progress",
    "refit",
    "refit_all",
    "seeded_clone",
]

Floats = NDArray[np.float64]
Progress = Callable[[int, int], None]
Answer = TypeVar("Answer")


def seeded_clone(model: Any, seed: int) -> Any:
    """Copy a model unfitted, every ``random_state`` in it set from one seed."""
    copy = clone(model)
    names = sorted(
        name
        for name in copy.get_params(deep=True)
        if name == "random_state" or name.endswith("__random_state")
    )
    return copy.set_params(**dict.fromkeys(names, seed))


@dataclass(frozen=True)
class NoFit:
    """A refit that gave no answer.

    Attributes
    ----------
    reason : str
        Why not, in one line.
    """

    reason: str


def ask_refit(
    model: Any, X: pd.DataFrame, y: NDArray[np.void], seed: int, ask: Callable[[Any], Answer]
) -> Answer | NoFit:
    """Fit a copy of a model under one seed and ask it something, on one thread.

    A refit that allsurv refuses has no answer. Any other error is a fault of the program and is
    raised: it must not be counted as a model that could not be fitted.
    """
    with threadpool_limits(1):
        try:
            return ask(seeded_clone(model, seed).fit(X, y))
        except AllsurvError as error:
            return NoFit(first_line(error))


def refit(
    name: str,
    model: Any,
    X: pd.DataFrame,
    y: NDArray[np.void],
    split: Split,
    horizons: Floats,
    times: Floats = NO_TIMES,
) -> Prediction:
    """Fit a model on the training patients of a split and predict those left out."""
    developed = X.iloc[split.train]

    def predict(fitted: Any) -> Prediction:
        return predict_fitted(name, fitted, developed, X.iloc[split.test], split, horizons, times)

    found = ask_refit(model, developed, y[split.train], split.seed, predict)
    if isinstance(found, Prediction):
        return found
    nothing = np.full((split.test.size, 1), np.nan)
    return Prediction(
        name,
        split,
        nothing[:, 0],
        nothing[:, 0],
        nothing.repeat(horizons.size, axis=1),
        f"no fit: {found.reason}",
        curves=nothing.repeat(times.size, axis=1),
    )


def refit_all(
    models: Mapping[str, Any],
    X: pd.DataFrame,
    y: NDArray[np.void],
    splits: list[Split],
    horizons: Floats,
    *,
    times: Floats = NO_TIMES,
    n_jobs: int | None = 1,
    progress: Progress | None = None,
    finished: FinishedRefits | None = None,
) -> list[Prediction]:
    """Refit every model on every split."""
    X = X[_needed(models, X)]
    tasks = [(name, model, split) for split in splits for name, model in models.items()]
    known: dict[int, Prediction] = {}
    keys: list[str] = []
    if finished is not None:
        data = finished.digest(X, y, horizons, times)
        keys = [finished.key(data, name, model, split) for name, model, split in tasks]
        for k, (name, _, split) in enumerate(tasks):
            parts = finished.read(keys[k])
            if parts is not None:
                known[k] = Prediction.from_parts(name, split, parts)
    results = map_tasks(
        (
            joblib.delayed(refit)(*task[:2], X, y, task[2], horizons, times)
            for k, task in enumerate(tasks)
            if k not in known
        ),
        n_jobs,
    )
    predictions = []
    for k in range(len(tasks)):
        if k in known:
            predictions.append(known[k])
        else:
            predictions.append(next(results))
            if finished is not None:
                finished.write(keys[k], predictions[k].parts())
        if progress is not None:
            progress(k + 1, len(tasks))
    return predictions


def _needed(models: Mapping[str, Any], X: pd.DataFrame) -> list[str]:
    """Columns that any of the models reads; all where one does not tell."""
    read: set[str] = set()
    for model in models.values():
        if not hasattr(model, "features"):
            return list(X.columns)
        read |= set(model.features.variable_names)
    return [name for name in X.columns if name in read]


def map_tasks(tasks: Iterator[Any], n_jobs: int | None) -> Iterator[Any]:
    """Carry out delayed calls, in one process or several, and yield their results in order."""
    found: Iterator[Any] = joblib.Parallel(n_jobs=n_jobs, return_as="generator")(tasks)
    return found


def map_with_progress(
    tasks: Sequence[Any], n_jobs: int | None, progress: Progress | None
) -> Iterator[Any]:
    """Carry out delayed calls as :func:`map_tasks` does, telling after each how many are done."""
    for done, found in enumerate(map_tasks(iter(tasks), n_jobs), start=1):
        yield found
        if progress is not None:
            progress(done, len(tasks))

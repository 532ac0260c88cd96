"""Who is left out when, and what a model refitted without them says about them.

A refit is a pure function of model, patients and :class:`Split`: it can be done in any order, in
any process, and done again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import joblib
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.model_selection import StratifiedKFold
from threadpoolctl import threadpool_limits

from allsurv.errors import ConfigError, OutcomeError

__all__ = [
    "Plan",
    "Prediction",
    "Split",
    "draw_bootstraps",
    "draw_folds",
    "map_tasks",
    "refit",
    "refit_all",
    "seeded_clone",
]

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]
Progress = Callable[[int, int], None]
ROUNDING = 1e-9  # a horizon may miss the last grid point by so much, as after a change of unit


@dataclass(frozen=True)
class Plan:
    """Repeated K-fold cross-validation, stratified by event.

    Attributes
    ----------
    repeats : int, default=5
        How often the patients are split anew; at least 1.
    folds : int, default=5
        Parts of a split, each left out once; at least 2.

    Examples
    --------
    >>> Plan(repeats=2, folds=5).n_fits
    10
    """

    repeats: int = 5
    folds: int = 5

    def __post_init__(self) -> None:
        """Refuse a plan that leaves nobody in or nobody out."""
        if self.repeats < 1 or self.folds < 2:
            raise ConfigError(
                f"Plan: {self.repeats} repeats of {self.folds} folds; "
                "choose at least 1 repeat of at least 2 folds."
            )

    @property
    def n_fits(self) -> int:  # numpydoc ignore=RT01
        """Number of refits of one model."""
        return self.repeats * self.folds


@dataclass(frozen=True, eq=False)
class Split:
    """One resample: patients to fit on, patients to predict, and the seed of the refit.

    Attributes
    ----------
    repeat, fold : int
        Its place in the plan, from 0.
    train, test : ndarray of int
        Positions in the cohort.
    seed : int
        Given to everything in the model that has a ``random_state``.
    """

    repeat: int
    fold: int
    train: Ints
    test: Ints
    seed: int


@dataclass(frozen=True, eq=False)
class Prediction:
    """What one refit says about the patients it has not seen.

    Attributes
    ----------
    model : str
        Name of the model.
    split : Split
        The resample.
    risk_score : ndarray of shape (n_test,)
        Unitless, higher is worse; comparable within this refit only.
    centile : ndarray of shape (n_test,)
        Percentage of the refit's own training patients whose risk score is lower; those whose
        score is the same count half.
    risk : ndarray of shape (n_test, n_horizons)
        Probability of the event by each horizon; NaN where the refit does not reach.
    reason : str
        Why there is no prediction at all; empty where there is one.
    horizon_reasons : tuple of str
        Why a horizon has none; empty strings where it has.
    """

    model: str
    split: Split
    risk_score: Floats
    centile: Floats
    risk: Floats
    reason: str = ""
    horizon_reasons: tuple[str, ...] = ()

    def reason_at(self, k: int) -> str:
        """Say why there is no risk at a horizon.

        Parameters
        ----------
        k : int
            Position of the horizon.

        Returns
        -------
        str
            Empty where there is one.
        """
        return self.reason or self.horizon_reasons[k]


def draw_folds(event: NDArray[np.bool_], plan: Plan, random_state: int | None) -> list[Split]:
    """Draw the resamples of a plan.

    Parameters
    ----------
    event : ndarray of bool of shape (n_patients,)
        What the folds are stratified by.
    plan : Plan
        How many.
    random_state : int or None
        Seed from which splits and seeds of the refits follow.

    Returns
    -------
    list of Split
        In order of repeat and fold; within a repeat each patient is left out once.

    Raises
    ------
    OutcomeError
        If there are fewer patients with, or without, the event than folds.

    Examples
    --------
    >>> splits = draw_folds(np.array([True, False] * 4), Plan(repeats=1, folds=4), 0)
    >>> sorted(int(i) for split in splits for i in split.test)
    [0, 1, 2, 3, 4, 5, 6, 7]
    """
    rarest = int(min(event.sum(), (~event).sum()))
    n_events = int(event.sum())
    if n_events < plan.folds or (rarest and rarest < plan.folds):
        raise OutcomeError(
            f"validate: {n_events} of {event.size} patients have the event, for {plan.folds} "
            "folds; each needs some with and some without it. Choose fewer folds."
        )
    splits = []
    for repeat, sequence in enumerate(np.random.SeedSequence(random_state).spawn(plan.repeats)):
        shuffle, *fits = sequence.generate_state(plan.folds + 1)
        folds = StratifiedKFold(plan.folds, shuffle=True, random_state=int(shuffle))
        for fold, (train, test) in enumerate(folds.split(event, event)):
            splits.append(Split(repeat, fold, train, test, int(fits[fold])))
    return splits


def draw_bootstraps(n_patients: int, n_bootstrap: int, random_state: int | None) -> list[Split]:
    """Draw bootstrap samples of patients; everybody is predicted.

    Parameters
    ----------
    n_patients : int
        Size of the cohort and of each sample.
    n_bootstrap : int
        Number of samples.
    random_state : int or None
        Seed from which samples and seeds of the refits follow.

    Returns
    -------
    list of Split
        ``train`` drawn with replacement, ``test`` the whole cohort.

    Examples
    --------
    >>> sample = draw_bootstraps(5, 3, 0)[2]
    >>> sample.train.size, sample.test.tolist()
    (5, [0, 1, 2, 3, 4])
    """
    everybody = np.arange(n_patients)
    splits = []
    for repeat, sequence in enumerate(np.random.SeedSequence(random_state).spawn(n_bootstrap)):
        train = np.random.default_rng(sequence).integers(0, n_patients, n_patients)
        splits.append(Split(repeat, 0, train, everybody, int(sequence.generate_state(1)[0])))
    return splits


def seeded_clone(model: Any, seed: int) -> Any:
    """Copy a model unfitted, every ``random_state`` in it set from one seed.

    Parameters
    ----------
    model : SurvivalModel
        Fitted or not.
    seed : int
        The seed.

    Returns
    -------
    SurvivalModel
        Unfitted.
    """
    copy = clone(model)
    names = sorted(
        name
        for name in copy.get_params(deep=True)
        if name == "random_state" or name.endswith("__random_state")
    )
    return copy.set_params(**dict.fromkeys(names, seed))


def refit(
    name: str, model: Any, X: pd.DataFrame, y: NDArray[np.void], split: Split, horizons: Floats
) -> Prediction:
    """Fit a model on the training patients of a split and predict those left out.

    Parameters
    ----------
    name : str
        Name of the model in tables.
    model : SurvivalModel
        The whole pipeline; it is cloned.
    X : DataFrame
        Baseline variables of all patients.
    y : structured ndarray of shape (n_patients,)
        Outcome of all patients.
    split : Split
        The resample.
    horizons : ndarray of shape (n_horizons,)
        Times at which risk is predicted.

    Returns
    -------
    Prediction
        With a reason instead of numbers where the model cannot be fitted on these patients.
    """
    n_test = split.test.size
    risk = np.full((n_test, horizons.size), np.nan)
    with threadpool_limits(1):
        try:
            fitted = seeded_clone(model, split.seed).fit(X.iloc[split.train], y[split.train])
            reached = horizons <= fitted.max_time_ * (1 + ROUNDING)
            score = np.asarray(fitted.predict(X.iloc[split.test]), dtype=float)
            developed = np.sort(fitted.predict(X.iloc[split.train]))
            if reached.any():
                survival = fitted.predict_survival(X.iloc[split.test], horizons[reached])
                risk[:, reached] = 1 - np.asarray(survival)
        except (ValueError, ArithmeticError) as error:
            nothing = np.full(n_test, np.nan)
            return Prediction(name, split, nothing, nothing, risk, f"no fit: {_first_line(error)}")
    places = [np.searchsorted(developed, score, side=side) for side in ("left", "right")]
    centile = 50 * (places[0] + places[1]) / developed.size
    reasons = tuple(
        ""
        if ok
        else f"follow-up of the patients fitted on ends at {fitted.max_time_:g}, before {horizon:g}"
        for ok, horizon in zip(reached, horizons, strict=True)
    )
    return Prediction(name, split, score, centile, risk, horizon_reasons=reasons)


def refit_all(
    models: Mapping[str, Any],
    X: pd.DataFrame,
    y: NDArray[np.void],
    splits: list[Split],
    horizons: Floats,
    *,
    n_jobs: int | None = 1,
    progress: Progress | None = None,
) -> list[Prediction]:
    """Refit every model on every split.

    Parameters
    ----------
    models : mapping from str to SurvivalModel
        Whole pipelines by name; all see the same splits and seeds.
    X : DataFrame
        Baseline variables of all patients.
    y : structured ndarray of shape (n_patients,)
        Outcome of all patients.
    splits : list of Split
        The resamples.
    horizons : ndarray of shape (n_horizons,)
        Times at which risk is predicted.
    n_jobs : int or None, default=1
        Processes, as joblib counts them; the numbers do not depend on it.
    progress : callable, optional
        Called as ``progress(done, total)`` after each refit.

    Returns
    -------
    list of Prediction
        In order of split, then of model.
    """
    tasks = [(name, model, split) for split in splits for name, model in models.items()]
    results = map_tasks(
        (joblib.delayed(refit)(name, model, X, y, split, horizons) for name, model, split in tasks),
        n_jobs,
    )
    predictions = []
    for done, prediction in enumerate(results, start=1):
        predictions.append(prediction)
        if progress is not None:
            progress(done, len(tasks))
    return predictions


def map_tasks(tasks: Iterator[Any], n_jobs: int | None) -> Iterator[Any]:
    """Carry out delayed calls, in one process or several, and yield their results in order.

    Parameters
    ----------
    tasks : iterator of delayed calls
        As from ``joblib.delayed``.
    n_jobs : int or None
        Processes.

    Returns
    -------
    iterator
        Results, each as soon as it and those before it are there.
    """
    return joblib.Parallel(n_jobs=n_jobs, return_as="generator")(tasks)


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]

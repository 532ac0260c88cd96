"""How patients are split into those a model is fitted on and those it is measured on."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import StratifiedKFold

from allsurv.cohort import Cohort
from allsurv.errors import ConfigError, OutcomeError

__all__ = [
    "AnyPlan",
    "Bootstrap",
    "External",
    "InternalExternal",
    "Plan",
    "Split",
    "draw_bootstraps",
    "draw_folds",
    "draw_groups",
]

Ints = NDArray[np.intp]


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

    @property
    def limit_factor(self) -> float:
        r"""Factor by which limits are wider because refits share most of their patients.

        Notes
        -----
        Nadeau and Bengio's correction: with J refits of K folds the variance of the average is
        :math:`(1 / J + 1 / (K - 1)) \sigma^2`, not :math:`\sigma^2 / K`, where :math:`\sigma^2` is
        that of one fold [1]_.

        References
        ----------
        .. [1] Nadeau C, Bengio Y. Mach Learn. 2003;52(3):239-281. doi:10.1023/A:1024068626366

        Examples
        --------
        >>> round(Plan(repeats=5, folds=5).limit_factor, 3)
        1.204
        """
        return math.sqrt(self.folds * (1 / self.n_fits + 1 / (self.folds - 1)))


@dataclass(frozen=True)
class Bootstrap:
    """The whole pipeline refitted on patients drawn with replacement; optimism is subtracted.

    Attributes
    ----------
    replicates : int, default=200
        How often; at least 2.
    """

    replicates: int = 200

    def __post_init__(self) -> None:
        """Refuse too few replicates for a mean."""
        if self.replicates < 2:
            raise ConfigError(f"Bootstrap: {self.replicates} replicates; choose at least 2.")


@dataclass(frozen=True)
class InternalExternal:
    """Each group of patients left out in turn: does the model carry over to another centre or era.

    Attributes
    ----------
    by : str
        Variable of the study whose levels are the groups.
    """

    by: str


@dataclass(frozen=True)
class External:
    """Other patients; nothing is refitted.

    Attributes
    ----------
    cohort : Cohort
        The patients that models are measured on.
    """

    cohort: Cohort = field(repr=False)


AnyPlan = Plan | Bootstrap | InternalExternal | External
"""Every way to validate."""


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


def draw_folds(event: NDArray[np.bool_], plan: Plan, random_state: int | None) -> list[Split]:
    """Draw the resamples of a plan.

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


def draw_groups(groups: Sequence[str], event: NDArray[np.bool_], seed: int | None) -> list[Split]:
    """Leave each group out in turn.

    Examples
    --------
    >>> splits = draw_groups(["a", "b", "a"], np.array([True, True, False]), 0)
    >>> [split.test.tolist() for split in splits]
    [[0, 2], [1]]
    """
    labels = np.asarray(groups, dtype=object)
    names = sorted({name for name in labels if name})
    if len(names) < 2:
        raise OutcomeError(
            f"validate: {len(names)} group to leave out; a plan by groups takes two or more."
        )
    seeds = np.random.SeedSequence(seed).generate_state(len(names))
    splits = []
    for fold, name in enumerate(names):
        test = np.flatnonzero(labels == name)
        if not event[test].any() or not event[labels != name].any():
            raise OutcomeError(
                f"validate: no event inside, or none outside, group '{name}'; merge groups."
            )
        splits.append(Split(0, fold, np.flatnonzero(labels != name), test, int(seeds[fold])))
    return splits

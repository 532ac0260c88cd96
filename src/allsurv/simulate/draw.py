"""Cohorts of any size, drawn from a model of a study's patients with known effects put in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from allsurv.cohort.reading import load_cohort
from allsurv.cohort.table import Cohort
from allsurv.dictionary.derive import derived_order
from allsurv.errors import ConfigError
from allsurv.policy.rules import SMALLEST_GROUP
from allsurv.simulate.codes import Codebook, Columns
from allsurv.simulate.copula import BaselineModel, fit_baseline
from allsurv.simulate.course import fit_course
from allsurv.simulate.effects import check_numbers, published_effects, resolve_effects
from allsurv.simulate.model import Simulation, Simulator, groups_of
from allsurv.simulate.story import StoryModel, fit_story
from allsurv.study.spec import Study

__all__ = ["make_simulator", "simulate_cohort", "simulate_truth"]

_MOST_PATIENTS = 10_000_000
_FEWEST_PATIENTS = 30


def simulate_cohort(
    study: Study | str,
    *,
    n: int = 110,
    effects: Mapping[str, float] | None = None,
    like: Cohort | None = None,
    random_state: int | None = None,
) -> Cohort:
    r"""Draw a cohort of any size that resembles a study's, with known effects put in.

    Parameters
    ----------
    study : Study or str
        The study, or the name of a bundled one.
    n : int, default=110
        Number of patients.
    effects : mapping from str to float, optional
        Log hazard ratios for the prediction endpoint, all others being 0: ``{"pb_blasts": 0.014}``
        per unit, ``{"tp53_mutated": 0.86}`` yes against no, ``{"salvage=2": 0.5}`` a level against
        all others, ``{"sct": -0.3}`` from a time-dependent event on. The study's published
        findings where not given; ``{}`` for none.
    like : Cohort, optional
        Patients to resemble; the study's own cohort where not given.
    random_state : int, optional
        Seed; a new one is taken, and named in ``source``, where none is given.

    Returns
    -------
    Cohort
        Of source ``simulated``; its statement says what was put in. It keeps every rule of the
        study's data dictionary.

    Raises
    ------
    ConfigError
        If the study comes without a cohort, its prediction endpoint cannot be simulated, the
        patients to resemble are too few, an effect names nothing, or ``n`` is not a positive
        whole number.

    Notes
    -----
    Baseline variables, whether each was tested included, come from a Gaussian copula on their
    smoothed margins. Survival is proportional-hazards: :math:`h(t \mid x, z) = h_0(t)
    \exp(x'\beta + z(t)'\gamma)`, with :math:`h_0` the smoothed Breslow hazard of the cohort under
    these effects, and :math:`z(t)` the events that have happened; these happen at rates that
    depend on the study's group alone. Follow-up ends as the calendar of each group has it. What is
    recorded later - response, relapse, toxicity - is drawn given follow-up, so that it depends on
    survival without changing the effects put in [1]_. See ``docs/simulation.md``.

    References
    ----------
    .. [1] Bender R, Augustin T, Blettner M. Stat Med. 2005;24:1713-1723. doi:10.1002/sim.2059

    Examples
    --------
    >>> simulate_cohort("rr-all", n=1000, random_state=1)
    Cohort(study='rr-all', n=1000, source='simulated: rr-all, 1000 simulated, seed 1')
    """
    simulator = make_simulator(study, effects=effects, like=like)
    return simulator.draw(_size(n), _seed(random_state)).cohort


def simulate_truth(
    study: Study | str,
    *,
    n: int = 110,
    effects: Mapping[str, float] | None = None,
    like: Cohort | None = None,
    random_state: int | None = None,
) -> Simulation:
    """Draw a cohort as :func:`simulate_cohort` does, and keep the truth.

    Parameters
    ----------
    study, n, effects, like, random_state
        As for :func:`simulate_cohort`, which draws the same patients.

    Returns
    -------
    Simulation
        The cohort, its true linear predictors, effects and baseline hazard.
    """
    simulator = make_simulator(study, effects=effects, like=like)
    return simulator.draw(_size(n), _seed(random_state))


def make_simulator(
    study: Study | str,
    *,
    effects: Mapping[str, float] | None = None,
    like: Cohort | None = None,
) -> Simulator:
    """Fit the model that cohorts are drawn from; it is kept for the next call.

    Parameters
    ----------
    study, effects, like
        As for :func:`simulate_cohort`.

    Returns
    -------
    Simulator
        Draws any number of cohorts.

    Raises
    ------
    ConfigError
        As :func:`simulate_cohort`.
    """
    if isinstance(study, str):
        study = _study_named(study)
    terms = published_effects(study) if effects is None else effects
    return _make_simulator(study, like, check_numbers(terms))


@lru_cache(maxsize=8)
def _study_named(name: str) -> Study:
    from allsurv.study.reader import load_study

    return load_study(name)


@lru_cache(maxsize=4)
def _patients_of(study: Study) -> Cohort:
    return load_cohort(study)


@lru_cache(maxsize=16)
def _make_simulator(
    study: Study, like: Cohort | None, terms: tuple[tuple[str, float], ...]
) -> Simulator:
    parts = _without_effects(study, like)
    effects = resolve_effects(dict(terms), parts.codebook, parts.columns)
    linear = effects.linear_predictor(parts.columns)
    course = fit_course(parts.cohort, effects, linear, groups_of(study, parts.columns))
    return Simulator(
        parts.cohort, effects, parts.codebook, parts.baseline, course, parts.story, parts.derivers
    )


class _Parts(NamedTuple):
    """What does not depend on the effects put in."""

    cohort: Cohort
    codebook: Codebook
    columns: Columns
    baseline: BaselineModel
    story: StoryModel
    derivers: dict[str, Callable[[Columns], NDArray[Any]]]


@lru_cache(maxsize=4)
def _without_effects(study: Study, like: Cohort | None) -> _Parts:
    cohort = _patients_of(study) if like is None else like
    _check_endpoint(study)
    _check_patients(study, cohort)
    codebook = Codebook.of(study, cohort.frame)
    columns = codebook.encode(cohort.frame)
    given = {n for n in columns if study.variable(n).known == "baseline"}
    derived = [n for n in derived_order(study.variables, given) if n in given]
    return _Parts(
        cohort,
        codebook,
        columns,
        fit_baseline(codebook, columns),
        fit_story(codebook, cohort),
        {n: codebook.deriver(n) for n in derived},
    )


def _check_endpoint(study: Study) -> None:
    endpoint = study.endpoint(study.prediction.endpoint)
    derived = study.variable(endpoint.time).derivation is not None
    if endpoint.population or endpoint.origin_time or derived:
        raise ConfigError(
            f"simulate: endpoint '{endpoint.name}' of study '{study.name}' is about some patients, "
            "starts later than the others or has a derived time; name one of all patients, from "
            "the start, as the prediction endpoint."
        )


def _check_patients(study: Study, cohort: Cohort) -> None:
    n_events = int(cohort.y(study.prediction.endpoint)["event"].sum())
    if cohort.n < _FEWEST_PATIENTS or n_events < SMALLEST_GROUP:
        raise ConfigError(
            f"simulate: the patients to resemble are {cohort.n} with {n_events} events; give at "
            f"least {_FEWEST_PATIENTS} with {SMALLEST_GROUP}."
        )


def _size(n: int) -> int:
    if isinstance(n, bool) or not isinstance(n, int | np.integer) or not 0 < n <= _MOST_PATIENTS:
        raise ConfigError(f"simulate: n is {n!r}; allowed are whole numbers from 1 to 10,000,000.")
    return int(n)


def _seed(random_state: int | None) -> int:
    if random_state is None:
        return int(np.random.SeedSequence().generate_state(1)[0])
    whole = isinstance(random_state, int | np.integer) and not isinstance(random_state, bool)
    if not whole or random_state < 0:
        raise ConfigError(
            f"simulate: random_state is {random_state!r}; give a whole number from 0, or None."
        )
    return int(random_state)

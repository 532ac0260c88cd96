"""How often a cohort of a given size would find the published effects, if they were true."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import joblib
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from allsurv.cohort import Cohort
from allsurv.errors import ConfigError
from allsurv.findings.power.cox import Answer, draw_cohorts, published_answers, screening_answers
from allsurv.findings.power.models import model_effects
from allsurv.findings.power.rows import (
    ALPHA,
    POWER_COLUMNS,
    PUBLISHED,
    SCREENED,
    SCREENING,
    STANDARDISED,
    World,
    level_term,
    power_row,
)
from allsurv.models.catalog import trainable
from allsurv.simulate.draw import make_simulator
from allsurv.simulate.effects import published_effects
from allsurv.simulate.model import Simulator
from allsurv.study.spec import Finding, Study
from allsurv.validation.resampling import map_tasks

__all__ = ["operating_characteristics"]

Floats = NDArray[np.float64]
_PATIENTS_AT_ONCE = 5_000


def operating_characteristics(
    study: Study,
    *,
    n: int | Sequence[int] = (110, 200, 500, 1000),
    n_cohorts: int = 1000,
    families: Sequence[str] = ("cox",),
    effects: Mapping[str, float] | None = None,
    like: Cohort | None = None,
    random_state: int = 0,
    n_jobs: int | None = 1,
    progress: Callable[[int, int], None] | None = None,
) -> pd.DataFrame:
    r"""Simulate how often published effects would be found, missed, exaggerated or reversed.

    If the effects a paper reports were exactly true, how often would a cohort of this size find
    each one again, how often would it show something where there is nothing, and how large would
    the effects look that happen to be found?

    Parameters
    ----------
    study : Study
        With published findings, and patients to resemble.
    n : int or sequence of int, default=(110, 200, 500, 1000)
        Patients in a cohort.
    n_cohorts : int, default=1000
        Cohorts of each size.
    families : sequence of str, default=("cox",)
        ``cox``: the paper's analyses. Others, as for :func:`allsurv.models.make_model`: the
        standardised effect of each finding, with the family's default parameters.
    effects : mapping from str to float, optional
        What is true, as for :func:`allsurv.simulate_cohort`; the published findings by default.
    like : Cohort, optional
        Patients to resemble; the study's own cohort where not given.
    random_state : int, default=0
        Seed; the same cohorts, whatever the families.
    n_jobs : int or None, default=1
        Processes; the numbers do not depend on it.
    progress : callable, optional
        Called as ``progress(done, total)`` as cohorts are analysed.

    Returns
    -------
    DataFrame
        One row per size, family, protocol and term: ``n``, ``family``; ``protocol``, which is
        ``published model`` (the paper's multivariable model), ``screening, one by one``
        (univariable P below the study's limit), ``model after screening`` (selected, and P < 0.05
        in the model of all selected) or ``standardised effect``; ``variable``, ``label``,
        ``unit``; ``truth`` (``effect`` or ``no effect``), ``true_hazard_ratio``; ``found``, the
        share of cohorts in which it is significant, and of the right sign where there is an
        effect; ``type_m``, the mean factor by which significant log hazard ratios exceed the
        truth; ``type_s``, the share of them of the wrong sign; ``shown_hazard_ratio``, what the
        significant ones show on (geometric) average, above 1; ``n_significant``, ``n_cohorts``,
        ``n_failed`` and ``n_events`` (mean of a cohort). Each ``_se`` is the Monte-Carlo standard
        error of the number before it.

    Raises
    ------
    ConfigError
        If nothing is true, or a size, number or family cannot be.

    Notes
    -----
    Type M and type S errors are those of Gelman and Carlin [1]_. A significant effect of a
    variable with ``no effect`` in ``screening, one by one`` need not be chance: a variable that
    goes along with another that has an effect is associated with survival. A model without P
    values has found an effect where its standardised log hazard ratio lies beyond 95% of those in
    as many cohorts simulated without this one effect: a false alarm in 5 of 100. Its ``type_m``
    below 1 says how far the family shrinks.

    References
    ----------
    .. [1] Gelman A, Carlin J. Perspect Psychol Sci. 2014;9(6):641-651.
       doi:10.1177/1745691614551642
    """
    sizes = _check(n, n_cohorts, families)
    truth = dict(published_effects(study) if effects is None else effects)
    if not any(truth.values()):
        raise ConfigError(
            f"operating_characteristics: study '{study.name}' reports no effect on its prediction "
            "endpoint; say with effects= what is true."
        )
    simulator = make_simulator(study, effects=truth, like=like)
    world = World(study, truth)
    batches = sum(1 if family == "cox" else 1 + len(_askable(study)) for family in families)
    report = _Progress(progress, len(sizes) * n_cohorts * batches)
    rows: list[dict[str, Any]] = []
    for size, seed in zip(
        sizes, np.random.SeedSequence(random_state).spawn(len(sizes)), strict=True
    ):
        for family in families:
            if family == "cox":
                rows += _cox_rows(world, simulator, size, n_cohorts, seed, n_jobs, report)
            else:
                rows += _model_rows(world, simulator, family, size, n_cohorts, seed, n_jobs, report)
    table = pd.DataFrame(rows, columns=POWER_COLUMNS)
    table.attrs["source"] = simulator.statement
    return table


class _Progress:
    def __init__(self, say: Callable[[int, int], None] | None, total: int) -> None:
        self.say, self.total, self.done = say, total, 0

    def add(self, n: int) -> None:
        self.done += n
        if self.say is not None:
            self.say(self.done, self.total)


def _check(n: int | Sequence[int], n_cohorts: int, families: Sequence[str]) -> tuple[int, ...]:
    where = "operating_characteristics"
    sizes = (n,) if isinstance(n, int) else tuple(n)
    if not sizes or min(sizes) < 20 or max(sizes) > 100_000:
        raise ConfigError(f"{where}: n is {n!r}; allowed are 20 to 100,000 patients in a cohort.")
    if n_cohorts < 2:
        raise ConfigError(f"{where}: n_cohorts is {n_cohorts}; give at least 2.")
    allowed = list(trainable())
    wrong = [family for family in families if family not in allowed]
    if wrong or not families:
        named = repr(wrong[0]) if wrong else "none"
        raise ConfigError(f"{where}: families: {named}; allowed are {', '.join(allowed)}.")
    return sizes


def _cox_rows(
    world: World, simulator: Simulator, n: int, n_cohorts: int,
    seed: np.random.SeedSequence, n_jobs: int | None, report: _Progress,
) -> Iterator[dict[str, Any]]:  # fmt: skip
    at_once = max(1, _PATIENTS_AT_ONCE // n)
    counts = [min(at_once, n_cohorts - at) for at in range(0, n_cohorts, at_once)]
    tasks = (
        joblib.delayed(_cox_answers)(simulator, n, count, child)
        for count, child in zip(counts, seed.spawn(len(counts)), strict=True)
    )
    answers: dict[tuple[str, str], list[Answer]] = {}
    n_events = 0
    for events, part in map_tasks(tasks, n_jobs):
        n_events += events
        for key, answer in part.items():
            answers.setdefault(key, []).append(answer)
        report.add(len(next(iter(part.values())).coef))
    for (protocol, name), parts in answers.items():
        answer = Answer(
            *(np.concatenate([getattr(part, f) for part in parts]) for f in Answer.__slots__)
        )
        row = power_row(world, protocol, name, answer, screened=protocol != PUBLISHED)
        yield {"n": n, "family": "cox", "n_events": n_events / n_cohorts} | row


def _cox_answers(
    simulator: Simulator, n: int, n_cohorts: int, seed: np.random.SeedSequence
) -> tuple[int, dict[tuple[str, str], Answer]]:
    study = simulator.codebook.study
    cohorts = draw_cohorts(simulator, n, n_cohorts, seed)
    names = dict.fromkeys(f.analysis for f in study.findings.values()) or dict.fromkeys(
        name for name, a in study.analyses.items() if a.endpoint == study.prediction.endpoint
    )
    found: dict[tuple[str, str], Answer] = {}
    for name in names:
        analysis = study.analyses[name]
        if analysis.endpoint == study.prediction.endpoint:
            protocol = PUBLISHED if len(names) == 1 else f"{PUBLISHED} '{name}'"
            answers = published_answers(cohorts, analysis)
            found |= {(protocol, term): answer for term, answer in answers.items()}
    screening = study.screening
    if screening is not None and screening.endpoint == study.prediction.endpoint:
        parts = screening_answers(cohorts, screening)
        for protocol, answers in zip((SCREENING, SCREENED), parts, strict=True):
            found |= {(protocol, term): answer for term, answer in answers.items()}
    return int(cohorts.event.sum()), found


def _askable(study: Study) -> list[Finding]:
    endpoint, predictors = study.prediction.endpoint, study.prediction.predictors
    findings = study.findings.values()
    return [f for f in findings if f.endpoint == endpoint and f.variable in predictors]


def _model_rows(
    world: World, simulator: Simulator, family: str, n: int, n_cohorts: int,
    seed: np.random.SeedSequence, n_jobs: int | None, report: _Progress,
) -> Iterator[dict[str, Any]]:  # fmt: skip
    study = world.study
    findings = _askable(study)
    asked = partial(model_effects, family=family, n=n, n_cohorts=n_cohorts, n_jobs=n_jobs)
    seeds = seed.spawn(1 + len(findings))
    drawn = asked(simulator, findings=findings, seed=seeds[0])
    report.add(n_cohorts)
    for k, finding in enumerate(findings):
        name = finding.analysis_variable or finding.variable
        others = {t: v for t, v in world.effects.items() if t not in (name, level_term(finding))}
        without = asked(
            make_simulator(study, effects=others, like=simulator.like),
            findings=[finding],
            seed=seeds[1 + k],
        )
        report.add(n_cohorts)
        scale = finding.contrast.per or 1.0
        coef = drawn.logs[:, k] / scale
        limit = np.nanquantile(np.abs(without.logs), 1 - ALPHA) / scale
        failed = np.isnan(coef)
        p_value = np.where(failed, np.nan, np.where(np.abs(coef) > limit, 0.0, 1.0))
        answer = Answer(coef, p_value, np.ones(coef.size, dtype=bool), failed)
        row = power_row(world, STANDARDISED, name, answer, screened=False)
        yield {"n": n, "family": family, "n_events": float(drawn.n_events.mean())} | row

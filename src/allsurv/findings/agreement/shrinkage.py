"""How much a model family shrinks effects of known size, and what its estimate then stands for."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import joblib
import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit
from threadpoolctl import threadpool_limits

from allsurv.findings.agreement.questions import Patients, ask
from allsurv.models import make_model
from allsurv.models.breslow import breslow_hazard
from allsurv.riskmodel.mechanisms import Linear
from allsurv.stats.curves.nonparametric import kaplan_meier
from allsurv.stats.outcome import make_y
from allsurv.validation.resampling import NoFit, ask_refit, map_with_progress

__all__ = ["FEWEST", "Calibrated", "Simulated", "calibrate", "simulate_answers"]

Floats = NDArray[np.float64]
Progress = Callable[[int, int], None]

FEWEST = 10
"""Simulated cohorts from which a line can be drawn with any sense."""
PENALTY = 1.0
MOST_WIDENING = 2.0
REACH = 2.5  # standard errors by which simulated effects go to either side of the estimate


@dataclass(frozen=True, eq=False)
class Simulated:
    """True effects of simulated cohorts, and what the refitted models make of them.

    Attributes
    ----------
    true : ndarray of shape (n_cohorts, n_findings)
        Log average hazard ratios with which the outcomes were drawn.
    estimated : dict of str to ndarray of shape (n_cohorts, n_findings)
        What each model says; NaN where it could not be fitted.
    widening : float
        Factor for what the simulated outcomes understate, see :func:`calibrate`.
    """

    true: Floats
    estimated: dict[str, Floats]
    widening: float = 1.0

    def calibrated(self, name: str, k: int, estimate: float, *, level: float) -> Calibrated:
        """Read off which true effect a model's answer to one finding stands for."""
        said = self.estimated[name][:, k]
        return calibrate(estimate, self.true[:, k], said, level=level, widening=self.widening)


@dataclass(frozen=True)
class Calibrated:
    """The true effect that an estimate stands for.

    Attributes
    ----------
    log, lower, upper : float
        Log hazard ratio with limits; infinite limits where none can be given, NaN where the
        estimate tells nothing.
    slope : float
        Change of the estimate per change of the true effect: 1 without shrinkage.
    n : int
        Simulated cohorts behind it.
    lower_error, upper_error : float
        Monte-Carlo standard errors of the limits, as another drawing of as many cohorts would
        move them (jackknife); infinite where leaving out one cohort leaves a limit open.
    """

    log: float
    lower: float
    upper: float
    slope: float
    n: int = 0
    lower_error: float = math.nan
    upper_error: float = math.nan


def simulate_answers(
    models: Mapping[str, Any],
    patients: Patients,
    n_cohorts: int,
    *,
    random_state: int | None,
    n_jobs: int | None,
    progress: Progress | None = None,
) -> Simulated:
    r"""Refit models to simulated outcomes of the same patients, whose effects are known.

    Notes
    -----
    Outcomes follow a Cox model: coefficients of a ridge fit to these patients (penalty 1), those of
    the findings' variables drawn anew for each cohort, uniformly within 2.5 standard errors; the
    baseline hazard is Breslow's given the coefficients, so that about as many die; censoring
    follows the patients' own censoring distribution. ``widening`` is :math:`\sqrt{d / (d - p)}`
    for :math:`d` events and :math:`p` coefficients of that model, at most 2: fitted to these very
    events, it makes outcomes that vary less from one cohort to the next than patients do.
    """
    variables = list(dict.fromkeys(v for m in models.values() for v in m.feature_names_in_))
    world = make_model("cox", patients.study, predictors=variables, ridge=PENALTY)
    world.fit(patients.X, patients.y)
    seeds = np.random.SeedSequence(random_state).spawn(n_cohorts)
    tasks = [joblib.delayed(_one_cohort)(models, patients, world, seed) for seed in seeds]
    results = list(map_with_progress(tasks, n_jobs, progress))
    true = [truth for truth, _ in results]
    estimated = [answers for _, answers in results]
    return Simulated(
        np.array(true),
        {name: np.array([answers[name] for answers in estimated]) for name in models},
        _widening(int(patients.y["event"].sum()), len(world.coef_)),
    )


def _widening(n_events: int, n_coefficients: int) -> float:
    return math.sqrt(n_events / max(n_events - n_coefficients, n_events / MOST_WIDENING**2))


def calibrate(
    estimate: float, true: Floats, estimated: Floats, *, level: float, widening: float = 1.0
) -> Calibrated:
    r"""Read off which true effect an estimate stands for.

    Notes
    -----
    The limits hold all true effects with which a line's prediction interval covers the estimate
    [1]_; they reflect sampling error, shrinkage, and that the line itself is estimated.

    References
    ----------
    .. [1] Fieller EC. J R Stat Soc B. 1954;16(2):175-185. doi:10.1111/j.2517-6161.1954.tb00159.x

    Examples
    --------
    Estimates of half the size, without error: the estimate 0.3 stands for 0.6.

    >>> true = np.linspace(-1, 1, 20)
    >>> found = calibrate(0.3, true, true / 2, level=0.95)
    >>> round(found.log, 6), round(found.slope, 6)
    (0.6, 0.5)
    """
    made = np.isfinite(true) & np.isfinite(estimated)
    n = int(made.sum())
    if n < FEWEST or not math.isfinite(estimate):
        return Calibrated(math.nan, -math.inf, math.inf, math.nan, n)
    x, y = true[made], estimated[made]
    whole = _read_backwards(estimate, x, y, level, widening)
    if not math.isfinite(whole.log):
        return replace(whole, n=n)
    others = ~np.eye(n, dtype=bool)
    left_out = [_read_backwards(estimate, x[k], y[k], level, widening) for k in others]
    limits = np.array([(one.lower, one.upper) for one in left_out])
    errors = np.full(2, math.inf)
    if np.isfinite(limits).all():
        errors = np.sqrt((n - 1) / n * ((limits - limits.mean(axis=0)) ** 2).sum(axis=0))
    return replace(whole, n=n, lower_error=float(errors[0]), upper_error=float(errors[1]))


def _read_backwards(
    estimate: float, x: Floats, y: Floats, level: float, widening: float
) -> Calibrated:
    """Find the true effects ``x`` for which the line of ``y`` on ``x`` covers the estimate."""
    n = x.size
    about_x, about_y = x - x.mean(), y - y.mean()
    spread = float(about_x @ about_x)
    if not spread > 0:
        return Calibrated(math.nan, -math.inf, math.inf, math.nan)
    slope = float(about_x @ about_y) / spread
    residual = widening * math.sqrt(float(((about_y - slope * about_x) ** 2).sum()) / (n - 2))
    t = float(stdtrit(n - 2, 0.5 + level / 2))
    if not slope > 0 or t * residual >= slope * math.sqrt(spread):
        return Calibrated(math.nan, -math.inf, math.inf, slope)
    away = (estimate - float(y.mean())) / slope
    g = (t * residual / slope) ** 2 / spread
    half = t * residual / slope * math.sqrt(away**2 / spread + (1 + 1 / n) * (1 - g))
    centre = float(x.mean())
    low, high = centre + (away - half) / (1 - g), centre + (away + half) / (1 - g)
    return Calibrated(centre + away, low, high, slope)


def _one_cohort(
    models: Mapping[str, Any], patients: Patients, world: Any, seed: np.random.SeedSequence
) -> tuple[Floats, dict[str, Floats]]:
    rng = np.random.default_rng(seed)
    truth = _draw_world(world, patients, rng)
    y = _draw_outcome(truth, patients, rng)
    drawn = Patients(patients.study, patients.X, y, patients.findings, patients.horizons)
    fit_seed = int(seed.generate_state(1)[0])

    def average(fitted: Any) -> Floats:
        return ask(fitted, drawn, importance=False).average

    answers = {}
    for name, model in models.items():
        found = ask_refit(model, drawn.X, y, fit_seed, average)
        none = np.full(len(patients.findings), math.nan)
        answers[name] = none if isinstance(found, NoFit) else found
    with threadpool_limits(1):
        true = ask(truth, patients, importance=False).average
    return true, answers


def _draw_world(world: Any, patients: Patients, rng: np.random.Generator) -> Any:
    """Copy the Cox model with the effects of the findings' variables drawn anew."""
    moved = {finding.variable for finding in patients.findings}
    terms = world.encoder_.terms_
    chosen = np.array([t.variable in moved and t.kind != "tested" for t in terms])
    error = np.sqrt(np.nan_to_num(np.diag(world.covariance_)))
    coef = world.coef_ + np.where(chosen, rng.uniform(-REACH, REACH, len(terms)) * error, 0.0)
    score = world.encoder_.design(patients.X) @ coef
    time, event = patients.y["time"], patients.y["event"]
    truth = copy.copy(world)
    truth.mechanism_ = Linear(coef, breslow_hazard(score, time, event, world.times_))
    return truth


def _draw_outcome(truth: Any, patients: Patients, rng: np.random.Generator) -> NDArray[np.void]:
    grid, n = truth.times_, len(patients.X)
    survival = truth.predict_survival(patients.X, grid)
    passed = (survival > rng.random((n, 1))).sum(axis=1)
    ends = np.append(grid, math.inf)
    death = ends[passed] - rng.random(n) * np.diff(grid).mean()
    death[passed == grid.size] = math.inf
    follow_up = _draw_censoring(patients.y, float(grid[-1]), rng)
    time = np.minimum(death, follow_up)
    return make_y(np.maximum(time, 1e-6), death <= follow_up)


def _draw_censoring(
    y: NDArray[np.void], last: float, rng: np.random.Generator
) -> NDArray[np.float64]:
    curve = kaplan_meier(y["time"], ~y["event"])
    steps = np.append(curve.time, last)
    place = (np.asarray(curve.survival)[None, :] > rng.random((len(y), 1))).sum(axis=1)
    found: NDArray[np.float64] = np.minimum(steps[place], last)
    return found

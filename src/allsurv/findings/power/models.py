"""What model families without P values make of the published effects in simulated cohorts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import joblib
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from allsurv.findings.agreement.questions import Patients, ask
from allsurv.findings.power.cox import Cohorts, draw_cohorts
from allsurv.models import make_model
from allsurv.simulate.model import Simulator
from allsurv.stats.outcome import make_y
from allsurv.study.spec import Finding
from allsurv.validation.resampling import NoFit, ask_refit, map_tasks

__all__ = ["ModelEffects", "model_effects"]

Floats = NDArray[np.float64]


class ModelEffects(NamedTuple):
    """What one family finds in simulated cohorts.

    Attributes
    ----------
    logs : ndarray of shape (n_cohorts, n_findings)
        Log average hazard ratios per unit of the finding, by g-computation over the cohort; NaN
        where the model could not be fitted or does not have the variable.
    n_events : ndarray of shape (n_cohorts,)
        Events in each cohort.
    """

    logs: Floats
    n_events: Floats


def model_effects(
    simulator: Simulator,
    family: str,
    findings: Sequence[Finding],
    *,
    n: int,
    n_cohorts: int,
    seed: np.random.SeedSequence,
    n_jobs: int | None = 1,
) -> ModelEffects:
    """Fit one family to simulated cohorts and ask it about findings."""
    tasks = (
        joblib.delayed(_effects)(simulator, family, tuple(findings), n, child)
        for child in seed.spawn(n_cohorts)
    )
    logs, n_events = zip(*map_tasks(tasks, n_jobs), strict=True)
    return ModelEffects(np.array(logs).reshape(n_cohorts, len(findings)), np.array(n_events))


def _effects(
    simulator: Simulator,
    family: str,
    findings: tuple[Finding, ...],
    n: int,
    seed: np.random.SeedSequence,
) -> tuple[Floats, float]:
    cohorts = draw_cohorts(simulator, n, 1, seed)
    study = simulator.codebook.study
    model = make_model(family, study)
    X = _frame(cohorts)
    y = make_y(cohorts.time[0], cohorts.event[0])
    horizons = np.asarray(study.prediction.horizons, dtype=float)
    patients = Patients(study, X, y, findings, horizons)

    def average(fitted: Any) -> Floats:
        return ask(fitted, patients, importance=False).average

    found = ask_refit(model, X, y, int(seed.generate_state(1)[0]), average)
    none = np.full(len(findings), np.nan)  # counted as failed
    return none if isinstance(found, NoFit) else found, float(cohorts.event.sum())


def _frame(cohorts: Cohorts) -> pd.DataFrame:
    one = {name: values[0] for name, values in cohorts.columns.items()}
    return pd.DataFrame(cohorts.codebook.arrays(one))

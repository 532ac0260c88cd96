"""What is asked of a fitted model: effects of findings, and how much each variable counts."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import joblib
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from allsurv.errors import AllsurvError, ModelError
from allsurv.explain.movement import measure_movement
from allsurv.explain.values import ask as ask_shap
from allsurv.findings.agreement.contrast import standardised_effects
from allsurv.stats.measures.discrimination import harrell_c
from allsurv.study.spec import Finding, Study
from allsurv.validation.plans import Split
from allsurv.validation.resampling import ask_refit, map_with_progress

__all__ = ["Answers", "Patients", "Refits", "ask", "refit_all"]

Floats = NDArray[np.float64]
Progress = Callable[[int, int], None]


@dataclass(frozen=True, eq=False)
class Patients:
    """Those the models are fitted on, what is asked of them, and until when.

    Attributes
    ----------
    study : Study
        Data dictionary.
    X : DataFrame of shape (n_patients, n_variables)
        Baseline variables.
    y : structured ndarray of shape (n_patients,)
        Outcome.
    findings : tuple of Finding
        Effects asked for; their variables are columns of ``X``.
    horizons : ndarray of shape (n_horizons,)
        Times, in the study's unit.
    n_explained : int, optional
        Patients, drawn at random, whom models of trees are explained for; all unless given.
    """

    study: Study
    X: pd.DataFrame
    y: NDArray[np.void]
    findings: tuple[Finding, ...]
    horizons: Floats
    n_explained: int | None = None


@dataclass(frozen=True, eq=False)
class Answers:
    """What one fitted model says.

    Attributes
    ----------
    average : ndarray of shape (n_findings,)
        Log average hazard ratio of each finding, per its unit.
    at_horizons : ndarray of shape (n_findings, n_horizons)
        Log hazard ratio at each horizon.
    shap : ndarray of shape (n_variables,)
        Mean absolute SHAP value of the risk score, as a share of their sum; NaN without.
    permutation : ndarray of shape (n_variables,)
        Loss of Harrell's C among patients the model has not seen when the variable is shuffled;
        NaN without such patients.
    reason : str
        Why there is no answer; empty where there is one.
    """

    average: Floats
    at_horizons: Floats
    shap: Floats
    permutation: Floats
    reason: str = ""


@dataclass(frozen=True, eq=False)
class Refits:
    """What the refits of one model say, refits on the first axis.

    Attributes
    ----------
    average, at_horizons, shap, permutation : ndarray
        As :class:`Answers`, of the refits that could be made.
    n_failed : int
        Refits that could not.
    reasons : str
        Why not, each reason with its number of refits.
    """

    average: Floats
    at_horizons: Floats
    shap: Floats
    permutation: Floats
    n_failed: int
    reasons: str


def ask(model: Any, patients: Patients, *, importance: bool = True) -> Answers:
    """Ask a fitted model about its patients."""
    average = np.full(len(patients.findings), math.nan)
    at_horizons = np.full((len(patients.findings), patients.horizons.size), math.nan)
    known = set(model.feature_names_in_)
    places = [k for k, finding in enumerate(patients.findings) if finding.variable in known]
    asked = [patients.findings[k] for k in places]
    questions = [(patients.study.variable(f.variable), f.contrast) for f in asked]
    effects = standardised_effects(model, patients.X, questions, patients.horizons)
    for k, effect in zip(places, effects, strict=True):
        average[k], at_horizons[k] = effect.average, effect.at_horizons
    nothing = np.full(model.n_features_in_, math.nan)
    shap = _shap_shares(model, patients) if importance else nothing
    return Answers(average, at_horizons, shap, nothing)


def refit_all(
    models: Mapping[str, Any],
    patients: Patients,
    splits: Sequence[Split],
    *,
    n_jobs: int | None,
    progress: Progress | None,
) -> dict[str, Refits]:
    """Refit the whole pipeline of every model on every sample and ask again."""
    names = [name for _ in splits for name in models]
    tasks = [
        joblib.delayed(_refit)(model, patients, split)
        for split in splits
        for model in models.values()
    ]
    answers: dict[str, list[Answers]] = {name: [] for name in models}
    for name, answer in zip(names, map_with_progress(tasks, n_jobs, progress), strict=True):
        answers[name].append(answer)
    return {name: _gathered(given) for name, given in answers.items()}


def _refit(model: Any, patients: Patients, split: Split) -> Answers:
    X = patients.X.iloc[split.train].reset_index(drop=True)
    sample = replace(patients, X=X, y=patients.y[split.train])

    def answer(fitted: Any) -> Answers:
        unseen = np.setdiff1d(split.test, split.train)
        lost = _permutation(fitted, patients.X.iloc[unseen], patients.y[unseen], split.seed)
        return replace(ask(fitted, sample), permutation=lost)

    found = ask_refit(model, X, sample.y, split.seed, answer)
    if isinstance(found, Answers):
        return found
    none = np.empty(0)
    return Answers(none, none, none, none, reason=found.reason)


def _gathered(answers: Sequence[Answers]) -> Refits:
    made = [answer for answer in answers if not answer.reason]
    reasons = pd.Series([answer.reason for answer in answers if answer.reason], dtype=object)
    said = "; ".join(f"{n} refits: {reason}" for reason, n in reasons.value_counts().items())
    stacked = {
        part: np.array([getattr(answer, part) for answer in made])
        for part in ("average", "at_horizons", "shap", "permutation")
    }
    return Refits(n_failed=len(reasons), reasons=said, **stacked)


def _shap_shares(model: Any, patients: Patients) -> Floats:
    try:
        asked = ask_shap(model, patients.X)
    except ModelError:
        return np.full(model.n_features_in_, math.nan)
    return measure_movement(asked, n_patients=patients.n_explained).share


def _permutation(model: Any, X: pd.DataFrame, y: NDArray[np.void], seed: int) -> Floats:
    """Loss of C by variable; all shuffled copies are scored at once."""
    names = [str(name) for name in model.feature_names_in_]
    lost = np.full(len(names), math.nan)
    if not len(X):
        return lost
    n, rng = len(X), np.random.default_rng(seed)
    rows = np.tile(np.arange(n), len(names) + 1)
    shuffled = {}
    for k, name in enumerate(names, start=1):
        order = rows.copy()
        order[k * n : (k + 1) * n] = rng.permutation(n)
        shuffled[name] = X[name].take(order).reset_index(drop=True)
    scores = np.asarray(model.predict(pd.DataFrame(shuffled))).reshape(-1, n)
    try:
        concordance = [harrell_c(y, score).value for score in scores]
    except AllsurvError:
        return lost
    return concordance[0] - np.array(concordance[1:])

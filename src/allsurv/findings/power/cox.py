"""The Cox analyses of a paper, carried out on many simulated cohorts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import ndtr

from allsurv.cohort import make_intervals
from allsurv.errors import ModelError, MonotoneError, OutcomeError
from allsurv.simulate.codes import Codebook, Columns
from allsurv.simulate.model import Simulator
from allsurv.stats.cox.fit import CoxFit, fit_cox
from allsurv.stats.cox.univariable import Slopes, fit_one_by_one, fit_switch
from allsurv.study.spec import Analysis, Screening

__all__ = ["Answer", "Cohorts", "draw_cohorts", "published_answers", "screening_answers"]

Floats = NDArray[np.float64]
Terms = dict[str, Floats]


@dataclass(frozen=True, eq=False, slots=True)
class Answer:
    """What one analysis says of one term in each simulated cohort.

    Attributes
    ----------
    coef : ndarray of shape (n_cohorts,)
        Log hazard ratio; NaN where there is none.
    p_value : ndarray of shape (n_cohorts,)
        Of the test that coefficient is 0; NaN where there is none.
    asked : ndarray of bool of shape (n_cohorts,)
        Where an answer was sought: the variable was in the model.
    failed : ndarray of bool of shape (n_cohorts,)
        Where the model could not be fitted.
    """

    coef: Floats
    p_value: Floats
    asked: NDArray[np.bool_]
    failed: NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Cohorts:
    """Simulated cohorts of one size, as arrays.

    Attributes
    ----------
    codebook : Codebook
        How variables are held.
    columns : dict from str to ndarray of shape (n_cohorts, n_patients)
        Baseline variables.
    time, event : ndarray of shape (n_cohorts, n_patients)
        Follow-up.
    switches : mapping from str to ndarray of shape (n_cohorts, n_patients)
        Time of each time-dependent event; infinite where it was not seen.
    """

    codebook: Codebook
    columns: Columns
    time: Floats
    event: NDArray[np.bool_]
    switches: Mapping[str, Floats]

    def terms(self, name: str) -> Terms:
        """Columns of one variable in a Cox model."""
        values = self.columns[name]
        if name not in self.codebook.values:
            return {name: values}
        variable = self.codebook.study.variable(name)
        missing = values < 0
        if variable.is_yes_no:
            return {name: np.where(missing, np.nan, values)}
        reference = variable.levels[0] if variable.reference is None else variable.reference
        return {
            f"{name}={level}": np.where(missing, np.nan, values == code)
            for code, level in enumerate(variable.levels)
            if level != reference
        }


def draw_cohorts(simulator: Simulator, n: int, n_cohorts: int, seed: Any) -> Cohorts:
    """Draw cohorts."""
    shape = (n_cohorts, n)
    rng = np.random.default_rng(seed)
    columns, _, course = simulator.draw_follow_up(n * n_cohorts, rng)
    return Cohorts(
        simulator.codebook,
        {name: values.reshape(shape) for name, values in columns.items()},
        course.time.reshape(shape),
        course.event.reshape(shape),
        {name: at.reshape(shape) for name, at in course.switches.items()},
    )


def _refuse_unfitted(model: Analysis | Screening, where: str) -> None:
    """Refuse what the fits of simulated cohorts would leave out without a word."""
    bent = any(scale.transform or scale.is_curved for scale in model.scales.values())
    if bent or model.strata or model.cluster or model.weights or model.firth:
        raise ModelError(
            f"power: {where} has transformed numbers, splines, strata, cluster, weights or Firth's "
            "method, which simulated cohorts are not fitted with; ask for the power of an analysis "
            "without them."
        )


def published_answers(cohorts: Cohorts, analysis: Analysis) -> dict[str, Answer]:
    """Fit a published Cox model to every cohort."""
    _refuse_unfitted(analysis, f"analysis '{analysis.name}'")
    terms: Terms = {}
    for name in analysis.variables:
        terms |= cohorts.terms(name)
    results = _Results([*terms, *analysis.time_dependent], len(cohorts.time))
    of_variable = [name.partition("=")[0] for name in results.names]
    products = [
        (i, j)
        for a, b in analysis.interactions
        for i, j in product(range(len(of_variable)), repeat=2)
        if (of_variable[i], of_variable[j]) == (a, b)
    ]
    for k in range(len(cohorts.time)):
        results.fit(cohorts, k, terms, analysis.time_dependent, products)
    return results.answers()


def screening_answers(
    cohorts: Cohorts, screening: Screening
) -> tuple[dict[str, Answer], dict[str, Answer]]:
    """Screen by univariable P values, then fit the model of what was selected, in every cohort."""
    _refuse_unfitted(screening, "the screening")
    names = [
        name
        for name in screening.variables
        if name in cohorts.columns and name not in screening.univariable_only
    ]
    by_variable = {name: cohorts.terms(name) for name in names}
    univariable = _one_by_one(cohorts, by_variable)
    for event in screening.time_dependent:
        slopes = fit_switch(cohorts.time, cohorts.event, cohorts.switches[event])
        univariable[event] = _answer(cohorts, slopes, {}, [event])
    coded = {name: cohorts.terms(screening.coded_as.get(name, name)) for name in names}
    events = dict.fromkeys([*screening.time_dependent, *screening.kept])
    every = [term for terms in coded.values() for term in terms]
    results = _Results([*every, *events], len(cohorts.time))
    for k in range(len(cohorts.time)):
        chosen = {n for n, answer in univariable.items() if answer.p_value[k] < screening.p_value}
        terms = {t: x for name in names if name in chosen for t, x in coded[name].items()}
        results.fit(cohorts, k, terms, [e for e in events if e in chosen | {*screening.kept}])
    return univariable, results.answers()


def _one_by_one(cohorts: Cohorts, by_variable: Mapping[str, Terms]) -> dict[str, Answer]:
    single = {name: next(iter(t.values())) for name, t in by_variable.items() if len(t) == 1}
    slopes = fit_one_by_one(cohorts.time, cohorts.event, np.stack(list(single.values()), axis=2))
    fitted = {
        name: _answer(cohorts, Slopes(coef, error), by_variable[name], ())
        for name, coef, error in zip(single, slopes.coef.T, slopes.std_error.T, strict=True)
    }
    return {
        name: fitted[name] if name in fitted else _joint(cohorts, terms)
        for name, terms in by_variable.items()
    }


def _answer(cohorts: Cohorts, slopes: Slopes, terms: Terms, events: Sequence[str]) -> Answer:
    """Test each slope; where there is none, fit that model as the others are, or by Firth."""
    results = _Results([*terms, *events], len(slopes.coef))
    results.asked[:] = True
    results.coef[0] = slopes.coef
    results.p_value[0] = 2 * ndtr(-np.abs(slopes.coef / slopes.std_error))
    for k in np.flatnonzero(np.isnan(slopes.coef)).tolist():
        results.fit(cohorts, k, terms, events)
    return next(iter(results.answers().values()))


def _joint(cohorts: Cohorts, terms: Terms) -> Answer:
    results = _Results(list(terms), len(cohorts.time))
    for k in range(len(cohorts.time)):
        results.fit(cohorts, k, terms, ())
    nothing = np.full(len(cohorts.time), np.nan)
    return Answer(nothing, results.joint, np.ones(nothing.size, dtype=bool), results.failed)


class _Results:
    """Coefficients and P values of models fitted cohort by cohort."""

    def __init__(self, names: Sequence[str], n_cohorts: int) -> None:
        self.names = list(names)
        shape = (len(self.names), n_cohorts)
        self.coef, self.p_value = np.full(shape, np.nan), np.full(shape, np.nan)
        self.asked = np.zeros(shape, dtype=bool)
        self.failed = np.zeros(n_cohorts, dtype=bool)
        self.joint = np.full(n_cohorts, np.nan)

    def fit(
        self,
        cohorts: Cohorts,
        k: int,
        terms: Terms,
        events: Sequence[str],
        products: Sequence[tuple[int, int]] = (),
    ) -> None:
        """Fit one model to the patients in whom all its variables are known."""
        used = [*terms, *events]
        if not used:
            return
        places = [self.names.index(name) for name in used]
        self.asked[places, k] = True
        fitted = _fitted(cohorts, k, terms, events, products)
        if fitted is None:
            self.failed[k] = True
            return
        self.coef[places, k] = fitted.coef[: len(used)]
        self.p_value[places, k] = fitted.p_value[: len(used)]
        self.joint[k] = fitted.lr_test.p_value

    def answers(self) -> dict[str, Answer]:
        """Give the answer of each term."""
        parts = zip(self.names, self.coef, self.p_value, self.asked, strict=True)
        return {name: Answer(coef, p, asked, self.failed & asked) for name, coef, p, asked in parts}


def _fitted(
    cohorts: Cohorts,
    k: int,
    terms: Terms,
    events: Sequence[str],
    products: Sequence[tuple[int, int]],
) -> CoxFit | None:
    time, event = cohorts.time[k], cohorts.event[k]
    X = np.column_stack([values[k] for values in terms.values()] or [np.empty((time.size, 0))])
    known = ~np.isnan(X).any(axis=1)
    X, time, event = X[known], time[known], event[known]
    start = None
    if events:
        switches = {name: cohorts.switches[name][k][known] for name in events}
        rows = make_intervals(time, event, switches, pd.DataFrame(index=range(time.size)))
        X = np.column_stack([X[rows.patient], rows.X.to_numpy(dtype=float)])
        time, event, start = rows.stop, rows.event, rows.start
    X = np.column_stack([X, *(X[:, i] * X[:, j] for i, j in products)])
    try:
        return _fit_finite(time, event, X, start)
    except (ModelError, OutcomeError):
        return None


def _fit_finite(time: Floats, event: NDArray[np.bool_], X: Floats, start: Floats | None) -> CoxFit:
    try:
        return fit_cox(time, event, X, start=start)
    except MonotoneError:
        return fit_cox(time, event, X, start=start, firth=True)  # times have no ties

"""The standardised hazard ratio: what it asks, and that it finds what is there."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.integrate import quad

from allsurv.errors import ModelError
from allsurv.findings import standardised_effect
from allsurv.findings.agreement.contrast import _log_average, standardised_effects
from allsurv.models import make_model
from allsurv.study.spec import Contrast, Variable

AGE = Variable("age", "Age", "continuous", "age")
TP53 = Variable("tp53", "TP53", "marker", "tp53")


class Spy:
    """Survival 0.5 for everybody; remembers what it was asked."""

    times_ = np.array([0.0, 6.0, 12.0])

    def __init__(self) -> None:
        self.asked: pd.DataFrame | None = None

    def predict_survival(self, X: pd.DataFrame, times: np.ndarray) -> np.ndarray:
        self.asked = X
        return np.full((len(X), len(times)), 0.5)


class Hazard:
    """Cumulative hazard exp(0.03 age) t, plus 1 for the mutated."""

    times_ = np.arange(0.0, 13.0)

    def predict_survival(self, X: pd.DataFrame, times: np.ndarray) -> np.ndarray:
        extra = X["tp53"].fillna(False).to_numpy(dtype=float)
        rate = np.exp(0.03 * X["age"].to_numpy()) + extra
        return np.exp(-0.01 * np.outer(rate, times))


X = pd.DataFrame(
    {
        "age": [30.0, 50.0, 70.0],
        "tp53": pd.array([True, False, None], dtype="boolean"),
    }
)


def test_a_number_is_given_to_everybody_and_scaled_to_its_unit():
    spy = Spy()
    standardised_effect(spy, X, AGE, Contrast(40, 60, per=5), [12])
    assert spy.asked["age"].tolist() == [60.0] * 3 + [40.0] * 3
    # log HR of 20 years is 0.6 without another variable, so that of 5 years is 0.15.
    same = X.assign(tp53=pd.array([False] * 3, dtype="boolean"))
    found = standardised_effect(Hazard(), same, AGE, Contrast(40, 60, per=5), [6, 12])
    assert found.average == pytest.approx(0.15)
    assert found.at_horizons == pytest.approx([0.15, 0.15])


def test_a_level_is_taken_from_those_who_have_it_and_the_untested_keep_theirs():
    spy = Spy()
    standardised_effect(spy, X, TP53, Contrast(False, True), [12])
    exposed, unexposed = spy.asked["tp53"][:3], spy.asked["tp53"][3:]
    assert exposed.tolist() == [True, True, True]
    assert unexposed.isna().tolist() == [False, False, True]
    assert unexposed[:2].tolist() == [False, False]
    assert X["tp53"].tolist()[:2] == [True, False]  # the patients themselves are not changed


def test_several_questions_at_once_are_the_same_as_one_by_one():
    questions = [
        (AGE, Contrast(40, 60, per=5)),
        (TP53, Contrast(False, True)),
        (AGE, Contrast(30, 70, 1)),
    ]
    together = standardised_effects(Hazard(), X, questions, [6, 12])
    for question, found in zip(questions, together, strict=True):
        alone = standardised_effect(Hazard(), X, *question, [6, 12])
        assert found.average == alone.average
        assert found.at_horizons.tolist() == alone.at_horizons.tolist()
    assert standardised_effects(Hazard(), X, [], [6]) == []


def test_by_hand_over_patients_and_times():
    rate = np.exp(0.03 * X["age"].to_numpy())
    grid = np.arange(0.0, 13.0)
    with_it = np.exp(-0.01 * np.outer(rate + 1, grid)).mean(axis=0)
    without = np.exp(-0.01 * np.outer(rate, grid)).mean(axis=0)
    found = standardised_effect(Hazard(), X, TP53, Contrast(False, True), [6, 12])
    logs = np.log(np.log(with_it[[6, 12]]) / np.log(without[[6, 12]]))
    assert found.at_horizons == pytest.approx(logs, rel=1e-12)
    # Average hazard ratio: increments of the cumulative hazards, weighted by both survivals.
    weight = (with_it * without)[1:] + (with_it * without)[:-1]
    by_hand = (weight * -np.diff(np.log(with_it))).sum() / (
        weight * -np.diff(np.log(without))
    ).sum()
    assert found.average == pytest.approx(np.log(by_hand), rel=1e-12)
    assert min(logs) <= found.average <= max(logs) + 0.05


def test_the_average_hazard_ratio_is_the_integral_of_kalbfleisch_and_prentice():
    # Survival e^-t and e^-(t + t^2 / 2): the ratio is int S1 S0 (1 + t) dt / int S1 S0 dt until 2.
    class Curves:
        times_ = np.linspace(0, 2, 401)

        def predict_survival(self, X: pd.DataFrame, times: np.ndarray) -> np.ndarray:
            mutated = X["tp53"].to_numpy(dtype=float)[:, None]
            return np.exp(-(times + mutated * times**2 / 2))

    patient = pd.DataFrame({"tp53": pd.array([True], dtype="boolean")})
    found = standardised_effect(Curves(), patient, TP53, Contrast(False, True), [2])
    both = lambda t: np.exp(-(2 * t + t**2 / 2))  # noqa: E731
    whole = quad(lambda t: both(t) * (1 + t), 0, 2)[0] / quad(both, 0, 2)[0]
    assert np.exp(found.average) == pytest.approx(whole, rel=1e-4)


def test_a_level_nobody_has_is_still_asked():
    none = X.assign(tp53=pd.array([False, False, None], dtype="boolean"))
    assert standardised_effect(Hazard(), none, TP53, Contrast(False, True), [12]).average > 0


def test_a_time_that_says_nothing_is_left_open():
    found = standardised_effect(Hazard(), X, TP53, Contrast(False, True), [0, 12, 40])
    assert np.isfinite(found.at_horizons).tolist() == [False, True, False]
    only = standardised_effect(Hazard(), X, TP53, Contrast(False, True), [12])
    assert found.average == only.average
    nothing = standardised_effect(Hazard(), X, TP53, Contrast(False, True), [0])
    assert np.isnan(nothing.average)


def test_an_unknown_variable_is_refused():
    with pytest.raises(ModelError, match="'sex' is not among"):
        standardised_effect(
            Spy(), X, Variable("sex", "Sex", "binary", "sex"), Contrast(False, True), [12]
        )


def test_a_cox_model_recovers_the_true_effect_where_nothing_else_matters(toy_cohort):
    cohort = toy_cohort(1500, 1, effects={"arm": -0.6})
    model = make_model("cox", cohort.study, predictors=["arm"]).fit(cohort.X, cohort.y("os"))
    found = standardised_effect(
        model, cohort.X, cohort.study.variable("arm"), Contrast("before", "after"), [12, 24]
    )
    # One binary variable: the standardised ratio is the coefficient. Its standard error is about
    # 1 / sqrt(events * 0.4 * 0.6) = 0.056 with some 1,350 events; three of them.
    assert found.average == pytest.approx(model.mechanism_.coef[0], abs=0.02)
    assert found.average == pytest.approx(-0.6, abs=3 * 0.056)


def test_it_is_marginal_and_says_so(toy_cohort):
    effects = {"arm": -1.0, "age": 1.5}
    cohort = toy_cohort(3000, 2, effects=effects)
    model = make_model("cox", cohort.study, predictors=["arm", "age"])
    model.fit(cohort.X, cohort.y("os"))
    found = standardised_effect(
        model, cohort.X, cohort.study.variable("arm"), Contrast("before", "after"), [12, 24]
    )
    # Truth: the same average with the known hazards, exp(score - mean score) / 20.
    after = (cohort.frame["arm"] == "after").to_numpy()
    age = cohort.frame["age"].to_numpy()
    mean = float(np.mean(-1.0 * after + 1.5 * age))
    truth = [
        np.log(-np.log(np.exp(-t / 20 * np.exp(-1.0 + 1.5 * age - mean)).mean()))
        - np.log(-np.log(np.exp(-t / 20 * np.exp(1.5 * age - mean)).mean()))
        for t in (12, 24)
    ]
    assert np.mean(truth) == pytest.approx(-0.58, abs=0.03)  # far from the conditional -1
    # Standard error of the coefficient about 0.045; attenuated by the same factor; three of them.
    assert found.at_horizons == pytest.approx(truth, abs=0.1)


def test_a_curve_that_reaches_0_is_averaged_as_far_as_both_are_above():
    """By hand: on the first step log 2 against log 4, weights equal, so the ratio is 2."""
    half, quarter = np.array([1.0, 0.5, 0.25]), np.array([1.0, 0.25, 0.0])
    assert _log_average(quarter, half) == pytest.approx(np.log(2))
    assert _log_average(half, quarter) == pytest.approx(-np.log(2))
    assert np.isnan(_log_average(np.array([1.0, 0.0]), np.array([1.0, 0.5])))


def test_the_average_hazard_ratio_of_proportional_curves_is_their_ratio():
    survival = np.exp(-np.linspace(0, 2, 9))
    assert _log_average(survival**3, survival) == pytest.approx(np.log(3))

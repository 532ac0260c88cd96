"""The standardised hazard ratio: what it asks, and that it finds what is there."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from allsurv.errors import ModelError
from allsurv.findings import standardised_log_hazard_ratio
from allsurv.models import make_model
from allsurv.study.spec import Contrast, Variable

AGE = Variable("age", "Age", "continuous", "age")
TP53 = Variable("tp53", "TP53", "marker", "tp53")


class Spy:
    """Survival 0.5 for everybody; remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[pd.DataFrame] = []

    def predict_survival(self, X: pd.DataFrame, times: np.ndarray) -> np.ndarray:
        self.asked.append(X)
        return np.full((len(X), len(times)), 0.5)


class Hazard:
    """Cumulative hazard exp(0.03 age) t, plus 1 for the mutated."""

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
    standardised_log_hazard_ratio(spy, X, AGE, Contrast(40, 60, per=5), [12])
    assert [frame["age"].tolist() for frame in spy.asked] == [[60.0] * 3, [40.0] * 3]
    # log HR of 20 years is 0.6 without another variable, so that of 5 years is 0.15.
    same = X.assign(tp53=pd.array([False] * 3, dtype="boolean"))
    found = standardised_log_hazard_ratio(Hazard(), same, AGE, Contrast(40, 60, per=5), [6, 12])
    assert found == pytest.approx(0.15)


def test_a_level_is_taken_from_those_who_have_it_and_the_untested_keep_theirs():
    spy = Spy()
    standardised_log_hazard_ratio(spy, X, TP53, Contrast(False, True), [12])
    exposed, unexposed = (frame["tp53"] for frame in spy.asked)
    assert exposed.tolist() == [True, True, True]
    assert unexposed.isna().tolist() == [False, False, True]
    assert unexposed[:2].tolist() == [False, False]
    assert X["tp53"].tolist()[:2] == [True, False]  # the patients themselves are not changed


def test_by_hand_over_patients_and_times():
    rate = np.exp(0.03 * X["age"].to_numpy())
    logs = []
    for t in (6, 12):
        with_it = np.exp(-0.01 * (rate + 1) * t).mean()
        without = np.exp(-0.01 * rate * t).mean()
        logs.append(np.log(-np.log(with_it)) - np.log(-np.log(without)))
    found = standardised_log_hazard_ratio(Hazard(), X, TP53, Contrast(False, True), [6, 12])
    assert found == pytest.approx(np.mean(logs), rel=1e-12)


def test_a_level_nobody_has_is_still_asked():
    none = X.assign(tp53=pd.array([False, False, None], dtype="boolean"))
    assert standardised_log_hazard_ratio(Hazard(), none, TP53, Contrast(False, True), [12]) > 0


def test_a_time_at_which_nobody_can_have_died_is_left_out():
    found = standardised_log_hazard_ratio(Hazard(), X, TP53, Contrast(False, True), [0, 12])
    only = standardised_log_hazard_ratio(Hazard(), X, TP53, Contrast(False, True), [12])
    assert found == only
    nothing = standardised_log_hazard_ratio(Hazard(), X, TP53, Contrast(False, True), [0])
    assert np.isnan(nothing)


def test_an_unknown_variable_is_refused():
    with pytest.raises(ModelError, match="'sex' is not among"):
        standardised_log_hazard_ratio(
            Spy(), X, Variable("sex", "Sex", "binary", "sex"), Contrast(False, True), [12]
        )


def test_a_cox_model_recovers_the_true_effect_where_nothing_else_matters(toy_cohort):
    cohort = toy_cohort(1500, 1, effects={"arm": -0.6})
    model = make_model("cox", cohort.study, predictors=["arm"]).fit(cohort.X, cohort.y("os"))
    found = standardised_log_hazard_ratio(
        model, cohort.X, cohort.study.variable("arm"), Contrast("before", "after"), [12, 24]
    )
    # One binary variable: the standardised ratio is the coefficient. Its standard error is about
    # 1 / sqrt(events * 0.4 * 0.6) = 0.056 with some 1,350 events; three of them.
    assert found == pytest.approx(model.mechanism_.coef[0], abs=0.02)
    assert found == pytest.approx(-0.6, abs=3 * 0.056)


def test_it_is_marginal_and_says_so(toy_cohort):
    effects = {"arm": -1.0, "age": 1.5}
    cohort = toy_cohort(3000, 2, effects=effects)
    model = make_model("cox", cohort.study, predictors=["arm", "age"])
    model.fit(cohort.X, cohort.y("os"))
    found = standardised_log_hazard_ratio(
        model, cohort.X, cohort.study.variable("arm"), Contrast("before", "after"), [12, 24]
    )
    # Truth: the same average with the known hazards, exp(score - mean score) / 20.
    after = (cohort.frame["arm"] == "after").to_numpy()
    age = cohort.frame["age"].to_numpy()
    mean = float(np.mean(-1.0 * after + 1.5 * age))
    truth = np.mean(
        [
            np.log(-np.log(np.exp(-t / 20 * np.exp(-1.0 + 1.5 * age - mean)).mean()))
            - np.log(-np.log(np.exp(-t / 20 * np.exp(1.5 * age - mean)).mean()))
            for t in (12, 24)
        ]
    )
    assert truth == pytest.approx(-0.58, abs=0.03)  # far from the conditional -1
    # Standard error of the coefficient about 0.045; attenuated by the same factor; three of them.
    assert found == pytest.approx(truth, abs=0.1)

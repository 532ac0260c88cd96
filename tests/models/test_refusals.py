"""What a model family refuses where these patients, or its parameters, cannot carry it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from allsurv.cohort import Cohort
from allsurv.errors import ModelError
from allsurv.models import TunedModel, make_model
from allsurv.models.base import SurvivalModel
from allsurv.models.borrowed import OwnSurvival, predict_score
from allsurv.models.estimators import import_estimator
from allsurv.models.export import export_model
from allsurv.models.folds import deal_folds
from allsurv.models.points import make_points
from allsurv.riskmodel.mechanisms import Linear


@pytest.fixture(scope="module")
def cohort(toy_cohort):
    return toy_cohort(60, 0)


def test_a_base_class_learns_nothing(cohort):
    base = SurvivalModel(make_model("cox", cohort.study).features)
    with pytest.raises(TypeError, match="SurvivalModel is a base; use make_model"):
        base.fit(cohort.X, cohort.y("os"))


def test_a_family_without_a_path_has_none(cohort):
    X, y = cohort.X, cohort.y("os")
    model = make_model("rsf", cohort.study, n_estimators=5, random_state=0).fit(X, y)
    design = model.encoder_.design(X)
    with pytest.raises(TypeError, match="SurvivalForest has no path of models"):
        model.score_path(design, y["time"], y["event"], design, [1, 2])


@pytest.mark.parametrize(("family", "name"), [("cox", "CoxModel"), ("coxnet", "ElasticNetCox")])
def test_predictors_that_are_alike_in_everybody_are_refused(cohort, family, name):
    alike = cohort.X.assign(age=1.0)
    model = make_model(family, cohort.study, predictors=["age"])
    with pytest.raises(ModelError, match=rf"{name}\.fit: no predictor varies among the patients"):
        model.fit(alike, cohort.y("os"))
    # One that varies beside it is enough.
    both = make_model(family, cohort.study, predictors=["age", "blasts"])
    assert both.fit(alike, cohort.y("os")).mechanism_.coef[0] == 0


def test_a_penalty_too_small_for_elastic_net_is_refused_with_what_to_do(cohort):
    X = cohort.X.assign(age=np.where(cohort.frame["dead"], 1e3, -1e3) / cohort.frame["time"])
    model = make_model("coxnet", cohort.study, predictors=["age"], alpha=1e-300, l1_ratio=1.0)
    with pytest.raises(ModelError, match=r"ElasticNetCox\.fit: .*use a larger alpha or fewer"):
        model.fit(X, cohort.y("os"))


@pytest.mark.parametrize(("folds", "n_events"), [(5, 1), (5, 0), (1, 9), (0, 9)])
def test_a_choice_by_folds_takes_two_with_an_event_in_each(folds, n_events):
    event = np.arange(20) < n_events
    with pytest.raises(ModelError, match=rf"here: folds={folds} with {n_events} events"):
        deal_folds(event, folds, 0, where="here")
    assert set(deal_folds(np.arange(20) < 2, 5, 0, where="here")) == {0, 1}


def test_a_search_none_of_whose_candidates_can_be_fitted_is_refused(cohort):
    """Who has the event earlier is always older: no finite estimate without a penalty."""
    y = cohort.y("os").copy()
    y["time"] = np.arange(1.0, cohort.n + 1)
    X = cohort.X.assign(age=np.arange(cohort.n, 0, -1.0))
    model = TunedModel(
        make_model("cox", cohort.study, predictors=["age"]),
        {"ridge": [0.0], "ties": ["efron", "breslow"]},
        folds=3,
    )
    with pytest.raises(ModelError, match="none of 2 candidates could be fitted in every fold"):
        model.fit(X, y)


def test_points_of_a_model_without_effects_are_refused(cohort):
    model = make_model("cox", cohort.study, predictors=["age", "arm"], ridge=1.0)
    exported = export_model(model.fit(cohort.X, cohort.y("os")), cohort, endpoint="os")
    flat = replace(exported, mechanism=Linear(np.zeros(2), exported.mechanism.hazard))
    with pytest.raises(ModelError, match="points: every predictor has an effect of zero"):
        make_points(flat, cohort)


def test_a_derived_predictor_brings_what_it_is_derived_from(made_up):
    cohort = made_up(n=60)
    derived = next(
        v for v in cohort.study.variables.values() if v.derivation and v.known == "baseline"
    )
    whole = Cohort(cohort.study, cohort.frame, cohort.source)
    model = make_model("cox", whole.study, predictors=["age"], ridge=1.0)
    exported = export_model(model.fit(whole.X, whole.y("os")), whole, endpoint="os")
    assert (list(exported.variables), list(exported.derived)) == (["age"], [])
    from allsurv.models.export import _slice

    given, made = _slice(whole.study, (derived.name,))
    assert next(iter(made)) == derived.name
    assert set(derived.derivation.sources) <= {*given, *made}
    assert all(v.derivation is None for v in given.values())


# Estimators of other packages.


class Predicts:
    """Predicts what it was given, whatever it is asked."""

    def __init__(self, score):
        self.score = score

    def predict(self, design):
        return self.score


@pytest.mark.parametrize("score", [[1.0], [[1.0], [2.0]], [1.0, np.nan], [np.inf, 0.0]])
def test_a_prediction_that_is_not_one_number_a_patient_is_refused(score):
    with pytest.raises(ModelError, match=r"toy: predict gave shape .* needed is one finite number"):
        predict_score("toy", Predicts(score), np.zeros((2, 1)))
    assert predict_score("toy", Predicts([1.0, 2.0]), np.zeros((2, 1))).tolist() == [1.0, 2.0]


class Array:
    """Gives survival as an array, with or without the times of its columns."""

    def __init__(self, n_columns, times=None):
        self.n_columns = n_columns
        if times is not None:
            self.unique_times_ = np.array(times)

    def predict(self, design):
        return np.zeros(len(design))

    def predict_survival_function(self, design):
        return np.tile(np.linspace(0.9, 0.5, self.n_columns), (len(design), 1))


@pytest.mark.parametrize("estimator", [Array(2), Array(3, times=[1.0, 2.0])])
def test_an_array_of_survival_without_its_times_is_refused(estimator):
    mechanism = OwnSurvival("toy", estimator, np.arange(4.0))
    with pytest.raises(ModelError, match=r"toy: .* gave an array without the times of its columns"):
        mechanism.survival(np.zeros((2, 1)), np.array([1, 2]))
    sound = OwnSurvival("toy", Array(2, times=[1.0, 2.0]), np.arange(4.0))
    assert sound.survival(np.zeros((1, 1)), np.array([0, 1, 2, 3])).tolist() == [[1, 0.9, 0.5, 0.5]]


def test_a_program_has_no_arrays_and_is_not_exported():
    mechanism = OwnSurvival("toy", Array(1, times=[1.0]), np.arange(2.0))
    with pytest.raises(ModelError, match="toy: is a program of another package and has no arrays"):
        mechanism.arrays()
    with pytest.raises(ModelError, match="toy: is a program of another package; it is not exp"):
        mechanism.check(1, 2)


def test_an_abstract_class_is_refused():
    with pytest.raises(ModelError, match="BaseSurvivalSVM: is an abstract class; name an estim"):
        import_estimator("sksurv.svm.survival_svm.BaseSurvivalSVM")


def test_what_another_package_refuses_is_told_in_its_words(cohort):
    from sksurv.linear_model import CoxnetSurvivalAnalysis

    model = make_model(CoxnetSurvivalAnalysis(l1_ratio=-1.0), cohort.study, predictors=["age"])
    with pytest.raises(ModelError, match=r"CoxnetSurvivalAnalysis\.fit: .*l1_ratio"):
        model.fit(cohort.X, cohort.y("os"))


def test_a_score_that_has_learned_its_patients_by_heart_is_refused(cohort):
    from sksurv.svm import FastSurvivalSVM

    class ByHeart(FastSurvivalSVM):
        def predict(self, X):
            return np.asarray(X)[:, 0]

    order = np.argsort(np.argsort(-cohort.y("os")["time"])).astype(float)
    perfect = cohort.X.assign(age=order)
    y = cohort.y("os")
    y["event"] = True
    model = make_model(ByHeart(), cohort.study, predictors=["age"])
    with pytest.raises(ModelError, match=r"has no finite slope .* learned these patients by heart"):
        model.fit(pd.DataFrame(perfect), y)

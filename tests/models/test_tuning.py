"""Tuning: inside the fit, by one criterion, with whole paths from one fit."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV

from allsurv.errors import ModelError
from allsurv.models import TunedModel, make_model
from allsurv.models.export import export_model
from allsurv.models.folds import deal_folds
from allsurv.stats.cox.scores import log_partial_likelihood
from allsurv.validation.resampling import seeded_clone

PATHS = {
    "cox": ("ridge", [50.0, 5.0, 0.5]),
    "coxnet": ("alpha", [0.05, 0.3, 0.1]),
    "gbs": ("n_estimators", [20, 5, 10]),
    "cgbs": ("n_estimators", [40, 10, 20]),
}


@pytest.fixture(scope="module")
def cohort(toy_cohort):
    return toy_cohort(110, 0)


@pytest.mark.parametrize("family", PATHS)
def test_a_path_gives_what_single_fits_give(cohort, family):
    name, values = PATHS[family]
    X, y = cohort.X, cohort.y("os")
    model = make_model(family, cohort.study, random_state=1, **{name: values[0]}).fit(X, y)
    design = model.encoder_.design(X)
    path = model.score_path(design, y["time"], y["event"], design[:30], values)
    for row, value in zip(path, values, strict=True):
        single = clone(model).set_params(**{name: value}).fit(X, y).predict(X)[:30]
        # Coordinate descent stops where coefficients move by less than 1e-7 of their size.
        close = 1e-4 if family == "coxnet" else 1e-6
        np.testing.assert_allclose(row - row.mean(), single - single.mean(), atol=close)


def test_the_criterion_is_the_partial_likelihood_of_those_left_out(cohort):
    X, y = cohort.X, cohort.y("os")
    tuned = TunedModel(
        make_model("cox", cohort.study), {"ridge": [100.0, 10.0]}, folds=4, random_state=3
    ).fit(X, y)
    fold = deal_folds(y["event"], 4, 3, where="test")
    for ridge, found in zip([100.0, 10.0], tuned.search_["log_likelihood"], strict=True):
        total = 0.0
        for k in range(4):
            inside = fold != k
            model = make_model("cox", cohort.study, ridge=ridge).fit(X[inside], y[inside])
            out = y[~inside]
            score = model.predict(X[~inside])[:, None]
            total += log_partial_likelihood(score, out["time"], out["event"])[0]
        assert found == pytest.approx(total / y["event"].sum(), abs=1e-8)


def test_the_best_is_fitted_to_everybody_and_predicts(cohort):
    X, y = cohort.X, cohort.y("os")
    tuned = TunedModel(make_model("cox", cohort.study), {"ridge": [100.0, 10.0, 1.0]}, folds=4)
    tuned.fit(X, y)
    best = tuned.search_.loc[tuned.search_["log_likelihood"].idxmax(), "ridge"]
    assert tuned.best_ == {"ridge": best}
    alone = make_model("cox", cohort.study, ridge=best).fit(X, y)
    np.testing.assert_array_equal(tuned.predict(X), alone.predict(X))
    np.testing.assert_array_equal(
        tuned.predict_survival(X, [12, 24]), alone.predict_survival(X, [12, 24])
    )
    exported = export_model(tuned.model_, cohort, endpoint="os")
    assert exported.provenance["parameters"]["ridge"] == best


def test_a_clone_forgets_and_a_seed_reaches_model_and_folds(cohort):
    model = make_model("rsf", cohort.study, n_estimators=5)
    tuned = TunedModel(model, {"max_depth": [1, 2]}, folds=3)
    copy = seeded_clone(tuned.fit(cohort.X, cohort.y("os")), 11)
    assert not hasattr(copy, "model_")
    assert (copy.random_state, copy.model.random_state) == (11, 11)
    one, two = (clone(copy).fit(cohort.X, cohort.y("os")) for _ in range(2))
    np.testing.assert_array_equal(one.predict(cohort.X), two.predict(cohort.X))


def test_noise_is_shrunk_and_signal_is_not(toy_cohort):
    space = {"ridge": [1000.0, 100.0, 10.0, 1.0]}
    chosen = {}
    for name, effects in {"noise": {}, "signal": {"age": 1.5, "blasts": 0.05}}.items():
        cohort = toy_cohort(200, 5, effects=effects)
        tuned = TunedModel(make_model("cox", cohort.study), space, random_state=0)
        chosen[name] = tuned.fit(cohort.X, cohort.y("os")).best_["ridge"]
    assert chosen["noise"] >= 100 > 10 >= chosen["signal"]


def test_a_candidate_that_cannot_be_fitted_is_passed_over(cohort):
    y = cohort.y("os").copy()
    y["time"] = np.arange(1.0, 111.0)
    X = cohort.X.assign(age=np.arange(110, 0, -1.0))  # earlier is always higher: no finite maximum
    tuned = TunedModel(make_model("cox", cohort.study, predictors=["age"]), {"ridge": [0.0, 5.0]})
    tuned.fit(X, y)
    assert tuned.best_ == {"ridge": 5.0}
    assert np.isnan(tuned.search_["log_likelihood"][0])
    with pytest.raises(ModelError, match=r"age"):
        TunedModel(tuned.model, {"ridge": [0.0]}).fit(X, y)


def test_an_unknown_parameter_suggests_the_near_miss(cohort):
    with pytest.raises(ModelError, match="Did you mean 'ridge'"):
        TunedModel(make_model("cox", cohort.study), {"rigde": [1.0]}).fit(cohort.X, cohort.y("os"))


def test_scikit_learns_search_takes_the_same_models(cohort):
    search = GridSearchCV(make_model("cox", cohort.study), {"ridge": [1.0, 10.0]}, cv=3)
    search.fit(cohort.X, cohort.y("os"))
    assert search.best_params_["ridge"] in (1.0, 10.0)

"""One contract over the whole catalogue."""

from __future__ import annotations

import pickle

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV

from allsurv.errors import ModelError, NotFittedError, OutcomeError
from allsurv.models import FAMILIES, make_model
from allsurv.stats.outcome import make_y

FAST = {"rsf": {"n_estimators": 30}, "gbs": {"n_estimators": 20}, "coxnet": {"folds": 3}}
WITH_PREDICTORS = sorted(set(FAMILIES) - {"null", "published"})


@pytest.fixture(scope="module")
def cohort(made_up):
    return made_up(n=110)


@pytest.fixture(scope="module")
def new(made_up):
    return made_up(n=40, seed=1).X


@pytest.fixture(scope="module")
def fitted(cohort):
    return {name: _fit(name, cohort, random_state=3) for name in FAMILIES}


def _fit(family, cohort, random_state=0, **params):
    settings = {**FAST.get(family, {}), **params}
    model = make_model(family, cohort.study, random_state=random_state, **settings)
    return model.fit(cohort.X, cohort.y("os"))


@pytest.mark.parametrize("family", FAMILIES)
def test_survival_starts_at_one_falls_and_stays_a_probability(family, fitted, new):
    model = fitted[family]
    survival = model.predict_survival(new, model.times_)
    assert survival.shape == (40, model.times_.size)
    assert np.all(survival[:, 0] == 1)
    assert np.all(np.diff(survival, axis=1) <= 0)
    assert survival.min() >= 0
    assert survival.max() <= 1
    assert survival[:, -1].max() < 1


@pytest.mark.parametrize("family", FAMILIES)
def test_survival_is_a_step_function_on_the_grid(family, fitted, new):
    model = fitted[family]
    on_grid = model.predict_survival(new, [7, 8])
    between = model.predict_survival(new, [7.0, 7.99, 8.0])
    np.testing.assert_array_equal(between, on_grid[:, [0, 0, 1]])


@pytest.mark.parametrize("family", WITH_PREDICTORS)
def test_a_higher_score_is_worse(family, cohort, fitted):
    model = fitted[family]
    score = model.predict(cohort.X)
    at_24 = model.predict_survival(cohort.X, [24])[:, 0]
    assert np.corrcoef(score, at_24)[0, 1] < -0.8
    assert model.score(cohort.X, cohort.y("os")) > 0.6


@pytest.mark.parametrize("family", FAMILIES)
def test_clone_forgets_what_was_learned_and_keeps_parameters(family, fitted):
    copy = clone(fitted[family])
    assert not hasattr(copy, "mechanism_")
    assert copy.get_params(deep=False).keys() == fitted[family].get_params(deep=False).keys()
    assert copy.features.variable_names == fitted[family].features.variable_names
    copy.set_params(grid=2.0, features__missing="refuse")
    assert (copy.grid, copy.features.missing) == (2.0, "refuse")
    assert fitted[family].features.missing == "impute"


@pytest.mark.parametrize("family", FAMILIES)
def test_same_random_state_same_answer(family, cohort, fitted, new):
    again = _fit(family, cohort, random_state=3)
    np.testing.assert_array_equal(again.predict(new), fitted[family].predict(new))
    times = fitted[family].times_
    np.testing.assert_array_equal(
        again.predict_survival(new, times), fitted[family].predict_survival(new, times)
    )


@pytest.mark.parametrize("family", ["rsf", "gbs"])
def test_another_random_state_another_answer(family, cohort, fitted, new):
    other = _fit(family, cohort, random_state=4)
    assert not np.array_equal(other.predict(new), fitted[family].predict(new))


@pytest.mark.parametrize("family", FAMILIES)
def test_rows_answer_for_themselves(family, fitted, new):
    model = fitted[family]
    mixed = np.random.default_rng(0).permutation(len(new))
    np.testing.assert_array_equal(model.predict(new.iloc[mixed]), model.predict(new)[mixed])
    np.testing.assert_array_equal(
        model.predict_survival(new.iloc[[5]], [12]), model.predict_survival(new, [12])[[5]]
    )


@pytest.mark.parametrize("family", FAMILIES)
def test_months_to_days_changes_no_risk_score(family, cohort, fitted, new):
    days = 30.4375
    y = cohort.y("os")
    model = clone(fitted[family]).set_params(grid=days)
    model.fit(cohort.X, make_y(y["time"] * days, y["event"]))
    np.testing.assert_allclose(model.predict(new), fitted[family].predict(new), rtol=1e-9)
    np.testing.assert_allclose(model.times_, fitted[family].times_ * days)
    np.testing.assert_allclose(
        model.predict_survival(new, np.array([12, 24]) * days),
        fitted[family].predict_survival(new, [12, 24]),
        rtol=1e-9,
    )


@pytest.mark.parametrize("family", FAMILIES)
def test_pickles(family, fitted, new, tmp_path):
    joblib.dump(fitted[family], tmp_path / "model")
    for copy in (joblib.load(tmp_path / "model"), pickle.loads(pickle.dumps(fitted[family]))):
        np.testing.assert_array_equal(copy.predict(new), fitted[family].predict(new))


@pytest.mark.parametrize("family", FAMILIES)
def test_not_fitted(family, cohort, new):
    model = make_model(family, cohort.study)
    with pytest.raises(NotFittedError, match="not fitted; call fit first"):
        model.predict(new)
    with pytest.raises(NotFittedError):
        model.predict_survival(new, [12])


@pytest.mark.parametrize("family", WITH_PREDICTORS)
def test_missing_column_is_named_and_extra_ones_ignored(family, fitted, new):
    model = fitted[family]
    with pytest.raises(ModelError, match="wbc: the column is missing"):
        model.predict(new.drop(columns="wbc"))
    more = new.assign(shoe_size=42.0)[sorted([*new.columns, "shoe_size"])]
    np.testing.assert_array_equal(model.predict(more), model.predict(new))


@pytest.mark.parametrize("family", WITH_PREDICTORS)
def test_missing_value_is_refused_where_the_dictionary_refuses_it(family, fitted, new):
    spoilt = new.copy()
    spoilt.loc[[2, 5], "age"] = np.nan
    with pytest.raises(ModelError, match=r"age: 2 rows \(3, 6\) are missing"):
        fitted[family].predict(spoilt)


@pytest.mark.parametrize("family", WITH_PREDICTORS)
def test_what_may_be_missing_is_refused_on_demand(family, cohort, new):
    assert cohort.X["cd20_ge20"].isna().any()
    with pytest.raises(ModelError, match=r"cd20_ge20: \d+ rows .* are missing"):
        _fit(family, cohort, features__missing="refuse")


@pytest.mark.parametrize("family", FAMILIES)
def test_beyond_follow_up_is_refused(family, fitted, new):
    model = fitted[family]
    beyond = model.max_time_ + 1
    with pytest.raises(ModelError, match=f"time {beyond:g} lies beyond the follow-up"):
        model.predict_survival(new, [12, beyond])
    with pytest.raises(ModelError, match="negative"):
        model.predict_survival(new, [-1])


@pytest.mark.parametrize("family", FAMILIES)
def test_fit_says_what_is_wrong_with_the_outcome(family, cohort):
    model = make_model(family, cohort.study)
    y = cohort.y("os")
    with pytest.raises(ModelError, match="110 patients but 109 outcomes"):
        model.fit(cohort.X, y[1:])
    with pytest.raises(ModelError, match="no event among 110 patients"):
        model.fit(cohort.X, make_y(y["time"], np.zeros(110, dtype=bool)))
    with pytest.raises(OutcomeError, match="no structured array"):
        model.fit(cohort.X, y["time"])
    with pytest.raises(ModelError, match="longer than follow-up"):
        model.set_params(grid=1000.0).fit(cohort.X, y)


@pytest.mark.parametrize("family", FAMILIES)
def test_max_time_is_the_last_step_that_follow_up_reaches(family, cohort, fitted):
    longest = cohort.frame["os_months"].max()
    assert fitted[family].max_time_ == np.floor(longest)
    assert fitted[family].times_.tolist() == list(range(int(np.floor(longest)) + 1))


@pytest.mark.parametrize("family", FAMILIES)
def test_thirty_patients_can_be_fitted(family, made_up):
    small = made_up(n=30, seed=8)
    model = _fit(family, small, predictors=["age", "arm"])
    assert np.isfinite(model.predict(small.X)).all()


@pytest.mark.parametrize("family", WITH_PREDICTORS)
def test_a_predictor_that_does_not_vary_is_borne(family, cohort, new):
    X = cohort.X.assign(arm=pd.Categorical(["after"] * 110, ["before", "after"]))
    model = make_model(family, cohort.study, random_state=0, **FAST.get(family, {}))
    model.fit(X, cohort.y("os"))
    assert np.isfinite(model.predict(new)).all()


def test_grid_search_reaches_features_and_parameters(cohort):
    model = make_model("cox", cohort.study, predictors=["age", "arm", "cd20_ge20"])
    search = GridSearchCV(
        model, {"features__missing": ["impute"], "ridge": [0.0, 1000.0]}, cv=3, error_score="raise"
    )
    search.fit(cohort.X, cohort.y("os"))
    assert search.best_params_["ridge"] in (0.0, 1000.0)
    assert 0.5 < search.best_score_ < 0.9
    assert search.best_estimator_.score(cohort.X, cohort.y("os")) > 0.55


def test_unknown_family_and_parameter_suggest_the_near_miss(cohort):
    with pytest.raises(ModelError, match=r"'coxx' is no family.*Did you mean 'cox'"):
        make_model("coxx", cohort.study)
    with pytest.raises(ModelError, match=r"'n_estimator' is no parameter.*'n_estimators'"):
        make_model("rsf", cohort.study, n_estimator=3)
    with pytest.raises(ModelError, match="immortal time"):
        make_model("cox", cohort.study, predictors=["age", "response"])

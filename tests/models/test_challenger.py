"""Estimators of other packages: one contract, a stated survival, and what is refused."""

from __future__ import annotations

import math

import numpy as np
import pytest
from sklearn.base import BaseEstimator
from sksurv.ensemble import GradientBoostingSurvivalAnalysis, RandomSurvivalForest
from sksurv.linear_model import CoxnetSurvivalAnalysis, IPCRidge
from sksurv.svm import FastSurvivalSVM

from allsurv.errors import ConfigError, ModelError
from allsurv.experiment import read_config
from allsurv.explain import shap_values
from allsurv.findings import compare_findings
from allsurv.models import Challenger, export_model, find_family, make_model
from allsurv.models.challenger import own_parameters
from allsurv.stats.cox.fit import fit_cox
from allsurv.stats.outcome import make_y
from allsurv.study.spec import Contrast, Finding
from allsurv.validation import Bootstrap, Plan, choose, validate, validate_all

PATHS = {
    "sksurv.ensemble.RandomSurvivalForest": {"n_estimators": 20, "min_samples_leaf": 11},
    "sksurv.ensemble.GradientBoostingSurvivalAnalysis": {"n_estimators": 10, "max_depth": 2},
    "sksurv.svm.FastSurvivalSVM": {},
}


class FirstColumn(BaseEstimator):
    """Predicts only, and only what it is shown first."""

    def __init__(self, sign=1.0):
        self.sign = sign

    def fit(self, X, y):
        assert y.dtype["event"].kind == "b"
        self.fitted_ = True
        return self

    def predict(self, X):
        return self.sign * np.asarray(X)[:, 0]


class Curves(FirstColumn):
    """Predicts the survival it was given, at times 1, 2 and 3."""

    def __init__(self, curve=(1.0, 0.5, 0.2)):
        self.curve = curve

    def predict(self, X):
        return np.zeros(len(X))

    def predict_survival_function(self, X):
        self.unique_times_ = np.array([1.0, 2.0, 3.0])
        return np.tile(self.curve, (len(X), 1))


@pytest.fixture(scope="module")
def cohort(toy_cohort):
    return toy_cohort(150, 3)


@pytest.fixture(scope="module")
def fitted(cohort):
    return {
        path: make_model(path, cohort.study, random_state=0, **params).fit(cohort.X, cohort.y("os"))
        for path, params in PATHS.items()
    }


@pytest.mark.parametrize("path", PATHS)
def test_the_contract_of_every_model(path, fitted, cohort):
    model = fitted[path]
    survival = model.predict_survival(cohort.X, model.times_)
    assert np.all(survival[:, 0] == 1)
    assert np.all(np.diff(survival, axis=1) <= 0)
    assert survival.min() >= 0
    assert survival[:, -1].max() < 1
    assert model.score(cohort.X, cohort.y("os")) > 0.6
    assert model.family == path
    # Whoever has the higher score is not given the better survival, in any two patients.
    if path != "sksurv.ensemble.RandomSurvivalForest":
        last = survival[np.argsort(model.predict(cohort.X)), -1]
        assert np.all(np.diff(last) <= 1e-12)
    again = make_model(path, cohort.study, random_state=0, **PATHS[path])
    again.fit(cohort.X, cohort.y("os"))
    np.testing.assert_array_equal(again.predict_survival(cohort.X, [7, 20.5]), survival[:, [7, 20]])


def test_its_own_survival_is_what_scikit_survival_says_from_the_first_time_on(cohort):
    y = cohort.y("os").copy()
    y["event"][np.argmin(y["time"])] = True
    forest = RandomSurvivalForest(n_estimators=5, min_samples_leaf=11, random_state=4)
    model = make_model(forest, cohort.study).fit(cohort.X, y)
    design = model.encoder_.design(cohort.X)
    theirs = np.array([f(np.arange(1.0, 31.0)) for f in
                       forest.fit(design, y).predict_survival_function(design)])  # fmt: skip
    np.testing.assert_allclose(model.predict_survival(cohort.X, np.arange(1, 31)), theirs)
    # Their step function holds its first value to the left, below 1 at time 0.
    assert forest.predict_survival_function(design)[0](0.0) < 1


def test_a_ranking_becomes_survival_by_cox_regression_on_its_score():
    # x = 1, 0, 1, 0, events at 1, 2, 3, censored at 4; u = exp(b) solves u * u - u - 4 = 0.
    u = (1 + math.sqrt(17)) / 2
    x = np.array([[1.0], [0.0], [1.0], [0.0]])
    time, event = np.array([1.0, 2.0, 3.0, 4.0]), np.array([True, True, True, False])
    model = Challenger(None, estimator=FirstColumn())
    model.times_ = np.arange(5.0)
    mechanism = model._learn(x, time, event)
    assert model.slope_ == pytest.approx(math.log(u), abs=1e-6)
    hazard = np.cumsum([0, 1 / (2 * u + 2), 1 / (u + 2), 1 / (u + 1), 0])
    survival = mechanism.survival(x[:2], np.arange(5))
    np.testing.assert_allclose(survival[1], np.exp(-hazard), rtol=1e-6)
    np.testing.assert_allclose(survival[0], np.exp(-hazard * u), rtol=1e-6)


def test_the_slope_is_that_of_cox_regression_whatever_the_unit_of_the_score(fitted, cohort):
    model = fitted["sksurv.svm.FastSurvivalSVM"]
    y = cohort.y("os")
    fit = fit_cox(y["time"], y["event"], model.predict(cohort.X)[:, None], names=["score"])
    assert model.slope_ == pytest.approx(fit.coef[0], rel=1e-6)


def test_a_score_that_tells_nobody_apart_gives_all_the_same_survival():
    model = Challenger(None, estimator=FirstColumn(sign=0.0))
    model.times_ = np.arange(4.0)
    x = np.arange(6.0)[:, None]
    mechanism = model._learn(x, np.repeat([1.0, 2.0, 3.0], 2), np.ones(6, dtype=bool))
    survival = mechanism.survival(x, np.arange(4))
    np.testing.assert_allclose(survival, np.tile(survival[0], (6, 1)))


def test_a_predicted_time_is_turned_into_a_risk(cohort):
    model = make_model(IPCRidge(alpha=1.0), cohort.study).fit(cohort.X, cohort.y("os"))
    assert model.how_survival == "recalibrated"
    assert model.score(cohort.X, cohort.y("os")) > 0.6


def test_a_score_of_the_wrong_sign_is_refused_and_named(cohort):
    y = cohort.y("os")
    with pytest.raises(ModelError, match=r"FirstColumn: its risk score is higher in patients who"):
        make_model(FirstColumn(sign=-1.0), cohort.study, predictors=["age"]).fit(cohort.X, y)


@pytest.mark.parametrize(
    ("curve", "fault"),
    [
        ((0.9, 0.5, 0.6), "rises with time"),
        ((1.2, 0.5, 0.4), "leaves \\[0, 1\\]"),
        ((0.9, np.nan, 0.4), "is not finite"),
    ],
)
def test_survival_that_cannot_be_is_refused(cohort, curve, fault):
    model = make_model(Curves(curve), cohort.study).fit(cohort.X, cohort.y("os"))
    with pytest.raises(ModelError, match=f"Curves: its predicted survival {fault}"):
        model.predict_survival(cohort.X, [12])


def test_an_array_of_survival_is_read_by_its_times(cohort):
    model = make_model(Curves(), cohort.study).fit(cohort.X, cohort.y("os"))
    found = model.predict_survival(cohort.X.iloc[:1], [0, 1, 2, 3, 9])
    assert found.tolist() == [[1.0, 1.0, 0.5, 0.2, 0.2]]


def test_an_estimator_set_so_that_it_predicts_no_survival_says_what_to_do(cohort):
    y = cohort.y("os")
    model = make_model(CoxnetSurvivalAnalysis(), cohort.study).fit(cohort.X, y)
    with pytest.raises(ModelError, match=r"survival='recalibrated'"):
        model.predict_survival(cohort.X, [12])
    model.set_params(survival="recalibrated").fit(cohort.X, y)
    assert 0 < model.predict_survival(cohort.X, [12]).min() < 1
    with pytest.raises(ModelError, match="survival='own', but it predicts none"):
        make_model(FastSurvivalSVM(), cohort.study, survival="own").fit(cohort.X, y)
    with pytest.raises(ModelError, match="allowed are 'own', 'recalibrated'"):
        make_model(FastSurvivalSVM(), cohort.study, survival="guess").fit(cohort.X, y)


def test_the_estimator_that_was_given_is_left_as_it_was(cohort):
    mine = GradientBoostingSurvivalAnalysis(n_estimators=5)
    model = make_model(mine, cohort.study, random_state=3, max_depth=1)
    model.fit(cohort.X, cohort.y("os"))
    assert not hasattr(mine, "estimators_")
    assert (mine.max_depth, mine.random_state) == (3, None)
    assert (model.estimator_.max_depth, model.estimator_.random_state) == (1, 3)
    assert own_parameters(model) == {"n_estimators": 5, "max_depth": 1}


def test_parameters_that_are_not_plain_are_not_printed(cohort):
    model = make_model(Curves(np.array([1.0, 0.6, 0.1])), cohort.study)
    assert own_parameters(model) == {"curve": "ndarray"}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("os.system", "package 'os' is not trusted; allowed are sksurv"),
        ("sksurv.nowhere.Model", "no such class"),
        ("sksurv.svm.FastSurvivalSVN", "no such class"),
        ("sksurv.datasets.load_gbsg2", "is not a class of package 'sksurv'"),
        ("sksurv.ensemble.forest.BaseForest", "is not a class of package 'sksurv'"),
        ("sksurv.util.Surv", "is no estimator; it lacks fit, predict"),
        ("sksurv.meta.Stacking", "needs "),
        (FastSurvivalSVM, "FastSurvivalSVM is a class; give an estimator"),
        (3.0, "float: is no estimator; it lacks fit"),
        ("sksurv", "'sksurv' is no family of models"),
    ],
)
def test_what_is_no_estimator_is_refused_by_name(cohort, given, message):
    with pytest.raises(ModelError, match=message):
        make_model(given, cohort.study)


def test_an_unknown_parameter_is_refused_by_name(cohort):
    with pytest.raises(ModelError, match=r"'n_estimator' is no parameter.*'n_estimators'"):
        make_model("sksurv.ensemble.RandomSurvivalForest", cohort.study, n_estimator=3)


@pytest.fixture
def stranger(tmp_path, monkeypatch):
    """A package on the path that leaves a mark when its code runs."""
    package = tmp_path / "stranger_models"
    package.mkdir()
    (package / "__init__.py").write_text(
        "from pathlib import Path\n"
        "from sksurv.svm import FastSurvivalSVM\n"
        "Path(__file__).with_name('ran').touch()\n"
        "class Mine(FastSurvivalSVM):\n    pass\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    return package


def test_a_configuration_runs_no_strangers_code(stranger, tmp_path):
    file = tmp_path / "config.yaml"
    file.write_text("study: rr-all\nmodels:\n  cox: {}\n  stranger_models.Mine: {}\n")
    with pytest.raises(ConfigError, match=r"config\.yaml models: stranger_models\.Mine: package"):
        read_config(file)
    assert not (stranger / "ran").exists()
    file.write_text(file.read_text() + "trusted: [stranger_models]\n")
    with pytest.raises(ConfigError, match=r"config\.yaml:5 trusted: 'trusted' is not a key here"):
        read_config(file, trusted=["stranger_models"])
    assert not (stranger / "ran").exists()


def test_whoever_starts_the_job_may_trust_a_package(stranger, tmp_path, cohort):
    file = tmp_path / "config.yaml"
    file.write_text("study: rr-all\nmodels:\n  cox: {}\n  stranger_models.Mine: {alpha: 2}\n")
    config = read_config(file, trusted=["stranger_models"])
    assert config.models["stranger_models.Mine"] == {"alpha": 2}
    assert config.trusted == ("stranger_models",)
    path, trusted = "stranger_models.Mine", config.trusted
    model = make_model(path, cohort.study, trusted=trusted, alpha=2)
    assert model.estimator.alpha == 2


def test_a_run_needs_a_model_that_can_be_recommended(tmp_path, cohort):
    file = tmp_path / "config.yaml"
    file.write_text("study: rr-all\nmodels: {sksurv.svm.FastSurvivalSVM: {}}\n")
    with pytest.raises(ConfigError, match=r"recommended and exported; add one of cox, coxnet"):
        read_config(file).complete(cohort.study)


def test_it_is_validated_and_compared_like_the_others(fitted, cohort):
    models = {"cox": make_model("cox", cohort.study), **fitted}
    report = validate_all(models, cohort, plan=Plan(1, 3), n_bootstrap=10)
    assert set(report.performance["model"]) == {*models, "kaplan_meier"}
    own = report.performance[report.performance["model"] == "sksurv.svm.FastSurvivalSVM"]
    assert own["estimate"].notna().all()
    assert (report.differences["model"] == "sksurv.svm.FastSurvivalSVM").any()
    assert choose(report.performance).model == "cox"
    again = validate_all(models, cohort, plan=Plan(1, 3), n_bootstrap=10, n_jobs=2)
    np.testing.assert_array_equal(
        again.performance["estimate"].to_numpy(), report.performance["estimate"].to_numpy()
    )
    path = "sksurv.svm.FastSurvivalSVM"
    optimism = validate(models[path], cohort, plan=Bootstrap(3)).optimism
    assert optimism.loc[optimism["model"] == path, "estimate"].notna().all()


def test_it_is_held_against_the_findings(toy_cohort):
    arm = Finding("arm", "Arm", "arm", Contrast("before", "after"), 0.5, 0.3, 0.8, "all", "os")
    cohort = toy_cohort(300, 2, effects={"arm": -0.7}, findings={"arm": arm})
    model = make_model("sksurv.svm.FastSurvivalSVM", cohort.study, random_state=0)
    model.fit(cohort.X, cohort.y("os"))
    table = compare_findings(model, cohort, n_bootstrap=4).set_index("model")
    row = table.loc["sksurv.svm.FastSurvivalSVM"]
    assert 0.3 < row["estimate"] < 0.8
    assert row["verdict"] == "consistent"
    assert row["permutation_rank"] == 1
    assert np.isnan(row["shap_rank"])


@pytest.mark.parametrize("path", PATHS)
def test_it_is_neither_exported_nor_explained_and_the_reason_is_said(path, fitted, cohort):
    with pytest.raises(ModelError, match=rf"'{path}' is not exported: a challenger is a program"):
        export_model(fitted[path], cohort, endpoint="os")
    with pytest.raises(ModelError, match="no exact explanation"):
        shap_values(fitted[path], cohort)
    with pytest.raises(ModelError, match="has no arrays"):
        fitted[path].mechanism_.arrays()
    assert find_family(path).not_exported


def test_the_outcome_it_is_given_is_boolean_even_without_censoring(cohort):
    y = cohort.y("os")
    all_dead = make_y(y["time"], np.ones(len(y), dtype=bool))
    model = make_model(FirstColumn(), cohort.study, predictors=["age"]).fit(cohort.X, all_dead)
    assert model.slope_ > 0

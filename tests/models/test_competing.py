"""One contract over the models of several causes, and each against what is known."""

from __future__ import annotations

import pickle
from dataclasses import replace

import numpy as np
import pytest
from sklearn.base import clone

from allsurv.errors import ModelError, OutcomeError
from allsurv.models import make_model
from allsurv.models.catalog import COMPETING, find_family
from allsurv.models.export import export_model
from allsurv.riskmodel.causes import CAUSE_MECHANISMS, CausesSubdistribution
from allsurv.stats.competing.cause_specific import fit_cause_specific
from allsurv.stats.competing.causes import make_caused_y
from allsurv.stats.competing.fine_gray import fit_fine_gray
from allsurv.stats.competing.incidence import cumulative_incidence
from allsurv.stats.outcome import make_y
from allsurv.study.spec import Cause

FAST = {"cause_rsf": {"n_estimators": 20}, "cause_gbs": {"n_estimators": 20}}
FAST["cause_coxnet"] = {"folds": 3}
PREDICTORS = ["age", "arm", "pb_blasts"]


def study_of(cohort, causes=("relapse", "death")):
    """Declare an endpoint of two causes; its outcome is drawn below, so its filters say nothing."""
    os = cohort.study.endpoint("os")
    named = {name: Cause(name, name.title(), ({"alive": False},)) for name in causes}
    failure = replace(os, name="failure", event=(), kind="competing", causes=named)
    return replace(cohort.study, endpoints={**cohort.study.endpoints, "failure": failure})


def outcome(X, seed=0):
    """Draw relapse, which age makes likelier, and death before, which the arm prevents."""
    rng = np.random.default_rng(seed)
    age = X["age"].to_numpy(float)
    rates = [0.02 * np.exp(0.03 * (age - 50)), 0.02 * np.exp(-1.0 * (X["arm"] == "after"))]
    latent = np.array([rng.exponential(1 / np.asarray(r, float)) for r in rates])
    censored = rng.uniform(10, 90, len(X))
    first = latent.min(axis=0)
    cause = np.where(first < censored, latent.argmin(axis=0) + 1, 0)
    return make_caused_y(np.maximum(np.minimum(first, censored), 0.07), cause)


@pytest.fixture(scope="module")
def cohort(made_up):
    return made_up(n=160)


@pytest.fixture(scope="module")
def y(cohort):
    return outcome(cohort.X)


@pytest.fixture(scope="module")
def new(made_up):
    return made_up(n=40, seed=1).X


def make(family, cohort, **params):
    settings = {**FAST.get(family, {}), **params}
    return make_model(
        family, study_of(cohort), endpoint="failure", predictors=PREDICTORS, **settings
    )


@pytest.fixture(scope="module")
def fitted(cohort, y):
    return {name: make(name, cohort, random_state=3).fit(cohort.X, y) for name in COMPETING}


@pytest.mark.parametrize("family", COMPETING)
def test_risks_begin_at_0_rise_and_sum_to_1_with_the_event_free(family, fitted, new):
    model = fitted[family]
    risk = model.predict_risk(new, model.times_)
    free = model.predict_survival(new, model.times_)
    assert risk.shape == (2, 40, model.times_.size)
    assert np.all(risk[..., 0] == 0)
    assert np.all(np.diff(risk, axis=2) >= 0)
    assert np.all(np.diff(free, axis=1) <= 0)
    assert free.min() >= 0
    np.testing.assert_allclose(risk.sum(axis=0) + free, 1.0, rtol=0, atol=1e-12)
    assert risk[:, :, -1].mean(axis=1).min() > 0.05  # each cause is at work


@pytest.mark.parametrize("family", COMPETING)
def test_scores_are_mean_risks_and_rows_answer_for_themselves(family, fitted, new):
    model = fitted[family]
    scores, risk = model.predict_scores(new), model.predict_risk(new, model.times_)
    np.testing.assert_allclose(scores, risk[..., 1:].mean(axis=2), rtol=1e-10)
    np.testing.assert_array_equal(model.predict(new), scores[0])
    np.testing.assert_allclose(model.predict_risk(new.iloc[[5]], [12])[:, 0], risk[:, 5, [12]])


@pytest.mark.parametrize("family", COMPETING)
def test_clone_same_seed_and_pickle(family, fitted, cohort, y, new):
    model = fitted[family]
    copy = clone(model)
    assert not hasattr(copy, "mechanism_")
    again = copy.fit(cohort.X, y)
    np.testing.assert_array_equal(again.predict_risk(new, [12]), model.predict_risk(new, [12]))
    restored = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(restored.predict(new), model.predict(new))
    assert find_family(model.family) is COMPETING[family]


@pytest.mark.parametrize("family", COMPETING)
def test_its_arrays_predict_the_same(family, fitted, new):
    model = fitted[family]
    kind = CAUSE_MECHANISMS[model.mechanism_.kind]
    copy = kind.from_arrays(model.mechanism_.arrays())
    design = model.encoder_.design(new)
    copy.check(design.shape[1], model.times_.size)
    steps = np.array([6, 24])
    for ours, theirs in zip(
        copy.incidence(design, steps), model.mechanism_.incidence(design, steps), strict=True
    ):
        np.testing.assert_array_equal(ours, theirs)
    assert copy.n_causes == 2


@pytest.mark.parametrize("family", COMPETING)
def test_months_to_days_changes_no_risk(family, fitted, cohort, y, new):
    days = 30.4375
    model = clone(fitted[family])
    model.set_params(**({"model__grid": days} if COMPETING[family].base else {"grid": days}))
    model.fit(cohort.X, make_caused_y(y["time"] * days, y["cause"]))
    np.testing.assert_allclose(
        model.predict_risk(new, np.array([12, 24]) * days),
        fitted[family].predict_risk(new, [12, 24]),
        rtol=1e-8,
    )


def test_without_predictors_it_is_aalen_johansen(fitted, y, new):
    curves = cumulative_incidence(y["time"], y["cause"])
    for k in (1, 2):
        expected = np.tile(curves.at([12, 24], cause=k).incidence, (40, 1))
        np.testing.assert_allclose(fitted["incidence"].predict_risk(new, [12, 24])[k - 1], expected)


def test_fine_gray_is_that_of_stats(fitted, cohort, y, new):
    model = fitted["fine_gray"]
    risk = model.predict_risk(new, [12, 24])
    assert risk.sum(axis=0).max() < 1  # nobody is used up by then
    assert 0 < model.share_capped_ < 1  # but some are by the end of follow-up
    design, on_new = model.encoder_.design(cohort.X), model.encoder_.design(new)
    for k in (1, 2):
        fit = fit_fine_gray(y["time"], y["cause"], design, of=k)
        np.testing.assert_allclose(model.coef_[k - 1], fit.coef)
        np.testing.assert_allclose(risk[k - 1], fit.incidence(on_new, [12, 24]), rtol=1e-10)


def test_fine_gray_that_promises_more_than_1_stops():
    hazard = np.array([[0, 0.5, 1.0, 2.0], [0, 0.5, 1.0, 2.0]])
    model = CausesSubdistribution(np.array([[1.0], [1.0]]), hazard)
    design = np.array([[-3.0], [0.0], [2.0]])
    risk, free = model.incidence(design, np.arange(4))
    np.testing.assert_allclose(risk.sum(axis=0) + free, 1.0, atol=1e-12)
    assert np.all(np.diff(risk, axis=2) >= 0)
    # Before everybody is used up the risks are those of Fine and Gray.
    np.testing.assert_allclose(risk[0, :2, 1], 1 - np.exp(-0.5 * np.exp([-3.0, 0.0])))
    assert model.capped(design).tolist() == [False, True, True]
    np.testing.assert_allclose(risk[:, 2, 1], 0.5)


def test_cause_specific_cox_combines_the_hazards_of_stats(cohort, y, new):
    # All times are on the grid, so each of its steps holds one time of the data.
    on_grid = make_caused_y(np.ceil(2 * y["time"]) / 2, y["cause"])
    model = make("cause_cox", cohort, grid=0.5).fit(cohort.X, on_grid)
    design, on_new = model.encoder_.design(cohort.X), model.encoder_.design(new)
    fit = fit_cause_specific(on_grid["time"], on_grid["cause"], design)
    times = np.unique(on_grid["time"][on_grid["event"]])
    times = times[times <= 24]
    rises = []
    for one in fit.fits:
        baseline = one.baseline()
        at = np.searchsorted(baseline.time, times, side="right")
        hazard = np.concatenate([[0.0], baseline.cumulative_hazard])[at]
        ratio = np.exp(on_new @ one.coef)
        rises.append(ratio[:, None] * np.diff(hazard, prepend=0.0))
    total = np.sum(rises, axis=0)
    free = np.exp(-np.cumsum(total, axis=1))
    fall = -np.diff(free, axis=1, prepend=1.0)
    for k in (0, 1):
        expected = (rises[k] / total * fall).sum(axis=1)
        np.testing.assert_allclose(model.predict_risk(new, [24])[k, :, 0], expected, rtol=1e-9)


def test_exponential_and_product_limit_meet_as_patients_grow(made_up, new):
    # R's product limit differs by the square of a step's hazard, of the order of 1 / n.
    apart = []
    for n in (160, 1600):
        patients = made_up(n=n)
        found = outcome(patients.X)
        model = make("cause_cox", patients, grid=0.05).fit(patients.X, found)
        fit = fit_cause_specific(found["time"], found["cause"], model.encoder_.design(patients.X))
        exact = fit.incidence(model.encoder_.design(new), [12, 24]).incidence
        apart.append(np.abs(model.predict_risk(new, [12, 24]) - exact).max())
    assert apart[1] < apart[0] / 4


def test_cause_specific_risks_by_hand():
    # Hazards 0.2 and 0.1, then 0.0 and 0.3: S = e^-0.3, e^-0.6; the first step is shared 2 to 1.
    from allsurv.riskmodel.causes import CausesLinear

    model = CausesLinear(np.zeros((2, 1)), np.array([[0, 0.2, 0.2], [0, 0.1, 0.4]]))
    risk, free = model.incidence(np.zeros((1, 1)), np.arange(3))
    fall = 1 - np.exp(-0.3), np.exp(-0.3) - np.exp(-0.6)
    np.testing.assert_allclose(risk[0, 0], [0, 2 / 3 * fall[0], 2 / 3 * fall[0]])
    np.testing.assert_allclose(risk[1, 0], [0, fall[0] / 3, fall[0] / 3 + fall[1]])
    np.testing.assert_allclose(free[0], np.exp([0, -0.3, -0.6]))


@pytest.mark.parametrize("family", ["cause_cox", "cause_gbs", "cause_rsf"])
def test_with_one_cause_it_is_the_model_of_survival(family, cohort, y, new):
    base = COMPETING[family].base
    settings = {"predictors": PREDICTORS, "random_state": 5, **FAST.get(family, {})}
    plain = make_model(base, cohort.study, **settings)
    plain.fit(cohort.X, make_y(y["time"], y["event"]))
    kind = COMPETING[family].model_class
    template = make_model(base, cohort.study, **settings)
    model = kind(template, causes=("any",)).fit(
        cohort.X, make_caused_y(y["time"], y["event"].astype(int))
    )
    np.testing.assert_allclose(
        model.predict_survival(new, [12, 36]), plain.predict_survival(new, [12, 36]), atol=1e-12
    )


def test_leaves_hold_the_incidence_of_their_patients(cohort, y):
    # One tree on everybody, no deeper than a stump: each leaf is Aalen and Johansen of its own.
    model = make("cause_rsf", cohort, n_estimators=1, bootstrap=False, max_depth=1)
    model.fit(cohort.X, y)
    leaf = model.mechanism_.trees.leaves(model.encoder_.design(cohort.X))[:, 0]
    assert set(leaf) == {0, 1}
    on_grid = np.maximum(np.ceil(y["time"] - 1e-9), 1.0)
    for k in (1, 2):
        risk = model.predict_risk(cohort.X, [12, 24])[k - 1]
        for which in (0, 1):
            inside = leaf == which
            curves = cumulative_incidence(on_grid[inside], y["cause"][inside])
            found = curves.at([12, 24], cause=k).incidence
            np.testing.assert_allclose(risk[inside], np.tile(found, (inside.sum(), 1)), atol=1e-12)


def test_a_split_is_where_the_causes_together_differ_most(cohort, y):
    # The first split, over all cuts of all columns by brute force: log-rank of each cause, the
    # other censored, squared and summed.
    from allsurv.stats.curves.nonparametric import logrank_test

    model = make("cause_rsf", cohort, n_estimators=1, bootstrap=False, max_depth=1)
    model.set_params(model__max_features=None).fit(cohort.X, y)
    design = model.encoder_.design(cohort.X)
    on_grid = np.maximum(np.ceil(y["time"] - 1e-9), 1.0)
    best = (0.0, -1, 0.0)
    for term, column in enumerate(design.T):
        values = np.unique(column.astype(np.float32))
        for cut in values[:-1]:
            left = column.astype(np.float32) <= cut
            if min(left.sum(), (~left).sum()) < 11:
                continue
            found = sum(logrank_test(on_grid, y["cause"] == k, left).statistic for k in (1, 2))
            if found > best[0] + 1e-9:
                best = (found, term, left.sum())
    trees = model.mechanism_.trees
    assert trees.term[0] == best[1]
    assert sorted(trees.n_patients[1:]) == sorted([best[2], 160 - best[2]])


def test_effects_are_found_where_they_are(cohort, y, new):
    # Age raises relapse, the arm prevents death: each cause's hazard ratios say so.
    big = make("cause_cox", cohort).fit(cohort.X, y)
    names = [term.name for term in big.encoder_.terms_]
    age = next(k for k, name in enumerate(names) if name.startswith("age"))
    arm = next(k for k, name in enumerate(names) if name.startswith("arm"))
    assert big.mechanism_.coef[0, age] > 0
    assert abs(big.mechanism_.coef[1, arm]) > abs(big.mechanism_.coef[0, arm])


@pytest.mark.parametrize("family", COMPETING)
def test_is_not_exported_before_its_coarse_form_is_made(family, fitted, cohort):
    patients = replace(cohort, study=study_of(cohort))
    with pytest.raises(ModelError, match="not made yet"):
        export_model(fitted[family], patients, endpoint="failure")


def test_refusals(cohort, y):
    model = make("cause_cox", cohort)
    with pytest.raises(OutcomeError, match="make_caused_y"):
        model.fit(cohort.X, make_y(y["time"], y["event"]))
    with pytest.raises(ModelError, match="159 outcomes"):
        model.fit(cohort.X, y[1:])
    few = make_caused_y(y["time"], np.where(np.arange(160) < 2, 2, (y["cause"] == 1).astype(int)))
    with pytest.raises(ModelError, match=r"'death' has 2; .* need at least \d+ of each cause"):
        model.fit(cohort.X, few)
    third = make_caused_y(y["time"], np.where(np.arange(160) < 20, 3, y["cause"]))
    with pytest.raises(ModelError, match="cause 3 occurs, but 2 causes are named"):
        model.fit(cohort.X, third)
    with pytest.raises(ModelError, match="endpoint 'os' has one event"):
        make_model("cause_cox", cohort.study, endpoint="os")
    with pytest.raises(ModelError, match="Did you mean 'cause_cox'"):
        make_model("cause_coks", cohort.study)

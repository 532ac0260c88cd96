"""Univariable fits of many cohorts at once equal those of ``fit_cox``, one by one."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from allsurv.cohort import make_intervals
from allsurv.stats.cox.fit import fit_cox
from allsurv.stats.cox.scores import breslow_steps, log_partial_likelihood
from allsurv.stats.cox.univariable import fit_one_by_one, fit_switch


@pytest.fixture(scope="module")
def random_cohorts():
    rng = np.random.default_rng(3)
    shape = (4, 60)
    time = rng.exponential(size=shape)
    X = np.stack([rng.random(shape) < 0.3, rng.standard_normal(shape) * 50], axis=2).astype(float)
    X[rng.random(X.shape) < 0.2] = np.nan
    switch = np.where(rng.random(shape) < 0.6, 0.5 * rng.exponential(size=shape), np.inf)
    return time, rng.random(shape) < 0.7, X, np.where(switch < time, switch, np.inf)


def test_covariates_one_by_one_are_fitted_as_alone(random_cohorts):
    time, event, X, _ = random_cohorts
    slopes = fit_one_by_one(time, event, X)
    for cohort, column in np.ndindex(slopes.coef.shape):
        known = ~np.isnan(X[cohort, :, column])
        alone = fit_cox(time[cohort][known], event[cohort][known], X[cohort, known, column, None])
        assert slopes.coef[cohort, column] == pytest.approx(alone.coef[0], rel=1e-7)
        assert slopes.std_error[cohort, column] == pytest.approx(alone.std_error[0], rel=1e-7)


def test_an_event_is_fitted_as_on_start_stop_rows(random_cohorts):
    time, event, _, switch = random_cohorts
    slopes = fit_switch(time, event, switch)
    for k in range(len(time)):
        nothing = pd.DataFrame(index=range(time.shape[1]))
        rows = make_intervals(time[k], event[k], {"on": switch[k]}, nothing)
        alone = fit_cox(rows.stop, rows.event, rows.X.to_numpy(float), start=rows.start)
        assert slopes.coef[k] == pytest.approx(alone.coef[0], rel=1e-7)
        assert slopes.std_error[k] == pytest.approx(alone.std_error[0], rel=1e-7)


def test_where_all_with_a_level_outlive_the_others_there_is_no_slope():
    time, event = np.array([[1.0, 2, 3, 4, 5, 6]]), np.ones((1, 6), dtype=bool)
    late = np.array([[[0.0], [0], [0], [1], [1], [1]]])
    assert np.isnan(fit_one_by_one(time, event, late).coef[0, 0])
    assert np.isnan(fit_one_by_one(time, event, np.ones((1, 6, 1))).coef[0, 0])
    assert np.isnan(fit_switch(time, event, np.full((1, 6), np.inf)).coef[0])


def test_likelihood_and_hazard_of_a_score_are_those_of_the_fit_that_gives_it():
    rng = np.random.default_rng(5)
    time, event, X = np.ceil(rng.exponential(8, 90)), rng.random(90) < 0.6, rng.normal(size=(90, 3))
    fit = fit_cox(time, event, X, ties="breslow")
    score = X @ fit.coef
    both = log_partial_likelihood(np.column_stack([np.zeros(90), score]), time, event)
    np.testing.assert_allclose(both, [fit.loglik_null, fit.loglik], rtol=1e-13)
    steps, baseline = breslow_steps(score, time, event), fit.baseline()
    hazard = steps.hazard[np.searchsorted(steps.time, baseline.time, side="right")]
    np.testing.assert_allclose(hazard, baseline.cumulative_hazard, rtol=1e-12)

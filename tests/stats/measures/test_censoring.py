"""The censoring distribution, by hand."""

from __future__ import annotations

import numpy as np
import pytest
from sksurv.nonparametric import CensoringDistributionEstimator

from allsurv.errors import OutcomeError
from allsurv.stats.measures.brier import brier
from allsurv.stats.measures.censoring import CensoringDistribution, CensoringWeights
from allsurv.stats.measures.discrimination import auc, uno_c
from allsurv.stats.outcome import make_y


def test_an_event_leaves_before_a_censoring_at_the_same_time():
    # At 2: five at risk, one has the event there; one of the remaining four is censored: 3/4.
    # At 5: one of two is censored: 3/4 * 1/2.
    G = CensoringDistribution.fit(make_y([1, 2, 2, 3, 5, 5 + 1], [1, 1, 0, 1, 0, 1]))
    np.testing.assert_allclose(G.times, [2, 5])
    np.testing.assert_allclose(G.probability, [3 / 4, 3 / 8])
    np.testing.assert_allclose(G.at([0.5, 2, 4.9, 5, 99]), [1, 3 / 4, 3 / 4, 3 / 8, 3 / 8])
    np.testing.assert_allclose(G.before([2, 2.1, 5, 99]), [1, 3 / 4, 3 / 4, 3 / 8])


def test_nobody_censored():
    G = CensoringDistribution.fit(make_y([1, 2], [1, 1]))
    assert G.times.size == 0
    assert G.at([[0.5, 3]]).tolist() == [[1, 1]]


def test_weights_sum_to_the_cohort():
    # With G from the cohort itself the weights at any time sum to n.
    y = make_y([1, 2, 2, 3, 5, 6, 7, 7], [1, 1, 0, 1, 0, 1, 0, 1])
    weights = CensoringWeights(y["time"], y["event"], None)
    for horizon in (1, 2, 2.5, 5, 6.5):
        assert weights.at(horizon).sum() == pytest.approx(8)


def test_agrees_with_scikit_survival(record_difference):
    rng = np.random.default_rng(1)
    y = make_y(rng.integers(1, 30, 80), rng.random(80) < 0.5)
    theirs = CensoringDistributionEstimator().fit(y)
    grid = np.arange(1, 30)
    expected = theirs.predict_proba(grid)
    worst = np.abs(CensoringDistribution.fit(y).at(grid) - expected).max()
    record_difference("CensoringDistribution.fit", "sksurv CensoringDistributionEstimator", worst)
    assert worst < 1e-12


def test_follow_up_beyond_the_training_cohort_is_no_error():
    # The last training time, 4, is an event: G stays at its last value.
    known = CensoringDistribution.fit(make_y([1, 2, 3, 4], [1, 0, 1, 1]))
    y = make_y([2, 5, 8, 9], [1, 1, 0, 1])
    assert brier(y, [0.8, 0.6, 0.3, 0.1], 6, censoring=known).reason == ""
    assert auc(y, [0.8, 0.6, 0.3, 0.1], 6, censoring=known).value == 1
    assert uno_c(y, [0.8, 0.6, 0.3, 0.1], censoring=known).value == 1


def test_a_censoring_distribution_that_reaches_zero_gives_a_reason():
    known = CensoringDistribution.fit(make_y([1, 2, 3], [1, 1, 0]))
    y = make_y([2, 5, 8, 9], [1, 1, 0, 1])
    assert "is 0 before" in brier(y, [0.8, 0.6, 0.3, 0.1], 6, censoring=known).reason
    assert "is 0 before" in auc(y, [0.8, 0.6, 0.3, 0.1], 6, censoring=known).reason
    assert "choose tau" in uno_c(y, [0.8, 0.6, 0.3, 0.1], censoring=known).reason
    assert uno_c(y, [0.8, 0.6, 0.3, 0.1], tau=2, censoring=known).value == 1


def test_refuses_what_is_no_outcome():
    with pytest.raises(OutcomeError, match="structured array"):
        CensoringDistribution.fit(np.zeros(3))

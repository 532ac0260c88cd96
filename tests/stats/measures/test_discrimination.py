"""Concordance, AUC and Royston's D: by hand, against scikit-survival, and where missing."""

from __future__ import annotations

import math

import numpy as np
import pytest
from sksurv.metrics import (
    concordance_index_censored,
    concordance_index_ipcw,
    cumulative_dynamic_auc,
)

from allsurv.errors import ModelError, OutcomeError
from allsurv.stats.measures import pairs
from allsurv.stats.measures.censoring import CensoringDistribution
from allsurv.stats.measures.discrimination import (
    auc,
    auc_curve,
    compare_concordance,
    harrell_c,
    harrell_c_many,
    royston_d,
    uno_c,
)
from allsurv.stats.measures.follow_up import FollowUp
from allsurv.stats.outcome import make_y

# Events at 1, 2, 2, 4; censored at 2, 3, 5.
Y = make_y([1, 2, 2, 2, 3, 4, 5], [1, 1, 1, 0, 0, 1, 0])
SCORE = [5, 5, 3, 3, 4, 1, 1]


def random_cohort(n=300, seed=2, unit=1.0):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=n)
    time = rng.exponential(np.exp(-x) * 20) + 1e-3
    censored = rng.uniform(5, 60, n)
    return make_y(np.minimum(time, censored) * unit, time <= censored), x + rng.normal(size=n) / 2


@pytest.mark.parametrize("few", [200, 0], ids=["all pairs", "by bits of the rank"])
def test_pairs_by_hand(monkeypatch, few):
    monkeypatch.setattr(pairs, "FEW", few)
    # Event at 1 (score 5): six later, one tied, five lower: 5.5 of 6.
    # Event at 2 (score 5): the censored at 2 and all later: 4 of 4 lower; the other event at 2 is
    # not comparable. Event at 2 (score 3): of 3, 4, 1, 1: a tie, a higher, two lower: 2.5 of 4.
    # Event at 4 (score 1): one later, tied: 0.5 of 1. In all 12.5 of 15.
    followed = FollowUp.of(Y["time"], Y["event"])
    counted = pairs.count_pairs(followed, np.array(SCORE, dtype=float))
    assert counted.comparable.tolist() == [6, 5, 5, 3, 3, 4, 4]
    assert counted.concordant.tolist() == [5.5, 4.5, 3.5, 2.5, 2, 3.5, 3.5]
    assert harrell_c(Y, SCORE).value == pytest.approx(12.5 / 15)


@pytest.mark.parametrize(
    ("group", "largest", "block"),
    [(32, 64, 1 << 16), (4, 3, 4), (4, 3, 40), (4, 200, 40)],
    ids=["as shipped", "many digits", "in blocks", "one digit"],
)
@pytest.mark.parametrize("decimals", [0, 1, 8], ids=["few scores", "ties", "no ties"])
def test_pairs_by_digits_of_the_rank_as_all_pairs(monkeypatch, group, largest, block, decimals):
    y, score = random_cohort(n=333, unit=1 / 7)
    y["time"] = np.ceil(y["time"])
    score = score.round(decimals)
    weight = np.random.default_rng(1).exponential(size=y.size)
    followed = FollowUp.of(y["time"], y["event"])
    t, e = y["time"], y["event"]
    later = e[:, None] * weight[:, None] * ((t[:, None] < t) | ((t[:, None] == t) & ~e))
    agreed = later * (1 + np.sign(score[:, None] - score)) / 2
    for name, value in (("FEW", 0), ("GROUP", group), ("LARGEST", largest), ("BLOCK", block)):
        monkeypatch.setattr(pairs, name, value)
    found = pairs.count_pairs(followed, score, weight)
    for ours, theirs in ((found.comparable, later), (found.concordant, agreed)):
        np.testing.assert_allclose(ours, theirs.sum(axis=0) + theirs.sum(axis=1), rtol=1e-12)
    unweighted = pairs.count_pairs(followed, score)
    np.testing.assert_array_equal(
        unweighted.concordant, pairs.count_pairs(followed, score, np.ones(y.size)).concordant
    )


def test_times_that_differ_by_rounding_are_tied():
    # R: concordance(Surv(c(.1 + .2, .3, 1), c(1, 1, 0)) ~ c(1, 2, 3), reverse = TRUE) counts two
    # pairs, both discordant.
    y = make_y([0.1 + 0.2, 0.3, 1.0], [1, 1, 0])
    assert harrell_c(y, [1, 2, 3]).value == 0
    assert harrell_c(y, [1, 3, 2]).value == 0.5
    assert harrell_c_many(y, [[1], [3], [2]]).tolist() == [0.5]


def test_uno_by_hand():
    # G: at 2 four at risk after the events, one censored: 3/4; at 3: 3/4 * 2/3 = 1/2; at 5: 0.
    # Weights 1, 1, 1, and 4 for the event at 4: (5.5 + 4 + 2.5 + 4 * 0.5) / (6 + 4 + 4 + 4).
    assert uno_c(Y, SCORE).value == pytest.approx(14 / 18)
    # Events up to 2 only, 2 included.
    assert uno_c(Y, SCORE, tau=2).value == pytest.approx(12 / 14)
    assert uno_c(Y, SCORE, tau=1.5).value == pytest.approx(5.5 / 6)


def test_auc_by_hand():
    # By 3.5: cases 5, 5, 3 (weight 1 each: G is 1 before 2); controls 1, 1: all three higher.
    assert auc(Y, SCORE, 3.5).value == 1
    # By 4.5: the event at 4 (score 1, weight 2) is tied with the control: (3 + 2 * 0.5) / (3 + 2).
    assert auc(Y, SCORE, 4.5).value == pytest.approx(4 / 5)


def test_limits_stay_inside_zero_and_one():
    estimate = harrell_c(Y, SCORE)
    assert 0 <= estimate.lower < estimate.value < estimate.upper <= 1
    wide = harrell_c(Y, SCORE, level=0.5)
    assert wide.upper - wide.lower < estimate.upper - estimate.lower
    assert wide.level == 0.5


def test_many_patients_as_scikit_survival(record_difference):
    y, score = random_cohort()
    theirs = concordance_index_censored(y["event"], y["time"], score)[0]
    assert harrell_c(y, score).value == pytest.approx(theirs, abs=1e-12)
    theirs = concordance_index_ipcw(y, y, score)[0]
    assert uno_c(y, score).value == pytest.approx(theirs, abs=1e-12)
    times = [5.0, 10.0, 20.0, 40.0]
    theirs = cumulative_dynamic_auc(y, y, score, times)[0]
    worst = np.abs(auc_curve(y, score, times).value - theirs).max()
    record_difference("auc_curve", "sksurv.metrics.cumulative_dynamic_auc", worst)
    assert worst < 1e-12


def test_censoring_of_a_training_cohort_as_scikit_survival():
    train, _ = random_cohort(seed=3)
    y, score = random_cohort(n=100, seed=4)
    known = CensoringDistribution.fit(train)
    theirs = concordance_index_ipcw(train, y, score, tau=30)[0]
    assert uno_c(y, score, tau=30, censoring=known).value == pytest.approx(theirs, abs=1e-12)
    theirs = cumulative_dynamic_auc(train, y, score, [20.0])[0][0]
    assert auc(y, score, 20, censoring=known).value == pytest.approx(theirs, abs=1e-12)


def test_curve_is_made_of_single_horizons():
    y, score = random_cohort(n=60)
    times = [3.0, 10.0, 30.0]
    curve = auc_curve(y, score, times)
    matrix = np.column_stack([score, -score, score])
    mixed = auc_curve(y, matrix, times)
    for k, at in enumerate(times):
        assert curve.estimates[k] == auc(y, score, at)
        assert mixed.estimates[k] == auc(y, matrix[:, k], at)
    np.testing.assert_allclose(curve.upper - curve.value, 1.959964 * curve.std_error, rtol=1e-5)
    assert np.all(curve.lower < curve.value)


def test_standard_error_of_auc_is_that_of_the_jackknife():
    y, score = random_cohort(n=250)
    n = y.size
    left_out = [auc(np.delete(y, i), np.delete(score, i), 20).value for i in range(n)]
    jackknife = math.sqrt((n - 1) / n * np.sum((left_out - np.mean(left_out)) ** 2))
    assert auc(y, score, 20).std_error == pytest.approx(jackknife, rel=0.02)


def test_comparison_of_scores():
    y, score = random_cohort()
    noise = np.random.default_rng(0).normal(size=y.size)
    better = compare_concordance(y, score, noise)
    assert better.p_value < 1e-6
    assert better.difference.lower > 0
    assert better.first == harrell_c(y, score)
    assert better.second == harrell_c(y, noise)
    turned = compare_concordance(y, noise, score)
    assert turned.difference.value == -better.difference.value
    assert turned.p_value == better.p_value


def test_many_columns_without_a_pair():
    y = make_y([1, 2], [1, 1])
    found = harrell_c_many(y, [[2, 2], [1, 1]], weights=[[1, 0], [1, 1]])
    assert found[0] == 1
    assert math.isnan(found[1])
    assert harrell_c_many(y, np.ones((2, 0))).shape == (0,)


def test_royston_d_is_the_log_hazard_ratio_of_normal_scores():
    # x = 1, 0, 1, 0 has the normal scores +-z, z the mean of Blom's for ranks 3 and 4 of 4;
    # the Cox coefficient of x is log((1 + sqrt(17)) / 2) (see fit_cox), so that of the scores is
    # that divided by 2 z.
    y = make_y([1, 2, 3, 4], [1, 1, 1, 0])
    blom = [0.2993069104829854, 1.0491313979639725]  # qnorm(c(2.625, 3.625) / 4.25)
    expected = math.sqrt(8 / math.pi) * math.log((1 + 17**0.5) / 2) / (2 * np.mean(blom))
    assert royston_d(y, [1, 0, 1, 0]).d.value == pytest.approx(expected, rel=1e-9)
    assert royston_d(y, [0, 1, 0, 1]).d.value == pytest.approx(-expected, rel=1e-9)


def test_missing_with_a_reason():
    nobody = make_y([1, 2, 3], [0, 0, 0])
    last_only = make_y([1, 2, 3], [0, 0, 1])
    for y in (nobody, last_only):
        for estimate in (harrell_c(y, [1, 2, 3]), uno_c(y, [1, 2, 3])):
            assert math.isnan(estimate.value)
            assert "no comparable pair" in estimate.reason
        comparison = compare_concordance(y, [1, 2, 3], [3, 2, 1])
        assert math.isnan(comparison.p_value)
        assert "no comparable pair" in comparison.difference.reason
    assert auc(Y, SCORE, 0.5).reason == "nobody has the event by 0.5"
    assert auc(Y, SCORE, 5).reason == "nobody is followed beyond 5"
    assert royston_d(nobody, [1, 2, 3]).d.reason == "no event"
    # Each event has the highest score of those at risk: D has no finite estimate.
    monotone = royston_d(make_y([1, 2, 3], [1, 1, 1]), [3, 2, 1])
    assert "fit_cox" in monotone.d.reason
    assert math.isnan(monotone.r2)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: harrell_c(Y, [1, 2]), ModelError, "2 rows for 7 patients"),
        (lambda: harrell_c(Y, [np.nan, *SCORE[1:]]), ModelError, "1 patients have no finite"),
        (lambda: harrell_c(Y, np.ones((7, 1))), ModelError, "2 dimensions"),
        (lambda: harrell_c(Y, ["a"] * 7), ModelError, "not numeric"),
        (lambda: harrell_c([1, 2], [1, 2]), OutcomeError, "structured array"),
        (lambda: harrell_c(Y, SCORE, level=1), OutcomeError, "between 0 and 1"),
        (lambda: harrell_c_many(Y, SCORE), ModelError, "1 dimensions"),
        (lambda: harrell_c_many(Y, np.ones((6, 2))), ModelError, "6 rows for 7 patients"),
        (
            lambda: harrell_c_many(Y, np.ones((7, 2)), weights=-np.ones((7, 2))),
            ModelError,
            "weights: not one weight of 0 or more",
        ),
        (
            lambda: harrell_c_many(Y, np.ones((7, 2)), weights=np.ones((7, 1))),
            ModelError,
            "for each score",
        ),
        (lambda: uno_c(Y, SCORE, tau=-1), ModelError, "tau: not a positive number"),
        (lambda: compare_concordance(Y, SCORE, SCORE, measure="c"), ModelError, "'harrell'"),
        (lambda: compare_concordance(Y, SCORE, [1]), ModelError, "score_b: 1 rows"),
        (lambda: auc(Y, SCORE, [1, 2]), ModelError, "horizon: not a positive number"),
        (lambda: auc_curve(Y, SCORE, [2, 1]), ModelError, "strictly rising"),
        (lambda: auc_curve(Y, SCORE, []), ModelError, "at least one time"),
        (lambda: auc_curve(Y, np.ones((7, 3)), [1, 2]), ModelError, r"give \(7,\) or \(7, 2\)"),
        (lambda: auc_curve(Y, "risk", [1, 2]), ModelError, "not numeric"),
    ],
)
def test_refusals(call, error, message):
    with pytest.raises(error, match=message):
        call()

"""Brier score and its kin: by hand, against scikit-survival and the jackknife."""

from __future__ import annotations

import math

import numpy as np
import pytest
from sksurv.metrics import brier_score, integrated_brier_score

from allsurv.errors import ModelError, OutcomeError
from allsurv.stats.measures.brier import brier, brier_curve, integrated_brier, ipa
from allsurv.stats.measures.censoring import CensoringDistribution
from allsurv.stats.outcome import make_y

# G falls to 2/3 at 2 (one of three censored).
Y = make_y([1, 2, 3, 4], [1, 0, 1, 1])
RISK = [0.8, 0.5, 0.4, 0.1]
TIMES = [5.0, 10.0, 15.0, 25.0]


def random_cohort(n=200, seed=5):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=n)
    time, censored = rng.exponential(np.exp(-x) * 20) + 1e-3, rng.uniform(5, 60, n)
    risk = 1 - np.exp(-np.exp(0.7 * x)[:, None] * np.array(TIMES) / 25)
    return make_y(np.minimum(time, censored), time <= censored), risk


def test_by_hand():
    # By 3.5: event at 1 weighs 1, event at 3 weighs 3/2, the one beyond 3/2, the censored 0.
    terms = [(1 - 0.8) ** 2, 0, 1.5 * (1 - 0.4) ** 2, 1.5 * 0.1**2]
    estimate = brier(Y, RISK, 3.5)
    assert estimate.value == pytest.approx(sum(terms) / 4)
    # Overall risk 1 - 3/4 * 1/2 = 5/8, so no model scores 5/8 * 3/8.
    assert ipa(Y, RISK, 3.5).value == pytest.approx(1 - sum(terms) / 4 / (15 / 64))


def test_an_event_at_the_horizon_has_happened():
    assert brier(Y, [1, 0, 0, 0], 1).value == 0
    assert brier(Y, [0, 0, 0, 0], 1).value == pytest.approx(1 / 4)


def test_a_known_censoring_distribution():
    known = CensoringDistribution.fit(make_y([1, 2.5, 3], [0, 0, 1]))
    # G: 2/3 from 1, 1/3 from 2.5.
    terms = [(1 - 0.8) ** 2, 0, 3 * (1 - 0.4) ** 2, 3 * 0.1**2]
    assert brier(Y, RISK, 3.5, censoring=known).value == pytest.approx(sum(terms) / 4)
    # Of no model: weighted risk (1 + 3) / 7 for all.
    null = [(1 - 4 / 7) ** 2, 0, 3 * (1 - 4 / 7) ** 2, 3 * (4 / 7) ** 2]
    expected = 1 - sum(terms) / sum(null)
    assert ipa(Y, RISK, 3.5, censoring=known).value == pytest.approx(expected)


def test_curve_and_integral_as_scikit_survival(record_difference):
    y, risk = random_cohort()
    theirs = brier_score(y, y, 1 - risk, TIMES)[1]
    curve = brier_curve(y, risk, TIMES)
    worst = np.abs(curve.value / theirs - 1).max()
    record_difference("brier_curve", "sksurv.metrics.brier_score", worst)
    assert worst < 1e-12
    for k, at in enumerate(TIMES):
        assert curve.estimates[k] == brier(y, risk[:, k], at)
    theirs = integrated_brier_score(y, y, 1 - risk, TIMES)
    difference = abs(integrated_brier(y, risk, TIMES).value / theirs - 1)
    record_difference("integrated_brier", "sksurv.metrics.integrated_brier_score", difference)
    assert difference < 1e-12


def test_training_censoring_as_scikit_survival():
    train, _ = random_cohort(seed=6)
    y, risk = random_cohort(n=100)
    theirs = integrated_brier_score(train, y, 1 - risk, TIMES)
    ours = integrated_brier(y, risk, TIMES, censoring=CensoringDistribution.fit(train))
    assert ours.value == pytest.approx(theirs, rel=1e-12)


@pytest.mark.parametrize(
    "measure",
    [
        lambda y, risk: brier(y, risk[:, 2], 15),
        lambda y, risk: ipa(y, risk[:, 2], 15),
        lambda y, risk: integrated_brier(y, risk, TIMES),
    ],
    ids=["brier", "ipa", "integrated"],
)
def test_standard_error_is_that_of_the_jackknife(measure):
    y, risk = random_cohort()
    n = y.size
    left_out = [measure(np.delete(y, i), np.delete(risk, i, axis=0)).value for i in range(n)]
    jackknife = math.sqrt((n - 1) / n * np.sum((left_out - np.mean(left_out)) ** 2))
    assert measure(y, risk).std_error == pytest.approx(jackknife, rel=0.02)


def test_limits_are_drawn_back_to_what_is_possible():
    estimate = brier(Y, RISK, 3.5)
    assert estimate.lower == 0
    assert estimate.upper <= 1
    scaled = ipa(Y, RISK, 3.5)
    assert scaled.lower < 0
    assert scaled.upper <= 1


def test_missing_with_a_reason():
    assert brier(Y, RISK, 4).reason == "nobody is followed beyond 4"
    assert ipa(Y, RISK, 4).reason == "nobody is followed beyond 4"
    assert ipa(Y, RISK, 0.5).reason == "overall risk by 0.5 is 0 or 1"
    whole = np.column_stack([RISK, RISK])
    assert integrated_brier(Y, whole, [3, 4]).reason == "at 4: nobody is followed beyond 4"
    assert "at least two times" in integrated_brier(Y, whole[:, :1], [3]).reason
    curve = brier_curve(Y, whole, [3, 4])
    assert math.isfinite(curve.value[0])
    assert math.isnan(curve.value[1])
    alone = brier(make_y([3], [1]), [0.5], 2)
    assert alone.value == 0.25
    assert alone.reason == "one patient has no standard error"


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: brier(Y, [0.5, 0.5, 0.5, 1.5], 2), r"1 values outside \[0, 1\]"),
        (lambda: brier(Y, [-0.1, 0.5, 0.5, 1], 2), r"1 values outside \[0, 1\]"),
        (lambda: brier(Y, RISK, 0), "horizon: not a positive number"),
        (lambda: brier(Y, RISK, None), "horizon: not"),
        (lambda: brier_curve(Y, RISK, [1, 2]), r"one column per time, \(4, 2\)"),
        (lambda: integrated_brier(Y, np.ones((3, 2)), [1, 2]), "3 rows for 4 patients"),
    ],
)
def test_refusals(call, message):
    with pytest.raises(ModelError, match=message):
        call()


def test_a_level_is_between_0_and_1():
    with pytest.raises(OutcomeError, match="ipa: level is 0; give a number between 0 and 1"):
        ipa(Y, RISK, 2, level=0)

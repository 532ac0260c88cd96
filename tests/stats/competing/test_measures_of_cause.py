"""Measures of predicted risks under competing risks against R and by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from allsurv.errors import ModelError, OutcomeError
from allsurv.stats.competing.measures.accuracy import (
    brier_curve_of_cause,
    brier_of_cause,
    integrated_brier_of_cause,
    ipa_of_cause,
)
from allsurv.stats.competing.measures.benefit import net_benefit_of_cause
from allsurv.stats.competing.measures.calibration import (
    calibration_curve_of_cause,
    calibration_errors_of_cause,
    calibration_slope_of_cause,
    observed_expected_of_cause,
)
from allsurv.stats.competing.measures.discrimination import (
    auc_curve_of_cause,
    auc_of_cause,
    concordance_of_cause,
)
from allsurv.stats.measures.auc import auc
from allsurv.stats.measures.brier import brier, ipa
from allsurv.stats.measures.calibration import observed_expected_ratio
from allsurv.stats.measures.discrimination import uno_c
from allsurv.stats.measures.net_benefit import net_benefit
from allsurv.stats.outcome import make_y
from stats.competing.cohorts import transplanted

MEASURES = [auc_of_cause, brier_of_cause, ipa_of_cause]


@pytest.fixture(scope="module")
def judged(reference):
    """Give each cohort of the reference: time, cause, cause of interest, risks, R's answers."""
    made = reference("competing_measures")
    time, cause, _ = transplanted()
    cohorts = [(c["data"]["time"], c["data"]["cause"], 1, c) for c in made["cases"]]
    cohorts += [(time, cause, k + 1, made["ebmt1"][k]) for k in range(2)]
    mgus = made["mgus2"]
    cohorts.append((mgus["data"]["time"], mgus["data"]["cause"], 1, mgus))
    assert len(cohorts) == 43
    return [(np.array(t, float), np.array(d), k, np.array(c["risk"]), c) for t, d, k, c in cohorts]


def each_horizon(judged):
    for time, cause, of, risk, theirs in judged:
        for k, horizon in enumerate(theirs["times"]):
            yield time, cause, of, risk[:, k], horizon, theirs, k


def number(value):
    return np.nan if value is None else value


def test_auc_brier_and_ipa_with_errors(judged, record_difference):
    worst = dict.fromkeys(["auc", "auc_error", "brier", "brier_error", "ipa"], 0.0)
    for time, cause, of, risk, horizon, theirs, k in each_horizon(judged):
        of_auc = auc_of_cause(time, cause, risk, horizon, of=of)
        of_brier = brier_of_cause(time, cause, risk, horizon, of=of)
        found = {
            "auc": of_auc.value,
            "auc_error": of_auc.std_error,
            "brier": of_brier.value,
            "brier_error": of_brier.std_error,
            "ipa": ipa_of_cause(time, cause, risk, horizon, of=of).value,
        }
        for name, value in found.items():
            worst[name] = max(worst[name], abs(value - theirs[name][k]))
    record_difference(
        "auc_of_cause", "riskRegression::Score", max(worst["auc"], worst["auc_error"])
    )
    record_difference("brier_of_cause", "riskRegression::Score", worst["brier"])
    record_difference("ipa_of_cause", "riskRegression::Score", worst["ipa"])
    assert max(worst.values()) < 1e-7, worst


def test_ebmt1_as_published_by_the_reference(judged):
    # `Score` of a cause-specific Cox model, apparent, at 1 and 5 years.
    time, cause, of, risk, theirs = judged[40]
    assert of == 1
    year, five = (auc_of_cause(time, cause, risk[:, k], theirs["times"][k]) for k in (0, 1))
    np.testing.assert_allclose([year.value, year.std_error], [0.580718291, 0.0179402959], atol=1e-8)
    np.testing.assert_allclose([five.value, five.std_error], [0.539231336, 0.0183772635], atol=1e-8)
    score = brier_curve_of_cause(time, cause, risk, theirs["times"]).value
    np.testing.assert_allclose(score, [0.130448977, 0.190620322], atol=1e-8)
    ratio = observed_expected_of_cause(time, cause, risk[:, 1], 1826.25)
    np.testing.assert_allclose(ratio.value, 0.99586978, atol=2e-8)
    benefit = net_benefit_of_cause(time, cause, risk[:, 1], 1826.25, [0.2, 0.25, 0.3])
    np.testing.assert_allclose(
        benefit.model, [0.0728817037, 0.0117365842, 0.00369203805], atol=2e-9
    )


def test_calibration_and_net_benefit(judged, record_difference):
    names = ["observed", "log_error", "slope", "slope_error", "errors", "curve", "benefit"]
    worst = dict.fromkeys(names, 0.0)
    for time, cause, of, risk, horizon, theirs, k in each_horizon(judged):
        at = theirs["at"][k]
        ratio = observed_expected_of_cause(time, cause, risk, horizon, of=of)
        slope = calibration_slope_of_cause(time, cause, risk, horizon, of=of)
        errors = calibration_errors_of_cause(time, cause, risk, horizon, of=of)
        order = np.argsort(risk[:5], kind="stable")
        curve = calibration_curve_of_cause(time, cause, risk, horizon, of=of, at=risk[:5])
        benefit = net_benefit_of_cause(time, cause, risk, horizon, at["thresholds"], of=of)
        pairs = {
            "observed": (ratio.value * risk.mean(), at["observed"]),
            "log_error": (ratio.std_error, at["observed_error"] / at["observed"]),
            "slope": (slope.value, at["slope"]),
            "slope_error": (slope.std_error, at["slope_error"]),
            "errors": (
                [errors.ici, errors.e50, errors.e90, errors.emax],
                [at["ici"], at["e50"], at["e90"], at["emax"]],
            ),
            "curve": (curve.observed, np.array(at["curve"])[order]),
            "benefit": (benefit.model, at["benefit"]),
        }
        for name, (ours, reference) in pairs.items():
            gap = np.max(np.abs(np.asarray(ours) - np.asarray(reference)))
            worst[name] = max(worst[name], float(gap))
    record_difference("observed_expected_of_cause", "survival::survfit", worst["observed"])
    record_difference("calibration_slope_of_cause", "cmprsk::crr", worst["slope"])
    record_difference("calibration_errors_of_cause", "cmprsk::crr, rms::rcs", worst["errors"])
    record_difference("calibration_curve_of_cause", "cmprsk::crr, rms::rcs", worst["curve"])
    record_difference("net_benefit_of_cause", "survival::survfit", worst["benefit"])
    assert max(worst.values()) < 1e-7, worst


def test_concordance_over_all_pairs(judged, record_difference):
    worst = 0.0
    for time, cause, of, risk, horizon, theirs, k in each_horizon(judged):
        found = concordance_of_cause(time, cause, risk, of=of, tau=horizon)
        worst = max(worst, abs(found.value - theirs["at"][k]["concordance"]))
    record_difference("concordance_of_cause", "all pairs, in R", worst)
    assert worst < 1e-10


def test_concordance_error_is_the_jackknife_of_known_weights():
    # Leaving patient i out by a small change of his case weight moves the ratio of two sums by his
    # influence: here by numbers, the weights of censoring held where they are.
    rng = np.random.default_rng(3)
    time, cause = rng.exponential(10, 60).round(1) + 0.1, rng.integers(0, 3, 60)
    score = rng.normal(size=60).round(1)
    found = concordance_of_cause(time, cause, score, tau=12)
    from allsurv.stats.measures.censoring import CensoringDistribution

    before = CensoringDistribution.from_arrays(time, cause > 0).before(time)

    def ratio(weight):
        above = below = 0.0
        for i in np.flatnonzero((cause == 1) & (time <= 12)):
            later = (time > time[i]) | ((time == time[i]) & (cause != 1))
            earlier = (cause == 2) & (time < time[i])
            pair = np.where(later, 1 / before[i] ** 2, earlier / (before[i] * before))
            pair = pair * weight * weight[i]
            below += pair.sum()
            above += (pair * ((score[i] > score) + 0.5 * (score[i] == score))).sum()
        return above / below

    np.testing.assert_allclose(found.value, ratio(np.ones(60)), rtol=1e-12)
    step = 1e-6 * np.eye(60)
    moved = np.array([(ratio(1 + s) - ratio(1 - s)) / 2e-6 for s in step])
    np.testing.assert_allclose(found.influence, moved, atol=1e-8)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**31), st.integers(12, 60))
def test_with_one_cause_they_are_the_measures_of_survival(seed, n):
    rng = np.random.default_rng(seed)
    time, event = rng.exponential(10, n).round() + 1, rng.random(n) < 0.6
    event[0], time[1] = True, 200.0
    risk, horizon = rng.random(n).round(1), float(np.quantile(time, 0.7))
    y = make_y(time, event)
    pairs = [
        (auc_of_cause(time, event, risk, horizon), auc(y, risk, horizon)),
        (brier_of_cause(time, event, risk, horizon), brier(y, risk, horizon)),
        (ipa_of_cause(time, event, risk, horizon), ipa(y, risk, horizon)),
        (concordance_of_cause(time, event, risk, tau=horizon), uno_c(y, risk, tau=horizon)),
    ]
    for ours, theirs in pairs:
        assert ours.reason == theirs.reason or theirs.reason.startswith("no comparable")
        np.testing.assert_allclose([*ours, ours.std_error], [*theirs, theirs.std_error], atol=1e-12)
    ours = observed_expected_of_cause(time, event, risk, horizon)
    theirs = observed_expected_ratio(y, risk, horizon)
    np.testing.assert_allclose(ours.value, theirs.value, atol=1e-12)
    ours = net_benefit_of_cause(time, event, risk, horizon, [0.2, 0.5]).model
    np.testing.assert_array_equal(ours, net_benefit(y, risk, horizon, [0.2, 0.5]).model)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**31))
def test_unit_of_time_and_order_of_rows_change_nothing(seed):
    rng = np.random.default_rng(seed)
    time, cause = rng.exponential(10, 50).round(2) + 0.5, rng.integers(0, 3, 50)
    risk = rng.random(50)
    order = rng.permutation(50)
    for measure in MEASURES:
        first = measure(time, cause, risk, 8.0)
        second = measure(time[order] * 30, cause[order], risk[order], 240.0)
        np.testing.assert_allclose([*first, first.std_error], [*second, second.std_error])


def test_without_censoring_brier_is_the_mean_square():
    time, cause = np.arange(1.0, 9), np.array([1, 2, 1, 2, 1, 2, 1, 2])
    risk = np.linspace(0.1, 0.8, 8)
    happened = (cause == 1) & (time <= 5)
    found = brier_of_cause(time, cause, risk, 5).value
    np.testing.assert_allclose(found, np.mean((happened - risk) ** 2))


def test_average_over_time_is_by_trapezoids():
    rng = np.random.default_rng(1)
    time, cause, risk = rng.exponential(9, 80), rng.integers(0, 3, 80), rng.random((80, 3))
    scores = brier_curve_of_cause(time, cause, risk, [2, 4, 8]).value
    found = integrated_brier_of_cause(time, cause, risk, [2, 4, 8]).value
    np.testing.assert_allclose(found, (scores[:2].mean() * 2 + scores[1:].mean() * 4) / 6)
    curve = auc_curve_of_cause(time, cause, risk, [2, 4, 8])
    assert curve.value[1] == auc_of_cause(time, cause, risk[:, 1], 4).value


@pytest.mark.parametrize("measure", [*MEASURES, observed_expected_of_cause])
def test_says_why_there_is_none(measure):
    assert "follow" in measure([1, 2, 3], [1, 2, 1], [0.1, 0.2, 0.3], 9).reason or (
        measure is auc_of_cause
    )
    if measure in (auc_of_cause, observed_expected_of_cause):
        reason = measure([1, 2, 9], [2, 2, 0], [0.1, 0.2, 0.3], 5).reason
        assert reason in ("nobody has the event by 5", "no event by 5")


@pytest.mark.parametrize("measure", [*MEASURES, observed_expected_of_cause])
def test_refuses_what_is_no_risk_or_cause(measure):
    for cause in ([0.5, 1], ["a", "b"], [-1, 1]):
        with pytest.raises(OutcomeError, match="cause"):
            measure([1, 2], cause, [0.1, 0.2], 1)
    with pytest.raises(OutcomeError, match="cause 0 is asked for"):
        measure([1, 2], [0, 1], [0.1, 0.2], 1, of=0)
    with pytest.raises(ModelError, match="risk"):
        measure([1, 2], [0, 1], [0.1, np.nan], 1)
    with pytest.raises(ModelError, match="horizon"):
        measure([1, 2], [0, 1], [0.1, 0.2], 0)

"""Kaplan-Meier and its neighbours: named cohorts against R, hand counts, properties, refusals."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from allsurv.errors import OutcomeError
from allsurv.stats.curves.nonparametric import (
    follow_up,
    kaplan_meier,
    landmark,
    logrank_test,
    nelson_aalen,
)

SUMMARY = "summary(survival::survfit)"


@pytest.fixture(scope="module")
def made(reference):
    return reference("nonparametric_times")


def same(ours, theirs):
    """Assert that numbers are equal to 1e-13, and return their largest relative difference."""
    expected = np.array([np.nan if value is None else value for value in theirs])
    np.testing.assert_allclose(ours, expected, rtol=1e-13, equal_nan=True)
    known = np.isfinite(expected) & (expected != 0)
    return float(np.abs(np.asarray(ours)[known] / expected[known] - 1).max(initial=0.0))


def test_reading_and_risk_table_equal_summary_survfit(made, record_difference):
    read = made["aml"]["read"]
    km = kaplan_meier(made["aml"]["time"], made["aml"]["event"])
    found = km.at(read["times"])
    worst = max(same(getattr(found, name), read[name]) for name in ("survival", "lower", "upper"))
    record_difference("KaplanMeier.at", SUMMARY, worst)
    table = km.risk_table(read["times"])
    counts = ("n_at_risk", "n_events", "n_censored")
    worst = max(same(getattr(table, name), read[name]) for name in counts)
    record_difference("KaplanMeier.risk_table", SUMMARY, worst)
    hazard = nelson_aalen(made["aml"]["time"], made["aml"]["event"]).at(read["times"])
    record_difference("NelsonAalen.at", SUMMARY, same(hazard, read["cumulative_hazard"]))


def test_quantiles_equal_survfit(made, record_difference):
    aml = made["aml"]
    km = kaplan_meier(aml["time"], aml["event"])
    found = np.array([[*km.quantile(q)] for q in aml["probs"]])
    columns = zip(found.T, ("quantile", "lower", "upper"), strict=True)
    worst = max(same(column, aml[name]) for column, name in columns)
    record_difference("KaplanMeier.quantile", "survival::quantile.survfit", worst)


def test_flat_at_one_half_gives_the_middle(made):
    same([*kaplan_meier([1, 2, 3, 4], [1, 1, 1, 1], conf_type="plain").median()], made["flat"])


def test_follow_up_equals_reversed_survfit(made, record_difference):
    median = follow_up(made["aml"]["time"], made["aml"]["event"]).median()
    worst = same([*median], made["aml"]["follow_up"])
    record_difference("follow_up", "survival::survfit of 1 - event", worst)
    assert median.reason == "upper limit of median not reached"


def test_times_that_differ_by_rounding_are_ties(made, record_difference):
    near = [0.3, 0.1 + 0.2, 0.7, 1 - 0.3, 1.1, 2.2, 1.1 * 3, 3.3]
    event = [1, 1, 0, 1, 1, 0, 1, 1]
    assert len(set(near)) == 7  # five, but for rounding
    km = kaplan_meier(near, event)
    worst = same(km.time, made["near"]["distinct"])
    record_difference("merge_close_times", "survival::aeqSurv, by way of survfit", worst)
    same(km.n_at_risk, made["near"]["n_at_risk"])
    same(km.survival, made["near"]["survival"])
    weighted = kaplan_meier(near, event, weights=np.ones(8))
    same(weighted.survival, km.survival)
    late = kaplan_meier(near, event, start=np.zeros(8))
    same(late.survival, km.survival)


def test_logrank_under_delayed_entry_is_the_cox_score_test(made):
    entry = made["entry"]
    test = logrank_test(entry["time"], entry["event"], entry["group"], start=entry["start"])
    assert test.statistic == pytest.approx(entry["score"], rel=1e-10)


def test_stratified_delayed_entry_is_the_sum_of_strata(made):
    entry = {name: np.array(column) for name, column in made["entry"].items() if name != "score"}
    strata = np.arange(80) // 7 % 3
    whole = logrank_test(
        entry["time"], entry["event"], entry["group"], start=entry["start"], strata=strata
    )
    parts = [
        logrank_test(*(entry[name][strata == s] for name in ("time", "event", "group")),
                     start=entry["start"][strata == s])
        for s in range(3)
    ]  # fmt: skip
    np.testing.assert_allclose(whole.expected, sum(part.expected for part in parts), rtol=1e-12)
    np.testing.assert_allclose(
        whole.covariance, sum(part.covariance for part in parts), rtol=1e-12, atol=1e-14
    )


def test_risk_table_under_delayed_entry_counts_who_is_there():
    km = kaplan_meier([5, 6, 9, 12], [1, 0, 1, 0], start=[0, 2, 4, 6])
    table = km.risk_table([0, 2, 3, 5, 7, 12])
    # At 0: who is observed from 0. At 5: (0,5], (2,6], (4,9]; at 7: (4,9] and (6,12].
    np.testing.assert_array_equal(table.n_at_risk, [1, 1, 2, 3, 2, 1])
    np.testing.assert_array_equal(table.n_events, [0, 0, 0, 1, 0, 1])
    np.testing.assert_array_equal(table.n_censored, [0, 0, 0, 0, 1, 1])


def test_robust_variances_are_sums_of_squared_derivatives():
    rng = np.random.default_rng(5)
    n = 25
    time = rng.integers(1, 9, n).astype(float)
    start = np.maximum(0.0, time - rng.integers(1, 6, n))
    start[:8] = 0
    event = rng.random(n) < 0.6
    event[time == time.max()] = False
    weights = rng.uniform(0.5, 2, n)
    step = 1e-6

    def statistics(w):
        km = kaplan_meier(time, event, start=start, weights=w)
        hazard = nelson_aalen(time, event, start=start, weights=w).cumulative_hazard
        return np.array([*km.at([2, 4, 7]).survival, km.restricted_mean(6.5).value, hazard[-1]])

    derivative = np.array(
        [
            (statistics(weights + step * row) - statistics(weights - step * row)) / (2 * step)
            for row in np.eye(n)
        ]
    )
    brute = np.sqrt(np.sum((weights[:, None] * derivative) ** 2, axis=0))
    km = kaplan_meier(time, event, start=start, weights=weights)
    assert km.variance == "robust"
    index = np.searchsorted(km.time, [2, 4, 7])
    ours = [
        *km.std_error[index],
        km.restricted_mean(6.5).std_error,
        nelson_aalen(time, event, start=start, weights=weights).std_error[-1],
    ]
    np.testing.assert_allclose(ours, brute, rtol=1e-6)


def test_whole_weights_count_patients():
    once = kaplan_meier([2, 3, 5, 7], [1, 0, 1, 1], weights=[2, 1, 3, 1])
    twice = kaplan_meier([2, 2, 3, 5, 5, 5, 7], [1, 1, 0, 1, 1, 1, 1])
    for name in ("time", "n_at_risk", "survival", "std_error", "lower"):
        np.testing.assert_allclose(getattr(once, name), getattr(twice, name), equal_nan=True)


def test_rows_of_weight_zero_do_not_count():
    kept = kaplan_meier([2, 5], [1, 1], weights=[1.5, 0.5])
    same(kaplan_meier([1, 2, 5], [1, 1, 1], weights=[0, 1.5, 0.5]).survival, kept.survival)


def test_before_the_first_event_survival_is_certain():
    km = kaplan_meier([1, 2, 3], [0, 1, 0])
    assert (km.survival[0], km.lower[0], km.upper[0]) == (1, 1, 1)


def test_what_is_not_reached_is_missing_with_a_reason():
    km = kaplan_meier([1, 2, 3, 4], [1, 0, 0, 0])
    assert km.median().reason == "median not reached"
    assert math.isnan(km.median().value)
    assert km.restricted_mean(5).reason == "tau 5 lies beyond follow-up (4)"
    assert kaplan_meier([1, 2], [1, 1]).restricted_mean(5).value == 1.5
    assert km.restricted_mean(0.5).value == 0.5


def test_landmark_counts_everybody_once():
    chosen = landmark([2, 3, 4, 9, 8], [1, 0, 1, 0, 1], at=4, start=[0, 0, 0, 0, 5])
    assert chosen.mask.tolist() == [False, False, False, True, False]
    counts = (
        chosen.n_included, chosen.n_event_before, chosen.n_censored_before, chosen.n_not_entered
    )  # fmt: skip
    assert counts == (1, 2, 1, 1)


cohorts = st.lists(
    st.tuples(st.integers(1, 12), st.booleans(), st.integers(0, 2)), min_size=2, max_size=40
)


@given(st.lists(st.integers(1, 9), min_size=1, max_size=40))
def test_without_censoring_the_curve_is_empirical(times):
    km = kaplan_meier(times, [1] * len(times))
    empirical = [np.mean(np.array(times) > t) for t in km.time]
    np.testing.assert_allclose(km.survival, empirical, atol=1e-13)
    area = np.mean(np.minimum(times, 5))
    assert km.restricted_mean(5).value == pytest.approx(area)


@given(cohorts, st.randoms())
def test_row_order_is_irrelevant(rows, random):
    shuffled = rows.copy()
    random.shuffle(shuffled)
    (time, event, group), (time2, event2, group2) = (zip(*r, strict=True) for r in (rows, shuffled))
    first, second = kaplan_meier(time, event), kaplan_meier(time2, event2)
    for name in ("time", "n_at_risk", "survival", "lower", "upper"):
        np.testing.assert_array_equal(getattr(first, name), getattr(second, name))
    if len(set(group)) > 1 and any(event):
        one, two = logrank_test(time, event, group), logrank_test(time2, event2, group2)
        np.testing.assert_allclose(one.statistic, two.statistic, rtol=1e-9, equal_nan=True)


@given(cohorts)
def test_days_and_months_agree(rows):
    time, event, group = (np.array(column) for column in zip(*rows, strict=True))
    months, days = kaplan_meier(time, event), kaplan_meier(time * 30.4375, event)
    np.testing.assert_array_equal(months.survival, days.survival)
    np.testing.assert_array_equal(months.lower, days.lower)
    np.testing.assert_allclose(months.median().value * 30.4375, days.median().value, rtol=1e-12)
    ratio = months.restricted_mean(1.0).value * 30.4375
    assert days.restricted_mean(30.4375).value == pytest.approx(ratio)
    if len(set(group)) > 1 and any(event):
        one, two = (logrank_test(t, event, group) for t in (time, time * 30.4375))
        np.testing.assert_array_equal(one.statistic, two.statistic)


@given(cohorts)
def test_limits_enclose_and_curves_fall(rows):
    time, event, _ = zip(*rows, strict=True)
    for conf_type in ("log-log", "log", "plain"):
        km = kaplan_meier(time, event, conf_type=conf_type)
        assert np.all(np.diff(km.survival) <= 0)
        seen = ~np.isnan(km.lower)
        assert np.all(km.lower[seen] <= km.survival[seen] + 1e-12)
        assert np.all(km.upper[seen] >= km.survival[seen] - 1e-12)
    leaving = km.n_events + km.n_censored
    np.testing.assert_array_equal(km.n_at_risk - leaving, [*km.n_at_risk[1:], 0])


@settings(max_examples=50)
@given(cohorts)
def test_observed_and_expected_events_agree_in_total(rows):
    time, event, group = zip(*rows, strict=True)
    if len(set(group)) > 1 and any(event):
        test = logrank_test(time, event, group)
        assert test.expected.sum() == pytest.approx(test.observed.sum())
        np.testing.assert_allclose(test.covariance.sum(axis=0), 0, atol=1e-10)


def test_group_labels_may_be_of_any_sortable_kind():
    time, event = [1, 2, 3, 4], [1, 1, 1, 0]
    expected = logrank_test(time, event, [0, 1, 0, 1]).p_value
    for labels in (
        ["a", "b", "a", "b"],
        [False, True, False, True],
        np.array(list("xyxy"), object),
    ):
        test = logrank_test(time, event, labels)
        assert test.p_value == expected
        assert len(test.groups) == 2


def test_tests_without_contrast_say_why():
    apart = logrank_test([1, 1, 2, 2], [1, 1, 0, 0], [0, 0, 1, 1], start=[0, 0, 1.5, 1.5])
    assert math.isnan(apart.p_value)
    assert apart.reason == "events happen while one group only is at risk"
    together = logrank_test([1, 1], [1, 1], [0, 1])
    assert together.reason == "the groups' risk sets do not overlap enough to compare them"


@pytest.mark.parametrize(
    "call",
    [
        lambda: kaplan_meier([], []),
        lambda: kaplan_meier([1, 2], [1]),
        lambda: kaplan_meier([[1, 2]], [[1, 0]]),
        lambda: kaplan_meier([1, np.nan], [1, 0]),
        lambda: kaplan_meier([1, np.inf], [1, 0]),
        lambda: kaplan_meier([1, 0], [1, 0]),
        lambda: kaplan_meier([1, -2], [1, 0]),
        lambda: kaplan_meier([1, 2], [1, 2]),
        lambda: kaplan_meier(["a", "b"], [1, 0]),
        lambda: kaplan_meier([1, 2], [1, 0], start=[0, 2]),
        lambda: kaplan_meier([1, 2], [1, 0], start=[0, 2 - 1e-12]),
        lambda: kaplan_meier([1, 2], [1, 0], weights=[1, -1]),
        lambda: kaplan_meier([1, 2], [1, 0], weights=[0, 0]),
        lambda: kaplan_meier([1, 2], [1, 0], conf_type="logit"),
        lambda: kaplan_meier([1, 2], [1, 0], level=95),
        lambda: kaplan_meier([1, 2], [1, 0], level="high"),
        lambda: kaplan_meier([1, 2], [1, 0], variance="jackknife"),
        lambda: kaplan_meier([1, 2], [1, 0]).at([np.nan]),
        lambda: kaplan_meier([1, 2], [1, 0]).at("soon"),
        lambda: kaplan_meier([1, 2], [1, 0]).quantile(0),
        lambda: kaplan_meier([1, 2], [1, 0]).restricted_mean(-1),
        lambda: kaplan_meier([1, 2], [1, 0]).restricted_mean("x"),
        lambda: kaplan_meier([1, 2], [1, 0]).risk_table([2, 1]),
        lambda: nelson_aalen([1, 2], [1, 0], conf_type="log-log"),
        lambda: nelson_aalen([1, 2], [1, 0], variance="other"),
        lambda: follow_up([1, 2], [1, 3]),
        lambda: landmark([1, 2], [1, 0], at=-1),
        lambda: landmark([1, 2], [1, 0], at="later"),
        lambda: logrank_test([1, 2], [1, 0], ["a", "a"]),
        lambda: logrank_test([1, 2], [0, 0], ["a", "b"]),
        lambda: logrank_test([1, 2], [1, 0], ["a", None]),
        lambda: logrank_test([1, 2], [1, 0], [1.0, np.nan]),
        lambda: logrank_test([1, 2], [1, 0], ["a"]),
        lambda: logrank_test([1, 2], [1, 0], pd.array(["a", None])),
        lambda: logrank_test([1, 2], [1, 0], np.array(["a", 1], dtype=object)),
        lambda: logrank_test([1, 2], [1, 0], ["a", "b"], strata=[1]),
        lambda: logrank_test([1, 2], [1, 0], ["a", "b"], weighting="gehan"),
    ],
)
def test_malformed_input_raises_one_clear_error(call):
    with pytest.raises(OutcomeError, match=r": .+; "):
        call()

"""Kaplan-Meier, Nelson-Aalen and log-rank against R on 210 small cohorts."""

from __future__ import annotations

import numpy as np
import pytest

from allsurv.stats.cox.fit import fit_cox
from allsurv.stats.curves.nonparametric import kaplan_meier, logrank_test, nelson_aalen

SURVFIT = "survival::survfit"
SURVDIFF = "survival::survdiff"


@pytest.fixture(scope="module")
def cases(reference):
    return reference("nonparametric")["cases"]


def numbers(values):
    flat = values if isinstance(values, list) else [values]
    return np.array([np.nan if v in (None, "NA", "NaN", "Inf") else float(v) for v in flat])


def largest_difference(ours, theirs, floor=1e-12):
    """Largest relative difference; missing values must agree."""
    ours, theirs = np.atleast_1d(ours), np.atleast_1d(theirs)
    np.testing.assert_array_equal(np.isnan(ours), np.isnan(theirs))
    seen = ~np.isnan(ours)
    gap = np.abs(ours[seen] - theirs[seen]) / np.maximum(np.abs(theirs[seen]), floor)
    return float(np.max(gap, initial=0.0))


def arguments(case):
    data = case["data"]
    extra = {"start": data["start"]} if case["entry"] else {}
    if case["weighting"] != "none":
        extra["weights"] = data["weights"]
    return (data["time"], data["event"]), extra


def exhausted(case):
    """Where survival has reached zero; with fractional weights R carries rounding on from there."""
    return numbers(case["curve"]["survival"]) < 1e-12


def test_kaplan_meier_columns_equal_survfit(cases, record_difference):
    worst = 0.0
    for case in cases:
        outcome, extra = arguments(case)
        km = kaplan_meier(*outcome, conf_type=case["conf_type"], **extra)
        alive = ~exhausted(case)
        for name in ("time", "n_at_risk", "n_events", "n_censored"):
            worst = max(worst, largest_difference(getattr(km, name), numbers(case["curve"][name])))
        assert np.all(km.survival[~alive] == 0)
        for name in ("survival", "std_error", "lower", "upper"):
            theirs = numbers(case["curve"][name])
            if name in ("lower", "upper"):
                theirs[km.survival == 1] = 1.0  # R's log-log limits are missing before an event
            worst = max(worst, largest_difference(getattr(km, name)[alive], theirs[alive]))
    record_difference("kaplan_meier", SURVFIT, worst)
    assert len(cases) >= 200
    assert worst < 1e-11


def test_survival_of_zero_has_the_limits_of_survfit(cases):
    for case in cases:
        if case["weighting"] == "fraction":
            continue  # R keeps a rounding error of 1e-16 instead of zero there
        outcome, extra = arguments(case)
        km = kaplan_meier(*outcome, conf_type=case["conf_type"], **extra)
        gone = exhausted(case)
        for name in ("std_error", "lower", "upper"):
            np.testing.assert_array_equal(
                getattr(km, name)[gone], numbers(case["curve"][name])[gone]
            )


def test_median_and_limits_equal_survfit(cases, record_difference):
    worst = 0.0
    for case in cases:
        outcome, extra = arguments(case)
        if case["weighting"] == "fraction" and exhausted(case).any():
            continue
        km = kaplan_meier(*outcome, conf_type=case["conf_type"], **extra)
        worst = max(
            worst, largest_difference(np.array([*km.median()]), numbers(case["curve"]["median"]))
        )
    record_difference("KaplanMeier.median", SURVFIT, worst)
    assert worst < 1e-12


def test_restricted_mean_equals_survfit(cases, record_difference):
    worst = 0.0
    for case in cases:
        outcome, extra = arguments(case)
        if case["weighting"] == "fraction":
            if exhausted(case).any():
                continue  # R goes on with a survival of 1e-16 instead of zero
            extra["variance"] = "greenwood"  # the formula R's print method uses for any weights
        mean = kaplan_meier(*outcome, **extra).restricted_mean(case["curve"]["tau"])
        value, error = numbers(case["curve"]["restricted_mean"])
        worst = max(worst, largest_difference(mean.value, value))
        worst = max(worst, largest_difference(mean.std_error, error))
    record_difference("KaplanMeier.restricted_mean", f"{SURVFIT} (rmean)", worst)
    assert worst < 1e-10


def test_nelson_aalen_equals_survfit(cases, record_difference):
    worst = 0.0
    for case in cases:
        outcome, extra = arguments(case)
        ours = nelson_aalen(*outcome, **extra)
        theirs = case["curve"]
        worst = max(
            worst,
            largest_difference(ours.cumulative_hazard, numbers(theirs["cumulative_hazard"])),
            largest_difference(
                ours.std_error**2, numbers(theirs["hazard_std_error"]) ** 2, floor=1e-3
            ),
        )
    record_difference("nelson_aalen", SURVFIT, worst)
    assert worst < 1e-11


@pytest.mark.parametrize(
    ("name", "weighting", "stratified"),
    [
        ("logrank", "logrank", False),
        ("peto", "peto", False),
        ("stratified", "logrank", True),
        ("stratified_peto", "peto", True),
    ],
)
def test_logrank_equals_survdiff(cases, record_difference, name, weighting, stratified):
    worst, compared = 0.0, 0
    for case in cases:
        if not case.get(name):
            continue  # a stratum with one group only, which survdiff refuses
        data, theirs = case["data"], case[name]
        ours = logrank_test(
            data["time"],
            data["event"],
            data["group"],
            strata=data["strata"] if stratified else None,
            weighting=weighting,
        )
        compared += 1
        flat = [number for row in theirs["covariance"] for number in row]
        worst = max(
            worst,
            largest_difference(ours.statistic, numbers(theirs["statistic"]), floor=1e-6),
            largest_difference(ours.p_value, numbers(theirs["p_value"])),
            largest_difference(ours.observed, numbers(theirs["observed"])),
            largest_difference(ours.expected, numbers(theirs["expected"])),
            largest_difference(ours.covariance.ravel(), numbers(flat)),
        )
    record_difference(f"logrank_test ({name})", SURVDIFF, worst)
    assert compared >= 150
    assert worst < 1e-10


def test_near_ties_are_one_time_for_curve_test_and_cox_regression():
    """Where the mean time is below 1 the absolute rule holds; R 4.2.2, survival 3.5-3."""
    time = [0.1, 0.1 + 5e-9, 0.2, 0.3, 0.25, 0.4]
    group, event = [0, 1, 0, 1, 0, 1], np.ones(6)
    curve = kaplan_meier(time, event)
    assert curve.time.tolist() == [0.1, 0.2, 0.25, 0.3, 0.4]
    np.testing.assert_allclose(curve.survival, [4 / 6, 3 / 6, 2 / 6, 1 / 6, 0], atol=1e-15)
    test = logrank_test(time, event, group)
    assert test.statistic == pytest.approx(1.56050955414013, rel=1e-13)  # survdiff
    fit = fit_cox(time, event, np.array(group, dtype=float)[:, None])
    assert fit.score_test.statistic == pytest.approx(1.4, rel=1e-13)  # coxph(...)$score


@pytest.mark.parametrize("unit", [1e-3, 1.0, 1e3])
def test_curve_and_cox_regression_see_the_same_distinct_times(unit):
    rng = np.random.default_rng(3)
    time = np.round(rng.exponential(size=60), 2) * unit + 0.01 * unit
    time[::7] += 1e-9 * unit
    fit = fit_cox(time, np.ones(60), rng.normal(size=(60, 1)))
    assert fit.likelihood.sets.times.size == kaplan_meier(time, np.ones(60)).time.size


@pytest.mark.parametrize("name", ["below_one", "in_thousands", "apart", "relative", "absolute"])
def test_near_ties_are_those_of_r(reference, name):
    case = reference("near_ties")["cases"][name]
    time, group = np.array(case["time"]), np.array(case["group"], dtype=float)
    event = np.ones(time.size)
    curve = kaplan_meier(time, event)
    assert curve.time.size == case["n_times"]
    test, fit = logrank_test(time, event, group), fit_cox(time, event, group[:, None])
    theirs = [*case["survival"], case["logrank"], case["score"]]
    ours = [*curve.survival, test.statistic, fit.score_test.statistic]
    worst = float(np.abs(np.array(ours) - theirs).max())
    assert worst < 1e-13

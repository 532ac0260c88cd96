"""Cumulative incidence and Gray's test against R, and hand derivations."""

from __future__ import annotations

import numpy as np
import pytest

from allsurv.errors import OutcomeError
from allsurv.stats.competing.gray import gray_test
from allsurv.stats.competing.incidence import cumulative_incidence
from allsurv.stats.curves.kaplan_meier import kaplan_meier


@pytest.fixture(scope="module")
def cases(reference):
    return reference("competing")["cases"]


def table(rows):
    return np.array(
        [
            [np.nan if value in (None, "NA", "NaN") else float(value) for value in row]
            for row in rows
        ]
    )


def test_incidence_and_variance_equal_cuminc(cases, record_difference):
    worst = 0.0
    for case in cases:
        ours = cumulative_incidence(case["data"]["time"], case["data"]["cause"], variance="delta")
        np.testing.assert_allclose(ours.time, case["time"], rtol=1e-13)
        estimate, variance = table(case["incidence"]), table(case["variance"])
        worst = max(
            worst,
            np.max(np.abs(ours.incidence - estimate) / np.maximum(estimate, 1e-6)),
            np.max(np.abs(ours.std_error**2 - variance) / np.maximum(variance, 1e-6)),
        )
    record_difference("cumulative_incidence (delta)", "cmprsk::cuminc", worst)
    assert len(cases) >= 100
    assert worst < 1e-11


def test_reading_equals_summary_survfit(reference, record_difference):
    made, worst = reference("nonparametric_times")["causes"], 0.0
    found = cumulative_incidence(made["time"], made["cause"])
    for cause in (1, 2):
        read = found.at(made["times"], cause=cause)
        for ours, theirs in zip(read, ("incidence", "lower", "upper"), strict=True):
            expected = table(made[theirs])[:, cause - 1]
            worst = max(worst, np.abs(ours - expected).max())
    record_difference("CumulativeIncidence.at", "summary(survival::survfit)", worst)
    assert worst < 1e-13


@pytest.mark.parametrize("entry", [False, True])
def test_incidence_and_standard_error_equal_survfit(cases, record_difference, entry):
    worst = 0.0
    for case in cases:
        data = case["data"]
        ours = cumulative_incidence(
            data["time"], data["cause"], start=data["start"] if entry else None
        )
        theirs = table(case["entry_incidence" if entry else "incidence"])
        error = table(case["entry_std_error" if entry else "std_error"])
        np.testing.assert_allclose(ours.time, case["entry_time"], rtol=1e-13)
        worst = max(
            worst,
            np.max(np.abs(ours.incidence - theirs)),
            np.max(np.abs(ours.std_error**2 - error**2)),
        )
    name = "cumulative_incidence (delayed entry)" if entry else "cumulative_incidence"
    record_difference(name, "survival::survfit", worst)
    assert worst < 1e-12


@pytest.mark.parametrize("name", ["test", "stratified"])
def test_gray_equals_cmprsk(cases, record_difference, name):
    worst, compared = 0.0, 0
    for case in cases:
        data = case["data"]
        if case.get(name) is None:
            continue
        for cause, (statistic, df) in enumerate(case[name], start=1):
            strata = data["strata"] if name == "stratified" else None
            ours = gray_test(data["time"], data["cause"], data["group"], of=cause, strata=strata)
            if statistic == -1:  # cmprsk's mark of a singular covariance
                assert ours.reason or ours.df < df  # ours leaves groups without events out
                continue
            assert ours.df == df
            compared += 1
            worst = max(worst, abs(ours.statistic - statistic) / statistic)
    record_difference(f"gray_test ({name})", "cmprsk::cuminc", worst)
    assert compared > 200
    assert worst < 1e-9


def test_incidences_and_event_free_sum_to_one(cases):
    for case in cases:
        ours = cumulative_incidence(case["data"]["time"], case["data"]["cause"])
        np.testing.assert_allclose(ours.incidence.sum(axis=0) + ours.event_free, 1, rtol=1e-12)


def test_one_cause_is_the_complement_of_kaplan_meier():
    time, event = [3, 5, 5, 8, 11, 11, 14], [1, 0, 1, 1, 0, 1, 0]
    ours = cumulative_incidence(time, event)
    km = kaplan_meier(time, event)
    np.testing.assert_allclose(ours.incidence[0], 1 - km.survival, rtol=1e-14)


def test_without_censoring_the_variance_is_binomial():
    cause = np.array([1, 2, 1, 2, 2, 1, 1, 2])
    ours = cumulative_incidence(np.arange(1, 9), cause)
    np.testing.assert_allclose(
        ours.std_error**2, ours.incidence * (1 - ours.incidence) / 8, atol=1e-16
    )


def test_delta_variance_by_hand():
    # The first of three patients fails: Gray's step is (1 + F/S - F/S)^2 / 3^2 = 1/9, where the
    # binomial variance is 1/3 * 2/3 / 3 = 2/27.
    delta = cumulative_incidence([1, 2, 3], [1, 2, 1], variance="delta")
    assert delta.std_error[0, 0] ** 2 == pytest.approx(1 / 9)
    assert cumulative_incidence([1, 2, 3], [1, 2, 1]).std_error[0, 0] ** 2 == pytest.approx(2 / 27)


def test_limits_by_hand():
    # F = 1/4 of four patients: standard error sqrt(3/64), on the scale of log(-log F) over
    # -F log F.
    ours = cumulative_incidence([1, 2, 3, 4], [1, 2, 1, 0])
    power = np.exp(-1.959963984540054 * np.sqrt(3 / 64) / (0.25 * np.log(4)))
    assert ours.lower[0, 0] == pytest.approx(0.25 ** (1 / power))
    assert ours.upper[0, 0] == pytest.approx(0.25**power)
    assert ours.lower[1, 0] == ours.upper[1, 0] == 0.0


def test_reading_at_times():
    found = cumulative_incidence([1, 2, 3, 4], [1, 2, 1, 0]).at([0.5, 1, 4, 4.5], cause=2)
    np.testing.assert_array_equal(found.incidence, [0, 0, 0.25, np.nan])
    np.testing.assert_array_equal(found.lower[:2], [0, 0])


@pytest.mark.parametrize(
    "call",
    [
        lambda: cumulative_incidence([1, 2], [0, 0]),
        lambda: cumulative_incidence([1, 2], [0, -1]),
        lambda: cumulative_incidence([1, 2], [0, 1.5]),
        lambda: cumulative_incidence([1, 2], [0, np.nan]),
        lambda: cumulative_incidence([1, 2], ["relapse", "death"]),
        lambda: cumulative_incidence([1, 2], [0, 10**6]),
        lambda: cumulative_incidence([1, 2], [0, 1], conf_type="logit"),
        lambda: cumulative_incidence([1, 2], [0, 1], variance="bootstrap"),
        lambda: cumulative_incidence([1, 2], [0, 1]).at([1], cause=2),
        lambda: cumulative_incidence([1, 2], [0, 1]).at([np.nan]),
        lambda: gray_test([1, 2], [1, 2], ["a", "a"]),
        lambda: gray_test([1, 2], [1, 2], ["a", "b"], of=3),
        lambda: gray_test([1, 2], [1, 2], ["a", "b"], of=0),
        lambda: gray_test([1, 2], [1, 2], ["a", "b"], strata=[1, None]),
    ],
)
def test_malformed_input_raises_one_clear_error(call):
    with pytest.raises(OutcomeError, match=r": .+; "):
        call()

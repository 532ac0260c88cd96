"""Calibration: by hand, on predictions known to be right or wrong, and where it is missing."""

from __future__ import annotations

import math

import numpy as np
import pytest

from allsurv.errors import ModelError
from allsurv.stats.measures.calibration import (
    calibration_curve,
    calibration_errors,
    calibration_in_the_large,
    calibration_slope,
    observed_expected_ratio,
)
from allsurv.stats.outcome import make_y
from allsurv.stats.splines import restricted_cubic_spline

# S(24) = 5/6 * 3/4 * 2/3 = 5/12.
Y = make_y([6, 12, 18, 24, 30, 36], [1, 0, 1, 1, 0, 0])
RISK = [0.9, 0.5, 0.7, 0.6, 0.2, 0.1]


@pytest.fixture(scope="module")
def simulated():
    """Exponential survival whose risk by 10 is known for each patient."""
    rng = np.random.default_rng(7)
    lp = rng.normal(scale=0.6, size=3000)
    rate = 0.03 * np.exp(lp)
    time, censored = rng.exponential(1 / rate), rng.uniform(5, 30, lp.size)
    return make_y(np.minimum(time, censored), time <= censored), 1 - np.exp(-10 * rate), lp


def test_ratio_by_hand():
    ratio = observed_expected_ratio(Y, RISK, 24)
    assert ratio.value == pytest.approx(7 / 6)
    # Greenwood: S sqrt(1/30 + 1/12 + 1/6), divided by 1 - S.
    log_error = 5 / 12 * math.sqrt(1 / 30 + 1 / 12 + 1 / 6) / (7 / 12)
    assert ratio.std_error == pytest.approx(log_error)
    assert ratio.upper / ratio.value == pytest.approx(math.exp(1.959963985 * log_error))
    assert ratio.value / ratio.lower == pytest.approx(ratio.upper / ratio.value)


def test_when_all_have_had_the_event_the_ratio_is_still_defined():
    everyone = make_y([1, 2, 3], [1, 1, 1])
    assert list(observed_expected_ratio(everyone, [0.5] * 3, 3)) == [2, 2, 2]


def test_right_predictions_are_found_right(simulated):
    y, risk, lp = simulated
    for estimate, right in (
        (observed_expected_ratio(y, risk, 10), 1),
        (calibration_in_the_large(y, risk, 10), 0),
        (calibration_slope(y, risk, 10), 1),
        (calibration_slope(y, lp), 1),
    ):
        assert estimate.lower < right < estimate.upper
        assert estimate.upper - estimate.lower < 0.3
    assert calibration_errors(y, risk, 10).ici < 0.02
    curve = calibration_curve(y, risk, 10, at=[0.2, 0.5, 0.8])
    assert np.all((curve.lower < curve.predicted) & (curve.predicted < curve.upper))


def test_wrong_predictions_are_found_wrong(simulated):
    y, risk, lp = simulated
    # Twice the spread: half the slope.
    spread = 1 - np.exp(-10 * 0.03 * np.exp(2 * lp))
    assert calibration_slope(y, spread, 10).value == pytest.approx(
        calibration_slope(y, risk, 10).value / 2, rel=1e-6
    )
    errors = calibration_errors(y, spread, 10)
    assert errors.ici > 0.05
    assert errors.e50 <= errors.e90 <= errors.emax
    # Half the hazard: the same slope, log 2 too low in the large.
    halved = 1 - np.sqrt(1 - risk)
    assert calibration_slope(y, halved, 10).value == pytest.approx(
        calibration_slope(y, risk, 10).value, rel=1e-6
    )
    shift = calibration_in_the_large(y, halved, 10).value
    assert shift - calibration_in_the_large(y, risk, 10).value == pytest.approx(math.log(2))


def test_slope_of_risk_is_slope_of_its_log_cumulative_hazard(simulated):
    y, risk, lp = simulated
    early = make_y(np.minimum(y["time"], 10), y["event"] & (y["time"] <= 10))
    by_risk, by_lp = calibration_slope(y, risk, 10), calibration_slope(early, lp)
    assert by_risk.value == pytest.approx(by_lp.value, rel=1e-8)
    assert by_risk.std_error == pytest.approx(by_lp.std_error, rel=1e-8)


def test_standard_error_in_the_large_by_hand():
    # All have the risk 1/2: shift a with 1 - (1/2)^exp(a) = 7/12, d/da = exp(a) log 2 * 5/12.
    shift = calibration_in_the_large(Y, [0.5] * 6, 24)
    factor = math.log(12 / 5) / math.log(2)
    assert shift.value == pytest.approx(math.log(factor))
    greenwood = 5 / 12 * math.sqrt(1 / 30 + 1 / 12 + 1 / 6)
    assert shift.std_error == pytest.approx(greenwood / (factor * math.log(2) * 5 / 12))


def test_spline_is_straight_beyond_the_outer_knots():
    knots = np.array([0.0, 1.0, 3.0])
    for inside in ([-3.0, -2.0, -1.0], [4.0, 5.0, 6.0]):
        second = np.diff(restricted_cubic_spline(np.array(inside), knots), n=2, axis=0)
        np.testing.assert_allclose(second, 0, atol=1e-12)
    # At 1: (1/3^(2/3))^3 = 1/9. At 3: (27 - 3/2 * 8) / 9 = 5/3.
    basis = restricted_cubic_spline(np.array([1.0, 3.0]), knots)
    np.testing.assert_allclose(basis, [[1, 1 / 9], [3, 5 / 3]])


def test_curve_covers_the_predictions(simulated):
    y, risk, _ = simulated
    curve = calibration_curve(y, risk, 10, n_knots=4)
    assert curve.predicted.shape == curve.observed.shape == (101,)
    assert curve.predicted[[0, -1]].tolist() == [risk.min(), risk.max()]
    assert np.all((curve.lower <= curve.observed) & (curve.observed <= curve.upper))
    narrow = calibration_curve(y, risk, 10, n_knots=4, level=0.5)
    assert np.all(narrow.upper - narrow.lower <= curve.upper - curve.lower)


def test_missing_with_a_reason():
    never = make_y([6, 12, 18], [0, 0, 0])
    for measure in (observed_expected_ratio, calibration_in_the_large, calibration_slope):
        assert measure(Y, RISK, 37).reason == "follow-up ends before 37"
        assert math.isnan(measure(never, RISK[:3], 6).value)
    assert observed_expected_ratio(Y, RISK, 5).reason == "no event by 5"
    assert "all risks are 0" in observed_expected_ratio(Y, [0] * 6, 24).reason
    assert calibration_slope(Y, RISK, 5).reason == "no event in the follow-up used"
    assert calibration_slope(Y, [0.5] * 6, 24).reason == "all predictions are equal"
    assert "fit_cox" in calibration_slope(make_y([1, 2, 3], [1, 1, 1]), [3, 2, 1]).reason
    assert calibration_in_the_large(Y, RISK, 5).reason == "observed risk by 5 is 0"
    everyone = make_y([1, 2, 3], [1, 1, 1])
    assert calibration_in_the_large(everyone, [0.5] * 3, 3).reason == "observed risk by 3 is 1"


def test_no_curve_with_a_reason(simulated):
    y, risk, _ = simulated
    cases = {
        "follow-up ends before 37": (Y, RISK, 37),
        "no event by 5": (Y, RISK, 5),
        "predictions take too few values for 3 knots": (y, np.round(risk, 0), 10),
    }
    for reason, (outcome, predicted, horizon) in cases.items():
        curve = calibration_curve(outcome, predicted, horizon)
        assert curve.reason == reason
        assert np.isnan(curve.observed).all()
        errors = calibration_errors(outcome, predicted, horizon)
        assert errors.reason == reason
        assert math.isnan(errors.ici)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: observed_expected_ratio(Y, [2.0] * 6, 24), r"outside \[0, 1\]"),
        (lambda: calibration_slope(Y, [2.0] * 6, 24), r"outside \[0, 1\]"),
        (lambda: calibration_in_the_large(Y, RISK, -1), "horizon"),
        (lambda: calibration_curve(Y, RISK, 24, n_knots=2), "allowed are 3 to 7"),
        (lambda: calibration_curve(Y, RISK, 24, n_knots="3"), "allowed are 3 to 7"),
        (lambda: calibration_curve(Y, RISK, 24, at=[0.5, 2]), r"at: 1 values outside"),
        (lambda: calibration_curve(Y, RISK, 24, at=[[0.5]]), "at: 2 dimensions"),
        (lambda: calibration_curve(Y, RISK, 24, at=["x"]), "at: not numeric"),
        (lambda: calibration_errors(Y, RISK, 24, n_knots=8), "allowed are 3 to 7"),
    ],
)
def test_refusals(call, message):
    with pytest.raises(ModelError, match=message):
        call()

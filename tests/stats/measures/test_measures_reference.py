"""Measures of prediction equal those of R on 200 random cohorts and one published validation.

Made by ``tests/reference/discrimination_random.R`` and ``calibration_breast_cancer.R``.
"""

from __future__ import annotations

import math

import numpy as np
import pytest

from allsurv.stats.measures.brier import brier, ipa
from allsurv.stats.measures.calibration import (
    calibration_curve,
    calibration_errors,
    calibration_in_the_large,
    calibration_slope,
    observed_expected_ratio,
)
from allsurv.stats.measures.discrimination import (
    auc,
    compare_concordance,
    harrell_c,
    harrell_c_many,
    royston_d,
    uno_c,
)
from allsurv.stats.measures.net_benefit import net_benefit
from allsurv.stats.outcome import make_y


@pytest.fixture(scope="module")
def cohorts(reference):
    return reference("discrimination_random")["cohorts"]


@pytest.fixture(scope="module")
def german(reference):
    return reference("calibration_breast_cancer")


@pytest.fixture(scope="module")
def first_five_years(german):
    """Follow-up in years, cut at 5, as in the publication."""
    years = np.array(german["days"]) / 365.25
    return make_y(np.minimum(years, 5), (np.array(german["status"]) == 1) & (years <= 5))


def outcome(cohort):
    return make_y(cohort["time"], cohort["event"])


def distance(ours, theirs, names=("value", "std_error")):
    """Largest relative difference of the numbers two estimates have in common."""
    pairs = [(getattr(ours, name), theirs[name]) for name in names]
    return max(abs(a - b) / max(abs(b), 1e-3) for a, b in pairs)


def test_there_are_ties_of_every_kind(cohorts):
    assert len(cohorts) >= 200
    tied_times = [len(set(c["time"])) < len(c["time"]) for c in cohorts]
    tied_scores = [len(set(c["a"])) < len(c["a"]) for c in cohorts]
    uncensored = [all(c["event"]) for c in cohorts]
    assert min(sum(tied_times), sum(tied_scores), sum(uncensored)) > 30


@pytest.mark.parametrize("few", [200, 0], ids=["all pairs", "by bits of the rank"])
def test_concordance(cohorts, few, monkeypatch, record_difference):
    monkeypatch.setattr("allsurv.stats.measures.pairs.FEW", few)
    worst = {"harrell": 0.0, "uno": 0.0}
    for cohort in cohorts:
        y, a = outcome(cohort), cohort["a"]
        worst["harrell"] = max(worst["harrell"], distance(harrell_c(y, a), cohort["harrell"]))
        truncated = uno_c(y, a, tau=cohort["horizon"])
        worst["uno"] = max(
            worst["uno"],
            distance(uno_c(y, a), cohort["uno"]),
            distance(truncated, cohort["uno_tau"]),
        )
    record_difference("harrell_c", "survival::concordance", worst["harrell"])
    record_difference("uno_c", "survival::concordance", worst["uno"])
    assert max(worst.values()) < 1e-11


def test_concordance_of_weighted_columns(cohorts, record_difference):
    worst = 0.0
    for cohort in cohorts:
        scores = np.column_stack([cohort["a"], cohort["a"], cohort["b"]])
        weights = np.column_stack([cohort["copies"], np.ones((len(scores), 2))])
        ours = harrell_c_many(outcome(cohort), scores, weights=weights)
        theirs = [cohort["harrell_of_copies"], cohort["harrell"]["value"]]
        worst = max(worst, np.abs(ours[:2] - theirs).max())
        unweighted = harrell_c_many(outcome(cohort), scores)
        assert unweighted[1:] == pytest.approx(ours[1:], rel=1e-13)
        assert ours[2] == pytest.approx(harrell_c(outcome(cohort), cohort["b"]).value, rel=1e-13)
    record_difference("harrell_c_many", "survival::concordance", worst)
    assert worst < 1e-12


def test_paired_comparison(cohorts, record_difference):
    worst = 0.0
    for cohort in cohorts:
        y, a, b = outcome(cohort), cohort["a"], cohort["b"]
        for measure, tau, key in (
            ("harrell", None, "harrell"),
            ("uno", None, "uno"),
            ("uno", cohort["horizon"], "uno_tau"),
        ):
            ours, theirs = compare_concordance(y, a, b, measure=measure, tau=tau), cohort[key]
            expected = {
                "value": theirs["difference"],
                "std_error": theirs["std_error_of_difference"],
            }
            worst = max(worst, distance(ours.difference, expected))
            z = theirs["difference"] / theirs["std_error_of_difference"]
            assert ours.p_value == pytest.approx(math.erfc(abs(z) / math.sqrt(2)), rel=1e-8)
            assert ours.first.value - ours.second.value == pytest.approx(ours.difference.value)
    record_difference("compare_concordance", "survival::concordance", worst)
    assert worst < 1e-11


def test_auc_and_brier(cohorts, record_difference):
    worst = {"auc": 0.0, "brier": 0.0, "ipa": 0.0}
    for cohort in cohorts:
        y, risk, horizon = outcome(cohort), cohort["risk"], cohort["horizon"]
        worst["auc"] = max(worst["auc"], distance(auc(y, risk, horizon), cohort["auc"]))
        worst["brier"] = max(worst["brier"], distance(brier(y, risk, horizon), cohort["brier"]))
        scaled = {"value": cohort["ipa"]}
        worst["ipa"] = max(worst["ipa"], distance(ipa(y, risk, horizon), scaled, ("value",)))
    for name, difference in worst.items():
        record_difference(name, "riskRegression::Score", difference)
    assert max(worst.values()) < 1e-10


def test_calibration(cohorts, record_difference):
    ratio, slope = 0.0, 0.0
    for cohort in cohorts:
        y, risk, horizon = outcome(cohort), cohort["risk"], cohort["horizon"]
        ours = observed_expected_ratio(y, risk, horizon)
        ratio = max(ratio, distance(ours, cohort["observed_expected_ratio"]))
        slope = max(slope, distance(calibration_slope(y, risk, horizon), cohort["slope"]))
    record_difference("observed_expected_ratio", "survival::survfit", ratio)
    record_difference("calibration_slope", "survival::coxph", slope)
    assert ratio < 1e-11
    assert slope < 1e-7


def test_royston_d(cohorts, record_difference):
    worst = 0.0
    for cohort in cohorts:
        ours, theirs = royston_d(outcome(cohort), cohort["a"]), cohort["royston"]
        expected = {"value": theirs["d"], "std_error": theirs["std_error"]}
        worst = max(worst, distance(ours.d, expected), abs(ours.r2 - theirs["r2"]))
    record_difference("royston_d", "survival::royston", worst)
    assert worst < 1e-7


def test_published_validation_in_print(german, first_five_years):
    """McLernon et al. 2023; their curve uses another baseline hazard, hence 1e-4."""
    y, risk = first_five_years, german["risk"]
    printed = {
        harrell_c: (0.65, 0.62, 0.69),
        uno_c: (0.64, 0.60, 0.67),
    }
    for measure, numbers in printed.items():
        assert [round(x, 2) for x in measure(y, risk)] == pytest.approx(numbers, abs=0.0051)
    assert [round(x, 2) for x in auc(y, risk, 4.99)] == [0.68, 0.62, 0.73]
    assert round(observed_expected_ratio(y, risk, 5).value, 3) == 1.017
    assert [round(x, 3) for x in calibration_slope(y, risk, 5)] == [1.056, 0.816, 1.297]
    errors = calibration_errors(y, risk, 5)
    assert [errors.ici, errors.e50, errors.e90, errors.emax] == pytest.approx(
        [0.0302, 0.0263, 0.0747, 0.0754], abs=1.3e-4
    )
    assert [round(x, 2) for x in brier(y, risk, 4.99)] == [0.22, 0.21, 0.24]
    assert round(ipa(y, risk, 4.99).value, 2) == 0.10
    assert round(net_benefit(y, risk, 5, [0.23]).model[0], 3) == 0.362


def test_published_validation_in_full(german, first_five_years, record_difference):
    y, risk = first_five_years, german["risk"]
    assert distance(harrell_c(y, risk), german["harrell"]) < 1e-11
    assert distance(uno_c(y, risk), german["uno"]) < 1e-11
    limits = ("value", "std_error", "lower", "upper")
    assert distance(auc(y, risk, 4.99), german["cut_at_5"]["auc"], limits) < 1e-11
    assert distance(brier(y, risk, 4.99), german["cut_at_5"]["brier"], limits) < 1e-11
    assert distance(ipa(y, risk, 4.99), german["cut_at_5"]["ipa"], ("value",)) < 1e-11
    assert distance(calibration_slope(y, risk, 5), german["slope"]) < 1e-8
    in_the_large = calibration_in_the_large(y, risk, 5)
    difference = abs(in_the_large.value - german["in_the_large"])
    record_difference("calibration_in_the_large", "uniroot", difference)
    assert difference < 1e-10
    royston = royston_d(y, risk)
    assert royston.d.value == pytest.approx(german["royston"]["d"], rel=1e-8)
    assert royston.r2 == pytest.approx(german["royston"]["r2"], rel=1e-8)


def test_later_follow_up_is_cut_at_the_horizon(german, first_five_years):
    whole, risk = make_y(np.array(german["days"]) / 365.25, german["status"]), german["risk"]
    expected = german["whole_at_5"]
    assert distance(auc(whole, risk, 5), expected["auc"]) < 1e-11
    assert distance(brier(whole, risk, 5), expected["brier"]) < 1e-11
    assert distance(ipa(whole, risk, 5), expected["ipa"], ("value",)) < 1e-11
    for measure in (observed_expected_ratio, calibration_slope, calibration_in_the_large):
        assert measure(whole, risk, 5).value == measure(first_five_years, risk, 5).value
    assert calibration_errors(whole, risk, 5) == calibration_errors(first_five_years, risk, 5)


@pytest.mark.parametrize("which", [0, 1, 2], ids=["3 knots", "4 knots", "5 knots"])
def test_smooth_calibration(german, first_five_years, which, record_difference):
    expected, risk = german["calibration"][which], german["risk"]
    n_knots = expected["n_knots"]
    curve = calibration_curve(first_five_years, risk, 5, n_knots=n_knots, at=expected["predicted"])
    assert curve.reason == ""
    pairs = [(getattr(curve, k), expected[k]) for k in ("observed", "lower", "upper")]
    errors = calibration_errors(first_five_years, risk, 5, n_knots=n_knots)
    summaries = [(getattr(errors, k), expected[k]) for k in ("ici", "e50", "e90", "emax")]
    for function, compared in (("calibration_curve", pairs), ("calibration_errors", summaries)):
        worst = max(np.abs(np.subtract(a, b)).max() for a, b in compared)
        record_difference(function, "survival::coxph, rms::rcs", worst)
        assert worst < 1e-7


def test_net_benefit(german, first_five_years, record_difference):
    expected = german["net_benefit"]
    ours = net_benefit(first_five_years, german["risk"], 5, expected["threshold"])
    difference = np.abs(ours.model - expected["model"]).max()
    difference = max(difference, np.abs(ours.treat_all - expected["treat_all"]).max())
    record_difference("net_benefit", "survival::survfit", difference)
    assert difference < 1e-13
    assert ours.reason == ""
    assert not ours.treat_none.any()

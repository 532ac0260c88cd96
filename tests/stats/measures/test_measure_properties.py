"""What holds for the measures of prediction on every cohort."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from allsurv.stats.measures.brier import brier, ipa
from allsurv.stats.measures.calibration import (
    calibration_errors,
    calibration_in_the_large,
    calibration_slope,
    observed_expected_ratio,
)
from allsurv.stats.measures.censoring import CensoringDistribution
from allsurv.stats.measures.discrimination import (
    auc,
    compare_concordance,
    harrell_c,
    royston_d,
    uno_c,
)
from allsurv.stats.measures.net_benefit import net_benefit
from allsurv.stats.outcome import make_y

DAYS = 30.4375
AT_A_HORIZON = [
    auc,
    brier,
    ipa,
    observed_expected_ratio,
    calibration_slope,
    calibration_in_the_large,
]


@st.composite
def cohorts(draw, min_size=3, max_size=40, censoring=True, tied_scores=True):
    """An outcome in whole months, a score, a risk and a horizon."""
    n = draw(st.integers(min_size, max_size))
    times = draw(arrays(float, n, elements=st.integers(1, 60).map(float)))
    events = draw(arrays(bool, n)) if censoring else np.ones(n, dtype=bool)
    order = draw(st.permutations(range(n)))
    score = np.array(order, dtype=float)
    if tied_scores:
        score = np.floor(score / draw(st.integers(1, 4)))
    horizon = float(draw(st.integers(1, 60)))
    return make_y(times, events), score, (score + 0.5) / (n + 1), horizon


def in_days(y):
    return make_y(y["time"] * DAYS, y["event"])


def same(a, b, rel=1e-9):
    if math.isnan(a.value):
        assert math.isnan(b.value)
        assert bool(a.reason) == bool(b.reason) == True  # noqa: E712
    else:
        assert b.value == pytest.approx(a.value, rel=rel, abs=1e-12)
        assert b.std_error == pytest.approx(a.std_error, rel=rel, abs=1e-9, nan_ok=True)


@given(cohorts(tied_scores=False))
def test_turning_a_score_around_mirrors_concordance(case):
    y, score, _, horizon = case
    for measure in (harrell_c, uno_c):
        forward, backward = measure(y, score), measure(y, -score)
        if not math.isnan(forward.value):
            assert forward.value == pytest.approx(1 - backward.value, abs=1e-12)
            assert forward.std_error == pytest.approx(backward.std_error, abs=1e-12)
    forward, backward = auc(y, score, horizon), auc(y, -score, horizon)
    if not math.isnan(forward.value):
        assert forward.value == pytest.approx(1 - backward.value, abs=1e-12)


@given(cohorts())
def test_a_constant_score_has_no_discrimination(case):
    y, score, _, horizon = case
    for estimate in (harrell_c(y, score * 0), uno_c(y, score * 0), auc(y, score * 0, horizon)):
        assert math.isnan(estimate.value) or estimate.value == pytest.approx(0.5)


@given(cohorts())
def test_only_the_order_of_a_score_matters(case):
    y, score, _, _ = case
    for measure in (harrell_c, uno_c):
        same(measure(y, score), measure(y, np.exp(score / 10)))
    same(royston_d(y, score).d, royston_d(y, np.exp(score / 10)).d)


@given(cohorts(censoring=False))
def test_without_censoring_weights_are_one(case):
    y, score, risk, horizon = case
    assume(y["time"].max() > horizon)
    happened = y["time"] <= horizon
    assert brier(y, risk, horizon).value == pytest.approx(np.mean((happened - risk) ** 2))
    same(harrell_c(y, score), uno_c(y, score))
    if happened.any():
        ratio = observed_expected_ratio(y, risk, horizon)
        assert ratio.value == pytest.approx(happened.mean() / risk.mean())
        share = happened.mean()
        expected = 1 - np.mean((happened - risk) ** 2) / (share * (1 - share))
        assert ipa(y, risk, horizon).value == pytest.approx(expected)


@given(cohorts(), st.sampled_from(AT_A_HORIZON))
def test_the_unit_of_time_changes_nothing(case, measure):
    y, _, risk, horizon = case
    same(measure(y, risk, horizon), measure(in_days(y), risk, horizon * DAYS), rel=1e-6)


@given(cohorts())
def test_the_unit_of_time_changes_nothing_else(case):
    y, score, risk, horizon = case
    days = in_days(y)
    for measure in (harrell_c, uno_c):
        same(measure(y, score), measure(days, score))
    same(royston_d(y, score).d, royston_d(days, score).d, rel=1e-6)
    a, b = calibration_errors(y, risk, horizon), calibration_errors(days, risk, horizon * DAYS)
    assert b.ici == pytest.approx(a.ici, rel=1e-5, abs=1e-9, nan_ok=True)
    thresholds = [0.1, 0.3, 0.6]
    np.testing.assert_allclose(
        net_benefit(y, risk, horizon, thresholds).model,
        net_benefit(days, risk, horizon * DAYS, thresholds).model,
        atol=1e-12,
    )


@given(cohorts(), st.sampled_from(AT_A_HORIZON), st.randoms())
def test_the_order_of_rows_is_irrelevant(case, measure, random):
    y, score, risk, horizon = case
    rows = list(range(y.size))
    random.shuffle(rows)
    same(measure(y, risk, horizon), measure(y[rows], risk[rows], horizon), rel=1e-6)
    for concordance in (harrell_c, uno_c):
        same(concordance(y, score), concordance(y[rows], score[rows]))


@given(cohorts())
def test_a_score_is_no_better_than_itself(case):
    y, score, _, _ = case
    for measure in ("harrell", "uno"):
        comparison = compare_concordance(y, score, 2 * score + 1, measure=measure)
        if not comparison.difference.reason:
            assert comparison.difference.value == 0
            assert math.isnan(comparison.p_value)


@given(cohorts(), st.floats(0.3, 3))
def test_shifting_the_log_hazard_shifts_calibration_in_the_large(case, factor):
    y, _, risk, horizon = case
    before = calibration_in_the_large(y, risk, horizon)
    after = calibration_in_the_large(y, 1 - (1 - risk) ** factor, horizon)
    if not before.reason:
        assert before.value - after.value == pytest.approx(math.log(factor), abs=1e-6)


@given(cohorts())
def test_everybody_is_treated_at_a_threshold_of_zero(case):
    y, _, risk, horizon = case
    benefit = net_benefit(y, risk, horizon, [0.0])
    np.testing.assert_allclose(benefit.model, benefit.treat_all, atol=1e-12)


@given(cohorts(min_size=2), cohorts(min_size=2))
def test_a_censoring_distribution_from_elsewhere_never_raises(train, test):
    y, score, risk, horizon = test
    known = CensoringDistribution.fit(train[0])
    for estimate in (
        uno_c(y, score, censoring=known),
        auc(y, risk, horizon, censoring=known),
        brier(y, risk, horizon, censoring=known),
        ipa(y, risk, horizon, censoring=known),
    ):
        assert math.isfinite(estimate.value) or estimate.reason


@pytest.mark.parametrize("measure", [auc, brier, ipa, harrell_c, uno_c])
@given(cohorts(min_size=6), st.randoms(use_true_random=False))
def test_each_patient_keeps_his_part_whatever_the_order(measure, cohort, random):
    y, _score, risk, horizon = cohort
    order = list(range(y.size))
    random.shuffle(order)
    at = {} if measure is harrell_c else {"tau" if measure is uno_c else "horizon": horizon}
    one = measure(y, risk, **at)
    other = measure(y[order], risk[order], **at)
    assume(one.influence is not None)
    np.testing.assert_allclose(other.influence, one.influence[order], atol=1e-9)

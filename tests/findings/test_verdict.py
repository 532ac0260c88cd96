"""The verdict, case by case. Limits are e^(log HR -/+ 1.96 s), so s is set exactly."""

from __future__ import annotations

import math

import pytest

from allsurv.findings import judge

Z = 1.959963984540054


def limits(log: float, s: float) -> tuple[float, float, float]:
    return math.exp(log), math.exp(log - Z * s), math.exp(log + Z * s)


def test_the_ratio_and_its_limits_by_hand():
    found = judge(limits(0.8, 0.3), limits(0.5, 0.4))
    # Standard error of the difference: sqrt(0.09 + 0.16) = 0.5.
    assert found.ratio == pytest.approx(math.exp(0.3))
    assert found.ratio_lower == pytest.approx(math.exp(0.3 - Z * 0.5))
    assert found.ratio_upper == pytest.approx(math.exp(0.3 + Z * 0.5))
    assert found.same_sign is True


@pytest.mark.parametrize(
    ("ours", "published", "verdict", "same_sign"),
    [
        # The same effect, each seen clearly.
        ((0.8, 0.3), (0.8, 0.3), "consistent", True),
        # Protective both.
        ((-0.8, 0.3), (-0.6, 0.3), "consistent", True),
        # Our own interval just excludes no effect: 0.8 / 0.408 = 1.961 > 1.96.
        ((0.8, 0.408), (0.8, 0.3), "consistent", True),
        # ... and just includes it: 0.8 / 0.409 = 1.956.
        ((0.8, 0.409), (0.8, 0.3), "cannot say", True),
        # Opposite, but too imprecise to differ.
        ((-0.2, 0.4), (0.8, 0.4), "cannot say", False),
        # Difference 1.0, standard error 0.5: 2 > 1.96.
        ((1.8, 0.3), (0.8, 0.4), "inconsistent", True),
        # Difference 0.97, standard error 0.5: 1.94 < 1.96.
        ((1.77, 0.3), (0.8, 0.4), "consistent", True),
        # Opposite and both clear.
        ((-0.8, 0.2), (0.8, 0.2), "inconsistent", False),
        # We see nothing, precisely, where something was published.
        ((0.0, 0.1), (0.8, 0.3), "inconsistent", None),
        # A non-finding against nothing: no direction to share.
        ((0.0, 0.1), (0.1, 0.3), "cannot say", None),
    ],
)
def test_every_verdict(ours, published, verdict, same_sign):
    found = judge(limits(*ours), limits(*published))
    assert found.verdict == verdict
    assert found.same_sign is same_sign
    assert found.reason


@pytest.mark.parametrize(
    ("ours", "word"),
    [((0.1, 0.05), "weaker"), ((2.0, 0.05), "stronger"), ((-0.8, 0.05), "opposite directions")],
)
def test_an_inconsistency_is_named(ours, word):
    assert judge(limits(*ours), limits(0.8, 0.2)).reason.startswith(f"{word}: ")


def test_levels_of_the_intervals_are_respected():
    narrow = tuple(math.exp(0.8 + k * 1.6448536269514722 * 0.3) for k in (0, -1, 1))
    at_90 = judge(narrow, limits(0.5, 0.4), level=0.90)
    assert at_90.ratio_upper == pytest.approx(math.exp(0.3 + 1.6448536269514722 * 0.5))


@pytest.mark.parametrize(
    "ours",
    [
        (math.nan, math.nan, math.nan),
        (2.0, math.nan, math.nan),
        (2.0, 0.0, 4.0),
        (2.0, 1.0, math.inf),
    ],
)
def test_without_limits_nothing_is_said(ours):
    found = judge(ours, limits(0.8, 0.3))
    assert found.verdict == "cannot say"
    assert found.same_sign is None
    assert math.isnan(found.ratio)


def test_every_question_by_hand():
    found = judge(limits(0.8, 0.3), limits(0.5, 0.4), margin=2.0)
    # Difference 0.3, standard error 0.5: z = 0.6, two-sided P 0.5485.
    assert found.heterogeneity_p == pytest.approx(0.548506, abs=1e-6)
    # 0.5 lies inside 0.8 -/+ 1.96 * 0.3, and 0.8 inside 0.5 -/+ 1.96 * 0.5.
    assert found.published_inside is True
    assert found.prediction_lower == pytest.approx(math.exp(0.5 - Z * 0.5))
    assert found.prediction_upper == pytest.approx(math.exp(0.5 + Z * 0.5))
    assert found.inside_prediction is True
    # (log 2 - 0.3) / 0.5 = 0.7863; P(Z > 0.7863) = 0.2158.
    assert found.equivalence_p == pytest.approx(0.215847, abs=1e-4)
    assert found.equivalent is False


def test_two_precise_estimates_are_equivalent():
    # (log 1.5 - 0.1) / 0.1 = 3.05: both one-sided tests below 0.05.
    found = judge(limits(0.6, 0.06), limits(0.5, 0.08))
    assert found.equivalent is True
    assert judge(limits(0.6, 0.06), limits(0.5, 0.08), margin=1.2).equivalent is False


def test_the_published_value_may_lie_outside_ours_and_ours_inside_the_prediction():
    # 0.8 is outside 0.2 -/+ 1.96 * 0.2, but 0.6 / sqrt(0.04 + 0.16) = 1.34 standard errors away.
    found = judge(limits(0.2, 0.2), limits(0.8, 0.4))
    assert (found.published_inside, found.inside_prediction) == (False, True)


def test_being_inside_the_prediction_is_the_ratio_including_one():
    for ours in (limits(0.9, 0.2), limits(-0.9, 0.2), limits(2.5, 0.4)):
        found = judge(ours, limits(0.8, 0.3))
        assert found.inside_prediction == (found.ratio_lower <= 1 <= found.ratio_upper)

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

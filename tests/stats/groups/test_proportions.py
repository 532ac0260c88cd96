"""Limits of rates and of their differences: R, Newcombe's table, and what must hold of any."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from allsurv.errors import OutcomeError
from allsurv.stats.groups.proportions import exact_limits, risk_difference, wilson_limits


@pytest.fixture(scope="module")
def found(reference):
    return reference("proportions")


def columns(table, *names):
    return zip(*(table[name] for name in names), strict=True)


def test_limits_of_a_rate_as_r(found, record_difference):
    names = ("n", "of", "level", "exact_lower", "exact_upper", "wilson_lower", "wilson_upper")
    worst = {"exact_limits": 0.0, "wilson_limits": 0.0}
    for n, of, level, *theirs in columns(found["rates"], *names):
        for function, limits in ((exact_limits, theirs[:2]), (wilson_limits, theirs[2:])):
            ours = function(n, of, level=level)
            name = function.__name__
            worst[name] = max(worst[name], *np.abs(np.subtract(ours, limits)))
    record_difference("exact_limits", "binom.test", worst["exact_limits"])
    record_difference("wilson_limits", "prop.test", worst["wilson_limits"])
    assert max(worst.values()) < 1e-12


def test_differences_as_newcombe_printed_them(found, record_difference):
    worst = 0.0
    names = ("n1", "of1", "n2", "of2", "lower", "upper")
    for n1, of1, n2, of2, lower, upper in columns(found["newcombe"], *names):
        ours = risk_difference(n1, of1, n2, of2)
        worst = max(worst, abs(ours.lower - lower), abs(ours.upper - upper))
        assert ours.difference == n1 / of1 - n2 / of2
    record_difference("risk_difference", "Newcombe 1998, table II (4 decimals)", worst)
    assert worst < 5.1e-5


rates = st.integers(1, 200).flatmap(lambda of: st.tuples(st.integers(0, of), st.just(of)))


@given(rates, rates)
def test_what_holds_of_any(one, other):
    ours = risk_difference(*one, *other)
    assert -1 <= ours.lower <= ours.difference <= ours.upper <= 1
    mirrored = risk_difference(*other, *one)
    np.testing.assert_allclose(mirrored, (-ours.difference, -ours.upper, -ours.lower), atol=1e-12)
    for limits in (exact_limits(*one), wilson_limits(*one)):
        assert 0 <= limits.lower <= one[0] / one[1] <= limits.upper <= 1
    complement = exact_limits(one[1] - one[0], one[1])
    np.testing.assert_allclose(
        complement, (1 - exact_limits(*one).upper, 1 - exact_limits(*one).lower), atol=1e-12
    )


@pytest.mark.parametrize("rate", [(1, 0), (3, 2), (-1, 5), (0.5, 3)])
def test_no_rate_is_refused(rate):
    with pytest.raises(OutcomeError, match="is no rate"):
        exact_limits(*rate)

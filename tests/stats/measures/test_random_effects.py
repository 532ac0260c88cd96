"""Random-effects summaries against metafor, and by hand."""

from __future__ import annotations

import numpy as np
import pytest

from allsurv.errors import OutcomeError
from allsurv.stats.measures.random_effects import random_effects

CASES = ("c_index", "log_oe", "alike", "two", "uneven")


@pytest.mark.parametrize("case", CASES)
def test_equals_metafor(case, reference, record_difference):
    theirs = reference("random_effects")[case]
    found = random_effects(theirs["y"], theirs["s"])
    for name in ("value", "lower", "upper", "prediction_lower", "prediction_upper"):
        expected = np.nan if theirs[name] is None else theirs[name]
        assert getattr(found, name) == pytest.approx(expected, rel=1e-8, nan_ok=True)
        if np.isfinite(expected):
            gap = abs(getattr(found, name) / expected - 1)
            record_difference("random_effects", "metafor::rma (REML, adhoc)", gap)
    assert found.tau**2 == pytest.approx(theirs["tau2"], rel=1e-6, abs=1e-12)
    assert found.n_groups == len(theirs["y"])


def test_equal_standard_errors_by_hand():
    """Then REML is the variance of the values less that of one value: 0.01 - 0.0036."""
    found = random_effects([0.6, 0.7, 0.8], [0.06] * 3)
    assert found.tau == pytest.approx(0.08, rel=1e-9)
    half = 4.302652729911275 * 0.1 / np.sqrt(3)  # t(2), 0.975
    assert found.upper == pytest.approx(0.7 + half, rel=1e-9)
    wide = 12.706204736174698 * np.sqrt(0.0064 + 0.01 / 3)  # t(1), 0.975
    assert found.prediction_lower == pytest.approx(0.7 - wide, rel=1e-9)


def test_one_group_is_itself_without_limits():
    found = random_effects([0.7], [0.05])
    assert found.value == 0.7
    assert np.isnan([found.lower, found.upper, found.prediction_lower, found.tau]).all()


def test_a_change_of_unit_is_a_change_of_unit():
    y, s = np.array([0.7, 0.62, 0.75, 0.66]), np.array([0.02, 0.03, 0.025, 0.04])
    small, large = random_effects(y, s), random_effects(1000 * y, 1000 * s)
    np.testing.assert_allclose(np.array(large[:6]), 1000 * np.array(small[:6]), rtol=1e-9)


@pytest.mark.parametrize(
    ("y", "s", "message"),
    [
        ([], [], "at least one group"),
        ([0.7, 0.6], [0.1], "one of each per group"),
        ([0.7, np.nan], [0.1, 0.1], "is missing"),
        ([0.7, 0.6], [0.1, 0.0], "not above 0"),
    ],
)
def test_what_cannot_be_summarised_is_refused(y, s, message):
    with pytest.raises(OutcomeError, match=message):
        random_effects(y, s)


def test_a_level_is_a_share():
    with pytest.raises(OutcomeError, match="between 0 and 1"):
        random_effects([0.7, 0.6], [0.1, 0.1], level=95)

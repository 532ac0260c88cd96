"""Net benefit by hand."""

from __future__ import annotations

import numpy as np
import pytest

from allsurv.errors import ModelError
from allsurv.stats.measures.net_benefit import net_benefit
from allsurv.stats.outcome import make_y

Y = make_y([6, 12, 18, 24, 30, 36], [1, 0, 1, 1, 0, 0])
RISK = [0.9, 0.5, 0.7, 0.6, 0.2, 0.1]


def test_by_hand():
    # At 0.5 the four of risk 0.9, 0.5, 0.7, 0.6 are above: S(24) = 3/4 * 1/2 * 0 = 0, F = 1.
    # Of all: F = 7/12, 7/12 - 5/12 * 1 = 1/6. At 0.2 five: S = 4/5 * 2/3 * 1/2 = 4/15.
    benefit = net_benefit(Y, RISK, 24, [0.5, 0.2, 0.95])
    expected = [4 / 6, 5 / 6 * (11 / 15 - 4 / 15 * 0.25), 0]
    np.testing.assert_allclose(benefit.model, expected)
    np.testing.assert_allclose(
        benefit.treat_all, [7 / 12 - 5 / 12 * odds for odds in (1, 1 / 4, 19)]
    )
    assert benefit.treat_none.tolist() == [0, 0, 0]
    assert benefit.n_above.tolist() == [4, 5, 0]
    assert benefit.reason == ""


def test_those_above_may_not_be_followed_to_the_horizon():
    # Above 0.5: the one with the event at 6 and one censored at 12.
    benefit = net_benefit(Y, [0.9, 0.8, 0.1, 0.1, 0.1, 0.1], 24, [0.05, 0.5])
    assert np.isnan(benefit.model).tolist() == [False, True]
    assert benefit.reason == "from threshold 0.5 some groups above are not followed to 24"


def test_follow_up_that_ends_before_the_horizon():
    benefit = net_benefit(Y, RISK, 40, [0.2])
    assert benefit.reason == "follow-up ends before 40"
    assert np.isnan([benefit.model[0], benefit.treat_all[0]]).all()


@pytest.mark.parametrize("thresholds", [[1.0], [-0.1], [], 0.5, [np.nan], ["x"]])
def test_refusals(thresholds):
    with pytest.raises(ModelError, match="thresholds: not"):
        net_benefit(Y, RISK, 24, thresholds)

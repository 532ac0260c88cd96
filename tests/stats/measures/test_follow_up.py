"""Follow-up as ranks: ties and near ties."""

from __future__ import annotations

import numpy as np
import pytest

from allsurv.errors import OutcomeError
from allsurv.stats.measures.follow_up import FollowUp
from allsurv.stats.outcome import make_y


def test_censorings_come_after_the_events_of_their_time():
    followed = FollowUp.of_y(make_y([3, 1, 3, 2, 1], [0, 1, 1, 0, 0]))
    assert followed.times.tolist() == [1, 2, 3]
    assert followed.rank.tolist() == [2, 0, 2, 1, 0]
    assert followed.place.tolist() == [5, 0, 4, 3, 1]


def test_times_that_differ_by_rounding_share_a_rank():
    followed = FollowUp.of_y(make_y([0.1 + 0.2, 1.0, 0.3], [1, 1, 0]))
    assert followed.times.tolist() == [0.3, 1.0]
    assert followed.rank.tolist() == [0, 1, 0]
    exact = FollowUp.of(np.array([0.1 + 0.2, 1.0, 0.3]), np.array([True, True, False]))
    assert exact.rank.tolist() == [1, 2, 0]


def test_an_impossible_outcome_is_refused():
    y = make_y([1, 2], [1, 0])
    y["time"][0] = -1
    with pytest.raises(OutcomeError, match="zero or less"):
        FollowUp.of_y(y)

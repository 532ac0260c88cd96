"""Where proportional hazards cannot be tested there is no P, and the reason is given."""

from __future__ import annotations

import numpy as np
import pytest

from allsurv.stats.cox.fit import fit_cox
from allsurv.stats.cox.zph import NOT_AT_MAXIMUM, ONE_TIME, TOO_FEW


def test_a_curve_that_falls_to_0_at_once_tells_no_trend():
    """With a first risk set of one, Kaplan-Meier is 0 from then on, and so is any trend in it.

    The effect reverses at time 10: by ranks of time it shows. R's cox.zph(transform = "km") stops
    with "computationally singular".
    """
    rng = np.random.default_rng(0)
    n = 142
    x = rng.normal(size=(n, 2))
    early = rng.exponential(5 * np.exp(-1.5 * x[:, 0]))
    late = 10 + rng.exponential(8 * np.exp(1.5 * x[:, 0]))
    time = np.maximum(np.where(rng.random(n) < 0.5, early, late), 0.03)
    start = np.full(n, 0.02)
    time[0], start[0] = 0.01, 0.0
    fit = fit_cox(time, np.ones(n), x, start=start)
    untested = fit.proportional_hazards_test("km")
    assert np.isnan(untested.p_value).all()
    assert np.isnan(untested.global_test.p_value)
    assert untested.reasons == (TOO_FEW, TOO_FEW)
    ranked = fit.proportional_hazards_test("rank")
    assert ranked.p_value[0] < 0.01
    assert ranked.reasons == ("", "")


def test_one_event_time_has_no_trend():
    fit = fit_cox([1, 1, 2, 3, 4], [1, 1, 0, 0, 0], [[1.0], [0.0], [1.0], [0.0], [0.5]])
    test = fit.proportional_hazards_test()
    assert np.isnan(test.statistic).all()
    assert test.reasons == (ONE_TIME,)


def test_a_firth_fit_is_not_at_the_maximum_that_is_tested():
    x = np.array([[1.0], [1.0], [1.0], [0.0], [0.0], [0.0], [0.0]])
    fit = fit_cox([3, 5, 6, 1, 2, 4, 7], [0, 0, 0, 1, 1, 1, 1], x, firth=True)
    test = fit.proportional_hazards_test()
    assert test.reasons == (NOT_AT_MAXIMUM,)
    assert np.isnan(test.p_value).all()


@pytest.mark.parametrize("transform", ["km", "rank", "identity", "log"])
def test_where_it_can_be_tested_there_is_no_reason(transform):
    rng = np.random.default_rng(1)
    fit = fit_cox(rng.exponential(size=50), np.ones(50), rng.normal(size=(50, 3)))
    test = fit.proportional_hazards_test(transform)
    assert test.reasons == ("", "", "")
    assert ((test.p_value > 0) & (test.p_value <= 1)).all()

"""Refusals that several functions share, each reached by the function that a user calls."""

from __future__ import annotations

import numpy as np
import pytest

from allsurv.errors import ModelError, OutcomeError
from allsurv.stats.curves.kaplan_meier import kaplan_meier
from allsurv.stats.curves.logrank import logrank_test
from allsurv.stats.groups.twosample import compare_groups, standardised_mean_difference
from allsurv.stats.outcome import merge_close_times
from allsurv.stats.planning.anticipated_fit import cox_snell_r2
from allsurv.stats.planning.samplesize import required_sample_size

AB = ["a", "b"]


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: kaplan_meier([1, 1e101], [1, 0]), "a time is beyond 1e.100; check the unit"),
        (lambda: kaplan_meier([1, 2], [1, 0], weights=[1e-300, 1]), "scale them to a mean near 1"),
        (lambda: kaplan_meier([1, 2], [1, 0], weights=[1, 1e300]), "scale them to a mean near 1"),
        (lambda: kaplan_meier([1, 2], [1, 0], weights=[1]), "1 weights for 2 rows"),
        (lambda: kaplan_meier([1, 2], [1, 0], start=[0]), "1 entry times for 2 rows"),
        (lambda: kaplan_meier([1, 2], [[1, 0], [1]]), "event is ragged"),
        (lambda: kaplan_meier([1, 2], [[1, 0]]), "event has 2 dimensions"),
        (lambda: kaplan_meier([1, 10**400], [1, 0]), "time is not numeric"),
        (lambda: logrank_test([1, 2], [1, 0], [["a"], ["a", "b"]]), "group is not a vector"),
        (lambda: logrank_test([1, 2], [1, 0], ["a"]), r"group has shape \(1,\) for 2 rows"),
        (
            lambda: merge_close_times(np.array([1.0, 2.0]), np.array([0.0, 2.0 - 1e-12])),
            "differ by rounding only",
        ),
        (lambda: compare_groups([1e300, 2], AB, kind="continuous"), "check their unit"),
        (
            lambda: compare_groups(AB, AB, kind="categorical", min_expected=-1),
            "min_expected is -1; give 0 or more",
        ),
        (
            lambda: compare_groups(AB, AB, kind="categorical", min_expected="five"),
            "min_expected is 'five'; give 0 or more",
        ),
        (lambda: compare_groups(AB, ["a", "a"], kind="categorical"), "there is only one group"),
        (lambda: standardised_mean_difference(AB, ["a", "a"], kind="categorical"), "group"),
    ],
)
def test_an_outcome_or_labels_that_are_refused(call, said):
    with pytest.raises(OutcomeError, match=said):
        call()


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: cox_snell_r2(0.6), "0 measures of fit; give one"),
        (lambda: cox_snell_r2(0.6, c_index=0.7, r2_nagelkerke=0.1), "2 measures of fit; give one"),
        (lambda: cox_snell_r2(0.6, c_index=0.5 + 1e-12), "is no fit at all"),
        (lambda: cox_snell_r2("many", c_index=0.7), "'many'; give"),
        (lambda: cox_snell_r2(0.6, c_index=1), "c_index is 1; give a number above 0.5 and below 1"),
        (
            lambda: required_sample_size(
                1, event_rate=1e300, mean_follow_up=1, horizon=1, r2_cox_snell=0.1
            ),
            "give a positive number of usual size",
        ),
    ],
)
def test_a_plan_that_is_refused(call, said):
    with pytest.raises(ModelError, match=said):
        call()

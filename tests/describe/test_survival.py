"""Curves and summaries: worked by hand on six patients of one arm."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from allsurv.describe import (
    comparison_curves,
    comparison_summary,
    kaplan_meier,
    landmark,
    survival_summary,
)
from allsurv.errors import ModelError, OutcomeError
from allsurv.study.spec import Comparison


def test_a_curve_starts_at_one_and_steps_down_at_each_death(cohort):
    # Arm old: deaths at 1, 2, 4 (one censored at 4), 6, 8.
    # 5/6, 4/6, 4/6 * 3/4 = 1/2, 1/2 * 1/2 = 1/4, 0.
    curve = kaplan_meier(cohort, "os", by="arm")
    old = curve[curve["group"] == "old"]
    assert old["time"].tolist() == [0, 1, 2, 4, 6, 8]
    assert old["n_at_risk"].tolist() == [6, 6, 5, 4, 2, 1]
    assert old["n_events"].tolist() == [0, 1, 1, 1, 1, 1]
    assert old["n_censored"].tolist() == [0, 0, 0, 1, 0, 0]
    assert old["survival"].tolist() == pytest.approx([1, 5 / 6, 4 / 6, 1 / 2, 1 / 4, 0])
    assert curve["group"].unique().tolist() == ["old", "new"]


def test_limits_are_log_log_by_default(cohort):
    # At 2: log S = log(2/3), var log S = 1/(6*5) + 1/(5*4) = 1/12; theta = z sqrt(1/12) / |log S|.
    curve = kaplan_meier(cohort, "os", by="arm")
    row = curve[(curve["group"] == "old") & (curve["time"] == 2)].iloc[0]
    theta = 1.959963984540054 * math.sqrt(1 / 12) / abs(math.log(2 / 3))
    assert row["lower"] == pytest.approx((2 / 3) ** math.exp(theta))
    assert row["upper"] == pytest.approx((2 / 3) ** math.exp(-theta))


def test_a_curve_on_a_grid_counts_what_happened_between(cohort):
    curve = kaplan_meier(cohort, "os", by="arm", times=[3, 6, 12])
    old = curve[curve["group"] == "old"]
    assert old["time"].tolist() == [0, 3, 6, 12]
    assert old["n_at_risk"].tolist() == [6, 4, 2, 0]
    assert old["n_events"].tolist() == [0, 2, 2, 1]
    assert old["n_censored"].tolist() == [0, 0, 1, 0]
    assert math.isnan(old["survival"].iloc[-1])


def test_one_curve_without_groups_carries_its_source(cohort):
    curve = kaplan_meier(cohort, "os")
    assert curve["group"].unique().tolist() == ["overall"]
    assert curve.attrs == {"source": cohort.source.statement, "unit": "months"}


def test_patients_of_unknown_group_are_counted_and_in_no_curve(cohort):
    summary = survival_summary(cohort, "os", by="tp53")
    assert summary["n_unknown"].tolist() == [5] * 4
    assert summary.groupby("group")["n"].first().to_dict() == {"false": 4, "true": 3}
    assert summary["group_label"].unique().tolist() == ["TP53 mutation: no", "TP53 mutation: yes"]


def test_a_summary_gives_median_follow_up_horizons_and_log_rank(cohort):
    summary = survival_summary(cohort, "os", by="arm", horizons=[6])
    old = summary[summary["group"] == "old"].iloc[0]
    # S is exactly 1/2 from 4 to 6: the middle of the flat stretch, as R's survfit prints.
    assert old["median"] == 5
    assert (old["n"], old["n_events"], old["survival"], old["n_at_risk"]) == (6, 5, 0.25, 2)
    # Reverse: one censored at 4 of 4 at risk, 3/4, never reaching one half.
    assert math.isnan(old["follow_up"])
    assert summary["p_value"].nunique() == 1
    assert 0 < summary["p_value"].iloc[0] < 1


def test_horizons_are_the_studys_unless_given_and_may_be_none(cohort):
    assert survival_summary(cohort, "os")["horizon"].tolist() == [6, 12]
    assert len(survival_summary(cohort, "os", horizons=[])) == 1


@pytest.mark.parametrize("function", [kaplan_meier, survival_summary])
@pytest.mark.parametrize("endpoint", ["os", "rfs"])
def test_groups_that_form_after_baseline_are_refused(cohort, function, endpoint):
    with pytest.raises(ModelError, match=r"immortal time.*landmark.*time_dependent=\['sct'\]"):
        function(cohort, endpoint, by="sct")
    with pytest.raises(ModelError, match="immortal time"):
        function(cohort, endpoint, by="responder")


def test_a_number_makes_no_groups(cohort):
    with pytest.raises(ModelError, match="'age': it is integer"):
        kaplan_meier(cohort, "os", by="age")


def test_an_endpoint_of_responders_leaves_the_others_out_of_the_question(cohort):
    assert kaplan_meier(cohort, "rfs")["n_at_risk"].iloc[0] == 9


def test_a_published_comparison_is_drawn_as_published_and_says_so(cohort, study):
    curves = comparison_curves(cohort, study.comparisons["ever"])
    assert curves["group"].unique().tolist() == ["false", "true"]
    assert curves["note"].iloc[0].startswith("As printed. Groups known only after baseline")
    unpublished = Comparison("mine", "Mine", "os", by="sct")
    with pytest.raises(ModelError, match="immortal time"):
        comparison_curves(cohort, unpublished)


def test_a_landmark_excludes_counts_and_groups_by_what_had_happened(cohort, study):
    # By month 3: dead at 1 and 2, censored at 2. Transplanted by 3: at 2, 3 (the landmark itself
    # counts) and 1; at 5 is too late.
    table = landmark(cohort, "os", "sct", at=3.0, horizons=[6])
    assert table["n"].tolist() == [6, 3]
    assert table["group"].tolist() == ["false", "true"]
    assert table["n_event_before"].tolist() == [2, 2]
    assert table["n_censored_before"].tolist() == [1, 1]
    # Transplanted: death 4, death 5, censored 14: S(6) = 2/3 * 1/2.
    assert table["survival"].iloc[1] == pytest.approx(1 / 3)
    named = comparison_summary(cohort, study.comparisons["at_three"], horizons=[6])
    shared = [column for column in table if column not in ("comparison", "label")]
    pd.testing.assert_frame_equal(named[shared], table[shared])


def test_a_patient_who_ends_at_the_landmark_is_excluded(cohort):
    table = landmark(cohort, "os", "sct", at=4.0, horizons=[6])
    # Death and censoring at 4 itself are excluded too.
    assert table["n"].sum() == 7
    assert table["n_event_before"].iloc[0] == 3
    assert table["n_censored_before"].iloc[0] == 2


def test_the_landmark_of_a_later_clock_is_counted_from_treatment(cohort):
    # Response at month 1 for all, so relapse-free time 2 ends at month 3.
    table = landmark(cohort, "rfs", "sct", at=4.0, horizons=[5])
    assert table["n"].sum() == 7
    assert table["n_event_before"].iloc[0] == 1


def test_a_landmark_nobody_reaches_is_refused(cohort):
    with pytest.raises(OutcomeError, match="none of 12 patients"):
        landmark(cohort, "os", "sct", at=50.0)


def test_groups_by_an_event_need_a_landmark(cohort):
    with pytest.raises(ModelError, match="need a landmark"):
        comparison_curves(cohort, Comparison("x", "x", "os", by_event="sct"))


def test_row_order_does_not_matter(cohort):
    shuffled = cohort.take(np.random.default_rng(1).permutation(cohort.n))
    for function in (kaplan_meier, survival_summary):
        pd.testing.assert_frame_equal(
            function(cohort, "os", by="arm"), function(shuffled, "os", by="arm")
        )

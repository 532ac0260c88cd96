"""Each rule of disclosure hides alone, in a case where no other rule would."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from allsurv.cohort import load_cohort
from allsurv.describe import analysis_table, comparison_curves, kaplan_meier, table_one
from allsurv.disclosure.characteristics import safe_characteristics, safe_missing
from allsurv.disclosure.cox import safe_hazard_ratios
from allsurv.disclosure.curves import safe_curve
from allsurv.disclosure.dominance import dominated_summaries
from allsurv.disclosure.evidence import safe_non_findings
from allsurv.disclosure.survival import medians_on_grid, safe_survival
from allsurv.policy.overlaps import shown_counts
from allsurv.policy.rules import CMS, POLICIES
from allsurv.reproduction.cox_items import forest
from allsurv.study import load_study


@pytest.fixture(scope="module")
def paper_cohort():
    return load_cohort("rr-all")


def first(n, of=60):
    return np.arange(of) < n


def test_of_two_nested_counts_a_few_apart_one_is_hidden():
    # 30 and 25 of these: the 5 between are no count of the table.
    assert shown_counts([first(30), first(25)], 11) == [True, False]
    assert shown_counts([first(25), first(30)], 11) == [True, False]  # the other way round
    assert shown_counts([first(30), first(19)], 11) == [True, True]  # eleven apart


@given(st.lists(st.integers(0, 60), min_size=2, max_size=8), st.integers(2, 15))
@settings(max_examples=200, deadline=None)
def test_no_two_shown_nested_counts_are_a_few_apart(sizes, threshold):
    shown = shown_counts([first(n) for n in sizes], threshold)
    seen = [n for n, is_shown in zip(sizes, shown, strict=True) if is_shown]
    apart = {abs(a - b) for a in seen for b in seen}
    assert not apart & set(range(1, threshold))
    assert not set(seen) & set(range(1, threshold))
    largest = next((n for n in sizes if n == 0 or n >= threshold), None)
    assert largest is None or largest in seen  # the first that is not small is shown


@pytest.mark.parametrize("comparison", ["os_overall", "os_arm", None])
def test_every_point_of_a_safe_curve_is_the_curves_own_rounded(paper_cohort, comparison):
    study = paper_cohort.study
    if comparison in study.comparisons:
        full = comparison_curves(paper_cohort, study.comparisons[comparison])
    else:
        full = kaplan_meier(paper_cohort, "os", by=study.group)
    safe = safe_curve(full, study)
    assert len(safe) > 10
    for group, part in safe.groupby("group", sort=False):
        whole = full[full["group"] == group]
        assert part["time"].iloc[0] == 0
        assert part["survival"].iloc[0] == 1
        for row in part.to_dict("records"):
            until = whole[whole["time"] <= row["time"]].iloc[-1]  # the step that is in force
            left = int((whole["time"] < row["time"]).sum())
            unit = CMS.unit(whole["n_at_risk"].iloc[left], until["survival"])
            assert abs(row["survival"] - until["survival"]) <= unit / 2 + 1e-12
            if row["time"] > 0:  # limits move with survival, and are as wide but for rounding
                for side in ("lower", "upper"):
                    assert abs(row[side] - until[side]) <= 1.5 * unit
                width = row["upper"] - row["lower"]
                assert abs(width - (until["upper"] - until["lower"])) <= unit


def summary(**changed):
    """Two groups of forty patients, one horizon each; each number may be shown."""
    rows = {
        "comparison": "one", "group": ["a", "b"], "n": 40, "n_events": 20, "median": 14.3,
        "median_lower": 10.2, "median_upper": 20.9, "follow_up": 31.7, "follow_up_lower": 29.2,
        "follow_up_upper": 33.1, "horizon": 12.0, "n_at_risk": 25, "survival": 0.6, "lower": 0.5,
        "upper": 0.7, "n_unknown": 0, "n_event_before": 0, "n_censored_before": 0,
        "n_later_origin": 0,
    }  # fmt: skip
    return pd.DataFrame(rows | changed)


def lost(table):
    """Columns in which something is hidden."""
    safe = safe_survival(table)
    gone = [name for name in table if safe[name].isna().any()]
    assert safe["suppressed"].any() == bool(gone)
    return set(gone)


MEDIANS = {"median", "median_lower", "median_upper"}
FOLLOW_UP = {"follow_up", "follow_up_lower", "follow_up_upper"}


@pytest.mark.parametrize(
    ("changed", "hidden"),
    [
        ({}, set()),
        # Few left out: that count alone, and of several the others too, but for 0.
        ({"n_unknown": 3}, {"n_unknown"}),
        ({"n_event_before": 4, "n_censored_before": 15}, {"n_event_before", "n_censored_before"}),
        ({"n_later_origin": 10}, {"n_later_origin"}),
        ({"n_left_out": 2}, {"n_left_out"}),
        ({"n_event_before": 11, "n_censored_before": 15}, set()),
        # 12 of 21 patients: enough to count, too few for a median.
        ({"n": 21, "n_events": 10 + 1, "n_at_risk": 21}, {"n_events", *MEDIANS, *FOLLOW_UP}),
        # Few at risk at the horizon, or few gone since the start.
        ({"n_at_risk": 10}, {"n_at_risk", "survival", "lower", "upper"}),
        ({"n_at_risk": 35}, {"n_at_risk"}),
        # Few without the event.
        ({"n_events": 33}, {"n_events"}),
    ],
)
def test_each_rule_of_a_summary_hides_alone(changed, hidden):
    assert lost(summary(**changed)) == hidden


def test_medians_stand_on_the_grid_where_the_policy_is_coarse(study):
    rounded = medians_on_grid(summary(), study)
    assert rounded["median"].tolist() == [14, 14]  # months: the twelve patients' grid is 1
    assert rounded["follow_up_upper"].tolist() == [33, 33]
    assert rounded["survival"].tolist() == [0.6, 0.6]
    assert medians_on_grid(summary(), study, POLICIES["journal"])["median"].iloc[0] == 14.3


@pytest.mark.parametrize(
    ("n_missing", "shown"),
    [(0, 0), (1, None), (10, None), (11, 11), (89, 89), (90, None), (100, 100)],
)
def test_few_missing_or_few_known_are_hidden(n_missing, shown):
    assert safe_missing(n_missing, 100, CMS) == (shown, shown)  # of 100: number and percentage


@pytest.mark.parametrize(
    ("n", "shown"), [(110, True), (109, False), (100, False), (99, True), (11, True), (10, False)]
)
def test_a_non_finding_of_few_or_of_all_but_a_few_has_no_counts(n, shown):
    table = pd.DataFrame({"finding": ["f"], "n": [n], "n_events": [n // 2]})
    safe = safe_non_findings(table, 110, CMS)
    assert safe[["n", "n_events"]].notna().all(axis=None) == shown
    assert safe["finding"].tolist() == ["f"]


def with_amounts(cohort, amounts):
    frame = cohort.frame.copy()
    frame["wbc"] = amounts
    return replace(cohort, frame=frame)


def test_a_group_can_be_dominated_where_the_whole_is_not(paper_cohort):
    inside = (paper_cohort.frame["arm"] == paper_cohort.frame["arm"].iloc[0]).to_numpy()
    arm = str(paper_cohort.frame["arm"].iloc[0])
    amounts = np.where(inside, 0.1, 50.0)
    amounts[np.flatnonzero(inside)[:2]] = 60.0  # 120 of about 130 in the group, of thousands in all
    found = dominated_summaries(with_amounts(paper_cohort, amounts), POLICIES["acro"], by="arm")
    assert {group for name, group in found if name == "wbc"} == {arm}


def test_unknown_amounts_dominate_nothing_and_do_not_hide_who_does(paper_cohort):
    amounts = np.full(paper_cohort.n, np.nan)
    amounts[:30] = 1.0
    even = dominated_summaries(with_amounts(paper_cohort, amounts), POLICIES["acro"])
    assert "wbc" not in {name for name, _ in even}
    amounts[0] = 1e6
    found = dominated_summaries(with_amounts(paper_cohort, amounts), POLICIES["acro"])
    assert ("wbc", "overall") in found


def characteristics(levels, unknown=0, groups=None):
    """A table of one variable: its levels' counts by group, everybody last or alone."""
    groups = groups or {"overall": levels}
    sizes = {group: sum(counts) + unknown for group, counts in groups.items()}
    rows = [
        {
            "variable": "v", "level": f"l{k}", "group": group, "n": counts[k],
            "n_known": sum(counts), "n_group": sizes[group], "percent": 1.0, "text": "x",
            "p_value": 0.5, "statistic": "n (%)", "value": np.nan, "lower": np.nan,
            "upper": np.nan, "centile_5": np.nan, "centile_95": np.nan,
        }
        for k in range(len(levels))
        for group, counts in groups.items()
    ]  # fmt: skip
    return pd.DataFrame(rows)


def hidden_n(table):
    safe = safe_characteristics(table, load_study("rr-all"))
    return [(row["level"], row["group"]) for row in safe.to_dict("records") if pd.isna(row["n"])]


def test_each_rule_of_a_characteristic_hides_alone():
    assert hidden_n(characteristics([30, 20, 40])) == []
    # A small level takes the smallest other of its group with it.
    assert hidden_n(characteristics([30, 5, 40])) == [("l0", "overall"), ("l1", "overall")]
    # Few unknown: the number known goes, and no level alone gives it away.
    few = safe_characteristics(characteristics([30, 20, 40], unknown=4), load_study("rr-all"))
    assert few["n_known"].isna().all()
    assert hidden_n(characteristics([30, 20, 40], unknown=20)) == []


def test_patients_in_no_group_are_not_given_away():
    # 30 of 35 with the level are in a group: the 5 in none would follow from 35 - 18 - 12.
    groups = {"a": [18, 30], "b": [12, 40], "overall": [35, 90]}
    gone = hidden_n(characteristics([35, 90], groups=groups))
    assert [where for where in gone if where[0] == "l0"]


def cox_rows(**changed):
    rows = {
        "variable": "v", "term": ["v: a", "v: b"], "level": ["a", "b"], "n": 100, "n_rows": 100,
        "n_events": 60, "n_level": 40, "n_level_events": 20, "coef": 0.1, "std_error": 0.2,
        "hazard_ratio": 1.1, "lower": 0.8, "upper": 1.5, "z": 0.5, "p_value": 0.6,
        "ph_p_value": 0.5, "variable_p_value": 0.5, "note": "", "method": "Cox", "n_left_out": 0,
    }  # fmt: skip
    return pd.DataFrame(rows | changed)


@pytest.mark.parametrize(
    ("changed", "estimates", "counts"),
    [
        ({}, [True, True], True),
        ({"n_level": [10, 40]}, [False, True], True),
        ({"n_level": [40, 90]}, [True, False], True),  # ten others
        ({"n_left_out": 10}, [True, True], False),
        ({"n_excluded": 3}, [True, True], False),
        ({"n_unknown": 3}, [True, True], False),
    ],
)
def test_each_rule_of_hazard_ratios_hides_alone(changed, estimates, counts):
    safe = safe_hazard_ratios(cox_rows(**changed))
    assert safe["hazard_ratio"].notna().tolist() == estimates
    assert safe["n"].notna().all() == counts
    assert not {"n_level", "n_level_events"} & set(safe)


def test_an_analysis_of_which_every_level_is_small_is_not_shown(paper_cohort):
    study = paper_cohort.study
    table = analysis_table(paper_cohort, next(iter(study.analyses.values())))
    assert len(table) > 1
    few = [10] * len(table)
    nothing = forest("k", "t", "", table.assign(n_level=few), study, CMS)
    assert nothing.safe is None
    assert nothing.table["hazard_ratio"].notna().any()
    one = forest("k", "t", "", table.assign(n_level=[11, *few[1:]]), study, CMS)
    assert one.safe is not None
    assert one.safe.table["hazard_ratio"].notna().sum() == 1


def test_table_one_of_the_paper_hides_the_same_by_its_rules(paper_cohort):
    full = table_one(paper_cohort, by="arm")
    safe = safe_characteristics(full, paper_cohort.study)
    small = full["n"].between(1, 10) & full["level"].ne("")
    assert small.any()
    assert safe.loc[small, "n"].isna().all()


def test_what_compares_groups_is_lost_with_a_hidden_level_and_only_then():
    compared = ["p_value", "difference"]
    large = characteristics([30, 20, 40]).assign(difference=0.2)
    safe = safe_characteristics(large, load_study("rr-all"))
    assert safe[compared].notna().all(axis=None)
    assert not safe["suppressed"].any()
    small = characteristics([30, 5, 40]).assign(variable="w", difference=0.2)
    both = safe_characteristics(pd.concat([large, small]), load_study("rr-all"))
    for name in compared:
        assert both[name].notna().tolist() == [True] * 3 + [False] * 3


def curve(time, at_risk, **changed):
    """One group; a patient dies at each time, as far as the rule for few events needs it."""
    rows = {
        "time": np.array(time, float), "group": "a", "survival": np.linspace(1, 0.3, len(time)),
        "lower": 0.1, "upper": 1.0, "n_at_risk": at_risk, "n_events": 4, "n_censored": 1,
    }  # fmt: skip
    return pd.DataFrame(rows | changed)


@pytest.mark.parametrize(
    ("horizons", "at_risk", "shown"),
    [
        # At 3, 14 have left since the start, at 6 another 35, and eleven are there.
        ((3.0, 6.0), [60, 60, 58, 46, 44, 20, 11, 10], [60, None, None, 46, None, None, 11]),
        # At 3 ten have left: not given; at 6 it is 49 since the start.
        ((3.0,), [60, 60, 58, 50, 44, 20, 11, 10], [60, None, None, None, None, None, 11]),
        # Nobody has left at 1, 2 at 2 ...; without horizons the grid is the step.
        ((), [60, 60, 58, 46, 44, 33, 12, 10], [60, 60, None, 46, None, 33, 12]),
        # The curve goes on to 6, the last time with eleven at risk, between numbers at risk.
        ((4.0,), [60, 60, 58, 46, 44, 20, 11, 10], [60, None, None, None, 44, None, None]),
        # The last time with eleven at risk is 5.
        ((5.0,), [60, 60, 58, 46, 44, 20, 10, 9], [60, None, None, None, None, 20]),
    ],
)
def test_a_safe_curve_by_hand(study, horizons, at_risk, shown):
    plan = replace(study.prediction, horizons=horizons)
    full = curve(range(8), at_risk)
    safe = safe_curve(full, replace(study, prediction=plan))
    assert safe["time"].tolist() == [float(k) for k in range(len(shown))]
    assert [None if pd.isna(n) else n for n in safe["n_at_risk"]] == shown
    survival = full["survival"].tolist()[: len(shown)]
    assert safe["survival"].tolist() == pytest.approx(survival, abs=1e-12)
    assert not {"n_events", "n_censored"} & set(safe)


@pytest.mark.parametrize(
    ("size", "events", "is_shown"), [(11, 2, True), (10, 2, False), (60, 1, False)]
)
def test_a_curve_of_few_patients_or_events_is_not_shown(study, size, events, is_shown):
    # Six times with an event each: 12 events or 6.
    safe = safe_curve(curve(range(6), [size] * 6, n_events=events), study)
    assert safe.empty != is_shown


def test_of_two_curves_that_add_up_to_a_small_rest_no_number_at_risk_is_given(study):
    # A group of ten is left out; with the whole known, the other's numbers go as well.
    two = pd.concat([curve(range(6), [60] * 6), curve(range(6), [10] * 6, group="b")])
    safe = safe_curve(two, study)
    assert set(safe["group"]) == {"a"}
    assert safe["n_at_risk"].isna().all()
    alone = safe_curve(curve(range(6), [60] * 6), study)
    assert alone["n_at_risk"].notna().any()

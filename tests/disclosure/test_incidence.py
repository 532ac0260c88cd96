"""Competing events made safe: a rare cause cannot be read, nor worked out from the others."""

from __future__ import annotations

import numpy as np
import pytest

import allsurv as als
from allsurv.describe import comparison_incidence, comparison_incidence_table
from allsurv.disclosure import safe_competing, safe_incidence, safe_incidence_table
from allsurv.policy import CMS, POLICIES

SHOWN = ("incidence", "lower", "upper", "n_events", "n_competing", "n_at_risk")


@pytest.fixture(scope="module")
def few():
    return als.load_cohort("rr-all")


@pytest.fixture(scope="module")
def many():
    return als.load_cohort("ebmt-all")


def test_nine_deaths_hide_the_relapses_of_the_same_patients(few):
    # 48 relapses and 9 deaths in 91: 57 events are shown as relapse-free survival.
    asked = few.study.comparisons["failure_overall"]
    table = safe_incidence_table(comparison_incidence_table(few, asked), CMS)
    assert table[list(SHOWN)].isna().all(axis=None)
    assert table["n"].tolist() == [91] * len(table)
    assert table["suppressed"].all()
    assert safe_incidence(comparison_incidence(few, asked), few.study, CMS).empty


def test_many_events_are_shown(many):
    asked = many.study.comparisons["failure_match"]
    full = comparison_incidence_table(many, asked)
    table = safe_incidence_table(full, CMS)
    assert not table["suppressed"].any()
    for name in SHOWN:
        np.testing.assert_array_equal(table[name].astype(float), full[name].astype(float))


def test_a_rare_cause_of_one_group_is_not_a_difference_from_all(many):
    # Keep 8 relapses in the smaller group: its relapses, and one cell of the other group, go.
    rare = many.frame["match"].eq("gender mismatch") & many.frame["rel_s"]
    drop = np.flatnonzero(rare.to_numpy())[8:]
    kept = many.take(np.setdiff1d(np.arange(many.n), drop))
    table = safe_incidence_table(als.incidence_table(kept, "failure", by="match"), CMS)
    small = table["group"] == "gender mismatch"
    assert table.loc[small, list(SHOWN)].isna().all(axis=None)
    assert table.loc[~small, ["n_events", "n_competing"]].isna().all(axis=None)
    assert table.loc[~small, "incidence"].notna().all()
    curves = safe_incidence(als.cumulative_incidence(kept, "failure", by="match"), kept.study, CMS)
    assert curves["group"].unique().tolist() == ["no gender mismatch"]


def test_curves_are_on_the_grid_and_end_with_eleven_at_risk(many):
    full = als.cumulative_incidence(many, "failure")
    thin = safe_incidence(full, many.study, CMS)
    grid, step = many.study.time.grid, min(many.study.prediction.horizons)
    for _, part in thin.groupby("cause"):
        time = part["time"].to_numpy()
        on = np.isclose(time % grid, 0) | np.isclose(time % grid, grid)
        assert (on | np.isclose(time % step, 0)).all()
        last = full.loc[full["time"] >= time[-1], "n_at_risk"].max()
        assert last >= CMS.threshold
        assert part["n_at_risk"].dropna().ge(CMS.threshold).all()
        read = full[full["cause"] == part["cause"].iloc[0]].set_index("time")["incidence"]
        assert part["incidence"].iloc[-1] == read[read.index <= time[-1]].iloc[-1]
    assert not {"n_events", "n_censored"} & set(thin.columns)


def test_models_of_a_rare_cause_hide_the_counts_of_all(few):
    table = als.competing_table(few, "failure", ["arm"])
    safe = safe_competing(table, CMS)
    assert safe[["n_events", "n_competing"]].isna().all(axis=None)
    assert safe.filter(regex="_hazard_ratio").isna().all(axis=None)
    assert not {"n_level", "n_level_events"} & set(safe.columns)


def test_models_of_many_events_are_shown_but_for_small_levels(many):
    table = als.competing_table(many, "failure", ["match"])
    safe = safe_competing(table, CMS)
    assert not safe["suppressed"].any()
    assert safe["n_events"].tolist() == [370, 533]
    small = safe_competing(table.assign(n_level=np.array([8, 8])), CMS)
    assert small.filter(regex="_coef").isna().all(axis=None)
    left = safe_competing(table.assign(n_left_out=3), CMS)
    assert left[["n", "n_events", "n_competing", "n_left_out"]].isna().all(axis=None)


def test_the_study_team_sees_everything(few):
    policy = POLICIES["journal"]
    asked = few.study.comparisons["failure_overall"]
    full = comparison_incidence_table(few, asked)
    assert not safe_incidence_table(full, policy)["suppressed"].any()
    curves = comparison_incidence(few, asked)
    assert safe_incidence(curves, few.study, policy) is curves
    assert safe_competing(als.competing_table(few, "failure", ["arm"]), policy)[
        "n_events"
    ].tolist() == [48, 9]

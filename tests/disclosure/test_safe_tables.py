"""Nothing under eleven is shown, nor can it be worked out."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from allsurv.cohort import Cohort, read_cohort
from allsurv.describe import comparison_summary, kaplan_meier, landmark, survival_summary, table_one
from allsurv.disclosure.characteristics import safe_characteristics
from allsurv.disclosure.curves import safe_curve
from allsurv.disclosure.survival import safe_survival
from allsurv.policy.rules import CMS, POLICIES, Sum, hidden_cells


@pytest.fixture(scope="module")
def many(study) -> Cohort:
    """A hundred and twenty patients, drawn."""
    rng = np.random.default_rng(7)
    n = 120
    months = np.round(rng.exponential(20, n) + 0.1, 1)
    wbc = np.round(rng.lognormal(1.5, 1.0, n), 1)
    wbc[:3] = np.nan
    sct = (rng.random(n) < 0.4) & (months > 6)
    frame = pd.DataFrame(
        {
            "arm": rng.choice(["old", "new"], n, p=[0.6, 0.4]),
            "age": rng.integers(18, 85, n),
            "wbc": wbc,
            "cns": (np.arange(n) < 7).astype(int),
            "tp53": pd.array(rng.choice([0, 1, None], n, p=[0.4, 0.1, 0.5])),
            "salvage": rng.choice([1, 2, 3], n, p=[0.72, 0.2, 0.08]),
            "responder": 1,
            "response_months": 0.05,
            "sct": sct.astype(int),
            "sct_months": np.where(sct, 4.0, np.nan),
            "dead": (rng.random(n) < 0.65).astype(int),
            "months": months,
            "rfs_months": months - 0.05,
        }
    )
    return read_cohort(frame, study)


def test_a_small_cell_takes_its_neighbour_with_it(many):
    table = table_one(many, by="arm")
    safe = safe_characteristics(table, many.study).set_index(["variable", "level", "group"])
    full = table.set_index(["variable", "level", "group"])
    cns = ("cns", "true")
    assert 0 < full.loc[(*cns, "overall"), "n"] < 11
    assert safe.loc[(*cns, "overall"), "text"] == "<11"
    assert safe.loc[(*cns, "overall"), "n"] is pd.NA
    assert np.isnan(safe.loc[(*cns, "overall"), "percent"])
    assert np.isnan(safe.loc[(*cns, "overall"), "p_value"])
    assert safe.loc[(*cns, "overall"), "suppressed"]


def test_no_shown_count_is_small_and_no_sum_gives_one_away(many):
    safe = safe_characteristics(table_one(many, by="arm"), many.study)
    shown = safe["n"].dropna()
    assert not shown.between(1, 10).any()
    levels = safe[safe["statistic"] == "n (%)"]
    for _, line in levels.groupby(["variable", "group"]):
        hidden = line["n"].isna()
        total = line["n_known"].iloc[0]
        if hidden.any() and not pd.isna(total) and line["variable"].iloc[0] == "salvage":
            assert hidden.sum() > 1
            assert total - line["n"].sum() >= 11
    for _, line in levels.groupby(["variable", "level"]):
        by_group = line.set_index("group")["n"]
        if not pd.isna(by_group["overall"]):
            assert by_group.drop("overall").isna().sum() != 1


def test_few_missing_values_do_not_show_in_the_denominator(many):
    # Three of 120 have no white cell count: neither 117 nor 3 may be shown.
    safe = safe_characteristics(table_one(many), many.study).set_index("variable")
    assert safe.loc["wbc", "n_known"] is pd.NA
    assert safe.loc["wbc", "suppressed"]
    assert safe.loc["age", "n_known"] == 120


def test_ranges_become_centiles(many):
    table = table_one(many).set_index("variable").loc["age"]
    safe = safe_characteristics(table_one(many), many.study).set_index("variable").loc["age"]
    ages = many.frame["age"]
    assert safe["statistic"] == "median (5th–95th centile)"
    assert np.isnan(safe["lower"])
    assert safe["centile_5"] == round(np.percentile(ages, 5))  # two digits
    assert str(int(ages.max())) in table["text"]
    assert str(int(ages.max())) not in safe["text"]


def test_a_small_group_vanishes_whole(cohort):
    # Six and six patients.
    safe = safe_characteristics(table_one(cohort, by="arm"), cohort.study)
    groups = safe[safe["group"] != "overall"]
    assert groups[["n", "n_known", "n_group", "percent", "value", "centile_5"]].isna().all().all()
    assert set(groups["text"]) <= {"<11", "suppressed"}


def test_a_policy_of_one_hides_no_count(many):
    table = table_one(many, by="arm")
    safe = safe_characteristics(table, many.study, POLICIES["journal"])
    assert safe["n"].astype(int).tolist() == table["n"].tolist()
    assert not safe["suppressed"].any()


def test_a_summary_of_survival_loses_small_counts_and_what_came_of_them(many):
    table = survival_summary(many, "os", by="salvage", horizons=[6, 24, 60])
    safe = safe_survival(table)
    small = table["n_at_risk"] < 11
    assert small.any()
    assert safe.loc[small, ["survival", "lower", "upper", "n_at_risk"]].isna().all().all()
    for column in ("n", "n_events", "n_at_risk"):
        assert not safe[column].dropna().between(1, 10).any()
    events = safe.groupby("group")["n_events"].first()
    assert events.isna().sum() != 1


def test_counts_of_the_excluded_are_counts_too(many):
    table = landmark(many, "os", "sct", at=5.0, horizons=[12])
    table["n_censored_before"] = 4
    safe = safe_survival(table)
    assert safe["n_censored_before"].isna().all()
    assert safe["n_event_before"].isna().all()
    assert safe["n_later_origin"].eq(0).all()


def test_comparisons_one_after_another_are_hidden_one_by_one(many, study):
    tables = [comparison_summary(many, c) for c in study.comparisons.values()]
    together = safe_survival(pd.concat(tables, ignore_index=True))
    apart = pd.concat([safe_survival(table) for table in tables], ignore_index=True)
    pd.testing.assert_frame_equal(together, apart)


def test_a_safe_curve_stands_on_the_grid_and_ends_in_time(many, study):
    curve = kaplan_meier(many, "os", by="arm")
    safe = safe_curve(curve, study)
    assert not {"n_events", "n_censored"} & set(safe.columns)
    assert (safe["time"] % 1 == 0).all()
    for group, part in safe.groupby("group"):
        full = curve[curve["group"] == group]
        exact = full[full["time"] <= part["time"].max()].iloc[-1]
        assert abs(part["survival"].iloc[-1] - exact["survival"]) <= 0.05 + 1e-12  # units of 0.1
        at_end = full[full["time"] >= part["time"].max()].iloc[0]
        assert at_end["n_at_risk"] >= 11
        left = -part["n_at_risk"].dropna().astype(int).diff().dropna()
        assert ((left == 0) | (left >= 11)).all()


def test_safe_curves_show_no_small_group(cohort, study):
    assert safe_curve(kaplan_meier(cohort, "os", by="arm"), study).empty


def _solvable(hidden, sums, counts) -> set[int]:
    """Hidden cells that follow from the sums, by elimination."""
    cells = np.flatnonzero(hidden)
    matrix = np.zeros((len(sums), len(counts)))
    for row, line in enumerate(sums):
        matrix[row, list(line.parts)] = 1
        if line.total is not None:
            matrix[row, line.total] -= 1
    visible = matrix[:, cells]
    rank = np.linalg.matrix_rank(visible)
    found = set()
    for position, cell in enumerate(cells):
        unit = np.zeros(len(cells))
        unit[position] = 1
        if np.linalg.matrix_rank(np.vstack([visible, unit])) == rank:
            found.add(int(cell))
    return found


@given(st.lists(st.lists(st.integers(0, 60), min_size=3, max_size=3), min_size=2, max_size=5))
@settings(max_examples=300, deadline=None)
def test_in_any_table_with_margins_no_small_count_follows(rows):
    table = np.array(rows)
    table = np.column_stack([table, table.sum(axis=1)])
    table = np.vstack([table, table.sum(axis=0)])
    at = np.arange(table.size).reshape(table.shape)
    sums = [Sum(tuple(row[:-1]), int(row[-1])) for row in at]
    sums += [Sum(tuple(column[:-1]), int(column[-1])) for column in at.T]
    counts = table.ravel()
    hidden = hidden_cells(counts, sums)
    small = set(np.flatnonzero((counts > 0) & (counts < 11)).tolist())
    assert all(hidden[cell] for cell in small)
    assert not small & _solvable(hidden, sums, counts)
    for line in sums:
        gone = [cell for cell in line.parts if hidden[cell]]
        if gone and not hidden[line.total]:
            assert counts[gone].sum() >= 11


def test_every_point_of_a_safe_curve_is_that_of_the_whole_curve_rounded(many):
    """At a grid time that is an event time, survival after the event; at 0, one."""
    whole = kaplan_meier(many, "os")
    safe = safe_curve(whole, many.study)
    time, survival = whole["time"].to_numpy(float), whole["survival"].to_numpy(float)
    assert safe["time"].iloc[0] == 0
    assert safe["survival"].iloc[0] == 1
    for at, shown in zip(safe["time"], safe["survival"], strict=True):
        before = survival[time <= at]
        n = int(whole["n_at_risk"].to_numpy()[min(np.sum(time < at), time.size - 1)])
        exact = before[-1] if before.size else 1.0
        unit = CMS.unit(n, exact)
        assert abs(shown - exact) <= unit / 2 + 1e-12, at
        assert shown == pytest.approx(round(shown / unit) * unit)
    on_an_event = set(safe["time"]) & set(time[whole["n_events"].to_numpy() > 0])
    assert on_an_event, "a grid time must be an event time for this test to tell"

"""``(start, stop]`` rows: conventions, real cohorts, and what splitting must not change."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from allsurv.cohort.intervals import make_intervals
from allsurv.errors import OutcomeError


def one(time: float, *switches: float, event: bool = True):
    named = {f"e{i}": [s] for i, s in enumerate(switches)}
    return make_intervals([time], [event], named, pd.DataFrame({"age": [34.0]}))


def test_a_switch_cuts_follow_up_in_two():
    rows = one(12.0, 4.0)
    assert rows.start.tolist() == [0, 4]
    assert rows.stop.tolist() == [4, 12]
    assert rows.event.tolist() == [False, True]
    assert rows.X["e0"].tolist() == [0, 1]
    assert rows.X["age"].tolist() == [34, 34]
    assert len(rows) == 2


@pytest.mark.parametrize(
    ("switch", "values"),
    [(0.0, [1.0]), (-3.0, [1.0]), (12.0, [0.0]), (15.0, [0.0]), (np.inf, [0.0]), (np.nan, [0.0])],
    ids=["day 0", "before", "last day", "after", "never", "unknown"],
)
def test_a_switch_outside_follow_up_makes_no_row(switch, values):
    rows = one(12.0, switch)
    assert rows.X["e0"].tolist() == values
    assert (rows.start.tolist(), rows.stop.tolist()) == ([0], [12])


def test_two_switches_on_one_day_cut_once():
    rows = one(12.0, 4.0, 4.0, 2.0)
    assert rows.start.tolist() == [0, 2, 4]
    assert rows.X[["e0", "e1", "e2"]].to_numpy().tolist() == [[0, 0, 0], [0, 0, 1], [1, 1, 1]]


def test_no_events_leave_one_row_per_patient():
    rows = make_intervals([1.0, 2.0], [True, False], {}, pd.DataFrame({"age": [1.0, 2.0]}))
    assert rows.patient.tolist() == [0, 1]
    assert list(rows.X.columns) == ["age"]


def test_nobody_gives_no_rows():
    assert len(make_intervals([], [], {"sct": []}, pd.DataFrame({"age": []}))) == 0


def test_an_event_named_like_a_baseline_variable_is_refused():
    with pytest.raises(OutcomeError, match="'age' is both a baseline variable"):
        make_intervals([1.0], [True], {"age": [0.5]}, pd.DataFrame({"age": [1.0]}))


def test_ebmt_has_the_4978_rows_that_tmerge_makes(shared):
    d = pd.read_csv(shared / "reference" / "ebmt4_all.csv")
    switches = {e: d[e].where(d[f"{e}.s"] == 1) for e in ("rec", "ae", "rel")}
    rows = make_intervals(d["srv"], d["srv.s"] == 1, switches, d[["year", "agecl"]])
    assert len(rows) == 4978
    assert rows.event.sum() == 838
    # 23 patients relapsed on the day they died: the relapse changes none of their rows.
    same_day = np.flatnonzero((d["rel.s"] == 1) & (d["rel"] == d["srv"]))
    assert same_day.size == 23
    assert rows.X["rel"].to_numpy()[np.isin(rows.patient, same_day)].sum() == 0


def test_kmsurv_has_the_341_rows_of_r(shared):
    d = pd.read_csv(shared / "reference" / "kmsurv_bmt.csv")
    switches = {
        "agvhd": d["ta"].where(d["da"] == 1),
        "cgvhd": d["tc"].where(d["dc"] == 1),
        "plt": d["tp"].where(d["dp"] == 1),
    }
    rows = make_intervals(d["t2"], d["d3"] == 1, switches, d[["group"]])
    assert len(rows) == 341
    assert rows.event.sum() == 83


def test_stanford_has_the_rows_of_jasa1(shared):
    """R moves two days by half: a death on day 0, and a transplant on the day of death."""
    patients = pd.read_csv(shared / "reference" / "stanford_jasa.csv")
    expected = pd.read_csv(shared / "reference" / "stanford_heart_long.csv")
    time = patients["futime"].where(patients["futime"] > 0, 0.5)
    wait = patients["wait.time"].where(patients["transplant"] == 1)
    same_day = wait == time
    assert np.flatnonzero(same_day).tolist() == [37]

    rows = make_intervals(time, patients["fustat"] == 1, {"sct": wait}, patients[["surgery"]])
    assert len(rows) == 169
    assert rows.X["sct"][rows.patient == 37].tolist() == [0.0]

    wait = wait - 0.5 * same_day
    rows = make_intervals(time, patients["fustat"] == 1, {"sct": wait}, patients[["surgery"]])
    assert len(rows) == 170
    for found, column in [(rows.start, "start"), (rows.stop, "stop"), (rows.event, "event")]:
        assert np.array_equal(found, expected[column])
    assert np.array_equal(rows.X["sct"], expected["transplant"])
    assert np.array_equal(rows.X["surgery"], expected["surgery"])


cohorts = st.integers(1, 12).flatmap(
    lambda n: st.tuples(
        hnp.arrays(int, n, elements=st.integers(1, 9)),
        hnp.arrays(bool, n),
        hnp.arrays(float, (n, 3), elements=st.sampled_from([-1, 0, 1, 2, 3, 5, 9, 11, np.inf])),
    )
)


@given(cohorts)
def test_rows_cover_follow_up_once_and_say_what_was_true(cohort):
    time, event, on = cohort
    X = pd.DataFrame({"age": np.arange(time.size, dtype=float)})
    rows = make_intervals(time, event, {f"e{k}": on[:, k] for k in range(3)}, X)
    assert np.all(rows.start < rows.stop)
    assert np.bincount(rows.patient, rows.stop - rows.start).tolist() == time.tolist()
    assert np.bincount(rows.patient, rows.event).tolist() == event.astype(float).tolist()
    assert np.array_equal(rows.X["age"], rows.patient)
    for k in range(3):
        # By definition, day by day: on during (t-1, t] if it happened by t-1.
        exposure = np.array(
            [sum(on[i, k] <= day for day in range(time[i])) for i in range(time.size)], dtype=float
        )
        length = (rows.stop - rows.start) * rows.X[f"e{k}"]
        assert np.bincount(rows.patient, length).tolist() == exposure.tolist()


@given(cohorts)
def test_splitting_rows_further_changes_nothing(cohort):
    """Cutting at a day that switches nothing (a constant event) keeps exposure and events."""
    time, event, on = cohort
    X = pd.DataFrame({"age": np.arange(time.size, dtype=float)})
    rows = make_intervals(time, event, {"a": on[:, 0]}, X)
    finer = make_intervals(time, event, {"a": on[:, 0], "cut": np.full(time.size, 4.0)}, X)
    for day in range(1, 10):
        at_risk, at_risk_finer = (
            {
                (p, a, e and stop == day)
                for p, s, stop, e, a in zip(
                    r.patient, r.start, r.stop, r.event, r.X["a"], strict=True
                )
                if s < day <= stop
            }
            for r in (rows, finer)
        )
        assert at_risk == at_risk_finer

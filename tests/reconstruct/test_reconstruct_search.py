"""The search: filters and targets from a ledger, repeatable, restartable, true to its rules."""

from __future__ import annotations

import math
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from allsurv.dictionary.filters import matches
from allsurv.errors import ConfigError, StudyError
from allsurv.reconstruct.rr_all.comparison import comparison_ledger, reconstruct_comparison
from allsurv.reconstruct.rr_all.plan import PLAN
from allsurv.reconstruct.rr_all.printed import Printed
from allsurv.reconstruct.rr_all.write import lay_out_patients, reconstruct_cohort
from allsurv.reconstruct.search.board import lay_out
from allsurv.reconstruct.search.groups import Groups, NotSearched
from allsurv.reconstruct.search.problem import members, pose
from allsurv.reconstruct.search.schedule import Cooling, Schedule, search
from allsurv.reconstruct.search.targets import printed_interval
from allsurv.study import load_ledger, load_study

SHORT = Schedule((Cooling(10.0, 1.0, 15_000), Cooling(2.0, 1.0, 15_000)), chunk=10_000)


@pytest.fixture(scope="module")
def study():
    return load_study("rr-all")


@pytest.fixture(scope="module")
def ledger():
    return load_ledger("rr-all")


@pytest.fixture(scope="module")
def people(ledger):
    return lay_out_patients(np.random.default_rng(1), ledger)


# What is to be reached


def test_what_rounds_to_a_printed_number(ledger):
    entry = ledger.entries["res_os36_rate"]
    assert printed_interval(entry) == pytest.approx((39.52, 40.48))
    below = ledger.entries["res_os_tp53_p"]
    low, high = printed_interval(below)
    assert low == -math.inf
    assert 0.00009 < high < 0.0001
    at_least = ledger.entries["res_tp53mut_alive_sct_fu"]
    assert printed_interval(at_least) == pytest.approx((9.0, 9.48))
    contradicted = replace(entry, authoritative_value=50.0)
    assert printed_interval(contradicted) == pytest.approx((49.52, 50.48))


def test_every_survival_number_of_the_study_is_a_target(study, ledger, people):
    _, goals = pose(ledger, study, PLAN, lay_out(people, PLAN))
    kinds = ("km_", "logrank", "hazard", "hr_ci", "wald", "followup")
    own = [e for e in ledger.entries.values() if e.status != "external"]
    wanted = {e.id for e in own if e.kind.startswith(kinds)}
    assert wanted <= set(goals.entries)
    assert len(wanted) > 90


@pytest.mark.parametrize(
    "condition",
    [
        {"arm": "after"},
        {"salvage": (2, 3)},
        {"tp53_tested": True, "tp53_mut": False},
        {"high_risk_cyto": True},
        {"tp53_mutated": False},
        {"cyto_risk": "low"},
        {"mrd_best_tested": True},
        {"sct": False, "alive_in_cr": True},
    ],
)
def test_a_group_is_who_meets_the_filter(condition, study, ledger, people):
    from allsurv.dictionary.derive import derive, derived_order

    board = lay_out(people, PLAN)
    groups = Groups(study, board, PLAN)
    group = groups.add(condition)
    found = members(groups.conditions(), group, board)
    frame = pd.DataFrame({name: pd.Series(people[name].tolist()) for name in PLAN.labels})
    for name in derived_order(study.variables, set(frame.columns)):
        frame[name] = derive(frame, study.variable(name))
    assert found.tolist() == matches(frame, condition).tolist()
    assert found.any()


def test_landmarks_and_unions(study, people):
    board = lay_out(people, PLAN)
    groups = Groups(study, board, PLAN)
    union = groups.add({"landmark_month": 2, "any_of": ({"arm": "after"}, {"sct": True})})
    found = members(groups.conditions(), union, board)
    expected = (people["os_months"] > 2) & ((people["arm"] == "after") | people["sct"])
    assert found.tolist() == expected.tolist()
    with pytest.raises(NotSearched, match="'sos' is not searched"):
        groups.add({"sos": True})


def test_more_labels_than_bits_are_refused(people):
    plan = replace(PLAN, labels=(*PLAN.labels, "patient_no"))
    with pytest.raises(ConfigError, match="labels; allowed are 62"):
        lay_out(people, plan)


# The search


def test_counts_and_rules_hold_throughout(study, ledger, people):
    found = search(people, ledger, study, PLAN, random_state=1, schedule=SHORT)
    before, after = (lay_out(p, PLAN) for p in (people, people | found.columns))
    problem, goals = pose(ledger, study, PLAN, before)
    for group in goals.counts:
        counted = [members(problem.conditions, group, b).sum() for b in (before, after)]
        assert counted[0] == counted[1]
    assert broken(before) == broken(after) == 0
    assert found.history["lowest"].iloc[-1] < found.history["lowest"].iloc[0]
    moved = {
        name
        for name in PLAN.numbers
        for was, now in [(b.values[b.number(name)] for b in (before, after))]
        if not np.array_equal(was, now, equal_nan=True)
    }
    may = {n for e in PLAN.exchanges for n in e.columns} | {n.column for n in PLAN.nudges}
    assert moved == may & set(PLAN.numbers)


def broken(board) -> int:
    """Patients who break a rule of the plan, worked out anew."""
    study = load_study("rr-all")
    groups = Groups(study, board, PLAN)
    count = 0
    for rule in PLAN.limits:
        group = groups.add(rule.among)
        here = members(groups.conditions(), group, board)
        left, right = rule.gap, 0.0
        for name in (rule.first, rule.plus):
            left = left + (board.values[board.number(name)] if name else 0.0)
        if rule.then:
            right = board.values[board.number(rule.then)]
        count += int((here & (left > right + 1e-9)).sum())
    return count


def test_a_seed_means_the_same_patients(study):
    tables = [reconstruct_cohort(study, random_state=seed, schedule=SHORT)[0] for seed in (7, 7, 8)]
    assert tables[0].equals(tables[1])
    assert not tables[0].equals(tables[2])


class Stopped(Exception):
    """The user's hand."""


def test_an_interrupted_search_goes_on_to_the_same_end(tmp_path, study, ledger, people):
    path = tmp_path / "cohort.csv.checkpoint"
    whole = search(people, ledger, study, PLAN, random_state=3, schedule=SHORT)

    def stop(tried: int, moves: int, lowest: float) -> None:
        if tried == 10_000:
            raise Stopped

    arguments = {"random_state": 3, "schedule": SHORT, "checkpoint": path}
    with pytest.raises(Stopped):
        search(people, ledger, study, PLAN, tell=stop, **arguments)
    assert path.is_file()
    with pytest.raises(ConfigError, match="checkpoint of another search"):
        search(people, ledger, study, PLAN, **{**arguments, "random_state": 4})
    said = []
    rest = search(people, ledger, study, PLAN, tell=lambda *a: said.append(a[0]), **arguments)
    assert said == [15_000, 25_000, 30_000]
    assert not path.exists()
    assert rest.history.equals(whole.history)
    for name, column in whole.columns.items():
        same = column == rest.columns[name]
        assert (same | pd.isna(column)).all()


def test_a_small_study_of_its_own_is_met_exactly(study, ledger):
    """89 patients, one curve: the engine knows nothing of rr-all."""
    other = load_study("rr-all-inotuzumab")
    table = reconstruct_comparison(other, ledger, "ino_mono", random_state=5)
    assert len(table) == 89
    own = comparison_ledger(ledger, "ino_mono")
    assert Printed(own).count({}) == 89
    from allsurv.cohort import make_cohort
    from allsurv.stats.curves.kaplan_meier import kaplan_meier

    y = make_cohort(table, other).y("os")
    curve = kaplan_meier(y["time"], y["event"])
    read = curve.at([36.0])
    found = [round(100 * float(part[0])) for part in read] + [round(curve.median().value)]
    assert found == [11, 6, 19, 6]


def test_only_a_study_with_a_frame_is_reconstructed():
    with pytest.raises(ConfigError, match="'ebmt-all' has no frame of patients"):
        reconstruct_cohort(load_study("ebmt-all"))


def test_what_is_not_printed_is_said(ledger):
    printed = Printed(ledger)
    assert printed.count({"karyotype": "ho_tr"}, {"arm": "after"}) == 8
    assert printed.spread("age", {"arm": "before"}) == (17, 34, 87)
    with pytest.raises(StudyError, match="no count of"):
        printed.count({"karyotype": "ho_tr"}, {"arm": "before", "sex": "male"})
    with pytest.raises(StudyError, match="no median of 'ecog'"):
        printed.median("ecog")


def test_cohort_loads_without_numba():
    code = (
        "import sys, allsurv, allsurv.cohort as c; c.load_cohort(); print('numba' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"

"""How each patient's follow-up ended, where several events compete."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from allsurv.cohort import read_cohort
from allsurv.errors import CohortError, OutcomeError, StudyError
from allsurv.study.spec import Cause, Endpoint, Study

RELAPSE = Cause("relapse", "Relapse", ({"relapse": True},))
DEATH = Cause("nrm", "Death without relapse", ({"relapse": False, "alive": False},))
RESPONDERS = {"response": ("CR", "CRi")}


def failure(**changes) -> Endpoint:
    facts = {
        "causes": {"relapse": RELAPSE, "nrm": DEATH},
        "censored": ({"relapse": False, "alive": True},),
        **changes,
    }
    return Endpoint(
        "failure",
        "Relapse or death",
        "rfs_months",
        (),
        "response",
        population=RESPONDERS,
        kind="competing",
        **facts,
    )


@pytest.fixture
def competing(study) -> Study:
    return replace(study, endpoints={**study.endpoints, "failure": failure()})


def test_times_and_codes_by_hand(frame, competing):
    # P2 did not respond; P1 and P3 are alive in remission, P4 relapsed and then died.
    patients = read_cohort(frame, competing).eligible("failure")
    outcome = patients.competing("failure")
    assert outcome.time.tolist() == [47.0, 29.3, 10.0]
    assert outcome.cause.tolist() == [0, 0, 1]
    assert outcome.names == ("relapse", "nrm")
    assert outcome.labels == ("Relapse", "Death without relapse")
    assert outcome.counts() == {"relapse": 1, "nrm": 0}
    assert len(outcome) == 3


def test_the_order_of_causes_gives_the_codes(frame, competing):
    swapped = failure(causes={"nrm": DEATH, "relapse": RELAPSE})
    study = replace(competing, endpoints={"failure": swapped})
    outcome = read_cohort(frame, study).eligible("failure").competing("failure")
    assert outcome.cause.tolist() == [0, 0, 2]
    assert outcome.code("relapse") == 2


def test_one_cause_or_any_as_the_event(frame, competing):
    frame.loc[2, ["alive", "relapse"]] = ["no", "no"]
    outcome = read_cohort(frame, competing).eligible("failure").competing("failure")
    assert outcome.y_any()["event"].tolist() == [False, True, True]
    assert outcome.y_cause("nrm")["event"].tolist() == [False, True, False]
    assert outcome.y_cause("nrm")["time"].tolist() == outcome.time.tolist()
    with pytest.raises(OutcomeError, match=r"'nmr' is not a cause .* Did you mean 'nrm'"):
        outcome.y_cause("nmr")


def test_a_patient_in_two_causes_is_refused_by_row(frame, competing):
    both = failure(causes={"relapse": RELAPSE, "death": Cause("death", "D", ({"alive": False},))})
    study = replace(competing, endpoints={"failure": both})
    with pytest.raises(CohortError) as caught:
        read_cohort(frame, study)
    (violation,) = caught.value.violations
    assert violation.column == "relapse"
    assert violation.rows == (4,)
    assert violation.rule == (
        "ends in several ways of endpoint 'failure' (relapse, death, censored); let its filters "
        "exclude one another."
    )


def test_a_patient_in_no_cause_is_refused_by_row(frame, competing):
    nobody = failure(censored=({"relapse": False, "alive": True, "sct": True},))
    study = replace(competing, endpoints={"failure": nobody})
    with pytest.raises(CohortError, match="ends in none of the ways of endpoint 'failure'") as one:
        read_cohort(frame, study)
    (violation,) = one.value.violations
    assert violation.rows == (3,)


def test_a_missing_status_is_refused_when_the_outcome_is_asked_for(frame, competing):
    relapse = replace(competing.variables["relapse"], missing="allowed", only_if={})
    study = replace(competing, variables={**competing.variables, "relapse": relapse})
    frame.loc[0, "relapse"] = None
    patients = read_cohort(frame, study).eligible("failure")
    with pytest.raises(OutcomeError, match=r"1 patients \(rows 1\) have a missing status"):
        patients.competing("failure")


def test_each_kind_refuses_the_other(frame, competing):
    patients = read_cohort(frame, competing)
    with pytest.raises(StudyError, match=r"'failure' has several events .* \(relapse, nrm\)"):
        patients.eligible("failure").y("failure")
    with pytest.raises(StudyError, match=r"'os' has no events that compete; take cohort.y\('os'\)"):
        patients.competing("os")
    with pytest.raises(OutcomeError, match="outside its population"):
        patients.competing("failure")


def test_picked_patients_keep_their_ending(frame, competing):
    patients = read_cohort(pd.concat([frame] * 2).assign(id=list("abcdefgh")), competing)
    picked = patients.eligible("failure").take([5, 0])
    np.testing.assert_array_equal(picked.competing("failure").cause, [1, 0])


def test_delayed_entry_is_refused_and_not_forgotten(frame, competing):
    late = replace(failure(), entry="sct_months")
    study = replace(competing, endpoints={**competing.endpoints, "failure": late})
    patients = read_cohort(frame, study).eligible("failure")
    with pytest.raises(
        OutcomeError, match=r"delayed entry \('sct_months'\), which is taken for one"
    ):
        patients.competing("failure")

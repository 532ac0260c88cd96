"""Endpoints that censor deaths: found, not called survival, and refused as absolute risks."""

from __future__ import annotations

from dataclasses import replace

import pytest

import allsurv as als
from allsurv.cohort import read_cohort
from allsurv.cohort.deaths import CENSORS_DEATHS, censors_deaths, check_absolute_risk
from allsurv.describe import comparison_curves, comparison_summary
from allsurv.errors import OutcomeError
from allsurv.plots import plot_kaplan_meier
from allsurv.study.spec import Comparison, Endpoint

RELAPSE = Endpoint(
    "relapse",
    "Relapse",
    "rfs_months",
    ({"relapse": True},),
    "response",
    origin_time="days_to_response",
    population={"response": ("CR", "CRi")},
)


@pytest.fixture
def patients(frame, study):
    """Of three responders the third dies without relapse, 15.03 months after response on day 60."""
    frame.loc[3, ["relapse", "rfs_months"]] = ["no", 15.03]
    return read_cohort(frame, replace(study, endpoints={**study.endpoints, "relapse": RELAPSE}))


def test_a_death_that_ends_follow_up_is_found(patients):
    responders = patients.eligible("relapse")
    # 60 days are 1.97 months, and 1.97 + 15.03 = 17.0, when the patient died.
    assert censors_deaths(responders, "relapse").tolist() == [False, False, True]


def test_follow_up_that_ended_before_death_is_no_such_thing(frame, study):
    frame.loc[3, ["relapse", "rfs_months"]] = ["no", 9.0]
    cohort = read_cohort(frame, replace(study, endpoints={**study.endpoints, "relapse": RELAPSE}))
    assert not censors_deaths(cohort.eligible("relapse"), "relapse").any()


def test_survival_and_relapse_free_survival_censor_no_death(patients):
    for endpoint in ("os", "rfs"):
        assert not censors_deaths(patients.eligible(endpoint), endpoint).any()


def test_the_study_file_may_name_another_endpoint_of_death(patients):
    renamed = {
        "overall": replace(patients.study.endpoints["os"], name="overall"),
        "relapse": RELAPSE,
    }
    prediction = replace(patients.study.prediction, endpoint="overall")
    quiet = replace(patients.study, endpoints=renamed, prediction=prediction)
    assert not censors_deaths(replace(patients, study=quiet).eligible("relapse"), "relapse").any()
    named = replace(quiet, death="overall")
    assert censors_deaths(replace(patients, study=named).eligible("relapse"), "relapse").any()


def test_a_model_of_it_is_refused_with_both_ways_out(patients):
    with pytest.raises(OutcomeError) as caught:
        check_absolute_risk(patients, "relapse")
    assert "kind: competing" in str(caught.value)
    assert "let death count as the event too" in str(caught.value)
    with pytest.raises(OutcomeError, match="no absolute risk"):
        als.validate(als.make_model("cox", patients.study), patients, "relapse")
    check_absolute_risk(patients, "os")


def test_its_curve_is_not_called_survival(patients):
    asked = Comparison("relapse", "Relapse", "relapse")
    curves = comparison_curves(patients, asked)
    assert curves["censors_deaths"].all()
    assert curves["note"].unique().tolist() == [CENSORS_DEATHS]
    axes = plot_kaplan_meier(curves)
    assert axes.get_ylabel() == "Free of the event, deaths censored"
    summary = comparison_summary(patients, Comparison("os", "Survival", "os"), horizons=[12.0])
    assert not summary["censors_deaths"].any()
    assert plot_kaplan_meier(
        comparison_curves(patients, Comparison("os", "S", "os"))
    ).get_ylabel() == ("Survival")

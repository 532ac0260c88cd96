"""Complete response, transplantation, relapse and death of 646 patients, against R.

R 4.2.2, survival 3.5-3; ``survfit(Surv(tstart, tstop, event) ~ trt, id = id)`` of rows made by
``tmerge``, of same-day events death before relapse before transplantation before response.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import allsurv as als
from allsurv.cohort import state_histories
from allsurv.describe import state_curves, state_table, transition_counts, transition_table
from allsurv.errors import ModelError, OutcomeError, StudyError
from allsurv.study import load_study

DAYS = 30.4375
STATES = ("start", "response", "transplant", "relapse", "death")
# At 182.625, 365.25 and 730.5 days: summary(survfit, times = )$pstate.
PROBABILITIES = {
    "A": [
        [0.06123458, 0.3936757, 0.3506969, 0.05735719, 0.13703563],
        [0.01360768, 0.2328226, 0.3451215, 0.08426066, 0.32418757],
        [0.00680384, 0.1711931, 0.2775725, 0.03972594, 0.50470466],
    ],
    "B": [
        [0.05574065, 0.4882726, 0.3038889, 0.05609083, 0.09600705],
        [0.03406373, 0.3134590, 0.3371592, 0.09694744, 0.21837064],
        [0.01548351, 0.2062486, 0.3203561, 0.08404573, 0.37386609],
    ],
}
# summary(survfit, rmean = 730.5)$table, days.
MEAN_TIMES = {
    "A": [75.70264, 199.15543, 199.85896, 41.35199, 214.43099],
    "B": [77.69053, 251.29420, 199.22041, 49.42081, 152.87405],
}
# coxph(Surv(tstart, tstop, event) ~ trt, id = id): effect of B, robust error.
EFFECTS = {
    ("start", "response"): (0.21137977, 0.09564194),
    ("transplant", "response"): (0.62318196, 0.61908212),
    ("start", "transplant"): (-0.28718137, 0.19551105),
    ("response", "transplant"): (-0.00444507, 0.16014512),
    ("relapse", "transplant"): (-0.03435479, 0.22207925),
    ("start", "relapse"): (-0.46660228, 0.51854876),
    ("response", "relapse"): (-0.15426660, 0.15661222),
    ("transplant", "relapse"): (-0.28292502, 0.29495963),
    ("start", "death"): (-0.19601308, 0.27630148),
    ("response", "death"): (-0.88097370, 0.50805281),
    ("transplant", "death"): (-0.19451794, 0.17676271),
    ("relapse", "death"): (-0.43954346, 0.21148654),
}
# survcheck: moves.
MOVES = {
    ("start", "response"): 442, ("start", "transplant"): 107, ("start", "relapse"): 13,
    ("start", "death"): 55, ("response", "transplant"): 158, ("response", "relapse"): 168,
    ("response", "death"): 17, ("transplant", "response"): 11, ("transplant", "relapse"): 45,
    ("transplant", "death"): 149, ("relapse", "transplant"): 99, ("relapse", "death"): 99,
}  # fmt: skip


@pytest.fixture(scope="module")
def patients(root):
    return als.load_cohort(load_study(root / "tests/zoo/studies/myeloid.yaml"))


def test_probabilities_at_half_a_year_one_and_two(patients):
    table = state_table(patients, "course", by="trt", horizons=[6, 12, 24])
    for group, expected in PROBABILITIES.items():
        wide = table[table["group"] == group].pivot(
            index="horizon", columns="state", values="probability"
        )
        np.testing.assert_allclose(wide[list(STATES)], expected, atol=5e-8)
    assert (table["lower"] < table["probability"]).all()
    assert (table["upper"] > table["probability"]).all()


def test_mean_time_in_each_state_by_two_years(patients):
    table = state_table(patients, "course", by="trt", horizons=[24])
    for group, expected in MEAN_TIMES.items():
        days = table[table["group"] == group].set_index("state")["mean_time"] * DAYS
        np.testing.assert_allclose(days[list(STATES)], expected, atol=6e-6)


def test_moves_are_those_of_survcheck(patients):
    counts = transition_counts(patients, "course").set_index(["state", "to"])["n_moves"]
    assert counts.to_dict() == MOVES


def test_effects_on_every_transition(patients):
    table = transition_table(patients, "course", ["trt"]).set_index(["state", "to"])
    for move, (coef, error) in EFFECTS.items():
        assert table.loc[move, "coef"] == pytest.approx(coef, abs=6e-9)
        assert table.loc[move, "std_error"] == pytest.approx(error, abs=6e-9)
        assert table.loc[move, "n_moves"] == MOVES[move]


def test_curves_add_up_to_one(patients):
    curves = state_curves(patients, "course")
    total = curves.groupby("time")["probability"].sum()
    np.testing.assert_allclose(total, 1.0, atol=1e-12)
    at_start = curves[curves["time"] == 0].set_index("state")["probability"]
    assert at_start.to_dict() == dict.fromkeys(STATES, 0.0) | {"start": 1.0}


def test_few_moves_are_counted_and_not_modelled(patients):
    few = patients.take(np.arange(60))
    table = transition_table(few, "course", ["trt"])
    rare = table["n_moves"] < 10
    assert 0 < rare.sum() < len(table)
    assert table.loc[rare, "coef"].isna().all()
    assert table.loc[~rare, "coef"].notna().all()
    assert (table.loc[rare, "note"] == "fewer than 10 moves: counted, not modelled").all()


def test_a_move_that_is_no_transition_is_refused_by_row(patients):
    endpoint = patients.study.endpoints["course"]
    fewer = {**endpoint.transitions, "transplant": ("relapse", "death")}
    course = replace(endpoint, transitions=fewer)
    study = replace(patients.study, endpoints={**patients.study.endpoints, "course": course})
    with pytest.raises(OutcomeError) as caught:
        state_histories(replace(patients, study=study), "course")
    assert "endpoint 'course': 11 patients (rows " in str(caught.value)
    assert "move from 'transplant' to 'response', which is no transition" in str(caught.value)


def test_the_order_says_which_event_of_a_day_counts(patients):
    frame = patients.frame.head(1).copy()
    frame["os_months"] = frame["relapse_months"] = frame["remission_months"] = 5.0
    frame["death"] = frame["relapsed"] = frame["remission"] = True
    frame["transplant_months"], frame["transplanted"] = np.nan, False
    rows = state_histories(replace(patients, frame=frame), "course")
    assert (rows["state"].tolist(), rows["to"].tolist()) == (["start"], ["death"])
    endpoint = patients.study.endpoints["course"]
    mild = replace(endpoint, order=("response", "relapse", "transplant", "death"))
    study = replace(patients.study, endpoints={**patients.study.endpoints, "course": mild})
    rows = state_histories(replace(patients, frame=frame, study=study), "course")
    assert rows["to"].tolist() == ["response"]


def test_each_kind_refuses_the_other(patients):
    with pytest.raises(StudyError, match=r"'course' has states .*take state_table"):
        patients.y("course")
    with pytest.raises(StudyError, match="'os' has no states; write kind: states"):
        state_table(patients, "os")
    with pytest.raises(ModelError, match="not imputed where patients move"):
        transition_table(patients, "course", ["trt"], missing="impute")
    with pytest.raises(ModelError, match="immortal time"):
        state_table(patients, "course", by="transplanted")

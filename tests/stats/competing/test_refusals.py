"""What the functions for competing risks and states refuse, each with one clear error."""

from __future__ import annotations

import numpy as np
import pytest

from allsurv.errors import ModelError, MonotoneError, OutcomeError
from allsurv.stats.competing.cause_specific import fit_cause_specific
from allsurv.stats.competing.contrasts import incidence_contrast, time_lost, time_lost_contrast
from allsurv.stats.competing.fine_gray import fit_fine_gray
from allsurv.stats.competing.histories import check_histories, make_histories
from allsurv.stats.competing.incidence import cumulative_incidence
from allsurv.stats.competing.states import landmark_state_probabilities, state_probabilities
from allsurv.stats.competing.transitions import fit_transitions

TIME, CAUSE, GROUP = [1, 2, 3, 4], [1, 2, 1, 0], list("abab")
X = np.array([[0.3], [0.1], [0.2], [0.4]])
ROWS = {
    "patient": [1, 1, 2, 3, 4],
    "start": [0, 2, 0, 0, 0],
    "stop": [2, 4, 3, 5, 5],
    "state": ["well", "ill", "well", "well", "well"],
    "to": ["ill", "dead", "dead", "well", "well"],
}
STILL = ROWS | {"patient": range(5), "to": ROWS["state"]}
COVARIATE = np.array([[0.3], [0.3], [0.1], [0.2], [0.4]])


def contrast(**changed):
    given = {"time": TIME, "cause": CAUSE, "group": GROUP, "horizon": 2}
    return incidence_contrast(**given | changed)


def fine_gray(X=X, time=TIME, cause=CAUSE, **changed):
    return fit_fine_gray(time, cause, X, **changed)


def transitions(**changed):
    return fit_transitions(**{**ROWS, "X": COVARIATE, **changed})


OUTCOMES = [
    (lambda: contrast(horizon=0), "horizon is not one positive time"),
    (lambda: contrast(horizon=[1, 2]), "horizon is not one positive time"),
    (lambda: contrast(group=list("aaaa")), "there is only one group"),
    (lambda: contrast(group=list("aaab"), weights=[1, 1, 1, 0]), "there is only one group"),
    (lambda: contrast(reference="c"), r"reference is 'c'; choose one of \['a', 'b'\]"),
    (lambda: contrast(of=3), r"nobody failed from cause 3; choose one of those seen, \[1, 2\]"),
    (lambda: contrast(level=1), "level"),
    (lambda: time_lost_contrast(TIME, CAUSE, GROUP, -1), "horizon is not one positive time"),
    (lambda: time_lost(TIME, CAUSE, np.nan), "time_lost: "),
    (lambda: time_lost(TIME, CAUSE, 2, of=True), "nobody failed from cause True"),
    (
        lambda: cumulative_incidence(TIME, CAUSE, variance="delta", weights=[1, 1, 1, 1]),
        "the delta variance counts whole patients",
    ),
    (lambda: fit_cause_specific(TIME, [0, 0, 0, 0], X), "there is no event"),
    (lambda: fit_cause_specific(TIME, CAUSE, X, weights=[0, 0, 0, 1]), "there is no event"),
    (lambda: fine_gray(cause=[0, 2, 0, 0]), "nobody failed from cause 1"),
    (
        lambda: fine_gray(
            time=[1, 2, 5, 6], cause=[2, 1, 1, 0], start=[0, 0, 3, 4], convention="finegray",
            X=np.empty((4, 0)),
        ),
        "at some time of entry nobody else is under observation",
    ),
    (lambda: check_histories(**ROWS | {"start": None}), "start is missing"),
    (lambda: check_histories(**ROWS, weights=[1, 1, 1, 1, 0]), "some weights are 0"),
    (lambda: check_histories(**ROWS, weights=[1, 2, 1, 1, 1]), "weights differ within a patient"),
    (lambda: check_histories(**ROWS, states=["well", "ill"]), r"also \['dead'\]"),
    (
        lambda: check_histories(**ROWS, states=["well", "ill", "dead", "ill"]),
        "name each state of the rows once",
    ),
    (
        lambda: check_histories(**ROWS | {"start": [0, 1, 0, 0, 0]}),
        r"1 row \(2\) begin before the patient's row before ends",
    ),
    (
        lambda: check_histories(**ROWS | {"to": ["dead", "dead", "dead", "well", "well"]}),
        r"1 row \(2\) begin in another state",
    ),
    (lambda: make_histories([3], {}), "name at least one beside 'start'"),
    (lambda: make_histories([3], {"start": [1]}), "name at least one beside 'start'"),
    (lambda: make_histories([3], {"ill": ["soon"]}), "ill is not numeric"),
    (lambda: make_histories([3], {"ill": [1, 2]}), r"shape \(2,\); give one time per patient, 1"),
    (lambda: make_histories([3, 3], {"ill": [1, 3.5]}), r"within follow-up in 1 rows \(2\)"),
    (lambda: make_histories([3, 3], {"ill": [0, 3]}), r"not after 0 .* in 1 rows \(1\)"),
    (lambda: state_probabilities(**STILL), "nobody moves to another state"),
    (lambda: state_probabilities(**ROWS, initial=3), "initial is no mapping"),
    (lambda: state_probabilities(**ROWS, initial={"well": "all"}), "initial is no mapping"),
    (lambda: state_probabilities(**ROWS, initial={"fine": 1}), "initial is no distribution"),
    (lambda: state_probabilities(**ROWS, initial={"well": 0.9}), "initial is no distribution"),
    (
        lambda: state_probabilities(**ROWS, initial={"well": 1.5, "ill": -0.5}),
        "initial is no distribution",
    ),
    (lambda: state_probabilities(**ROWS).restricted_mean(5.5), "up to 5, the end of follow-up"),
    (lambda: state_probabilities(**ROWS).restricted_mean(0), "not one time after 0"),
    (lambda: state_probabilities(**ROWS).restricted_mean([1, 2]), "not one time after 0"),
    (
        lambda: landmark_state_probabilities(**ROWS, landmark=2).at([1.9]),
        "a time lies before 2, where the curves begin",
    ),
    (lambda: landmark_state_probabilities(**ROWS, landmark=[1, 2]), "landmark is not one time"),
    (lambda: landmark_state_probabilities(**ROWS, landmark=1, of="fine"), "of is 'fine'; choose"),
    (
        lambda: landmark_state_probabilities(**ROWS, landmark=1, of="ill"),
        "nobody is in 'ill' just after 1",
    ),
    (lambda: landmark_state_probabilities(**ROWS, landmark=5), "nobody is observed just after 5"),
    (lambda: fit_transitions(**STILL, X=COVARIATE), "nobody moves to another state"),
    (lambda: transitions(transitions=[("well", "well")]), r"nobody makes the transitions"),
]  # fmt: skip

MODELS = [
    (lambda: fine_gray(convention="mine"), "convention is 'mine'; choose 'crr' or 'finegray'"),
    (lambda: fine_gray(ties="exact"), "ties is 'exact'; choose 'breslow' or 'efron'"),
    (lambda: fine_gray(ties="efron"), "convention 'crr' has Breslow's ties"),
    (lambda: fine_gray(start=[0, 0, 0, 0]), "convention 'crr' has no start"),
    (lambda: fine_gray(weights=[1, 1, 1, 1]), "convention 'crr' has no weights"),
    (lambda: fine_gray(X=np.zeros((4, 1, 2))), "X has 3 dimensions; a patient who failed"),
    (lambda: fine_gray(patient=[1, 1, 2, 3]), "4 rows of 3 patients; a patient who failed"),
    (lambda: fine_gray(X=np.random.default_rng(1).normal(size=(4, 3))), "3 columns but 2 events"),
    (lambda: fine_gray(X=np.hstack([X, 2 * X])), "fit_fine_gray: .x1. is determined by .x0."),
    (lambda: fine_gray(X=[[1.0], [0.0], [1.0], [0.0]]), "merge levels, or leave it out"),
    (lambda: fine_gray().incidence([[1.0, 2.0]], [1]), "FineGrayFit.incidence: "),
    (
        lambda: fit_cause_specific(TIME, CAUSE, np.hstack([X, X])),
        "fit_cause_specific, cause 1: ",
    ),
    (
        lambda: fit_cause_specific(TIME, CAUSE, np.empty((4, 0))).fit_of(3),
        r"cause is 3; choose one of \(1, 2\)",
    ),
    (
        lambda: fit_cause_specific(
            TIME * 2, CAUSE * 2, np.empty((8, 0)), strata=list("aaaabbbb")
        ).incidence(np.empty((1, 0)), [1]),
        "the models are stratified",
    ),
    (lambda: transitions(shared="x0"), "shared is 'x0'; give a list of names out of"),
    (lambda: transitions(shared=["age"]), r"shared is \['age'\]"),
    (lambda: transitions(names=["a", "b"]), "2 names for 1 columns"),
    (lambda: transitions(transitions=[("well", "gone")]), "transitions are no pairs of the states"),
    (lambda: transitions(transitions=[("well", "ill")] * 2), "named twice, or not at all"),
    (lambda: transitions(transitions=[]), "named twice, or not at all"),
    (lambda: transitions(X=np.ones((5, 1))), "fit_transitions: "),
    (
        lambda: transitions(ridge=1.0).column("age", ("well", "ill")),
        r"no effect of 'age' on \('well', 'ill'\)",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("call", "said"), OUTCOMES)
def test_an_outcome_that_is_refused(call, said):
    with pytest.raises(OutcomeError, match=said):
        call()


@pytest.mark.parametrize(("call", "said"), MODELS)
def test_a_model_that_is_refused(call, said):
    with pytest.raises(ModelError, match=said):
        call()


def test_a_covariate_without_a_finite_effect_is_told_apart():
    with pytest.raises(MonotoneError, match=r"fit_fine_gray: .*merge levels, or leave it out"):
        fine_gray(X=[[1.0], [0.0], [1.0], [0.0]])

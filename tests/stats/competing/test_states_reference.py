"""State probabilities, transitions and contrasts against R (`competing_states.R`)."""

from __future__ import annotations

import numpy as np
import pytest

from allsurv.stats.competing.contrasts import incidence_contrast, time_lost, time_lost_contrast
from allsurv.stats.competing.incidence import cumulative_incidence
from allsurv.stats.competing.states import landmark_state_probabilities, state_probabilities
from allsurv.stats.competing.transitions import fit_transitions
from stats.competing.cohorts import leukaemia

STATES = ("well", "ill", "worse", "dead")
AML = ("start", "response", "transplant", "relapse", "death")


@pytest.fixture(scope="module")
def made(reference):
    return reference("competing_states")


def columns(data):
    names = np.array(STATES)
    origin = names[np.array(data["from"]) - 1]
    target = np.where(np.array(data["to"]) == 0, origin, names[np.array(data["to"]) - 1])
    return data["id"], data["start"], data["stop"], origin, target


def difference(curves, theirs):
    """Largest difference of all that was read, on the scale of what it is."""
    order = [curves.states.index("start" if name == "(s0)" else name) for name in theirs["states"]]
    read = curves.at(np.array(theirs["times"]), conf_type="log")
    spent = curves.restricted_mean(theirs["horizon"])
    pairs = [
        (read.probability, "probability"),
        (read.std_error, "std_error"),
        (spent.mean[None], "mean"),
        (spent.std_error[None], "mean_std_error"),
    ]
    worst = 0.0
    for ours, name in pairs:
        found, expected = ours[:, order], np.atleast_2d(np.array(theirs[name], dtype=float))
        assert np.isfinite(found).all()
        assert found.shape == expected.shape
        worst = max(worst, np.max(np.abs(found - expected)) / max(1.0, expected.max()))
    for ours, name in ((read.lower, "lower"), (read.upper, "upper")):
        inside = read.probability[:, order] > 0  # R has no limits of a probability of 0
        expected = np.atleast_2d(np.array(theirs[name], dtype=float))
        worst = max(worst, np.max(np.abs(ours[:, order] - expected)[inside]))
    return worst


def test_probabilities_and_means_equal_survfit(made, record_difference):
    worst, several_origins = 0.0, 0
    for case in made["cases"]:
        curves = state_probabilities(*columns(case["data"]), states=STATES)
        several_origins += curves.initial.max() < 1
        np.testing.assert_allclose(curves.initial, case["all"]["initial"], rtol=1e-13)
        worst = max(worst, difference(curves, case["all"]))
    record_difference("state_probabilities", "survival::survfit", worst)
    record_difference("StateProbabilities.at", "survival::survfit(influence=TRUE)", worst)
    record_difference("StateProbabilities.restricted_mean", "summary(survfit, rmean=)", worst)
    assert len(made["cases"]) == 30
    assert several_origins == 15
    assert worst < 1e-12


def test_weights_equal_survfit(made, record_difference):
    worst, compared = 0.0, 0
    for case in made["cases"]:
        if "weighted" in case:
            weights = case["data"]["w"]
            curves = state_probabilities(*columns(case["data"]), weights=weights, states=STATES)
            worst, compared = max(worst, difference(curves, case["weighted"])), compared + 1
    record_difference("state_probabilities (weights)", "survival::survfit(weights=)", worst)
    assert compared == 15
    assert worst < 1e-12


def test_landmark_equals_survfit_of_those_patients(made, record_difference):
    worst, compared = 0.0, 0
    for case in made["cases"]:
        if "landmark" not in case:
            continue
        curves = landmark_state_probabilities(
            *columns(case["data"]), landmark=case["all"]["times"][0], of="well", states=STATES
        )
        worst, compared = max(worst, difference(curves, case["landmark"])), compared + 1
    record_difference("landmark_state_probabilities", "survival::survfit", worst)
    assert compared > 25
    assert worst < 1e-12


def test_states_in_acute_leukaemia(made, record_difference):
    rows, in_b, _ = leukaemia()
    worst = 0.0
    for name, arm in (("a", ~in_b), ("b", in_b)):
        part = {key: column[arm] for key, column in rows.items()}
        curves = state_probabilities(**part, states=AML)
        worst = max(worst, difference(curves, made["myeloid"][name]))
        if name == "a":  # as printed by R in another run
            found = curves.at([730.5]).probability[0]
            expected = [0.00680384, 0.1711931, 0.2775725, 0.03972594, 0.50470466]
            np.testing.assert_allclose(found, expected, atol=5e-8)
            assert curves.restricted_mean(730.5).mean[1] == pytest.approx(199.15543, abs=5e-6)
    record_difference("state_probabilities (myeloid)", "survival::survfit", worst)
    assert worst < 1e-12


def test_transitions_equal_coxph(made, record_difference):
    theirs = made["myeloid"]
    rows, in_b, flt3 = leukaemia()
    X = np.column_stack([in_b, flt3]).astype(float)
    fit = fit_transitions(**rows, X=X, names=["b", "flt"], robust=False)
    clustered = fit_transitions(**rows, X=X, names=["b", "flt"])
    moves = theirs["transitions"]
    assert len(fit.transitions) == len(moves)
    place = []
    for name in theirs["names"]:
        covariate, _, move = name.partition("_")
        origin, target = (AML[int(k) - 1] for k in move.split(":"))
        place.append(fit.column(covariate, (origin, target)))
    worst = max(
        np.abs(fit.cox.coef[place] - theirs["coef"]).max(),
        np.abs(fit.cox.std_error[place] - theirs["std_error"]).max(),
        np.abs(clustered.cox.std_error[place] - theirs["robust"]).max(),
    )
    np.testing.assert_allclose([fit.cox.loglik_null, fit.cox.loglik], theirs["loglik"], rtol=1e-10)
    record_difference("fit_transitions", "survival::coxph (multi-state)", worst)
    assert worst < 1e-8


def test_shared_effects_equal_stratified_coxph(made, record_difference):
    theirs = made["myeloid"]["common"]
    rows, in_b, flt3 = leukaemia()
    X = np.column_stack([in_b, flt3]).astype(float)
    order = [(AML[m["from"] - 1], AML[m["to"] - 1]) for m in made["myeloid"]["transitions"]]
    fit = fit_transitions(**rows, X=X, names=["b", "flt"], transitions=order, shared=["b"])
    worst = max(
        np.abs(fit.cox.coef - theirs["coef"]).max(),
        np.abs(np.sqrt(fit.cox.covariance.diagonal()) - theirs["naive"]).max(),
        np.abs(fit.cox.std_error - theirs["robust"]).max(),
    )
    record_difference("fit_transitions (shared)", "survival::coxph(strata)", worst)
    assert worst < 1e-8
    # survcheck's table of transitions: 442 + 107 + 13 + 55, 158 + 168 + 17, 11 + 45 + 149, 99 + 99
    assert sum(fit.n_events) == fit.cox.n_events == 1363


KINDS = {"all": {}, "weighted": {"weights": "w"}, "entry": {"start": "start"}}
KINDS["entry_weighted"] = KINDS["weighted"] | KINDS["entry"]


@pytest.mark.parametrize("kind", list(KINDS))
def test_incidence_and_time_lost_equal_survfit(made, record_difference, kind):
    lost = worst = 0.0
    for case in made["causes"]:
        data, theirs = case["data"], case[kind]
        named = {key: data[value] for key, value in KINDS[kind].items()}
        curves = cumulative_incidence(data["time"], data["cause"], **named)
        index = np.searchsorted(curves.time, np.array(case["times"]) + 1e-9, side="right") - 1
        found = np.where(index >= 0, curves.incidence[:, index], 0.0)
        error = np.where(index >= 0, curves.std_error[:, index], 0.0)
        worst = max(worst, np.abs(found.T - theirs["incidence"]).max())
        worst = max(worst, np.abs(error.T**2 - np.array(theirs["std_error"]) ** 2).max())
        for k in (1, 2):
            mean = time_lost(data["time"], data["cause"], case["times"][1], of=k, **named)
            if mean.reason:
                continue
            lost = max(lost, abs(mean.value - theirs["lost"][k - 1]))
            lost = max(lost, abs(mean.std_error - theirs["lost_std_error"][k - 1]))
    record_difference(f"cumulative_incidence ({kind})", "survival::survfit", worst)
    record_difference(f"time_lost ({kind})", "summary(survival::survfit, rmean=)", lost)
    assert len(made["causes"]) == 30
    assert worst < 1e-12
    assert lost < 1e-12


def test_contrasts_equal_survfit_by_group(made, record_difference):
    worst, compared = 0.0, 0
    for case in made["causes"]:
        data, (a, b) = case["data"], case["groups"]
        arguments = data["time"], data["cause"], data["group"]
        for k in (0, 1):
            for j, horizon in enumerate(case["times"]):
                f = [g["incidence"][j][k] for g in (a, b)]
                e = [g["std_error"][j][k] for g in (a, b)]
                found = incidence_contrast(*arguments, horizon, of=k + 1)
                if found.difference[1].reason or 0 in f:
                    continue
                spread = np.hypot(e[0] / f[0], e[1] / f[1])
                width = 1.959963984540054
                pairs = [
                    (found.difference[1].value, f[1] - f[0]),
                    (found.difference[1].std_error, np.hypot(*e)),
                    (found.ratio[1].value, f[1] / f[0]),
                    (found.ratio[1].upper, f[1] / f[0] * np.exp(width * spread)),
                ]
                worst = max(worst, *(abs(x - y) / max(1, y) for x, y in pairs))
                compared += 1
            lost = [g["lost"][k] for g in (a, b)]
            error = [g["lost_std_error"][k] for g in (a, b)]
            found = time_lost_contrast(*arguments, case["times"][1], of=k + 1)
            if not found.difference[1].reason:
                worst = max(worst, abs(found.difference[1].value - (lost[1] - lost[0])))
                worst = max(worst, abs(found.difference[1].std_error - np.hypot(*error)))
    record_difference("incidence_contrast", "survival::survfit", worst)
    record_difference("time_lost_contrast", "summary(survival::survfit, rmean=)", worst)
    assert compared > 100
    assert worst < 1e-12

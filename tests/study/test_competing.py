"""Endpoints of several events that compete: how the study file says them, and what is refused."""

from __future__ import annotations

import pytest

from allsurv.errors import StudyError
from allsurv.study import Cause, study_schema

ENDPOINT = """\
endpoints:
  failure:
    kind: competing
    label: Relapse or death
    time: os_months
    origin: start of treatment
    causes:
      relapse: {label: Relapse, event: [{status: relapse}]}
      nrm: {label: Death without relapse, event: [{status: died}]}
    censored: [{status: [well, lost]}]
  os:
"""
STATUS = """\
  status:
    label: First event
    kind: nominal
    levels: [well, relapse, died, lost]
    known: outcome
    required: true
  died:
"""


@pytest.fixture
def text(example):
    return example.replace("endpoints:\n  os:\n", ENDPOINT).replace("  died:\n", STATUS, 1)


def test_causes_keep_their_order_and_are_typed(text, load_text):
    endpoint = load_text(text).endpoints["failure"]
    assert endpoint.kind == "competing"
    assert endpoint.event == ()
    assert list(endpoint.causes) == ["relapse", "nrm"]
    assert endpoint.causes["nrm"] == Cause("nrm", "Death without relapse", ({"status": "died"},))
    assert endpoint.censored == ({"status": ("well", "lost")},)
    assert endpoint.status == ("status",)


def test_an_endpoint_of_one_event_is_as_before(text, load_text):
    endpoint = load_text(text).endpoints["os"]
    assert endpoint.kind == "event"
    assert not endpoint.causes
    assert endpoint.any_event == ({"died": True},)


# old text, new text, key, message
FAULTS = {
    "a status that is not mapped": (
        "[well, lost]}",
        "well}",
        "endpoints.failure.causes",
        "'lost' of 'status' is neither a cause nor censored; what happened to those patients? "
        "List it under a cause, or under 'censored'.",
    ),
    "no word on who is censored": (
        "    censored: [{status: [well, lost]}]\n",
        "",
        "endpoints.failure.censored",
        "is missing.",
    ),
    "one cause": (
        "      nrm: {label: Death without relapse, event: [{status: died}]}\n",
        "",
        "endpoints.failure.causes",
        "has 1 entries; at least 2 needed.",
    ),
    "causes without the kind": (
        "    kind: competing\n",
        "",
        "endpoints.failure.event",
        "is missing.",
    ),
    "an event beside the causes": (
        "    kind: competing\n",
        "    kind: competing\n    event: [{status: died}]\n",
        "endpoints.failure.event",
        "is for endpoints of one event; list it under 'causes' or 'states'.",
    ),
    "causes beside an event": (
        "    kind: competing\n",
        "    event: [{status: died}]\n",
        "endpoints.failure.causes",
        "is for endpoints with 'kind: competing'; add that.",
    ),
    "a level that does not exist": (
        "event: [{status: died}]",
        "event: [{status: dead}]",
        "endpoints.failure.causes.nrm.event[0].status",
        "'dead' is not a level of 'status' ('well', 'relapse', 'died', 'lost').",
    ),
    "everybody": (
        "event: [{status: died}]",
        "event: [{}]",
        "endpoints.failure.causes.nrm.event[0]",
        "an empty filter makes everybody an event; name a variable.",
    ),
    "a label twice": (
        "label: Death without relapse",
        "label: Relapse",
        "endpoints.failure.causes.nrm.label",
        "is that of 'relapse'; readers need to tell them apart.",
    ),
    "a cause called censored": (
        "      nrm:",
        "      censored:",
        "endpoints.failure.causes.censored",
        "means follow-up without an event; give the cause another name.",
    ),
    "a kind that does not exist": (
        "kind: competing",
        "kind: competeng",
        "endpoints.failure.kind",
        "'competeng' is not one of event, competing, states. Did you mean 'competing'?",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_what_is_wrong_with_causes_is_said(text, load_text, fault):
    old, new, key, message = FAULTS[fault]
    assert text.count(old) == 1
    with pytest.raises(StudyError) as caught:
        load_text(text.replace(old, new))
    assert f"{key}: {message}" in str(caught.value)


QUESTIONS = {
    "a finding": (
        "    endpoint: os\n  transplant:",
        "    endpoint: failure\n  transplant:",
        "findings.age.endpoint: 'failure' has events that compete; a finding is about one event.",
    ),
    "screening": (
        "screening:                         # how the paper chose the variables of its "
        "multivariable model\n  endpoint: os",
        "screening:\n  endpoint: failure",
        "screening.endpoint: 'failure' has events that compete; variables are screened on one.",
    ),
    "what changes in time": (
        "    label: Cox model\n    endpoint: os",
        "    label: Cox model\n    endpoint: failure",
        "analyses.multivariable.time_dependent: is for endpoints of one event; 'failure' has",
    ),
    "imputation": (
        "    label: Cox model\n    endpoint: os",
        "    label: Cox model\n    missing: impute\n    endpoint: failure",
        "analyses.multivariable.missing: values are not imputed where 'failure' has events that",
    ),
}


@pytest.mark.parametrize("question", QUESTIONS)
def test_what_only_one_event_can_answer_is_refused(text, load_text, question):
    old, new, message = QUESTIONS[question]
    assert text.count(old) == 1
    with pytest.raises(StudyError) as caught:
        load_text(text.replace(old, new))
    assert message in str(caught.value)


COURSE = """\
endpoints:
  course:
    kind: states
    label: Course
    time: os_months
    origin: start of treatment
    initial: Treated
    states:
      transplant: {label: Transplanted, time: transplant_months, occurred: {transplanted: true}}
      death: {label: Death, time: os_months, occurred: {died: true}}
    transitions:
      start: [transplant, death]
      transplant: [death]
    order: [death, transplant]
  os:
"""
STATE_FAULTS = {
    "an unknown state": (
        "transplant: [death]",
        "transplant: [dead]",
        "transitions.transplant[0]: 'dead' is not in the states. Did you mean 'death'?",
    ),
    "an unknown origin": (
        "      transplant: [death]",
        "      transplants: [death]",
        "transitions.transplants: 'transplants' is not in the states. Did you mean 'transplant'?",
    ),
    "a state of no transition": (
        "start: [transplant, death]",
        "start: [death]",
        "transitions: never lead to 'transplant'; say from which state it is entered.",
    ),
    "no way out of the start": (
        "      start: [transplant, death]",
        "      death: [transplant]",
        "transitions: lacks 'start'; say which states are entered first.",
    ),
    "itself": (
        "transplant: [death]",
        "transplant: [death, transplant]",
        "transitions.transplant[1]: is the state that is left.",
    ),
    "an order that lacks one": (
        "order: [death, transplant]",
        "order: [death]",
        "order: lacks transplant; name all states, the one that counts first.",
    ),
    "no order": ("    order: [death, transplant]\n", "", "order: is missing."),
    "a time that does not exist": (
        "time: transplant_months, occ",
        "time: transplant_month, occ",
        "states.transplant.time: 'transplant_month' is not in the data dictionary. Did you mean",
    ),
    "everybody enters": (
        "occurred: {transplanted: true}}\n      death",
        "occurred: {}}\n      death",
        "states.transplant.occurred: an empty filter lets everybody enter; name a variable.",
    ),
    "another clock": (
        "    initial: Treated",
        "    initial: Treated\n    origin_time: transplant_months",
        "origin_time: states are entered after treatment start; leave it out.",
    ),
    "the name of the start": (
        "transplant: [death]\n",
        "transplant: [death]\n    event: [{died: true}]\n",
        "event: is for endpoints of one event; list it under 'causes' or 'states'.",
    ),
}


@pytest.fixture
def course(example):
    return example.replace("endpoints:\n  os:\n", COURSE)


def test_states_are_typed(course, load_text):
    endpoint = load_text(course).endpoints["course"]
    assert endpoint.initial == "Treated"
    assert list(endpoint.states) == ["transplant", "death"]
    assert endpoint.transitions == {"start": ("transplant", "death"), "transplant": ("death",)}
    assert endpoint.order == ("death", "transplant")
    assert endpoint.status == ("transplanted", "died")


@pytest.mark.parametrize("fault", STATE_FAULTS)
def test_what_is_wrong_with_states_is_said(course, load_text, fault):
    old, new, message = STATE_FAULTS[fault]
    assert course.count(old) == 1
    with pytest.raises(StudyError) as caught:
        load_text(course.replace(old, new))
    assert f"endpoints.course.{message}" in str(caught.value)


def test_editors_know_the_keys():
    endpoint = study_schema()["$defs"]["endpoint"]["properties"]
    assert {"kind", "causes", "censored"} <= set(endpoint)

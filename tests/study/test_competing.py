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
        "is for endpoints of one event; list it under 'causes'.",
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
        "'competeng' is not one of event, competing. Did you mean 'competing'?",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_what_is_wrong_with_causes_is_said(text, load_text, fault):
    old, new, key, message = FAULTS[fault]
    assert text.count(old) == 1
    with pytest.raises(StudyError) as caught:
        load_text(text.replace(old, new))
    assert f"{key}: {message}" in str(caught.value)


def test_editors_know_the_keys():
    endpoint = study_schema()["$defs"]["endpoint"]["properties"]
    assert {"kind", "causes", "censored"} <= set(endpoint)

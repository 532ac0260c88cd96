"""A study is a value: read-only all through, cheap to copy, pickled, named by its content."""

from __future__ import annotations

import copy
import json
import pickle
from collections.abc import Mapping
from dataclasses import FrozenInstanceError, fields, is_dataclass, replace

import pytest

from allsurv.dictionary.readonly import FrozenDict, plain
from allsurv.errors import StudyError
from allsurv.study import Variable, build_variable, load_study


@pytest.fixture(params=["rr-all", "ebmt-all"])
def study(request):
    return load_study(request.param)


def parts(value):
    """Every value inside a study, itself included."""
    yield value
    if is_dataclass(value):
        for field in fields(value):
            yield from parts(getattr(value, field.name))
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from parts(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from parts(item)


def test_nothing_inside_can_change(study):
    kinds = {type(part) for part in parts(study)}
    assert {kind.__name__ for kind in kinds if not is_dataclass(kind)} <= {
        "FrozenDict",
        "tuple",
        "str",
        "int",
        "float",
        "bool",
        "NoneType",
    }
    with pytest.raises(FrozenInstanceError):
        study.name = "other"


@pytest.mark.parametrize(
    "change",
    [
        lambda d: d.__setitem__("a", 2),
        lambda d: d.__delitem__("a"),
        lambda d: d.update(a=2),
        lambda d: d.pop("a"),
        lambda d: d.popitem(),
        lambda d: d.clear(),
        lambda d: d.setdefault("b", 2),
        lambda d: d.__ior__({"b": 2}),
    ],
)
def test_a_frozen_mapping_refuses_every_change(change):
    mapping = FrozenDict(a=1)
    with pytest.raises(TypeError, match="read-only"):
        change(mapping)
    assert mapping == {"a": 1}


def test_a_frozen_mapping_is_a_value():
    one, other = FrozenDict(a=1, b=2), FrozenDict(b=2, a=1)
    assert one == other
    assert hash(one) == hash(other)
    assert type(one | {"c": 3}) is dict
    assert json.dumps(one) == '{"a": 1, "b": 2}'


def test_lists_and_dicts_given_in_python_are_frozen():
    levels = ["a", "b"]
    variable = Variable("x", "X", "nominal", "x", levels=levels, only_if={"y": ["a"]})
    levels.append("c")
    assert variable.levels == ("a", "b")
    assert variable.only_if == {"y": ("a",)}
    assert isinstance(variable.only_if, FrozenDict)


def test_pickled_and_copied(study):
    again = pickle.loads(pickle.dumps(study))
    assert again == study
    assert again.digest == study.digest
    assert isinstance(again.variables, FrozenDict)
    assert copy.deepcopy(study) is study
    assert copy.copy(study) is study
    assert hash(again) == hash(study)


def test_digest_names_the_content_and_nothing_else(example, load_text):
    study = load_text(example)
    assert len(study.digest) == 64
    spaced = example.replace("{text: Unpublished.}", "\n  text: 'Unpublished.'  # a comment")
    assert load_text(spaced).digest == study.digest
    explicit = example.replace("    reference: standard\n", "")  # the first level is the default
    assert load_text(explicit).digest == study.digest
    assert load_text(example.replace("12, 24", "12, 25")).digest != study.digest
    assert replace(study, path="elsewhere").digest == study.digest
    assert replace(study, title="Another").digest != study.digest
    assert load_study("rr-all").digest != load_study("ebmt-all").digest


def test_a_variable_survives_the_way_through_json(study):
    for variable in study.variables.values():
        line = json.loads(json.dumps(plain(variable)))
        assert build_variable(variable.name, line) == variable


def test_lookups_suggest_the_near_miss(study):
    name = next(iter(study.endpoints))
    assert study.endpoint(name).name == name
    with pytest.raises(StudyError, match=r"'oss' is not in the endpoints\. Did you mean 'os'\?"):
        study.endpoint("oss")
    first = next(iter(study.variables))
    with pytest.raises(StudyError, match=rf"Did you mean '{first}'\?"):
        study.variable(first + "x")


def test_level_labels():
    study = load_study("rr-all")
    assert study.variables["tp53_mut"].level_label(True) == "mutated"
    assert study.variables["tp53_mut"].level_label(False) == "wild type"
    assert study.variables["cns"].level_label(False) == "no"
    assert study.variables["salvage"].level_label(3) == "Salvage 3 or later"
    assert study.variables["ecog"].level_label(2) == "2"

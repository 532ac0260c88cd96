"""Whatever is in a study file, reading it gives a study or a StudyError, nothing else."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from allsurv.errors import StudyError
from allsurv.study import load_study
from allsurv.study.build import build_study
from allsurv.study.consistency import study_faults
from allsurv.study.faults import raise_faults
from allsurv.study.schema import schema_faults
from allsurv.study.yamlfile import parse_yaml

PAGE = Path(__file__).resolve().parents[2] / "docs" / "study-file.md"
EXAMPLE = PAGE.read_text(encoding="utf-8").split("```yaml\n")[1].split("```")[0]
RR_ALL = Path(load_study("rr-all").path).read_text(encoding="utf-8")

SCALARS = st.sampled_from(
    [None, True, False, 0, 1, -1, 2.5, 1e300, "", "yes", "os", "arm", "age", "x" * 90, "Ä", "a/b"]
)
ANYTHING = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["label", "kind", "op", "sources", "age", "1"]), inner)
    ),
    max_leaves=6,
)


def read(text: str) -> None:
    """Do what load_study does with the text of a file."""
    document = parse_yaml(text, where="my_study.yaml", error=StudyError)
    faults = schema_faults(document.value)
    raise_faults(document.where, map(document.located, faults), StudyError)
    study = build_study(document.value)
    raise_faults(document.where, map(document.located, study_faults(study)), StudyError)


def places(value, path=()):
    """Paths of everything inside plain content."""
    yield path
    if isinstance(value, dict):
        for key in value:
            yield from places(value[key], (*path, key))
    elif isinstance(value, list):
        for position, item in enumerate(value):
            yield from places(item, (*path, position))


CONTENT = yaml.safe_load(EXAMPLE)
PLACES = [path for path in places(CONTENT) if path]


@settings(max_examples=120, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.lists(st.tuples(st.sampled_from(PLACES), ANYTHING), min_size=1, max_size=3))
def test_any_value_anywhere(changes):
    content = yaml.safe_load(EXAMPLE)
    for path, value in changes:
        at = content
        try:
            for step in path[:-1]:
                at = at[step]
            at[path[-1]] = value
        except (KeyError, TypeError, IndexError):
            continue  # an earlier change took the place away
    with suppress(StudyError):
        read(yaml.safe_dump(content))


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(PLACES), st.sampled_from(PLACES)), max_size=3))
def test_anything_in_the_place_of_another(moves):
    """Mostly keeps the schema, so that the checks of names and values see it."""
    content, source = yaml.safe_load(EXAMPLE), yaml.safe_load(EXAMPLE)
    for to, from_ in moves:
        value, at = source, content
        for step in from_:
            value = value[step]
        with suppress(KeyError, TypeError, IndexError):
            for step in to[:-1]:
                at = at[step]
            if type(at[to[-1]]) is type(value):
                at[to[-1]] = value
    with suppress(StudyError):
        read(yaml.safe_dump(content))


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(PLACES))
def test_anything_left_out(path):
    content = yaml.safe_load(EXAMPLE)
    at = content
    for step in path[:-1]:
        at = at[step]
    del at[path[-1]]
    with suppress(StudyError):
        read(yaml.safe_dump(content))


@settings(max_examples=120, deadline=None)
@given(
    st.integers(0, len(EXAMPLE)),
    st.integers(0, 12),
    st.text(st.sampled_from("ab:-[]{},&*!|>'\"#%@\t\n 01."), max_size=6),
)
def test_any_slip_of_the_pen(start, length, typed):
    with suppress(StudyError):
        read(EXAMPLE[:start] + typed + EXAMPLE[start + length :])


@settings(max_examples=10, deadline=None)
@given(st.integers(0, len(RR_ALL)), st.integers(0, 400))
def test_any_part_of_a_large_file_lost(start, length):
    with suppress(StudyError):
        read(RR_ALL[:start] + RR_ALL[start + length :])


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"\x00", b"\xef\xbb\xbf", bytes(range(256))])
def test_bytes_that_are_no_text(content, tmp_path):
    path = tmp_path / "my_study.yaml"
    path.write_bytes(content)
    with pytest.raises(StudyError, match=r"my_study\.yaml"):
        load_study(path)


def test_the_documented_example_loads(load_text, example):
    study = load_text(example)
    assert study.name == "my-study"
    assert study.path == "my_study.yaml"
    assert study.variables["tp53"].missing == "allowed"
    assert study.variables["age"].missing == "refused"
    assert study.findings["age"].analysis_variable == "age"


def test_a_byte_order_mark_is_no_fault(example, tmp_path):
    path = tmp_path / "my_study.yaml"
    path.write_bytes(b"\xef\xbb\xbf" + example.encode())
    assert load_study(path).name == "my-study"

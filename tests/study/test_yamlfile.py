"""YAML with line numbers: which scalars mean what, and where each value stands."""

from __future__ import annotations

from contextlib import suppress

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from allsurv.errors import ConfigError, StudyError
from allsurv.study import yamlfile
from allsurv.study.yamlfile import parse_yaml


def parse(text):
    return parse_yaml(text, where="f.yaml", error=StudyError)


@pytest.fixture(params=["C", "Python"])
def either_loader(request, monkeypatch):
    """PyYAML with and without its C library."""
    if request.param == "Python":
        monkeypatch.setattr(yamlfile, "_Loader", yaml.SafeLoader)


# The table of the core schema, YAML 1.2.2 section 10.3.2, less .inf and .nan, which no study needs
@pytest.mark.usefixtures("either_loader")
@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("true", True),
        ("False", False),
        ("yes", "yes"),
        ("no", "no"),
        ("NO", "NO"),
        ("on", "on"),
        ("~", None),
        ("null", None),
        ("", None),
        ("12", 12),
        ("-3", -3),
        ("010", 10),
        ("1:30", "1:30"),
        ("1_000", "1_000"),
        ("0.5", 0.5),
        (".5", 0.5),
        ("1e-3", 0.001),
        ("1e999", "1e999"),
        (".inf", ".inf"),
        (".nan", ".nan"),
        ("2017-02-01", "2017-02-01"),
        ("'12'", "12"),
        ('"true"', "true"),
        ("''", ""),
        ("!!str 12", "12"),
        ("!!int 12", 12),
        ("|\n  two\n  lines", "two\nlines"),
        ("9" * 18, 999999999999999999),
        ("9" * 400, "9" * 400),
    ],
)
def test_scalars_of_yaml_1_2(written, value):
    read = parse(f"a: {written}").value["a"]
    assert read == value
    assert type(read) is type(value)


def test_keys_are_text_as_written():
    assert parse("{no: 1, 1: 2, true: 3, null: 4}").value == {"no": 1, "1": 2, "true": 3, "null": 4}


def test_lines_of_keys_items_and_what_they_hold():
    document = parse("a: 1\nb:\n  - x\n  - y: [1,\n      2]\nc: >-\n  folded\n  text\n")
    lines = {
        ("a",): 1,
        ("b",): 2,
        ("b", 0): 3,
        ("b", 1): 4,
        ("b", 1, "y"): 4,
        ("b", 1, "y", 0): 4,
        ("b", 1, "y", 1): 5,
        ("c",): 6,
    }
    assert {path: document.line(path) for path in lines} == lines
    assert document.line(("b", 1, "absent", "below")) == 4


def test_an_alias_stands_where_it_is_used():
    document = parse("a: &list [1, 2]\nb: *list\n")
    assert document.value == {"a": [1, 2], "b": [1, 2]}
    assert document.line(("b", 1)) == 2


def test_anchor_keeps_its_size():
    """Nine to the ninth values from ten lines: refused before they exist."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    for i in range(1, 10):
        aliases = ", ".join([f"*a{i - 1}"] * 9)
        lines.append(f"a{i}: &a{i} [{aliases}]")
    with pytest.raises(StudyError, match=r"^f\.yaml:6: the file holds more than 200000 values"):
        parse("\n".join(lines))


@pytest.mark.usefixtures("either_loader")
@pytest.mark.parametrize("text", ["[" * 100_000, "a: " + "{a: " * 100_000, "- " * 1000])
def test_depth_is_bounded(text):
    with pytest.raises(StudyError, match="nested more than 50 deep"):
        parse(text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: &x [*x]", "f.yaml:1: '*x' stands for nothing defined before."),
        ("{[1]: 2}", "f.yaml:1: a key is not plain text."),
        ("a: 1\nb: \x00", "f.yaml:2: a character that YAML does not allow."),
        (
            "a: !!python/name:os.system x",
            "f.yaml:1 a: the tag 'tag:yaml.org,2002:python/name:os.system' has no meaning here; "
            "write plain values.",
        ),
        (
            "a: !!int x",
            "f.yaml:1 a: the tag 'tag:yaml.org,2002:int' has no meaning here; write plain values.",
        ),
        (
            "a: 1\na: 2\nc: 3\nc: {d: 1}",
            "f.yaml has 2 faults:\n  f.yaml:2 a: is given twice, first in line 1; keep one.\n"
            "  f.yaml:4 c: is given twice, first in line 3; keep one.",
        ),
    ],
)
def test_refused(text, message):
    with pytest.raises(StudyError) as caught:
        parse(text)
    assert str(caught.value) == message


def test_the_error_is_of_the_class_asked_for():
    with pytest.raises(ConfigError, match=r"^run\.yaml:1: the file is empty\.$"):
        parse_yaml("", where="run.yaml", error=ConfigError)


WRITTEN = st.characters(codec="utf-8", exclude_categories=["Cc", "Zl", "Zp"])
PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**17), 10**17) | st.text(WRITTEN, max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.text(st.characters(codec="ascii", categories=["L"]), min_size=1), inner
        )
    ),
    max_leaves=12,
)


@given(PLAIN.filter(lambda value: value is not None))
def test_what_pyyaml_writes_is_read_back(value):
    quoted = yaml.safe_dump(value, default_style='"', allow_unicode=False)
    assert parse(quoted).value == value


@pytest.mark.parametrize("sign", ["\\x1b", "\\x00", "\\x7f", "\\x9b", "\\u2028", "\\x0d"])
def test_a_control_character_is_refused_with_its_line(sign):
    with pytest.raises(StudyError, match=r"f\.yaml:2: b holds a control character|f\.yaml:2 b:"):
        parse(f'a: 1\nb: "[{sign}31m"')
    with pytest.raises(StudyError, match="a key is too long, or holds a control character"):
        parse(f'"a{sign}": 1')


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("".join(f"k{i}: 1\n" for i in range(10_001)), "more than 10,000 keys in one place"),
        ("a: " + "x" * 100_001, "a text is longer than 100,000 characters"),
        ("k" * 201 + ": 1", "a key is too long"),
    ],
)
def test_a_file_made_to_exhaust_is_refused_briefly(text, says):
    with pytest.raises(StudyError, match=says) as caught:
        parse(text)
    assert len(str(caught.value)) < 200


def test_of_many_faults_fifty_are_named():
    with pytest.raises(StudyError) as caught:
        parse("".join(f"k{i}: 1\nk{i}: 2\n" for i in range(500)))
    assert str(caught.value).count("is given twice") == 50


@pytest.mark.parametrize("written", ["1.10", "No", "010", "1:30", "0x1F", "yes", "1e3", "null"])
def test_as_text_a_plain_value_stays_as_written(written):
    read = parse_yaml(f"a: {written}", where="f.yaml", error=StudyError, as_text=True)
    assert read.value == {"a": written}


@given(st.text(st.characters(codec="utf-8"), max_size=60))
def test_any_text_is_read_or_refused(text):
    with suppress(StudyError):
        parse(text)

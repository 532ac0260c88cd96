"""Text files as hospitals write them: one answer to each, or one question."""

from __future__ import annotations

import pandas as pd
import pytest

from allsurv.errors import ConfigError
from allsurv.files import FileAnswers, read_file
from allsurv.files.decimals import find_decimal

PLAIN = "id,wbc,age,sex\nP1,2.29,34,male\nP2,13.98,60,female\nP3,,18,male\n"


def read(tmp_path, content: str | bytes, name: str = "patients.csv", **options):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_file(path, **options)


def refusal(content) -> str:
    assert content.frame is None
    (only,) = content.violations
    return str(only)


def with_separator(separator: str) -> str:
    return PLAIN.replace(",", separator)


def decimal_commas(separator: str) -> str:
    return with_separator(separator).replace(".", ",")


DIALECTS = {
    "plain": (PLAIN, ()),
    "byte order mark": (b"\xef\xbb\xbf" + PLAIN.encode(), ("UTF-8 with a byte order mark",)),
    "UTF-16": (PLAIN.encode("utf-16"), ("UTF-16",)),
    "UTF-16 without a mark": (PLAIN.encode("utf-16-be"), ("UTF-16",)),
    "semicolons": (with_separator(";"), ("semicolons",)),
    "tabs": (with_separator("\t"), ("tabs",)),
    "vertical bars": (with_separator("|"), ("vertical bars",)),
    "German Excel": (decimal_commas(";"), ("semicolons", "decimal commas")),
    "German Excel, Unicode text": (
        decimal_commas("\t").replace("\n", "\r\n").encode("utf-16"),
        ("tabs", "decimal commas", "UTF-16"),
    ),
    "quoted decimal commas": (
        PLAIN.replace("2.29", '"2,29"').replace("13.98", '"13,98"'),
        ("decimal commas",),
    ),
    "sep= line": ("sep=;\n" + with_separator(";"), ("semicolons",)),
    "sep= line of Excel": ("sep=;\r\n" + decimal_commas(";"), ("semicolons", "decimal commas")),
    "remarks": ("# made by a program\n# é\n\n" + PLAIN, ()),
    "old line ends": (PLAIN.replace("\n", "\r"), ()),
    "end sign of old programs": (PLAIN + "\x1a", ()),
    "rows of commas": (PLAIN + ",,,\n, ,,\n", ("2 empty rows at the end left out",)),
    "words for nothing": (
        PLAIN.replace("P3,,", "P3,#N/A,"),
        ("'#N/A' read as missing",),
    ),
}


@pytest.mark.parametrize("name", DIALECTS)
def test_every_dialect_says_the_same(name, tmp_path):
    content, understood = DIALECTS[name]
    found = read(tmp_path, content)
    assert found.violations == ()
    assert found.understood == understood
    frame = found.frame.replace({"#N/A": ""})
    expected = read(tmp_path, PLAIN).frame
    pd.testing.assert_frame_equal(frame, expected)


@pytest.mark.parametrize("encoding", ["utf-8", "cp1252", "utf-16"])
def test_letters(encoding, tmp_path):
    found = read(tmp_path, "id;sex\nMüller;männlich\n".encode(encoding))
    assert found.frame.iloc[0].tolist() == ["Müller", "männlich"]


def test_letters_that_cannot_be_told_are_asked_about(tmp_path):
    text = "id,sex\nP1,männlich\n".encode("mac_roman")
    assert refusal(read(tmp_path, text)).startswith(
        "file: is not UTF-8 (line 2), and other letters"
    )
    answered = read(tmp_path, text, answers=FileAnswers(encoding="mac_roman"))
    assert answered.frame["sex"].tolist() == ["männlich"]
    assert answered.understood == ("mac_roman letters",)


def test_broken_utf8_is_not_taken_for_windows(tmp_path):
    """A file whose first umlaut is UTF-8 was cut or pasted together: its letters are unknown."""
    mixed = "id,sex\nP1,männlich, Ä\n".encode() + "P2,männlich\n".encode("cp1252")
    assert "other letters cannot be told apart" in refusal(read(tmp_path, mixed))


def test_windows_letters_far_down_are_found(tmp_path):
    body = "P1,male\n" * 300_000
    found = read(tmp_path, ("id,sex\n" + body + "P2,männlich\n").encode("cp1252"))
    assert found.frame["sex"].iloc[-1] == "männlich"
    assert found.understood == ("Windows-1252 letters (first in line 300002)",)


@pytest.mark.parametrize(
    ("cells", "separator", "expected"),
    [
        (["1,5"], ";", "comma"),
        (["1.5"], ";", "point"),
        (["0,123"], ";", "comma"),
        (["1234,567"], ";", "comma"),
        (["1,234"], ";", "unclear"),
        (["1.234"], ";", "unclear"),
        (["1.234"], ",", "point"),
        (["1,234", "2,5"], ",", "comma"),
        (["1e-3", "12"], ";", ""),
        (["01.02.2020", "a,b", "1,2,3"], ";", ""),
        (["1,5", "1.5"], ";", "mixed"),
    ],
)
def test_the_decimal_sign(cells, separator, expected):
    assert find_decimal({"x": cells}, separator)[0] == expected


def test_numbers_that_can_be_thousands_are_asked_about(tmp_path):
    text = "id;wbc\nP1;1,234\nP2;2,500\n"
    assert refusal(read(tmp_path, text)) == (
        "file: has numbers such as 1,234 or 1.234 in 'wbc' that can be a thousand and some, or one "
        "and some thousandths; say which is the decimal sign by the option 'decimal'."
    )
    answered = read(tmp_path, text, answers=FileAnswers(decimal="comma"))
    assert answered.frame["wbc"].tolist() == ["1.234", "2.500"]
    answered = read(tmp_path, text, answers=FileAnswers(decimal="point"))
    assert answered.frame["wbc"].tolist() == ["1,234", "2,500"]


def test_decimals_are_told_by_columns_of_numbers_alone(tmp_path):
    text = "id;wbc;version\nP1;2,29;1.5\nP2;13,98;1.6\n"
    assert refusal(read(tmp_path, text)).startswith("file: has decimal commas and decimal points")
    found = read(tmp_path, text, numbers={"wbc"})
    assert found.frame.iloc[0].tolist() == ["P1", "2.29", "1.5"]


def test_a_point_among_decimal_commas_is_no_number(tmp_path):
    found = read(tmp_path, "id;wbc\nP1;2,29\nP2;1.234\n")
    assert pd.to_numeric(found.frame["wbc"], errors="coerce").isna().tolist() == [False, True]


def test_separators_that_cannot_be_told_apart_are_asked_about(tmp_path):
    text = "a,b;c\n1,2;3\n4,5;6\n"
    says = refusal(read(tmp_path, text))
    assert says.startswith("file: has commas or semicolons between its cells")
    assert list(read(tmp_path, text, answers=FileAnswers(separator=";")).frame) == ["a,b", "c"]
    assert list(read(tmp_path, "sep=;\n" + text).frame) == ["a,b", "c"]


def test_a_name_with_a_comma_in_a_file_of_semicolons(tmp_path):
    found = read(tmp_path, "Age, years;Sex\n34;male\n60;female\n")
    assert list(found.frame) == ["Age, years", "Sex"]


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        ({"decimal": "dot"}, "allowed are comma and point"),
        ({"separator": ";;"}, "give one character"),
        ({"separator": '"'}, "give one character"),
        ({"encoding": "klingon"}, "is unknown"),
        ({"encoding": "base64"}, "is unknown"),
    ],
)
def test_answers_that_are_none(answer, says):
    with pytest.raises(ConfigError, match=says):
        FileAnswers(**answer)


def test_a_sheet_of_a_file_without_sheets(tmp_path):
    found = read(tmp_path, PLAIN, answers=FileAnswers(sheet="Data"))
    assert refusal(found) == "file: is no Excel workbook, so it has no sheets; leave 'sheet' out."


@pytest.mark.parametrize("size", [1, 7, 4095, 4096, 4097])
def test_remarks_of_any_length_are_passed_over(size, tmp_path):
    found = read(tmp_path, "# " + "é" * size + "\n" + PLAIN)
    assert len(found.frame) == 3
    found = read(tmp_path, ("# " + "é" * size + "\n" + PLAIN).encode("utf-16"))
    assert len(found.frame) == 3

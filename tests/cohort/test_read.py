"""Reading a user's file: what is accepted, and every fault at once."""

from __future__ import annotations

import gzip

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from allsurv.cohort import read_cohort
from allsurv.errors import CohortError


def faults(data, study) -> list[str]:
    with pytest.raises(CohortError) as caught:
        read_cohort(data, study)
    return [str(v) for v in caught.value.violations]


def fault(data, study) -> str:
    (only,) = faults(data, study)
    return only


def csv(tmp_path, text: str | bytes, name: str = "patients.csv"):
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


@pytest.fixture
def text(frame) -> str:
    return frame.to_csv(index=False)


# What is accepted


def test_canonical_types(frame, study):
    cohort = read_cohort(frame, study)
    dtypes = cohort.frame.dtypes
    assert {str(dtypes[c]) for c in ("age", "wbc", "os_months", "ecog")} == {"float64"}
    assert {str(dtypes[c]) for c in ("tp53", "poor", "sct", "alive")} == {"boolean"}
    assert dtypes["patient"] == "string"
    assert cohort.frame["sex"].cat.categories.tolist() == ["male", "female"]
    assert cohort.frame["salvage"].cat.ordered
    assert cohort.frame["salvage"].tolist() == [1, 3, 2, 1]
    assert list(cohort.frame.index) == [0, 1, 2, 3]


def test_csv_parquet_and_frame_say_the_same(tmp_path, frame, study, text):
    frame.to_parquet(tmp_path / "patients.parquet")
    expected = read_cohort(frame, study)
    for path in (csv(tmp_path, text), tmp_path / "patients.parquet"):
        cohort = read_cohort(path, study)
        pd.testing.assert_frame_equal(cohort.frame, expected.frame)
        assert cohort.source.kind == "file"
        assert cohort.source.name == path.name
        assert len(cohort.source.digest) == 64
        assert not cohort.source.is_synthetic


@pytest.mark.parametrize(
    "convert",
    [
        lambda d: d.convert_dtypes(),
        lambda d: d.convert_dtypes(dtype_backend="pyarrow"),
        lambda d: d.astype(object),
        lambda d: d.astype({"sex": "category", "salvage": "category", "tp53": "category"}),
        lambda d: (
            d.astype({"salvage": "Int8", "age": "int16", "wbc": "float32"})
            .astype({"wbc": "float64"})
            .assign(wbc=d["wbc"])
        ),
        lambda d: d.fillna({"wbc": np.nan}).astype({"age": "float64", "salvage": "float64"}),
        lambda d: d.map(lambda v: "" if pd.isna(v) else str(v)),
        lambda d: d.set_index(pd.Index([9, 9, 7, 7])),
        lambda d: d[d.columns[::-1]],
        lambda d: d.assign(
            wbc=pd.Series([3.4, None, 129.9, 0.1], dtype=pd.ArrowDtype(pa.float64()))
        ),
    ],
    ids=[
        "nullable",
        "pyarrow",
        "object",
        "categorical",
        "small integers",
        "floats",
        "all text",
        "odd index",
        "other order of columns",
        "arrow numbers",
    ],
)
def test_every_dtype_says_the_same(convert, frame, study):
    expected = read_cohort(frame, study).frame
    pd.testing.assert_frame_equal(read_cohort(convert(frame), study).frame, expected)


@pytest.mark.parametrize(
    "words", [("yes", "no"), ("TRUE", "FALSE"), (True, False), (1, 0), ("1", "0"), (1.0, 0.0)]
)
def test_yes_and_no_as_people_write_them(words, frame, study):
    frame["sct"] = pd.Series([words[0], *[words[1]] * 3])
    assert read_cohort(frame, study).frame["sct"].tolist() == [True, False, False, False]


@pytest.mark.parametrize("word", ["", "NA", "NaN", "None", None, np.nan, pd.NA, pd.NaT, "  "])
def test_missing_is_missing(word, frame, study):
    frame["wbc"] = pd.Series(["3.4", word, word, "0.1"], dtype=object)
    frame["tp53"] = pd.Series(["yes", word, "no", word], dtype=object)
    cohort = read_cohort(frame, study)
    assert cohort.frame["wbc"].isna().tolist() == [False, True, True, False]
    assert cohort.frame["tp53"].isna().tolist() == [False, True, False, True]


def test_a_byte_order_mark_is_no_fault(tmp_path, study, text):
    assert read_cohort(csv(tmp_path, b"\xef\xbb\xbf" + text.encode()), study).n == 4


def test_windows_line_ends_and_quoted_cells(tmp_path, study, text):
    quoted = text.replace("female", '"female"').replace("\n", "\r\n") + "\r\n"
    assert read_cohort(csv(tmp_path, quoted), study).n == 4


def test_columns_that_are_not_required_may_be_absent(frame, study):
    cohort = read_cohort(frame.drop(columns=["wbc", "ecog", "tp53"]), study)
    assert "poor" not in cohort.frame
    assert "tested" not in cohort.frame


def test_derived_columns_are_taken_where_their_sources_are_absent(frame, study):
    frame = frame.drop(columns="ecog").assign(poor=["no", "yes", None, "no"])
    poor = read_cohort(frame, study).frame["poor"]
    assert poor.isna().tolist() == [False, False, True, False]
    assert poor.dropna().tolist() == [False, True, False]


# What is refused: the file


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "file: is empty; it must have a line of column names and one line per patient."),
        (
            b"\n\n\n",
            "file: is empty; it must have a line of column names and one line per patient.",
        ),
        (b"PK\x03\x04rest", "file: is a damaged Excel workbook; save it again."),
        (b"\xd0\xcf\x11\xe0\xa1", "file: is an old Excel workbook; save it as .xlsx, or the sheet"),
        (gzip.compress(b"id,age", mtime=0), "file: is compressed (gzip); unpack it."),
        (b"id,age\nP1,34\nM\x9fller,60\n", "file: is not UTF-8 (line 3), and other letters cannot"),
        (b"PAR1 and then nothing", "file: is a damaged Parquet file; write it again."),
        (b"id,age\nP1\x00,34", "file: holds zero bytes; save it as CSV (UTF-8) or Parquet."),
        (b'id,age\n"P1,34\n', "file: has an unclosed quotation mark; close it."),
    ],
)
def test_files_that_cannot_be_read(content, says, tmp_path, study):
    assert fault(csv(tmp_path, content), study).startswith(says)


def test_a_parquet_name_on_text(tmp_path, study, text):
    path = csv(tmp_path, text, "patients.parquet")
    assert fault(path, study) == "file: is not Parquet, though its name says so."


def test_no_file_a_folder_and_no_path(tmp_path, study):
    assert fault(tmp_path / "none.csv", study) == "file: does not exist; check the path."
    assert fault(tmp_path, study) == "file: is a folder; give the file in it."
    assert fault([1, 2], study) == "data: is a list; give a path or a DataFrame."


def test_no_rows(tmp_path, frame, study, text):
    says = "rows: there are none; give patients."
    assert fault(frame.head(0), study) == says
    assert fault(csv(tmp_path, text.splitlines()[0]), study) == says


def test_lines_of_other_lengths_do_not_shift_row_numbers(tmp_path, study, text):
    lines = text.splitlines()
    lines[1] += ",one too many"
    lines[4] = lines[4].replace("18", "180")
    assert faults(csv(tmp_path, "\n".join(lines)), study) == [
        "file: 1 row (1) has more or fewer cells than there are column names.",
        "age: 1 row (4) is 180; allowed 17 to 100.",
    ]


def test_an_empty_line_in_the_middle_is_a_row_without_values(tmp_path, study, text):
    lines = text.splitlines()
    lines.insert(3, "")
    found = faults(csv(tmp_path, "\n".join(lines)), study)
    assert "age: 1 row (3) is missing; a value is required." in found


# What is refused: columns


def test_a_file_without_header_is_not_repeated(tmp_path, study):
    says = fault(csv(tmp_path, "Mary Miller,34\nJohn Doe,50\n"), study)
    assert says == (
        "columns: are none of the data dictionary; "
        "the first line must name the columns (id, age, wbc, sex, salvage, ...)."
    )


def test_wrong_column_names(frame, study):
    frame = frame.rename(columns={"os_months": "OS_month", "wbc": "WBC", "sex": "hue"})
    assert faults(frame, study) == [
        "os_months: is missing, but required. Is it the column 'OS_month'?",
        "WBC: is not in the data dictionary; rename or remove it, or list it under 'ignore'. "
        "Did you mean 'wbc'?",
        "hue: is not in the data dictionary; rename or remove it, or list it under 'ignore'.",
        "OS_month: is not in the data dictionary; rename or remove it, or list it under 'ignore'. "
        "Did you mean 'os_months'?",
    ]


def test_repeated_and_nameless_columns(tmp_path, frame, study):
    frame = pd.concat([frame, frame[["age"]].rename(columns={"age": "age"})], axis=1)
    frame[""] = 1
    text = frame.to_csv(index=False)
    expected = [
        "age: occurs more than once; keep one.",
        "(a column without a name): is not in the data dictionary; rename or remove it, "
        "or list it under 'ignore'.",
    ]
    assert faults(frame, study) == expected
    assert faults(csv(tmp_path, text), study) == expected


# What is refused: values


@pytest.mark.parametrize(
    ("column", "values", "says"),
    [
        ("age", [34, 140, 42, 18], "age: 1 row (2) is 140; allowed 17 to 100."),
        ("age", [34, 140, 3, 18], "age: 2 rows (2, 3) are out of range; allowed 17 to 100."),
        ("age", [34, 60.5, 42, 18], "age: 1 row (2) is not a whole number; allowed 17 to 100."),
        ("age", ["34", "sixty", "42", "18"], "age: 1 row (2) is not a number; allowed 17 to 100."),
        ("age", [34, 10024711, 42, 18], "age: 1 row (2) is out of range; allowed 17 to 100."),
        ("age", [34, None, 42, 18], "age: 1 row (2) is missing; a value is required."),
        ("wbc", ["3.4", "3,4", "1", "1"], "wbc: 1 row (2) is not a number; allowed 0 to 1000."),
        ("wbc", [3.4, np.inf, 1, 1], "wbc: 1 row (2) is infinite; allowed 0 to 1000."),
        ("wbc", [True, False, True, True], "wbc: 4 rows (1, 2, 3, 4) are not numbers; allowed"),
        ("wbc", [1j, 1, 1, 1], "wbc: 4 rows (1, 2, 3, 4) are not numbers; allowed 0 to 1000."),
        ("wbc", [[1], 1, 1, 1], "wbc: 1 row (1) is not a number; allowed 0 to 1000."),
        (
            "sex",
            ["male", "femal", "female", "male"],
            "sex: 1 row (2) is 'femal'; allowed male, female. Did you mean 'female'?",
        ),
        (
            "sex",
            ["male", "Mary Miller", "x", "male"],
            "sex: 2 rows (2, 3) are none of the allowed levels; allowed male, female.",
        ),
        (
            "sex",
            ["male", "unknown", "unknown", "male"],
            "sex: 2 rows (2, 3) are 'unknown'; allowed male, female. "
            "Leave the cell empty where it is not known.",
        ),
        (
            "salvage",
            [1, 4, 2, 1],
            "salvage: 1 row (2) is none of the allowed levels; allowed 1, 2, 3.",
        ),
        (
            "tp53",
            ["yes", "pos", "no", None],
            "tp53: 1 row (2) is none of the allowed levels; "
            "allowed yes or no (also true, false, 1, 0).",
        ),
        (
            "id",
            ["P1", "P2", "P1", "P3"],
            "id: 2 rows (1, 3) share an identifier with another row; each patient has one row.",
        ),
        (
            "id",
            ["P1", "", "P3", "P4"],
            "id: 1 row (2) is missing; a value is required.",
        ),
        ("os_months", [48, -2.5, 30, 17], "os_months: 1 row (2) is negative; times are months, at"),
        (
            "os_months",
            [48, 0, 30, 17],
            "os_months: 1 row (2) is zero; follow-up is longer than 0. "
            "Say what 0 stands for by 'zero_as', such as half a day.",
        ),
        (
            "sct_months",
            [49, None, None, None],
            "sct_months: 1 row (1) lies after death or last contact.",
        ),
        (
            "rfs_months",
            [47.2, None, 29.3, 16],
            "days_to_response: 2 rows (1, 4) "
            "make response and relapse later than death or last contact.",
        ),
        (
            "rfs_months",
            [47, 1, 29.3, 10],
            "rfs_months: 1 row (2) has a value, "
            "but only patients with response CR or CRi can have one.",
        ),
        (
            "sct_months",
            [None, 2, None, None],
            "sct_months: 1 row (2) has a value, but only patients with sct yes can have one.|"
            "sct_months: 1 row (1) is missing; a value is required for patients with sct yes.",
        ),
        (
            "poor",
            [False, True, True, True],
            "poor: 2 rows (3, 4) contradict ecog, from which it is derived; "
            "correct either, or leave the column out.",
        ),
        (
            "line",
            ["first", "later", "first", "first"],
            "line: 1 row (3) contradicts salvage, from which it is derived; "
            "correct either, or leave the column out.",
        ),
    ],
)
def test_values_that_break_a_rule(column, values, says, frame, study):
    frame[column] = pd.Series(values, dtype=object if isinstance(values[0], list) else None)
    found = faults(frame, study)
    for i, part in enumerate(says.split("|")):
        assert found[i].startswith(part)
    assert len(found) == len(says.split("|"))


def test_twelve_rules_at_once(tmp_path, study):
    """One file, one message: it names rows and never a patient."""
    path = csv(
        tmp_path,
        """\
id,age,wbc,sex,salvage,ecog,tp53,response,days_to_response,sct,sct_months,alive,os_month,poor
MILLER,34,3.4,male,1,0,yes,CR,30,yes,4,yes,48,no
DOE,340,,femal,3,2,,NR,14,no,,no,2.5,yes
MILLER,42,low,female,2.5,,no,CRi,-21,no,3,yes,30,
SMITH,,inf,male,1,1,unknown,,60,no,,no,17,yes
""",
    )
    with pytest.raises(CohortError) as caught:
        read_cohort(path, study)
    assert str(caught.value) == (
        "patients.csv breaks 15 rules of study 'small':\n"
        "  os_months: is missing, but required. Is it the column 'os_month'?\n"
        "  os_month: is not in the data dictionary; rename or remove it, "
        "or list it under 'ignore'. Did you mean 'os_months'?\n"
        "  id: 2 rows (1, 3) share an identifier with another row; each patient has one row.\n"
        "  age: 1 row (2) is 340; allowed 17 to 100.\n"
        "  age: 1 row (4) is missing; a value is required.\n"
        "  wbc: 1 row (3) is not a number; allowed 0 to 1000.\n"
        "  wbc: 1 row (4) is infinite; allowed 0 to 1000.\n"
        "  sex: 1 row (2) is 'femal'; allowed male, female. Did you mean 'female'?\n"
        "  salvage: 1 row (3) is none of the allowed levels; allowed 1, 2, 3.\n"
        "  tp53: 1 row (4) is 'unknown'; allowed yes or no (also true, false, 1, 0). "
        "Leave the cell empty where it is not known.\n"
        "  response: 1 row (4) is missing; a value is required.\n"
        "  days_to_response: 1 row (3) is negative; times are days, at least 0.\n"
        "  days_to_response: 1 row (2) has a value, "
        "but only patients with response CR or CRi can have one.\n"
        "  sct_months: 1 row (3) has a value, but only patients with sct yes can have one.\n"
        "  poor: 1 row (4) contradicts ecog, from which it is derived; "
        "correct either, or leave the column out."
    )
    assert all(name not in str(caught.value) for name in ("MILLER", "DOE", "SMITH"))


@pytest.mark.parametrize(
    "secret", ["Mary Miller", "MRN-10024711", "10024711", "male Miller of Houston"]
)
def test_messages_never_hold_identifiers_or_free_text(secret, study, make_frame):
    for column in make_frame().columns:
        frame = make_frame().astype(object)
        frame.loc[1:2, column] = secret
        with pytest.raises(CohortError) as caught:
            read_cohort(frame, study)
        assert secret not in str(caught.value)

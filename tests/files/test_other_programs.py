"""Files of Excel, Stata, SAS and SPSS."""

from __future__ import annotations

import datetime
import random
import zipfile

import numpy as np
import openpyxl
import pandas as pd
import pyreadstat
import pytest

from allsurv.files import FileAnswers, read_file

FRAME = pd.DataFrame(
    {"id": ["P1", "P2", "P3"], "age": [34, 60, 18], "wbc": [2.29, np.nan, 13.98], "sex": [1, 2, 1]}
)


def refusal(content) -> str:
    assert content.frame is None
    (only,) = content.violations
    return str(only)


@pytest.fixture
def book(tmp_path):
    def make(rows, *others: str, name: str = "patients.xlsx"):
        made = openpyxl.Workbook()
        sheet = made.active
        sheet.title = "Data"
        for row in rows:
            sheet.append(row)
        for other in others:
            made.create_sheet(other).append(["x"])
        made.save(tmp_path / name)
        return tmp_path / name

    return make


ROWS = [["id", "age", "wbc"], ["P1", 34, 2.29], ["P2", 60, None]]


def test_the_first_sheet_or_the_one_named(book):
    path = book(ROWS, "Notes")
    found = read_file(path)
    assert found.understood == ("Excel sheet 'Data', the first of 2",)
    assert found.frame["age"].tolist() == [34, 60]
    assert found.frame["wbc"].isna().tolist() == [False, True]
    assert list(read_file(path, answers=FileAnswers(sheet="Notes")).frame) == ["x"]
    says = refusal(read_file(path, answers=FileAnswers(sheet="data")))
    assert says == "file: has no sheet 'data'; its sheets are 'Data', 'Notes'."


def test_empty_rows_and_columns_around_the_table(book):
    found = read_file(book([[None], *[[*row, None] for row in ROWS], [None, None, " "]]))
    assert found.frame.shape == (2, 3)
    assert found.understood[1] == "1 empty row at the end left out"


def test_dates_are_never_numbers(book):
    moments = [datetime.datetime(2020, 3, 1), datetime.datetime(2020, 3, 1, 8, 30)]
    found = read_file(book([["seen"], *[[m] for m in moments], [datetime.time(8)]]))
    assert found.frame["seen"].tolist() == ["2020-03-01", "2020-03-01 08:30:00", "08:00:00"]


def test_formulas_without_results_are_not_missing_values(book):
    """openpyxl writes formulas, but never computes them."""
    says = refusal(read_file(book([*ROWS, ["P3", "=34+1", 1.5]])))
    assert says.startswith("file: has formulas without results (1); open and save it in Excel")


def test_formulas_with_results_are_read(book, tmp_path):
    path = book([*ROWS, ["P3", "=34+1", 1.5]])
    solved = tmp_path / "solved.xlsx"
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(solved, "w") as new:
        for item in old.namelist():
            content = (
                old.read(item).replace(b"<v></v>", b"<v>35</v>").replace(b"<v />", b"<v>35</v>")
            )
            new.writestr(item, content)
    assert read_file(solved).frame["age"].tolist() == [34, 60, 35]


def test_cells_beyond_the_names(book):
    found = read_file(book([*ROWS, ["P3", 1, 2, "remark"]]))
    assert list(found.frame) == ["id", "age", "wbc", ""]


def test_archives_that_are_no_workbook(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("patients.csv", "id\n")
    assert "no Excel workbook" in refusal(read_file(tmp_path / "a.zip"))


def test_an_archive_that_would_fill_the_memory(tmp_path):
    with zipfile.ZipFile(tmp_path / "b.xlsx", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", "x")
        with archive.open("xl/worksheets/sheet1.xml", "w", force_zip64=True) as part:
            for _ in range(1025):
                part.write(b"\x20" * 2**20)
    assert "is too large" in refusal(read_file(tmp_path / "b.xlsx"))


def written(tmp_path, ending: str):
    path = tmp_path / f"patients.{ending}"
    if ending == "dta":
        FRAME.to_stata(
            path,
            write_index=False,
            variable_labels={"wbc": "White cells"},
            value_labels={"sex": {1: "male", 2: "female"}},
        )
    elif ending == "sav":
        pyreadstat.write_sav(
            FRAME,
            str(path),
            column_labels={"wbc": "White cells"},
            variable_value_labels={"sex": {1: "male", 2: "female"}},
        )
    else:
        pyreadstat.write_xport(
            FRAME, str(path), column_labels={"wbc": "White cells"}, file_format_version=5
        )
    return path


@pytest.mark.parametrize(
    ("ending", "kind"), [("dta", "Stata"), ("sav", "SPSS"), ("xpt", "SAS transport")]
)
def test_codes_as_they_stand_and_labels_beside_them(ending, kind, tmp_path):
    found = read_file(written(tmp_path, ending))
    assert found.understood == (f"{kind} file",)
    assert found.frame["age"].tolist() == [34, 60, 18]
    assert found.frame["sex"].tolist() == [1, 2, 1]
    assert found.frame["wbc"].isna().tolist() == [False, True, False]
    assert found.labels["wbc"] == "White cells"
    if ending != "xpt":
        assert {int(k): v for k, v in found.value_labels["sex"].items()} == {1: "male", 2: "female"}


def test_a_zero_of_sas_transport_is_zero(tmp_path):
    path = tmp_path / "zero.xpt"
    pyreadstat.write_xport(pd.DataFrame({"cnsr": [0.0, 1.0]}), str(path), file_format_version=5)
    assert read_file(path).frame["cnsr"].tolist() == [0.0, 1.0]


@pytest.mark.parametrize("ending", ["xlsx", "dta", "xpt", "sav"])
def test_damaged_files_end_in_one_message(ending, tmp_path, book):
    """Bytes overwritten, cut or repeated: a table or a refusal, never another error."""
    path = book(ROWS) if ending == "xlsx" else written(tmp_path, ending)
    content = path.read_bytes()
    draw = random.Random(7)
    refused = 0
    tries = 8 if ending == "sav" else 150  # each in a process of its own
    for _ in range(tries):
        damaged = bytearray(content)
        for _ in range(draw.randint(1, 8)):
            damaged[draw.randrange(len(damaged))] = draw.randrange(256)
        if draw.random() < 0.3:
            del damaged[draw.randrange(len(damaged)) :]
        path.write_bytes(bytes(damaged))
        refused += read_file(path).frame is None
    assert refused > tries / 5

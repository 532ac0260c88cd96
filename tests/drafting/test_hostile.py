"""Broken and hostile files: a draft that can be read, or one message."""

from __future__ import annotations

import random

import pandas as pd
import pytest
import yaml

from allsurv.drafting import draft_study, import_adam, import_redcap
from allsurv.errors import AllsurvError
from allsurv.study import load_study
from drafting.pilot import adsl, adtte

HEADERS = [
    'a"b',
    "a'b: c",
    "# age",
    "x\ny: 1",
    "- list",
    "{a: b}",
    "[1]",
    "null",
    "true",
    "?",
    "&anchor",
    "*alias",
    "!tag",
    "%",
    "@",
    "`",
    "日本語",
    "́",
    "a" * 300,
    "age\t2",
    "é\x07",
    "\u2028",
    "1",
    "no",
    "=1+1",
    "${x}",
    "<script>",
]


def message_of(read, path) -> str:
    """Read; give the one message of a refusal. Any other error is a failure."""
    try:
        read(path)
    except AllsurvError as error:
        return str(error)
    return ""


@pytest.mark.parametrize("header", HEADERS)
def test_any_header_is_text_in_the_draft(header, tmp_path):
    frame = pd.DataFrame(
        {
            header: [f"{i % 50}" for i in range(60)],
            f"level {header}": [["x: 1", "# y", 'z"', "?", "no"][i % 5] for i in range(60)],
            f"{header} name": ["Mary"] * 60,
            "os_months": range(1, 61),
            "died": [0, 1] * 30,
        }
    )
    frame.to_csv(tmp_path / "patients.csv", index=False)
    draft = draft_study(tmp_path / "patients.csv")
    written = yaml.safe_load(draft.text.replace("\x07", ""))
    assert set(written) <= {
        *("name", "title", "citation", "time", "group", "ignore", "variables", "endpoints"),
        *("prediction", "comparisons"),
    }
    (tmp_path / "study.yaml").write_text(draft.text)
    says = message_of(load_study, tmp_path / "study.yaml")
    assert not says or "study.yaml" in says


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\n\n",
        b"a",
        b"a,b\n",
        b"a,a\n1,2\n3,4\n",
        b",\n1,2\n",
        b"\x00\x01\x02",
        b"%PDF-1.7",
        b"PK\x03\x04",
        b"\xff\xfe",
        b"\xff\xfea",
        b'a,"b\n',
        b"os_months,died\n" + b",\n" * 50,
        b"os_months,died\n" + b"-1,2\n" * 50,
        b"os_months,died\n" + b"inf,nan\n" * 50,
        b"os_months,died\n" + b"1e308,1\n" * 50,
    ],
)
def test_files_of_nothing_end_in_a_draft_or_one_message(content, tmp_path):
    path = tmp_path / "patients.csv"
    path.write_bytes(content)
    for read in (
        draft_study,
        lambda p: import_redcap(p, p),
        lambda p: import_adam(p, p),
    ):
        says = message_of(read, path)
        assert "\n" not in says or "breaks" in says


def test_damaged_data_sets_end_in_a_study_or_one_message(tmp_path):
    subjects = adsl(30)
    texts = [subjects.to_csv(index=False).encode(), adtte(subjects).to_csv(index=False).encode()]
    draw = random.Random(11)
    paths = tmp_path / "adsl.csv", tmp_path / "adtte.csv"
    refused = 0
    for _ in range(40):
        for path, text in zip(paths, texts, strict=True):
            damaged = bytearray(text)
            for _ in range(draw.randint(0, 6)):
                damaged[draw.randrange(len(damaged))] = draw.randrange(32, 127)
            path.write_bytes(bytes(damaged))
        try:
            import_adam(*paths)
        except AllsurvError:
            refused += 1
    assert refused > 0

"""The ledger of published numbers: what it holds, and what is refused in one."""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from allsurv.dictionary.readonly import plain
from allsurv.errors import StudyError
from allsurv.study import ledger_schema, load_ledger, load_study, read_ledger

STUDY = load_study("rr-all")
FILE = Path(STUDY.path).with_name("rr-all.ledger.json")
DEFAULTS = {"population": {}, "event": {}, "relation": "=", "decimals": 0, "status": "ok"}
OURS = {"method", "note"}  # the test of a P, and notes on dates, are said by us


@pytest.fixture(scope="module")
def published(shared):
    path = shared / "paper" / "published.yaml"
    if not path.is_file():
        pytest.skip("the paper's numbers are not on this machine")
    return yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)["entries"]


def as_published(entry):
    """An entry as the list beside the project writes it."""
    line = {key: value for key, value in plain(entry).items() if value not in (None, "", [], {})}
    if "time" in line:
        line["time_months"] = line.pop("time")
    if line.get("compare", {}).get("levels") == []:
        del line["compare"]["levels"]
    return DEFAULTS | line


def test_every_entry_is_the_published_one(published):
    entries = load_ledger("rr-all").entries
    assert list(entries) == [line["id"] for line in published]
    for line in published:
        theirs, ours = DEFAULTS | line, as_published(entries[line["id"]])
        names = theirs["variable"].split("+")  # an event on two variables: we name one of them
        assert ours["variable"] in names
        for key in (theirs.keys() | ours.keys()) - OURS - {"variable"}:
            assert ours[key] == theirs[key], (line["id"], key)
        assert line.get("note", ours.get("note")) == ours.get("note")


NUMBER = re.compile(r"\d+(?:\.\d+)?")


@pytest.mark.parametrize(
    ("section", "start", "end", "labels"),
    [
        ("table1", "Characteristic\tCategory", "*Before the amendment", 2),
        ("table2", "Parameter\tN (%)", "CR Complete response; *CRi*", 1),
        ("table3", "Infections-related", "SCT Allogeneic stem cell transplantation\n", 1),
    ],
)
def test_tables_hold_the_numbers_of_the_text_and_no_other(section, start, end, labels, shared):
    path = shared / "paper" / "kantarjian-2023.txt"
    if not path.is_file():
        pytest.skip("the paper's text is not on this machine")
    text = path.read_text(encoding="utf-8")
    rows = text[text.index(start) : text.index(end)].splitlines()
    cells = "\n".join(cell for row in rows for cell in row.split("\t")[labels:])
    found = Counter(NUMBER.findall(cells))
    printed = Counter(
        number
        for entry in load_ledger("rr-all").entries.values()
        if entry.section == section
        for number in NUMBER.findall(entry.printed)
    )
    assert found == printed


def test_every_number_of_the_text_stands_there_as_printed(shared):
    path = shared / "paper" / "kantarjian-2023.txt"
    if not path.is_file():
        pytest.skip("the paper's text is not on this machine")
    said = words_of(path.read_text(encoding="utf-8"))
    for entry in load_ledger("rr-all").entries.values():
        assert words_of(entry.printed) <= said, entry.id


def words_of(text):
    """Words and numbers; hyphens within words, which the text loses at line ends, left out."""
    joined = re.sub(r"(?<=[a-z])-(?=[a-z])", "", text.lower())
    return set(re.findall(r"[a-z]+|\d+(?:\.\d+)?", joined))


def test_one_fact_printed_twice_has_one_value():
    seen = {}
    for entry in load_ledger("rr-all").entries.values():
        of = entry.event or entry.variable
        what = (entry.kind, entry.population, of, entry.endpoint, entry.time, entry.compare)
        assert seen.setdefault(what, entry.value) == entry.value, entry.id


def test_issues_are_explained_once_and_used():
    ledger = load_ledger("rr-all")
    used = {entry.issue for entry in ledger.entries.values()} - {None}
    assert used == set(ledger.issues)
    assert all(len(text) > 60 for text in ledger.issues.values())
    statuses = Counter(entry.status for entry in ledger.entries.values())
    assert statuses == {"ok": 751, "reading": 79, "conflict": 10, "rounding": 5, "external": 6}


def test_the_bundled_ledger_keeps_every_rule():
    assert read_ledger(FILE, STUDY) == load_ledger(STUDY)


def test_a_study_is_loaded_without_its_ledger(tmp_path):
    text = Path(STUDY.path).read_text(encoding="utf-8")
    (tmp_path / "mine.yaml").write_text(text.replace("rr-all.ledger.json", "mine.ledger.yaml"))
    study = load_study(tmp_path / "mine.yaml")
    with pytest.raises(StudyError, match=r"mine\.ledger\.yaml: the file cannot be read"):
        load_ledger(study)
    with pytest.raises(StudyError, match="names no ledger"):
        load_ledger("ebmt-all")


def test_a_ledger_beside_a_study_of_ones_own_is_found(tmp_path):
    (tmp_path / "small.json").write_text(json.dumps(small()))
    study = replace(STUDY, ledger="small.json", path=str(tmp_path / "study.yaml"))
    assert load_ledger(study).entries["men"].value == 52


ENTRIES = {
    "men": {"kind": "count", "variable": "sex", "event": {"sex": "male"}, "value": 52},
    "os": {"kind": "km_rate", "variable": "os_months", "endpoint": "os", "time": 36, "value": 40},
    "p": {
        "kind": "logrank_p",
        "variable": "os_months",
        "endpoint": "os",
        "compare": {"variable": "salvage", "levels": [1, [2, 3]]},
        "value": 0.16,
        "decimals": 2,
    },
    "hr": {"kind": "hazard_ratio", "variable": "pb_blasts", "endpoint": "os", "value": 1},
}


def small(**changes):
    """Content of a sound ledger of four entries; each change is merged into the entry it names."""
    entries = []
    for name, parts in ENTRIES.items():
        head = {"id": name, "section": "results", "statement": "A number", "where": "Results"}
        head |= {"group": name, "printed": str(parts["value"])}
        line = head | parts | changes.get(name, {})
        entries.append({key: value for key, value in line.items() if value is not None})
    return {"study": "rr-all", "issues": {"C01": "Why."}, "entries": entries}


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("men", {"kind": "counts"}, "Did you mean 'count'?"),
        ("men", {"id": "os"}, "is the id of entry 0 too"),
        ("men", {"variable": "gender"}, "'gender' is not in the data dictionary"),
        ("men", {"event": {"sex": "man"}}, "'man' is not a level of 'sex'"),
        ("men", {"event": None}, "event: is missing; kind 'count' needs it"),
        ("men", {"population": {"arms": "after"}}, "Did you mean 'arm'?"),
        ("men", {"population": {"any_of": [{"arm": "later"}, {"salvage": 1}]}}, "'later'"),
        ("men", {"population": {"event_free_at_month": 4}}, "needs an endpoint"),
        ("men", {"population": {"cohort": "others"}, "status": "external"}, "'others' is not"),
        ("men", {"status": "external"}, "go together"),
        ("men", {"status": "conflict", "issue": "C01"}, "authoritative_value: is missing"),
        ("men", {"status": "reading"}, "issue: is missing"),
        ("men", {"issue": "C02"}, "'C02' is not in the issues"),
        ("men", {"printed": "53"}, "says 53, but value is 52"),
        ("p", {"printed": "0.160"}, "decimals: is 2, but '0.160' has 3"),
        ("os", {"time": None}, "time: is missing"),
        ("os", {"endpoint": "ops"}, "'ops' is not in the endpoints"),
        ("p", {"compare": {"variable": "salvage", "levels": [1, [2, 4]]}}, "4 is not a level"),
        ("p", {"compare": {"variable": "salvages"}}, "Did you mean 'salvage'?"),
        ("hr", {"variable": "age"}, "no finding of the study is about 'age'"),
        ("os", {"value": None}, "value: is missing"),
        ("os", {"decimal": 0}, "Did you mean 'decimals'?"),
    ],
)
def test_a_fault_is_named_with_file_line_and_key(name, change, message, tmp_path):
    content = small(**{name: change})
    lines = [json.dumps(entry) for entry in content.pop("entries")]
    text = json.dumps(content)[:-1] + ', "entries": [\n' + ",\n".join(lines) + "\n]}"
    (tmp_path / "mine.json").write_text(text)
    with pytest.raises(StudyError) as caught:
        read_ledger(tmp_path / "mine.json", STUDY)
    said = str(caught.value)
    assert message in said
    line = 2 + list(ENTRIES).index("os" if change == {"id": "os"} else name)
    assert f"mine.json:{line} entries[{line - 2}]" in said


def test_a_ledger_of_another_study_is_refused(tmp_path):
    (tmp_path / "mine.json").write_text(json.dumps(small() | {"study": "ebmt-all"}))
    with pytest.raises(StudyError, match="'ebmt-all' is not this study"):
        read_ledger(tmp_path / "mine.json", STUDY)


def test_the_ledger_of_the_documentation_fits_its_study(root, example, load_text, tmp_path):
    page = (root / "docs" / "study-file.md").read_text(encoding="utf-8")
    (text,) = re.findall(r"```yml\n(study: .*?)```", page, flags=re.DOTALL)
    (tmp_path / "mine.yaml").write_text(text, encoding="utf-8")
    ledger = read_ledger(tmp_path / "mine.yaml", load_text(example))
    assert [entry.kind for entry in ledger.entries.values()] == ["count", "km_rate", "logrank_p"]


def test_the_documentation_names_every_kind(root):
    page = (root / "docs" / "study-file.md").read_text(encoding="utf-8")
    for kind in ledger_schema()["$defs"]["entry"]["properties"]["kind"]["enum"]:
        assert f"`{kind}`" in page


def test_every_key_of_the_schema_is_described():
    entry = ledger_schema()["$defs"]["entry"]["properties"]
    assert all("description" in part or "$ref" in part for part in entry.values())


@pytest.mark.parametrize("name", ["mine.json", "rr-all.ledger.json", "mine.yaml"])
def test_a_faulty_ledger_beside_a_study_of_ones_own_is_refused(name, tmp_path):
    """Only the bundled file was held against its study before: no ending and no name excuses."""
    content = small(men={"variable": "gender"})
    (tmp_path / name).write_text(json.dumps(content))
    study = replace(STUDY, ledger=name, path=str(tmp_path / "study.yaml"))
    with pytest.raises(StudyError, match=r"entries\[0\].*'gender' is not in the data dictionary"):
        load_ledger(study)
    (tmp_path / name).write_text(json.dumps(small(men={"kind": "counts"})))
    with pytest.raises(StudyError, match="Did you mean 'count'"):
        load_ledger(replace(study, path=str(tmp_path / "." / "other.yaml"), title="Another"))

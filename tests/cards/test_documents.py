"""Tables of a reproduced paper on disk: CSV, LaTeX that compiles, Word that opens again."""

from __future__ import annotations

import json
import re
import string
from dataclasses import replace

import pandas as pd
import pytest
from docx import Document
from docx.enum.section import WD_ORIENT
from hypothesis import given
from hypothesis import strategies as st

from allsurv.cards import clear_previous, write_contents, write_documents
from allsurv.cards.report.documents_latex import escape_latex, latex_document, latex_table
from allsurv.cards.report.printed import print_item, print_summary
from allsurv.cards.report.printed_ledger import print_ledger
from allsurv.errors import ConfigError
from allsurv.reproduction.items import Item


@pytest.fixture(scope="module")
def written(reproduction, tmp_path_factory):
    folder = tmp_path_factory.mktemp("documents")
    files = write_documents(reproduction, folder)
    return folder, files


def test_rows_keep_heading_and_indent(reproduction):
    table = print_item(reproduction["table-1"], reproduction.study)
    assert [(row.cells[0], row.indent, row.is_heading) for row in table.rows] == [
        ("Age, years", 0, False),
        ("Sex", 0, True),
        ("Male & <50%", 1, False),
        ("[Other] *", 1, False),
    ]


def test_curves_are_printed_with_median_survival_and_test(reproduction):
    item = reproduction["figure-os-sct-by-landmark"]
    table = print_summary(item, reproduction.study)
    summary = item.extra["summary"]
    first = summary.iloc[0]
    cells = {row.cells[0]: row.cells[1:] for row in table.rows}
    assert cells["Patients"] == tuple(str(n) for n in summary.groupby("group")["n"].first())
    at = summary[summary["horizon"] == 36]["survival"]
    printed = [float(text.split(" ")[0]) for text in cells["3-year survival, % (95% CI)"]]
    assert printed == pytest.approx((100 * at).tolist(), abs=0.5)
    assert table.notes[0].startswith("Log-rank P=0.")
    assert f"{int(first['n_event_before'])} had the event before it" in " ".join(table.notes)


def test_many_curves_are_rows(reproduction):
    item = reproduction["figure-os-overall"]
    one = item.extra["summary"]
    summary = pd.concat([one.assign(group=f"g{i}", group_label=f"G{i}") for i in range(5)])
    table = print_summary(replace(item, extra={"summary": summary}), reproduction.study)
    assert [row.cells[0] for row in table.rows] == ["G0", "G1", "G2", "G3", "G4"]


def test_a_ledger_prints_what_differs_first(reproduction):
    table = print_ledger(reproduction["ledger"])
    assert [row.cells[0] for row in table.rows] == [
        "Table 1 (1 of 2 agree, 50%)",
        "Male (count)",
        "Patients",
        "SOS (0 of 1 agree, 0%)",
        "SOS",
    ]
    assert [row.cells[3] for row in table.rows if not row.is_heading] == [
        "differs",
        "agrees",
        "not recomputed",
    ]


def test_what_a_study_lacks_leaves_no_table(reproduction):
    bare = Item("swimmer", "Courses", "", "swimmer", pd.DataFrame({"x": [1]}))
    assert print_item(bare, reproduction.study) is None


def test_every_table_is_written_three_times(written, reproduction):
    folder, files = written
    assert {file.relative_to(folder).as_posix() for file in files} == {
        file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file()
    }
    keys = ["table-1", "figure-os-sct-landmark", "cox", "ledger"]
    for key in keys:
        assert (folder / "tables" / f"{key}.csv").is_file()
        assert (folder / "tables" / f"{key}.tex").is_file()
    numbers = pd.read_csv(folder / "tables" / "cox.csv")
    assert numbers["hazard_ratio"].tolist() == pytest.approx(
        reproduction["cox"].table["hazard_ratio"].tolist()
    )


def test_latex_is_escaped_and_balanced(written):
    folder, _ = written
    text = (folder / "tables" / "table-1.tex").read_text()
    assert r"\quad Male \& $<$50\% & 52 (47) & $<$0.001 \\" in text
    assert r"\quad {[}Other{]} {*} & 58 (53) &  \\" in text
    assert r"37 (17--87)" in text
    assert r"\multicolumn{3}{@{}l@{}}{" in text
    for file in (folder / "tables").glob("*.tex"):
        _check_latex(file.read_text())


def _check_latex(text: str) -> None:
    """Balance of braces and environments, and in each row as many columns as the head."""
    bare = re.sub(r"\\[\\{}&%$#_]", "", text)
    assert bare.count("{") == bare.count("}")
    assert bare.count("$") % 2 == 0
    assert re.findall(r"\\begin\{(\w+)\}", text).count("longtable") == text.count(
        r"\end{longtable}"
    )
    assert not [c for c in text if ord(c) > 0x17F]
    rows = [line for line in text.splitlines() if line.endswith(r" \\") and "midrule" not in line]
    assert len({len(re.findall(r"(?<!\\)&", row)) for row in rows}) <= 1


def test_the_document_inputs_every_table_and_loads_what_they_need(written):
    folder, _ = written
    text = (folder / "tables" / "tables.tex").read_text()
    inputs = re.findall(r"\\input\{([\w-]+\.tex)\}", text)
    assert sorted(inputs) == sorted(
        p.name for p in (folder / "tables").glob("*.tex") if p.name != "tables.tex"
    )
    for package in ("array", "booktabs", "caption", "longtable"):
        assert package in text
    assert text.rstrip().endswith(r"\end{document}")
    assert "not patients" in text


def test_wide_tables_stand_on_landscape_pages(reproduction):
    table = print_item(reproduction["table-1"], reproduction.study)
    wide = replace(table, columns=tuple("abcdefg"), rows=())
    assert r"\begin{landscape}" in latex_document([wide], statement="")
    assert r"\begin{landscape}" not in latex_document([table], statement="")


def test_column_widths_share_the_line(reproduction):
    text = latex_table(print_item(reproduction["table-1"], reproduction.study))
    shares = [float(x) for x in re.findall(r"\\dimexpr ([\d.]+)\\linewidth", text)]
    assert len(shares) == 3
    assert sum(shares) == pytest.approx(1, abs=0.01)


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=30))
def test_any_text_survives_latex(text):
    escaped = escape_latex(text)
    bare = re.sub(r"\\[{}&%$#_,]", "", escaped)
    assert bare.count("{") == bare.count("}")
    assert bare.count("$") % 2 == 0
    assert all(c in string.printable or 0xA0 < ord(c) < 0x180 for c in escaped)
    assert not re.search(
        r"(?<!\\)[%&#_^~]", escaped.replace("~", "") if "\xa0" in text else escaped
    )


def test_word_opens_again_with_the_same_cells(written, reproduction):
    folder, _ = written
    document = Document(str(folder / "tables.docx"))
    headings = [p.text for p in document.paragraphs if p.style.name == "Heading 2"]
    assert "Table 1. Characteristics" in headings
    assert len(headings) == len(document.tables) == 5
    printed = print_item(reproduction["table-1"], reproduction.study)
    made = document.tables[0]
    assert [cell.text for cell in made.rows[0].cells] == list(printed.columns)
    assert [cell.text for cell in made.rows[3].cells] == list(printed.rows[2].cells)
    assert {cell.text for cell in made.rows[2].cells} == {"Sex"}
    assert document.sections[0].orientation == WD_ORIENT.LANDSCAPE
    assert "not patients" in document.sections[0].footer.paragraphs[0].text
    assert document.core_properties.title == reproduction.study.title


def test_word_repeats_the_head_and_tells_readers_what_a_table_is(written):
    folder, _ = written
    made = Document(str(folder / "tables.docx")).tables[0]
    xml = made._tbl.xml
    assert xml.count("<w:tblHeader/>") == 1
    assert '<w:tblCaption w:val="Table 1. Characteristics"/>' in xml
    order = re.findall(r"<w:(tblStyle|tblW|tblBorders|tblLayout|tblLook|tblCaption)\b", xml)
    wanted = ["tblStyle", "tblW", "tblBorders", "tblLayout", "tblLook", "tblCaption"]
    assert order == [name for name in wanted if name in order]


def test_word_tables_can_be_edited(written, tmp_path):
    folder, _ = written
    document = Document(str(folder / "ledger.docx"))
    document.tables[0].rows[1].cells[0].text = "changed"
    document.tables[0].add_row()
    document.save(str(tmp_path / "edited.docx"))
    again = Document(str(tmp_path / "edited.docx"))
    assert again.tables[0].rows[1].cells[0].text == "changed"


def test_a_folder_lists_policy_and_files_and_can_be_written_anew(reproduction, tmp_path):
    folder = clear_previous(tmp_path / "new" / "folder")
    file = folder / "report.html"
    file.write_text("x")
    path = write_contents(reproduction, folder, [file])
    tree = json.loads(path.read_text())
    assert tree["policy"] == "journal"
    assert tree["files"] == ["report.html"]
    assert "not patients" in tree["statement"]
    mine = folder / "mine.txt"
    mine.write_text("kept")
    clear_previous(folder)
    assert sorted(p.name for p in folder.iterdir()) == ["mine.txt", "reproduction.json"]


def test_what_was_broken_off_can_be_carried_out_again(tmp_path):
    folder = clear_previous(tmp_path)
    (folder / "figures").mkdir()
    (folder / "figures" / "figure-1a.png").write_text("half")
    assert clear_previous(folder) == folder


def test_anybody_elses_folder_is_refused(tmp_path):
    (tmp_path / "thesis.docx").write_text("x")
    with pytest.raises(ConfigError, match="holds files that no reproduction has written"):
        clear_previous(tmp_path)
    assert (tmp_path / "thesis.docx").is_file()
    with pytest.raises(ConfigError, match="cannot be used as a folder"):
        clear_previous(tmp_path / "thesis.docx")


def test_a_list_cannot_reach_outside_its_folder(reproduction, tmp_path):
    outside = tmp_path / "outside.txt"
    outside.write_text("kept")
    folder = tmp_path / "in"
    folder.mkdir()
    path = write_contents(reproduction, folder, [])
    tree = json.loads(path.read_text()) | {"files": ["../outside.txt", str(outside)]}
    path.write_text(json.dumps(tree))
    clear_previous(folder)
    assert outside.is_file()

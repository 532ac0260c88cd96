"""Printed tables in one Word file: real tables, editable, three rules, heads repeated."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from docx import Document
from docx.document import Document as WordDocument
from docx.enum.section import WD_ORIENT
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.oxml.xmlchemy import BaseOxmlElement
from docx.shared import Pt
from docx.table import Table
from docx.text.paragraph import Paragraph

from allsurv.cards.report.printed_table import PrintedRow, PrintedTable

__all__ = ["write_word"]

FONT, SIZE = "Calibri", Pt(9)
INDENT = 142
RULES = {"top": 8, "bottom": 8}
HEAD_RULE = 4


def write_word(
    tables: Sequence[PrintedTable], path: str | Path, *, title: str, statement: str
) -> Path:
    """Write all tables into one Word file."""
    document = Document()
    _set_up(document, title, statement)
    for table in tables:
        document.add_heading(table.title, level=2)
        _add_table(document, table)
        for note in table.notes:
            _small(document.add_paragraph(note))
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    document.save(str(path))
    return path


def _set_up(document: WordDocument, title: str, statement: str) -> None:
    style = document.styles["Normal"]
    style.font.name, style.font.size = FONT, SIZE
    style.paragraph_format.space_after = Pt(2)
    section = document.sections[0]
    section.orientation = WD_ORIENT.LANDSCAPE
    section.page_width, section.page_height = section.page_height, section.page_width
    section.left_margin = section.right_margin = Pt(50)
    section.top_margin = section.bottom_margin = Pt(50)
    document.core_properties.title = title
    document.core_properties.author = "allsurv"
    document.core_properties.comments = statement
    document.add_heading(title, level=1)
    document.add_paragraph(statement)
    _small(section.footer.paragraphs[0], statement)


def _small(paragraph: Paragraph, text: str = "") -> None:
    if text:
        paragraph.add_run(text)
    for run in paragraph.runs:
        run.font.size = Pt(8)


def _add_table(document: WordDocument, table: PrintedTable) -> None:
    """Append rows as XML: python-docx's own cells cost a second per thousand."""
    made = document.add_table(rows=0, cols=len(table.columns))
    made.autofit = True
    _describe(made, table)
    head = PrintedRow(table.columns)
    made._tbl.append(_row(head, is_head=True))
    for row in table.rows:
        made._tbl.append(_row(row, is_head=False))


def _describe(made: Table, table: PrintedTable) -> None:
    properties = made._tbl.tblPr
    caption = OxmlElement("w:tblCaption")
    caption.set(qn("w:val"), table.title)
    borders = OxmlElement("w:tblBorders")
    for side, size in RULES.items():
        borders.append(_rule(side, size))
    width = OxmlElement("w:tblW")
    width.set(qn("w:type"), "pct")
    width.set(qn("w:w"), "5000")
    for old in properties.findall(qn("w:tblW")):
        properties.remove(old)
    properties.insert_element_before(
        width, "w:jc", "w:tblBorders", "w:tblLayout", "w:tblCellMar", "w:tblLook", "w:tblCaption"
    )
    properties.insert_element_before(
        borders, "w:shd", "w:tblLayout", "w:tblCellMar", "w:tblLook", "w:tblCaption"
    )
    properties.append(caption)


def _rule(side: str, size: int) -> BaseOxmlElement:
    rule = OxmlElement(f"w:{side}")
    for name, value in (("val", "single"), ("sz", str(size)), ("space", "0"), ("color", "auto")):
        rule.set(qn(f"w:{name}"), value)
    return rule


def _row(row: PrintedRow, *, is_head: bool) -> BaseOxmlElement:
    made = OxmlElement("w:tr")
    properties = OxmlElement("w:trPr")
    properties.append(OxmlElement("w:cantSplit"))
    if is_head:
        properties.append(OxmlElement("w:tblHeader"))
    made.append(properties)
    for cell in _cells(row, is_head):
        made.append(cell)
    return made


def _cells(row: PrintedRow, is_head: bool) -> Iterator[BaseOxmlElement]:
    bold = is_head or row.is_heading
    shown = row.cells[:1] if row.is_heading else row.cells
    for place, text in enumerate(shown):
        cell, properties = OxmlElement("w:tc"), OxmlElement("w:tcPr")
        if row.is_heading:
            span = OxmlElement("w:gridSpan")
            span.set(qn("w:val"), str(len(row.cells)))
            properties.append(span)
        if is_head:
            borders = OxmlElement("w:tcBorders")
            borders.append(_rule("bottom", HEAD_RULE))
            properties.append(borders)
        cell.append(properties)
        cell.append(_paragraph(text, bold=bold, indent=0 if place else row.indent))
        yield cell


def _paragraph(text: str, *, bold: bool, indent: int) -> BaseOxmlElement:
    paragraph, properties = OxmlElement("w:p"), OxmlElement("w:pPr")
    if bold:
        properties.append(OxmlElement("w:keepNext"))
    spacing = OxmlElement("w:spacing")
    spacing.set(qn("w:before"), "10")
    spacing.set(qn("w:after"), "10")
    properties.append(spacing)
    if indent:
        shift = OxmlElement("w:ind")
        shift.set(qn("w:left"), str(INDENT * indent))
        properties.append(shift)
    paragraph.append(properties)
    if text:
        run = OxmlElement("w:r")
        if bold:
            formatted = OxmlElement("w:rPr")
            formatted.append(OxmlElement("w:b"))
            run.append(formatted)
        words = OxmlElement("w:t")
        words.set(qn("xml:space"), "preserve")
        words.text = text
        run.append(words)
        paragraph.append(run)
    return paragraph

"""The card: every face from one tree, nothing left blank, safe in a browser."""

from __future__ import annotations

import json
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from allsurv import cards
from allsurv.cards import make_card
from allsurv.cards.quotes import parts_of, plain_text
from allsurv.errors import ConfigError


class Page(HTMLParser):
    def __init__(self):
        super().__init__()
        self.tags, self.links, self.alts, self.text = [], [], [], []

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        self.tags.append(tag)
        self.links += [attrs[k] for k in ("src", "href") if k in attrs]
        if tag == "img":
            self.alts.append(attrs.get("alt", ""))

    def handle_data(self, data):
        if self.tags[-1:] not in (["script"], ["style"]):
            self.text.append(data)


@pytest.fixture(scope="module")
def page(small_folder):
    parser = Page()
    parser.feed((small_folder / "card.html").read_text())
    return parser


def test_the_card_opens_with_five_lines(small_result):
    summary = make_card(small_result)["summary"]
    assert [line["label"] for line in summary] == [
        "What it predicts, for whom",
        "How well",
        "How unstable",
        "How many parameters the data support",
        "Must not be used for",
    ]
    assert all(plain_text(line["parts"]) for line in summary)


def test_what_was_not_done_says_so(small_result):
    items = [i for s in make_card(small_result)["sections"] for i in s["items"]]
    said = {i["label"]: plain_text(i["parts"]) for i in items}
    assert said["External validation"] == "Not evaluated"
    assert said["Contact"] == "Not provided by the author"
    assert all(said.values())


def test_card_and_model_name_the_disclosure_policy(small_result, small_folder):
    items = [i for s in make_card(small_result)["sections"] for i in s["items"]]
    said = {i["label"]: plain_text(i["parts"]) for i in items}
    assert said["Disclosure policy"] == "cms"
    assert said["Disclosure control"].startswith("Policy cms: counts from 1 to 10 are hidden")
    for file in small_folder.glob("models/*/risk_model.json"):
        assert json.loads(file.read_text())["provenance"]["disclosure"] == "cms"


def test_every_item_of_the_standards_has_a_state(small_result):
    sections = {part["id"]: part for part in make_card(small_result)["sections"]}
    rows = sections["tripod_ai"]["tables"][0]["rows"]
    assert len(rows) == 52
    assert len({row[0].rstrip("abcdefg") for row in rows}) == 27
    assert len(sections["hti_1"]["tables"][0]["rows"]) == 31
    assert all(row[-1] for row in rows)
    by_id = {row[0]: row[-1] for row in rows}
    assert by_id["10"] == "Reported"
    assert by_id["16"] == "Not evaluated"
    assert by_id["19"] == "Not provided by the author"


def test_html_stands_alone(page):
    assert page.links
    assert all(link.startswith(("#", "data:")) for link in page.links)
    assert "link" not in page.tags


def test_every_figure_has_alternative_text(page):
    assert len(page.alts) >= 4
    assert all(len(alt) > 40 for alt in page.alts)


def test_every_face_says_the_cohort_is_not_patients(small_folder):
    for face in ("card.html", "card.md", "card.json"):
        assert (
            "Reconstructed from published summaries; not patients"
            in (small_folder / face).read_text()
        )


def test_every_number_is_a_quotation_that_stands_on_the_page(small_folder, page):
    text = " ".join(" ".join(page.text).split())
    tree = json.loads((small_folder / "card.json").read_text())
    quotes = [part for _, part in parts_of(tree["sections"]) if not isinstance(part, str)]
    assert len(quotes) > 300
    assert all(" ".join(quote["text"].split()) in text for quote in quotes)


def test_cells_with_numbers_are_never_typed_in(small_result):
    ours = {"tripod_ai", "hti_1", "predictors"}  # numbering of standards; ranges of the study
    for part in make_card(small_result)["sections"]:
        for table in part["tables"]:
            cells = [cell for row in table["rows"] for cell in row if isinstance(cell, str)]
            if part["id"] not in ours:
                assert not any(character.isdigit() for cell in cells for character in cell)


def test_text_of_a_study_cannot_become_markup(small_result, tmp_path):
    hostile = replace(
        small_result, statements={**small_result.statements, "source": "<script>x</script>"}
    )
    assert "<script>x" not in cards.write(hostile, tmp_path / "card.html").read_text()


def test_unknown_face_is_refused(small_result, tmp_path):
    with pytest.raises(ConfigError, match=r"\.html, \.md, \.xml, \.docx, \.json"):
        cards.write(small_result, tmp_path / "card.pdf")


def test_word_holds_what_the_tree_says(small_folder):
    from docx import Document

    document = Document(small_folder / "card.docx")
    said = {cell.text for table in document.tables for row in table.rows for cell in row.cells}
    tree = json.loads((small_folder / "card.json").read_text())
    for line in tree["summary"]:
        assert plain_text(line["parts"]) in said


def test_release_is_blocked_until_the_author_has_spoken(small_result):
    with pytest.raises(ConfigError, match=r"contact: Contact") as raised:
        make_card(small_result, release=True)
    assert "funding" not in str(raised.value)  # the study file says it
    author = dict.fromkeys(
        ["version", "developer", "contact", "licence", "conflicts", "risk_level", "stakeholders"],
        "as told",
    )
    assert make_card(small_result, author=author, release=True)["stage"] == "release"


def test_faults_of_an_authors_file_come_together(tmp_path):
    file = tmp_path / "author.yaml"
    file.write_text("contct: me\nfunding: [a]\n")
    with pytest.raises(ConfigError, match=r"2 fault(.|\n)*contct.*contact(.|\n)*funding"):
        cards.read_author(file)

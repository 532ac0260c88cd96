"""The card: every face from one tree, nothing left blank, safe in a browser."""

from __future__ import annotations

import json
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from allsurv import cards
from allsurv.cards import make_card
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
        "What the data can support",
        "Which data",
        "Must not be used for",
    ]
    assert all(line["text"] for line in summary)


def test_what_was_not_done_says_so(small_result):
    items = [i for s in make_card(small_result)["sections"] for i in s["items"]]
    said = {i["label"]: i["text"] for i in items}
    assert said["External validation"] == "Not evaluated"
    assert all(text for text in said.values())


def test_html_stands_alone(page):
    assert page.links
    assert all(link.startswith(("#", "data:")) for link in page.links)
    assert "script" not in page.tags


def test_every_figure_has_alternative_text(page):
    assert len(page.alts) >= 4
    assert all(len(alt) > 40 for alt in page.alts)


def test_every_face_says_the_cohort_is_not_patients(small_folder):
    for face in ("card.html", "card.md", "card.json"):
        assert (
            "Reconstructed from published summaries; not patients"
            in (small_folder / face).read_text()
        )


def test_every_number_of_the_tree_is_on_the_page(small_folder, page):
    text = " ".join(" ".join(page.text).split())
    tree = json.loads((small_folder / "card.json").read_text())
    cells = [c for s in tree["sections"] if s["table"] for row in s["table"]["rows"] for c in row]
    assert len(cells) > 100
    assert all(" ".join(cell.split()) in text for cell in cells)


def test_text_of_a_study_cannot_become_markup(small_result, tmp_path):
    hostile = replace(
        small_result, statements={**small_result.statements, "source": "<script>x</script>"}
    )
    assert "<script>" not in cards.write(hostile, tmp_path / "card.html").read_text()


def test_unknown_face_is_refused(small_result, tmp_path):
    with pytest.raises(ConfigError, match=r"\.html, \.md, \.json"):
        cards.write(small_result, tmp_path / "card.docx")

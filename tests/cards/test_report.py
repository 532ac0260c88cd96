"""The report of a reproduced paper: one page, whole, readable by everybody."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from allsurv.cards import write_report
from allsurv.plots import write_items

VOID = {"meta", "img", "br", "link", "input", "hr"}


class _Page(HTMLParser):
    """Checks that tags close in order; gathers what the tests ask about."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.images: list[dict[str, str | None]] = []
        self.addresses: list[str] = []
        self.headings: list[str] = []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        if tag not in VOID:
            self.open.append(tag)
        if "id" in given:
            self.ids.append(given["id"])
        if tag == "a":
            self.links.append(given["href"])
        if tag == "img":
            self.images.append(given)
        self.addresses += [given[name] for name in ("src", "href") if name in given]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] in ("h1", "h2", "h3"):
            self.headings.append(data.strip())


@pytest.fixture(scope="module")
def page(reproduction, tmp_path_factory):
    folder = tmp_path_factory.mktemp("report")
    write_items(reproduction, reproduction.study, folder / "figures", caption="c", formats=("svg",))
    return write_report(reproduction, folder).read_text(encoding="utf-8")


def test_the_page_is_whole_and_needs_no_other_file(page, reproduction):
    parsed = _Page(page)
    assert len(parsed.ids) == len(set(parsed.ids))
    assert {link.removeprefix("#") for link in parsed.links} == {i.key for i in reproduction}
    assert {link.removeprefix("#") for link in parsed.links} <= set(parsed.ids)
    assert all(a.startswith(("#", "data:image/svg+xml;base64,")) for a in parsed.addresses)
    assert "<script" not in page


def test_every_figure_is_described_in_words(page):
    parsed = _Page(page)
    assert len(parsed.images) == 6
    assert all(len(image["alt"] or "") > 30 for image in parsed.images)
    assert "Kaplan-Meier curves" in str(parsed.images[0]["alt"])


def test_numbers_behind_figures_are_there_on_demand(page):
    assert page.count("<summary>The numbers behind the figure</summary>") == 6


def test_two_readings_stand_side_by_side_and_say_which_is_which(page):
    (beside,) = re.findall(
        r'<div class="beside">(.*?)</div>\s*<section id="figure-os-overall"', page, re.S
    )
    assert 'id="figure-os-sct-landmark"' in beside
    assert 'id="figure-os-sct-by-landmark"' in beside
    assert '<span class="label">the paper&#39;s reading</span>' in beside
    assert '<span class="label">correct definition</span>' in beside
    assert '<span class="label">the paper&#39;s protocol</span>' in page


def test_the_statement_and_the_policy_are_on_the_page(page, reproduction):
    assert page.count(reproduction.statement) >= 2
    assert "journal: every count, curve, time and range" in page


def test_text_is_escaped(page):
    assert "Male &amp; &lt;50%" in page
    assert "<50%" not in page.replace("&lt;50%", "")


def test_the_ledger_says_how_many_agree_and_lists_what_differs_first(page):
    assert re.search(r"3 published numbers: <strong>1</strong> agree", page)
    misses = page.split("What differs")[1].split("Every number")[0]
    assert "Male (count)" in misses
    assert ">SOS<" not in misses
    assert "<summary>Table 1: 1 of 2 agree</summary>" in page


def test_print_phone_and_dark_are_provided_for(page):
    for rule in ("@media print", "max-width: 40rem", "prefers-color-scheme: dark"):
        assert rule in page
    assert 'name="viewport"' in page


def test_what_is_absent_leaves_no_heading(reproduction, tmp_path):
    few = replace(reproduction, items=(reproduction["table-1"],))
    page = _Page(write_report(few, tmp_path).read_text(encoding="utf-8"))
    assert page.headings == [few.study.title, "Table 1. Characteristics"]

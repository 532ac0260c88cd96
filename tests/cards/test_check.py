"""A card that has drifted from its results does not pass; a review holds for one card only."""

from __future__ import annotations

import json
import shutil

import pytest

from allsurv.cards import check_card, read_card, read_review, review_card, write_diff
from allsurv.cards.card import digest_of
from allsurv.cards.check import card_faults
from allsurv.cards.diff import card_differences
from allsurv.cards.render import FACES, render
from allsurv.cli.card import CardOrder, card_command
from allsurv.errors import CheckFailed, ConfigError


@pytest.fixture
def folder(small_folder, tmp_path):
    return shutil.copytree(small_folder, tmp_path / "run")


@pytest.fixture
def study(small_result):
    return small_result.study


def edit(file, old, new):
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1))


def rewrite(folder, study, change):
    """Change the tree of a card and write all its faces anew, so that they agree with it."""
    card = read_card(folder)
    change(card)
    results = json.loads((folder / "results.json").read_text())
    for face in FACES:
        (folder / f"card{face}").write_bytes(render(card, face, results, study, folder))


def swap_files(one, other):
    first, second = one.read_bytes(), other.read_bytes()
    one.write_bytes(second)
    other.write_bytes(first)


def change_word(folder):
    from docx import Document

    document = Document(str(folder / "card.docx"))
    document.tables[0].rows[1].cells[1].text = "C is 0.99"
    document.save(str(folder / "card.docx"))


def change_word_footer(folder):
    from docx import Document

    document = Document(str(folder / "card.docx"))
    document.sections[0].footer.paragraphs[0].text = "Approved for clinical use"
    document.save(str(folder / "card.docx"))


def reseal_results(folder):
    """Edit one number of the results file and its digest in the card."""
    file = folder / "results.json"
    before = digest_of(file)
    results = json.loads(file.read_text())
    results["tables"]["performance"][0]["estimate"] = 0.99
    file.write_text(json.dumps(results))
    edit(folder / "card.json", before, digest_of(file))


def repeat_key(folder):
    """Say a thing twice in JSON: readers may see the first, programs the last."""
    edit(folder / "card.json", '"status":', '"status": "Cleared as a medical device",\n "status":')


def replace_model(folder):
    chosen = read_card(folder)["chosen"]
    (other,) = (f for f in (folder / "models").iterdir() if f.name != chosen)
    shutil.rmtree(folder / "models" / chosen)
    shutil.copytree(other, folder / "models" / chosen)


CHEATS = [
    (lambda f: edit(f / "card.html", ">110<", ">210<"), "card.html: differs"),
    (lambda f: edit(f / "card.md", "0.", "9."), "card.md: differs"),
    (lambda f: edit(f / "card.xml", "110", "210"), "card.xml: differs"),
    (change_word, "card.docx: differs"),
    (repeat_key, "card.json: differs"),
    (lambda f: edit(f / "calculator.html", "survival", "surviva1"), "calculator.html: differs"),
    (
        lambda f: swap_files(f / "figures/performance.svg", f / "figures/importance.svg"),
        "performance.svg: altered",
    ),
    (
        lambda f: swap_files(f / "figures/calibration.png", f / "figures/net_benefit.png"),
        "calibration.png: altered",
    ),
    (lambda f: (f / "figures/instability_bands.svg").unlink(), "instability_bands.svg: missing"),
    (lambda f: edit(f / "tables/performance.csv", "0.", "9."), "performance.csv: altered"),
]
OTHERS = [
    (lambda f: edit(f / "card.html", "Table calibration of", "Table curves of"), "card.html: diff"),
    (change_word_footer, "card.docx: differs"),
    (reseal_results, "performance.csv: is not what results"),
    (replace_model, "risk_model.json: altered"),
]


@pytest.mark.parametrize("cheats", [CHEATS, OTHERS])
def test_whatever_is_changed_by_hand_is_named(folder, study, cheats):
    for cheat, _ in cheats:
        cheat(folder)
    found = "\n".join(card_faults(folder, study))
    assert [said for _, said in cheats if said not in found] == []


def remove_section(card):
    card["sections"] = [part for part in card["sections"] if part["id"] != "risks"]


def quote_another(card):
    """Quote the number of another model, correctly."""
    tables = [table for part in card["sections"] for table in part["tables"]]
    table = next(t for t in tables if t["caption"] == "Performance of every model")
    table["rows"][0][2] = table["rows"][0][3]


def type_a_number(card):
    card["summary"][1]["parts"] = ["Harrell's C 0.99 (0.98 to 1.00)"]


def forget_a_file(card):
    card["model"].pop(next(iter(card["model"])))


def claim(card):
    card["status"] = "Cleared as a medical device"


def call_it_released(card):
    card["stage"] = "release"


def test_a_tree_changed_by_hand_is_found_though_every_face_agrees_with_it(folder, study):
    def change(card):
        for one in (quote_another, type_a_number, forget_a_file, claim):
            one(card)

    rewrite(folder, study, change)
    found = "\n".join(card_faults(folder, study))
    for place in ("status", "model/models", "summary/1/parts", "sections/7/tables/0/rows/0/2"):
        assert f"card/{place}" in found


@pytest.mark.parametrize(
    ("change", "said"),
    [(remove_section, "card/sections: is not"), (call_it_released, "required field")],
)
def test_what_is_missing_is_found(folder, study, change, said):
    card = read_card(folder)
    change(card)
    (folder / "card.json").write_text(json.dumps(card))
    assert said in "\n".join(card_faults(folder, study))


def test_what_an_author_says_holds(folder, study, tmp_path):
    file = tmp_path / "author.yaml"
    file.write_text("contact: models@example.org\nfunding: Nobody.\n")
    card_command(CardOrder(str(folder), author=file))
    assert check_card(folder, study) > 300


def test_changes_since_the_card_before_are_listed_and_checked(folder, study, tmp_path):
    before = shutil.copytree(folder, tmp_path / "before")
    file = tmp_path / "author.yaml"
    file.write_text("version: '2.0'\n")
    card_command(CardOrder(str(folder), author=file, previous=str(before)))
    last = read_card(folder)["sections"][-1]
    assert last["title"] == "Changes"
    (table,) = last["tables"]
    assert ["Identity", "Version", "Not provided by the author", "2.0"] in table["rows"]
    assert check_card(folder, study) > 300
    edit(folder / "previous-card.json", "Draft", "Draught")
    with pytest.raises(CheckFailed, match="is not what the results give"):
        check_card(folder, study)


def test_a_fresh_card_holds(folder, study):
    assert check_card(folder, study) > 300


@pytest.mark.parametrize("face", ["html", "md", "xml"])
def test_a_number_changed_by_hand_is_found_in_every_face(folder, study, face):
    edit(folder / f"card.{face}", "110", "111")
    with pytest.raises(CheckFailed, match=rf"card\.{face}: differs from card\.json"):
        check_card(folder, study)


def test_a_number_changed_in_the_tree_is_recomputed(folder, study):
    card = read_card(folder)
    cell = card["sections"][7]["tables"][0]["rows"][0][2]
    cell["text"] = "0.99 (0.98 to 1.00)"
    (folder / "card.json").write_text(json.dumps(card))
    with pytest.raises(CheckFailed, match=r"says '0.99 .*', the results say '"):
        check_card(folder, study)


def test_results_figures_and_model_are_sealed(folder, study):
    card = read_card(folder)
    for name in ("results.json", next(iter(card["figures"])), next(iter(card["model"]))):
        raw = (folder / name).read_bytes()
        (folder / name).write_bytes(raw + b"\n")
        with pytest.raises((CheckFailed, ConfigError, ValueError), match=name.split("/")[-1]):
            check_card(folder, study)
        (folder / name).write_bytes(raw)


def test_a_placeholder_is_named(folder, study):
    card = read_card(folder)
    card["sections"][0]["items"][4]["parts"] = ["TODO"]
    (folder / "card.json").write_text(json.dumps(card))
    with pytest.raises(CheckFailed, match="placeholder 'TODO'"):
        check_card(folder, study)


def test_a_review_is_void_once_card_or_model_changes(folder, study):
    made = review_card(
        folder, study, decision="approved", reviewer="R. Eviewer", statement="Read and held."
    )
    assert read_review(folder) == made
    edit(folder / "card.json", "Draft", "Draught")
    assert read_review(folder) is None


def test_what_does_not_hold_cannot_be_approved(folder, study):
    edit(folder / "card.html", "110", "111")
    with pytest.raises(CheckFailed):
        review_card(folder, study, decision="approved", reviewer="R", statement="s")
    review_card(folder, study, decision="rejected", reviewer="R", statement="Numbers drift.")
    assert read_review(folder).decision == "rejected"


def test_a_review_needs_a_name_and_words(folder, study):
    with pytest.raises(ConfigError, match="--reviewer"):
        review_card(folder, study, decision="approved", reviewer=" ", statement="s")


def test_two_cards_side_by_side(folder, tmp_path):
    left, right = read_card(folder), read_card(folder)
    assert not [line for line in card_differences(left, right) if line[2] != line[3]]
    right["sections"][0]["items"][3]["parts"] = ["2.0"]
    different = [line for line in card_differences(left, right) if line[2] != line[3]]
    assert different == [("Identity", "Version", "Not provided by the author", "2.0")]
    page = write_diff(left, right, tmp_path / "diff.html", names=("old", "new")).read_text()
    assert page.count('class="differs"') == 1

"""A card that has drifted from its results does not pass; a review holds for one card only."""

from __future__ import annotations

import json
import shutil

import pytest

from allsurv.cards import check_card, read_card, read_review, review_card, write_diff
from allsurv.cards.diff import card_differences
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

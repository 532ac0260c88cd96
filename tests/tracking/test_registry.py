"""What an address of MLflow may hold."""

from __future__ import annotations

import shutil

import pytest

from allsurv.errors import RiskModelError
from allsurv.tracking import download_risk_model


@pytest.fixture
def model(small_folder, small_result):
    return small_folder / "models" / small_result.chosen


def test_the_one_risk_model_of_a_folder_is_found_however_deep(model, tmp_path):
    shutil.copytree(model, tmp_path / "artifacts" / "deep" / "model")
    found = download_risk_model(str(tmp_path / "artifacts"))
    assert (found / "risk_model.json").read_bytes() == (model / "risk_model.json").read_bytes()
    assert found.name == "model"


def test_none_or_two_are_refused_by_number(model, tmp_path):
    (tmp_path / "none").mkdir()
    (tmp_path / "none" / "card.md").write_text("A card.")
    with pytest.raises(RiskModelError, match="holds 0 risk models; name the address of exactly"):
        download_risk_model(str(tmp_path / "none"))
    for name in ("a", "b"):
        shutil.copytree(model, tmp_path / "two" / name)
    with pytest.raises(RiskModelError, match="holds 2 risk models"):
        download_risk_model(str(tmp_path / "two"))


def test_an_address_of_nothing_is_refused(tmp_path):
    with pytest.raises(RiskModelError, match="MLflow cannot fetch it"):
        download_risk_model(str(tmp_path / "nowhere"))

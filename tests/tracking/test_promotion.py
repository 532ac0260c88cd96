"""Promotion: only with an approved card, good enough, and not behind the champion."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from allsurv.errors import CheckFailed, ConfigError, ModelError

pytestmark = [
    pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy is deprecated"),
    pytest.mark.filterwarnings("ignore:Operation with range is deprecated"),
]

EASY = {"harrell_c": {"min": 0.0}}


@pytest.fixture
def record(small_folder, small_result, tmp_path):
    """Write a reviewer's record beside a copy of the card; say what differs from a sound one."""

    def write(**change):
        card = small_folder / "card.json"
        model = small_folder / "models" / small_result.chosen / "risk_model.json"
        (tmp_path / "card.json").write_bytes(card.read_bytes())
        said = {
            "decision": "approved",
            "reviewer": "A. Reviewer",
            "statement": "Read and found in order.",
            "time": "2026-01-31T12:00:00+00:00",
            "card_sha256": hashlib.sha256(card.read_bytes()).hexdigest(),
            "model_sha256": hashlib.sha256(model.read_bytes()).hexdigest(),
        }
        (tmp_path / "approval.json").write_text(json.dumps(said | change))
        return tmp_path / "approval.json"

    return write


def test_nobody_is_promoted_without_an_approved_card(tracked):
    from allsurv.tracking import promote

    client, *_ = tracked
    with pytest.raises(CheckFailed, match="card: nobody has reviewed it"):
        promote("rr-all-os", thresholds=EASY)
    with pytest.raises(Exception, match="champion"):
        client.get_model_version_by_alias("rr-all-os", "champion")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"decision": "rejected"}, "A. Reviewer decided 'rejected'"),
        ({"card_sha256": "0" * 64}, "the card was changed after its approval"),
        ({"model_sha256": "0" * 64}, "another model was approved"),
        ({"reviewer": None, "decision": []}, "decided"),
    ],
)
def test_an_approval_of_something_else_does_not_count(tracked, record, change, says):
    from allsurv.tracking import promote

    with pytest.raises(CheckFailed, match=says):
        promote("rr-all-os", thresholds=EASY, approval=record(**change))


def test_every_failed_check_is_named(tracked, record):
    from allsurv.tracking import promote

    hard = {"harrell_c": {"min": 0.99}, "calibration_slope": {"min": 5.0}}
    with pytest.raises(ModelError, match="'luck' is not a measure"):
        promote("rr-all-os", thresholds=hard | {"luck": {"min": 1}}, approval=record())
    with pytest.raises(CheckFailed) as caught:
        promote("rr-all-os", thresholds=hard, approval=record())
    text = str(caught.value)
    assert "harrell_c: 0." in text
    assert "calibration_slope at 12: " in text
    assert "card" not in text.splitlines()[1]


def test_a_card_approved_in_a_distant_store_is_approved_there(tracked, tmp_path, monkeypatch):
    import mlflow

    from allsurv.cli.card import CardOrder, card_command
    from allsurv.tracking import promote

    client, run, _, _ = tracked
    logged = Path(mlflow.artifacts.download_artifacts(run_id=run.run_id, artifact_path=""))
    shutil.copytree(logged, tmp_path / "copy")
    monkeypatch.setattr("allsurv.tracking.download_run", lambda _: tmp_path / "copy")
    card_command(
        CardOrder(
            run=f"runs:/{run.run_id}",
            decision="approved",
            reviewer="A. Reviewer",
            statement="Held.",
        )
    )
    try:
        assert "approval.json" in {file.path for file in client.list_artifacts(run.run_id)}
        hard = {"harrell_c": {"min": 1.0}}
        with pytest.raises(CheckFailed) as caught:
            promote("rr-all-os", thresholds=hard)
        assert "card:" not in str(caught.value)
    finally:
        (logged / "approval.json").unlink()


def test_an_approved_model_becomes_champion_and_is_then_the_one_to_beat(tracked, record):
    from allsurv.tracking import promote

    client, *_ = tracked
    done = promote("rr-all-os", thresholds=EASY, approval=record())
    assert (done.alias, done.previous) == ("champion", "")
    assert done.checks["passed"].all()
    champion = client.get_model_version_by_alias("rr-all-os", "champion")
    assert str(champion.version) == done.version
    assert champion.tags["review_status"] == "approved"

    worse = client.create_run(client.get_run(champion.run_id).info.experiment_id)
    for name, value in client.get_run(champion.run_id).data.metrics.items():
        fall = 0.1 if name.startswith(("ipa", "harrell_c")) else 0.0
        client.log_metric(worse.info.run_id, name, value - fall)
    second = client.create_model_version("rr-all-os", champion.source, run_id=worse.info.run_id)
    with pytest.raises(CheckFailed, match=r"harrell_c against champion: 0\.\d+; needed at least"):
        promote("rr-all-os", version=str(second.version), thresholds=EASY, approval=record())
    again = client.get_model_version_by_alias("rr-all-os", "champion")
    assert again.version == champion.version
    client.delete_registered_model_alias("rr-all-os", "champion")  # as other tests expect it
    client.set_model_version_tag("rr-all-os", done.version, "review_status", "not reviewed")


ODD = ("ipa: {min: true}", "ipa: {min: .nan}", "ipa: {min: 0.8, max: 0.1}", "ipa: {}")


def test_an_unknown_model_and_odd_thresholds(tracked, tmp_path):
    from allsurv.cli.promote import read_thresholds
    from allsurv.tracking import promote

    with pytest.raises(ConfigError, match="no version 'candidate'"):
        promote("nobody")
    for text in ("[1]", "harrell_c: 0.6", "harrell_c: {least: 1}", "", *ODD):
        (tmp_path / "t.yaml").write_text(text)
        with pytest.raises(ConfigError, match=r"no list of thresholds|the file is empty"):
            read_thresholds(tmp_path / "t.yaml")
    (tmp_path / "t.yaml").write_text("harrell_c: {min: 0.6}")
    assert read_thresholds(tmp_path / "t.yaml") == {"harrell_c": {"min": 0.6}}


def test_the_command_says_what_is_missing(tracked, tmp_path):
    import mlflow

    store = mlflow.get_tracking_uri()
    done = subprocess.run(
        [sys.executable, "-m", "allsurv", "promote", "nobody"],
        env={**os.environ, "MLFLOW_TRACKING_URI": store},
        capture_output=True,
        text=True,
        cwd=Path(tmp_path),
        check=False,
    )
    assert done.returncode == 2
    assert "no version 'candidate'" in done.stderr
    assert "Traceback" not in done.stderr

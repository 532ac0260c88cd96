"""Promotion: the only way by which a registered risk model becomes the champion.

A model is promoted when a reviewer approved its card, its validation meets the thresholds, and it
does not fall behind the current champion. The reviewer's record is ``approval.json`` beside the
card in the run's artefacts, as ``allsurv card runs:/ID --approve`` writes it::

    {
     "decision": "approved",          or "rejected"
     "reviewer": "A. Name",           who decided
     "statement": "...",              in which words
     "time": "2026-01-31T12:00:00+00:00",
     "card_sha256": "...",            SHA-256 of the bytes of card.json
     "model_sha256": "..."            SHA-256 of risk_model.json, which seals the arrays
    }

It holds for that card and that model only: when either changes, it is void.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mlflow
import pandas as pd
from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient

from allsurv.errors import CheckFailed, ConfigError
from allsurv.scoring import RiskScorer
from allsurv.tracking.registry import download_risk_model
from allsurv.validation import find_measure

__all__ = ["THRESHOLDS", "Promotion", "promote"]

APPROVAL = "approval.json"

THRESHOLDS: Mapping[str, Mapping[str, float]] = {
    "harrell_c": {"min": 0.6},
    "ipa": {"min": 0.0},
    "calibration_slope": {"min": 0.5, "max": 2.0},
}
"""Limits of a measure at every horizon, out of fold, unless others are given."""

MAY_FALL = {"harrell_c": 0.01, "ipa": 0.01}
"""By how much a measure may be worse than the champion's, averaged over horizons."""


@dataclass(frozen=True)
class Promotion:
    """What was decided.

    Parameters
    ----------
    name, version, alias : str
        Registered model, its version, and the alias it bears now.
    previous : str
        Version that bore the alias before; empty for none.
    checks : DataFrame
        ``check``, ``found``, ``needed``, ``passed``.
    """

    name: str
    version: str
    alias: str
    previous: str
    checks: pd.DataFrame


def promote(
    name: str,
    *,
    version: str = "candidate",
    alias: str = "champion",
    thresholds: Mapping[str, Mapping[str, float]] | None = None,
    approval: str | Path | None = None,
) -> Promotion:
    """Promote a registered risk model, or say everything that speaks against it.

    Parameters
    ----------
    name : str
        Registered model, such as ``rr-all-os``.
    version : str, default="candidate"
        Version number or alias.
    alias : str, default="champion"
        Alias it is given.
    thresholds : mapping from str to mapping, optional
        Per measure ``min`` and ``max``, in place of :data:`THRESHOLDS`.
    approval : str or Path, optional
        The reviewer's record, where it is not among the run's artefacts; ``card.json`` beside it.

    Returns
    -------
    Promotion
        After the alias was moved.

    Raises
    ------
    CheckFailed
        If anything speaks against it; the message names every check that failed.
    ConfigError
        If there is no such model or version.
    ModelError
        If a threshold is of no known measure.
    """
    for measure in thresholds or ():
        find_measure(measure)
    client = MlflowClient()
    candidate = _find(client, name, version)
    champion = _champion(client, name, alias)
    rows = [
        _card_check(candidate, Path(approval) if approval else None),
        *_threshold_checks(client, candidate, THRESHOLDS if thresholds is None else thresholds),
        *_champion_checks(client, candidate, champion),
    ]
    checks = pd.DataFrame(rows, columns=["check", "found", "needed", "passed"])
    failed = checks[~checks["passed"].astype(bool)]
    if len(failed):
        lines = [f"  {row.check}: {row.found}; needed {row.needed}." for row in failed.itertuples()]
        raise CheckFailed(
            f"promote: version {candidate.version} of '{name}' is not promoted:\n"
            + "\n".join(lines)
        )
    number = str(candidate.version)
    client.set_registered_model_alias(name, alias, number)
    client.set_model_version_tag(name, number, "review_status", "approved")
    previous = "" if champion is None else str(champion.version)
    return Promotion(name, number, alias, previous, checks)


def _find(client: MlflowClient, name: str, version: str) -> ModelVersion:
    try:
        if version.isdigit():
            return client.get_model_version(name, version)
        return client.get_model_version_by_alias(name, version)
    except MlflowException:
        raise ConfigError(
            f"promote: there is no version '{version}' of a registered model '{name}' in "
            f"{mlflow.get_tracking_uri()}; see 'mlflow models list', or run the experiment."
        ) from None


def _champion(client: MlflowClient, name: str, alias: str) -> ModelVersion | None:
    try:
        return client.get_model_version_by_alias(name, alias)
    except MlflowException:
        return None


def _card_check(candidate: ModelVersion, record: Path | None) -> tuple[str, str, str, bool]:
    needed = (
        "an approval of exactly this card and this model, by "
        f"'allsurv card runs:/{candidate.run_id} --approve', or given as --approval FILE"
    )
    folder = download_risk_model(f"models:/{candidate.name}/{candidate.version}")
    RiskScorer.load(folder)  # refuses what was altered
    approval = record or _run_file(candidate, APPROVAL)
    if approval is None or not approval.is_file():
        return "card", "nobody has reviewed it", needed, False
    try:
        said: dict[str, Any] = json.loads(approval.read_text(encoding="utf-8"))
        decision, by = said["decision"], said["reviewer"]
        digests = said["card_sha256"], said["model_sha256"]
    except (OSError, ValueError, KeyError, TypeError):
        return "card", f"{APPROVAL} is no record of a review", needed, False
    if decision != "approved":
        return "card", f"{by} decided '{decision}'", needed, False
    card = approval.with_name("card.json")
    if not card.is_file() or _digest(card) != digests[0]:
        return "card", "the card was changed after its approval", needed, False
    if _digest(folder / "risk_model.json") != digests[1]:
        return "card", "another model was approved", needed, False
    return "card", f"approved by {by}, {said.get('time', '')}", needed, True


def _run_file(candidate: ModelVersion, path: str) -> Path | None:
    """Fetch a file of the run, and the card beside it."""
    try:
        fetch = mlflow.artifacts.download_artifacts
        found = Path(fetch(run_id=candidate.run_id, artifact_path=path))
        card = Path(fetch(run_id=candidate.run_id, artifact_path="card.json"))
    except (MlflowException, OSError):
        return None
    if card.parent != found.parent:
        card.replace(found.with_name("card.json"))
    return found


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _metrics(client: MlflowClient, version: ModelVersion) -> dict[str, dict[str, float]]:
    """Give estimates by measure, then by horizon as MLflow names them."""
    found: dict[str, dict[str, float]] = {}
    for name, value in client.get_run(str(version.run_id)).data.metrics.items():
        measure, _, horizon = name.rpartition("_")
        if measure and horizon.replace(".", "", 1).isdigit():
            found.setdefault(measure, {})[horizon] = value
        else:
            found.setdefault(name, {})[""] = value
    return found


def _threshold_checks(
    client: MlflowClient, candidate: ModelVersion, thresholds: Mapping[str, Mapping[str, float]]
) -> list[tuple[str, str, str, bool]]:
    metrics = _metrics(client, candidate)
    rows = []
    for measure, limits in thresholds.items():
        low, high = limits.get("min", float("-inf")), limits.get("max", float("inf"))
        needed = " and ".join(
            f"at {word} {limits[key]:g}"
            for key, word in (("min", "least"), ("max", "most"))
            if key in limits
        )
        if measure not in metrics:
            rows.append((measure, "was not estimated", needed, False))
        for horizon, value in metrics.get(measure, {}).items():
            label = f"{measure} at {horizon}" if horizon else measure
            rows.append((label, f"{value:.3f}", needed, low <= value <= high))
    return rows


def _champion_checks(
    client: MlflowClient, candidate: ModelVersion, champion: ModelVersion | None
) -> list[tuple[str, str, str, bool]]:
    if champion is None or champion.version == candidate.version:
        return []
    mine, theirs = _metrics(client, candidate), _metrics(client, champion)
    same = candidate.tags.get("cohort_digest") == champion.tags.get("cohort_digest")
    remark = "" if same else ", which was validated on another cohort"
    rows = []
    for measure, fall in MAY_FALL.items():
        shared = sorted(mine.get(measure, {}).keys() & theirs.get(measure, {}).keys())
        if not shared:
            rows.append((f"{measure} against champion", "no horizon in common", "one", False))
            continue
        found, best = (sum(m[measure][h] for h in shared) / len(shared) for m in (mine, theirs))
        higher = find_measure(measure).direction == "higher"
        limit, word = (best - fall, "least") if higher else (best + fall, "most")
        needed = f"at {word} {limit:.3f} (champion version {champion.version}{remark})"
        passed = found >= limit if higher else found <= limit
        rows.append((f"{measure} against champion", f"{found:.3f}", needed, passed))
    return rows

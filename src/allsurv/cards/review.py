"""A reviewer's decision on a card: signed off, hashed, void when anything changes."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from allsurv.cards.card import digest_of
from allsurv.cards.check import check_card, read_card
from allsurv.errors import ConfigError
from allsurv.study import Study

__all__ = ["REVIEW_FILE", "Review", "read_review", "review_card"]

REVIEW_FILE = "approval.json"
Decision = Literal["approved", "rejected"]


@dataclass(frozen=True)
class Review:
    """What a reviewer decided, of which card and which model.

    Attributes
    ----------
    decision : {"approved", "rejected"}
        The decision.
    reviewer, statement : str
        Who decided, and in which words.
    time : str
        When, UTC, ISO 8601.
    card_sha256, model_sha256 : str
        SHA-256 of ``card.json`` and of the model's ``risk_model.json``, which seals its arrays.
    """

    decision: Decision
    reviewer: str
    statement: str
    time: str
    card_sha256: str
    model_sha256: str


def review_card(
    folder: str | Path, study: Study, *, decision: Decision, reviewer: str, statement: str
) -> Review:
    """Record a decision beside the card.

    Parameters
    ----------
    folder : str or Path
        A run's folder with its card.
    study : Study
        What it was made with.
    decision : {"approved", "rejected"}
        The decision.
    reviewer, statement : str
        Who decides, and why; neither may be empty.

    Returns
    -------
    Review
        As written to ``approval.json``.

    Raises
    ------
    ConfigError
        If reviewer or statement is empty.
    CheckFailed
        If the card does not hold; what is not true cannot be approved.
    """
    if not reviewer.strip() or not statement.strip():
        raise ConfigError(
            "review: reviewer and statement are needed; give --reviewer, --statement."
        )
    folder = Path(folder)
    if decision == "approved":
        check_card(folder, study)
    card, model = _digests(folder)
    review = Review(
        decision=decision,
        reviewer=reviewer.strip(),
        statement=statement.strip(),
        time=datetime.now(UTC).isoformat(timespec="seconds"),
        card_sha256=card,
        model_sha256=model,
    )
    text = json.dumps(asdict(review), indent=1, ensure_ascii=False) + "\n"
    (folder / REVIEW_FILE).write_text(text, encoding="utf-8")
    return review


def read_review(folder: str | Path) -> Review | None:
    """Read the decision that holds for the card and model as they are now.

    Parameters
    ----------
    folder : str or Path
        A run's folder.

    Returns
    -------
    Review or None
        Nothing where nobody decided, or card or model changed since.

    Raises
    ------
    ConfigError
        If the record cannot be read.
    """
    folder = Path(folder)
    file = folder / REVIEW_FILE
    if not file.is_file():
        return None
    try:
        review = Review(**json.loads(file.read_text(encoding="utf-8")))
    except (TypeError, ValueError):
        raise ConfigError(f"{file}: no record of a review; decide again.") from None
    same = (review.card_sha256, review.model_sha256) == _digests(folder)
    return review if same else None


def _digests(folder: Path) -> tuple[str, str]:
    model = folder / "models" / read_card(folder)["chosen"] / "risk_model.json"
    if not model.is_file():
        raise ConfigError(f"{model}: no such model; a card is reviewed with its model.")
    return digest_of(folder / "card.json"), digest_of(model)

"""Sections of a card that an author answers for: identity, use, risks, upkeep."""

from __future__ import annotations

from collections.abc import Mapping

from allsurv.cards.author import NOT_PROVIDED, author_fields
from allsurv.cards.quotes import NOT_EVALUATED, Part, Quoter, Tree
from allsurv.study import Study

__all__ = ["authored", "item", "make_about", "section"]


def section(key: str, title: str, **content: object) -> Tree:
    """Make a section."""
    return {
        "id": key, "title": title, "text": [], "items": [], "tables": [], "figures": [], **content,
    }  # fmt: skip


def item(key: str, label: str, *parts: Part | None) -> Tree:
    """Make a labelled statement."""
    said = [part for part in parts if part not in (None, "")]
    return {"key": key, "label": label, "parts": said or [NOT_EVALUATED]}


def authored(key: str, words: Mapping[str, str]) -> list[Tree]:
    """Give what the author says in a section."""
    return [
        item(field.key, field.label, words.get(field.key) or NOT_PROVIDED)
        for field in author_fields()
        if field.section == key
    ]


def make_about(quote: Quoter, study: Study, words: Mapping[str, str]) -> dict[str, Tree]:
    """Make identity, use, risks, monitoring, security, privacy, and people."""
    statement = [quote("text", "/statements/disclosure")]
    identity = [
        item("name", "Model", quote("text", "/name"), ", ", quote("text", "/chosen")),
        item("build", "Results made", quote("text", "/provenance/started"), " (UTC)"),
        item("citation", "Citation of the study", _citation(study)),
    ]
    security = [
        item(
            "format",
            "Form of the model",
            "Readable JSON and plain arrays, loaded without executing code (no pickle); "
            "a damaged or altered part is refused by name.",
        ),
        item("study_digest", "SHA-256 of the study", quote("text", "/provenance/study_digest")),
    ]
    privacy = [
        item("policy", "Disclosure policy", quote("text", "/config/disclosure")),
        item("disclosure", "Disclosure control", *statement),
        item(
            "limits",
            "What it is not",
            "Disclosure control, not differential privacy. No patient's row or identifier stands "
            "here, nor in the model, which holds no exact time either and no leaf of fewer than "
            "eleven patients, whatever the policy.",
        ),
    ]
    return {
        "identity": section("identity", "Identity", items=identity + authored("identity", words)),
        "use": section(
            "use",
            "Use",
            items=[
                item("moment", "Moment of prediction", study.prediction.moment),
                *authored("use", words),
            ],
        ),
        "risks": section(
            "risks",
            "Risks and limitations",
            items=[
                item("sample_size", "Sample size", quote("text", "/statements/sample_size")),
                *authored("risks", words),
            ],
        ),
        "monitoring": section("monitoring", "Monitoring", items=authored("monitoring", words)),
        "security": section("security", "Security", items=security),
        "privacy": section("privacy", "Privacy", items=privacy),
        "stakeholders": section(
            "stakeholders", "People and publications", items=authored("stakeholders", words)
        ),
    }


def _citation(study: Study) -> str:
    return "; ".join(str(value).rstrip(".") for value in study.citation.values()) + "."

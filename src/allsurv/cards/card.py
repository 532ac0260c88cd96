"""A card as one tree of plain values: what a reviewer reads, each number a reference."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

from allsurv.cards.about import item, make_about
from allsurv.cards.accuracy import make_accuracy, performance_cell
from allsurv.cards.author import NOT_PROVIDED, author_words, missing_fields
from allsurv.cards.changes import changes_section
from allsurv.cards.crosswalks import make_crosswalks
from allsurv.cards.patients import make_patients
from allsurv.cards.quotes import Part, Quoter, Tree
from allsurv.errors import ConfigError
from allsurv.experiment import Result
from allsurv.study import Study
from allsurv.validation import MEASURES

__all__ = ["CARD_FORMAT", "digest_of", "make_card", "results_text"]

CARD_FORMAT = "allsurv-card/3"
ORDER = (
    "identity", "use", "data", "outcome", "predictors", "model", "missing", "performance",
    "instability", "subgroups", "evidence", "explanation", "points", "analyses", "risks",
    "monitoring", "security", "privacy", "stakeholders",
)  # fmt: skip
STATUS = {
    "draft": "Draft. Research use only. Not a medical device. Not reviewed.",
    "release": "Research use only. Not a medical device.",
}


def make_card(
    result: Result,
    folder: str | Path | None = None,
    *,
    author: Mapping[str, str] | None = None,
    release: bool = False,
) -> Tree:
    """Make the card of a result's recommended model.

    Parameters
    ----------
    result : Result
        What was found.
    folder : str or Path, optional
        Where the result was written: its results file is what is quoted, its figures and models
        are named with their SHA-256, and the card before, if it lies there, is compared with.
    author : mapping from str to str, optional
        What the author says, by field; the study's ``card`` section otherwise.
    release : bool, default=False
        Whether nothing required may be missing.

    Returns
    -------
    dict
        Plain values: ``summary``, ``sections``, and everything that was quoted from.

    Raises
    ------
    ConfigError
        If a release lacks what only an author can say; every missing field is named.
    """
    words = author_words(result.study, author or {})
    if release:
        _refuse_missing(words)
    text = results_text(result, folder)
    quote = Quoter(json.loads(text))
    sections = make_about(quote, result.study, words)
    sections |= make_patients(quote, result.study, words)
    sections |= make_accuracy(quote)
    shown = [sections[key] for key in ORDER]
    endpoint = result.study.endpoint(result.provenance.endpoint)
    figures = {name for part in shown for name in part["figures"]}
    card: Tree = {
        "format": CARD_FORMAT,
        "stage": "release" if release else "draft",
        "title": [quote("text", "/name"), ": ", endpoint.label],
        "status": STATUS["release" if release else "draft"],
        "synthetic": result.provenance.is_synthetic,
        "summary": _summary(quote, result.study, words),
        "sections": [*shown, *make_crosswalks(shown)],
        "chosen": result.chosen,
        "results": {"file": "results.json", "sha256": hashlib.sha256(text.encode()).hexdigest()},
        "figures": _digests(folder, "figures/*", keep=figures),
        "tables": _digests(folder, "tables/*.csv"),
        "model": _digests(folder, f"models/{result.chosen}/*"),
    }  # fmt: skip
    card["sections"].append(changes_section(card, folder))
    return card


def digest_of(file: Path) -> str:
    """Compute the SHA-256 of a file."""
    return hashlib.sha256(file.read_bytes()).hexdigest()


def _refuse_missing(words: Mapping[str, str]) -> None:
    missing = missing_fields(words)
    if missing:
        listed = "\n".join(f"  {field.key}: {field.label}" for field in missing)
        raise ConfigError(
            f"card: not released; {len(missing)} required field(s) are empty:\n{listed}\n"
            "Write them in a YAML file and give it with --author."
        )


def results_text(result: Result, folder: str | Path | None) -> str:
    """Read the results file, or write down what it would hold."""
    file = None if folder is None else Path(folder) / "results.json"
    if file is not None and file.is_file():
        return file.read_text(encoding="utf-8")
    return json.dumps(result.to_json(), indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def _digests(
    folder: str | Path | None, pattern: str, *, keep: set[str] | None = None
) -> dict[str, str]:
    if folder is None:
        return {}
    files = sorted(Path(folder).glob(pattern))
    return {
        file.relative_to(folder).as_posix(): digest_of(file)
        for file in files
        if keep is None or file.stem in keep
    }


def _summary(quote: Quoter, study: Study, words: Mapping[str, str]) -> list[Tree]:
    endpoint = study.endpoint(quote.results["provenance"]["endpoint"])
    what: list[Part] = [
        f"{endpoint.label} at ", quote("list", "/config/horizons"),
        f" {study.time.unit}, predicted {study.prediction.moment}. ", words["population"],
    ]  # fmt: skip
    return [
        item("what", "What it predicts, for whom", *what),
        item("how_well", "How well", *_how_well(quote, study)),
        item("stability", "How unstable", *_how_unstable(quote, study)),
        item(
            "support",
            "How many parameters the data support",
            quote("text", "/statements/sample_size"),
            " ",
            quote("text", "/statements/source"),
        ),
        item("not_for", "Must not be used for", words["out_of_scope"] or NOT_PROVIDED),
    ]


def _how_well(quote: Quoter, study: Study) -> list[Part]:
    said: list[Part] = []
    table = quote.results["tables"]["performance"]
    for measure in (name for name, measure in MEASURES.items() if measure.headline):
        rows = quote.rows("performance", model=quote.results["chosen"], measure=measure)
        if not rows:
            continue
        said += ["; " if said else "", quote.cell("text", "performance", rows[-1], "label"), " "]
        if table[rows[-1]]["horizon"] is not None:
            horizon = quote.cell("text", "performance", rows[-1], "horizon")
            said += ["at ", horizon, f" {study.time.unit} "]
        said.append(performance_cell(quote, rows[-1]))
    return [*said, ". ", quote("text", "/statements/validation")] if said else []


def _how_unstable(quote: Quoter, study: Study) -> list[Part]:
    rows = quote.rows("instability", model=quote.results["chosen"])
    if not rows or quote.results["tables"]["instability"][rows[-1]]["mape"] is None:
        return []
    cell = quote.cell
    return [
        "Refitted on other samples of the same patients, the predicted risk at ",
        cell("text", "instability", rows[-1], "horizon"),
        f" {study.time.unit} of a patient moves by ",
        cell("points", "instability", rows[-1], "mape"),
        " percentage points on average (by less than ",
        cell("points", "instability", rows[-1], "mape_95"),
        " in 95% of patients; ",
        cell("text", "instability", rows[-1], "n_resamples"),
        " refits).",
    ]

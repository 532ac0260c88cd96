"""A card's formats: HTML, Markdown, CHAI XML, Word and JSON, all from one tree."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from markupsafe import Markup

from allsurv.cards.card import make_card, results_text
from allsurv.cards.figure_data import figure_data
from allsurv.cards.pages import embed, make_environment
from allsurv.cards.quotes import Tree, plain_text
from allsurv.errors import ConfigError
from allsurv.experiment import Result
from allsurv.study import Study

__all__ = ["FACES", "calculator_page", "render", "write", "write_calculator"]

FACES = (".html", ".md", ".xml", ".docx", ".json")


def write(
    result: Result,
    path: str | Path,
    *,
    folder: str | Path | None = None,
    author: Mapping[str, str] | None = None,
    release: bool = False,
) -> Path:
    """Write the card of a result; the suffix of the path says which face.

    Parameters
    ----------
    result : Result
        What was found.
    path : str or Path
        Ends in ``.html``, ``.md``, ``.xml`` (CHAI), ``.docx`` or ``.json``.
    folder : str or Path, optional
        Holds results file, figures and models; that of the path unless given.
    author : mapping from str to str, optional
        What the author says, by field.
    release : bool, default=False
        Whether nothing required may be missing.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    ConfigError
        If the suffix names no face of a card, or a release lacks a required field.
    """
    path = Path(path)
    if path.suffix not in FACES:
        raise ConfigError(f"{path}: a card is written as {', '.join(FACES)}; choose one of them.")
    source = path.parent if folder is None else Path(folder)
    card = make_card(result, source, author=author, release=release)
    path.parent.mkdir(parents=True, exist_ok=True)
    results = json.loads(results_text(result, source))
    path.write_bytes(render(card, path.suffix, results, result.study, source))
    return path


def render(card: Tree, face: str, results: Tree, study: Study, folder: Path) -> bytes:
    """Render a card."""
    if face == ".json":
        return (json.dumps(card, indent=1, ensure_ascii=False) + "\n").encode()
    if face == ".xml":
        from allsurv.cards.chai import write_chai

        return write_chai(card, results)
    if face == ".docx":
        from allsurv.cards.word import write_word_card

        return write_word_card(card)
    environment = _environment(folder / "figures", results)
    template = environment.get_template(f"card{face}.j2")
    calculator = _calculator(card, study, folder) if face == ".html" else None
    text = template.render(card=card, calculator=calculator, **_front_matter(card, results))
    found: bytes = (text.strip() + "\n").encode()
    return found


def write_calculator(card: Tree, study: Study, folder: str | Path, path: str | Path) -> Path:
    """Write the calculator as a page of its own.

    Parameters
    ----------
    card : dict
        As from :func:`~allsurv.cards.card.make_card`.
    study : Study
        What it was made with.
    folder : str or Path
        A run's folder, with the exported model.
    path : str or Path
        The page.

    Returns
    -------
    Path
        The file; it needs no other and no network.

    Raises
    ------
    ConfigError
        If the folder holds no exported model.
    """
    path = Path(path)
    path.write_text(calculator_page(card, study, Path(folder)), encoding="utf-8")
    return path


def calculator_page(card: Tree, study: Study, folder: Path) -> str:
    """Render the calculator as a page of its own."""
    calculator = _calculator(card, study, folder)
    if calculator is None:
        raise ConfigError(f"{folder}: no exported model of '{card['chosen']}'; run it again.")
    template = _environment(folder / "figures", {}).get_template("calculator.html.j2")
    text = template.render(
        title=plain_text(card["title"]),
        statement=plain_text(card["summary"][0]["parts"]),
        synthetic=card["synthetic"],
        calculator=calculator,
    )
    return str(text).strip() + "\n"


def _environment(figures: Path, results: Tree) -> Any:
    environment = make_environment()
    folder = Path(__file__).parent / "templates"
    environment.globals["figures_of"] = lambda name: sorted(figures.glob(f"{name}.svg"))
    environment.globals["data_of"] = lambda name: figure_data(name, results)
    environment.globals["embed"] = embed
    environment.globals["script"] = lambda name: Markup((folder / name).read_text(encoding="utf-8"))
    environment.filters["plain"] = plain_text
    environment.filters["cell"] = lambda text: str(text).replace("|", "\\|").replace("\n", " ")
    environment.filters["script_json"] = _script_json
    return environment


def _script_json(value: Tree) -> Any:
    """Hold JSON inside a script element: no '<' can end it."""
    return Markup(json.dumps(value, ensure_ascii=False).replace("<", "\\u003c"))


def _calculator(card: Tree, study: Study, folder: Path) -> Tree | None:
    from allsurv.cards.calculator.calculator import make_calculator

    model = folder / "models" / card["chosen"]
    return make_calculator(model, study) if model.is_dir() else None


def _front_matter(card: Tree, results: Tree) -> dict[str, Any]:
    rows = [
        row
        for row in results["tables"]["performance"]
        if row["model"] == card["chosen"] and row["estimate"] is not None
    ]
    metrics = [
        {
            "name": row["label"] + ("" if row["horizon"] is None else f" at {row['horizon']:g}"),
            "type": row["measure"],
            "value": row["estimate"],
        }
        for row in rows
    ]
    return {"metrics": metrics, "dataset": results["provenance"]["source_name"]}

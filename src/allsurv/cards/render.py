"""A card's tree as HTML, Markdown or JSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from allsurv.cards.card import make_card
from allsurv.cards.pages import embed, make_environment
from allsurv.errors import ConfigError
from allsurv.experiment import Result

__all__ = ["write"]

FACES = (".html", ".md", ".json")


def write(result: Result, path: str | Path) -> Path:
    """Write the card of a result; the suffix of the path says which face.

    Parameters
    ----------
    result : Result
        What was found.
    path : str or Path
        Ends in ``.html``, ``.md`` or ``.json``. Figures are taken from ``figures/`` beside it.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    ConfigError
        If the suffix names no face of a card.
    """
    path = Path(path)
    if path.suffix not in FACES:
        raise ConfigError(f"{path}: a card is written as {', '.join(FACES)}; choose one of them.")
    card = make_card(result)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(_render(card, path), encoding="utf-8")
    return path


def _render(card: dict[str, Any], path: Path) -> str:
    if path.suffix == ".json":
        return json.dumps(card, indent=1, ensure_ascii=False) + "\n"
    environment = make_environment()
    figures = path.parent / "figures"
    environment.globals["figures_of"] = lambda name: _files(figures, name)
    environment.globals["embed"] = embed
    environment.filters["cell"] = lambda text: str(text).replace("|", "\\|").replace("\n", " ")
    template = environment.get_template(f"card{path.suffix}.j2")
    return template.render(card=card).rstrip() + "\n"


def _files(folder: Path, name: str) -> list[Path]:
    return sorted(folder.glob(f"{name}.svg")) if folder.is_dir() else []

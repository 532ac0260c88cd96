"""Two cards side by side: two models, or two versions of one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from allsurv.cards.pages import make_environment
from allsurv.cards.quotes import Tree, plain_text

__all__ = ["card_differences", "write_diff"]

Line = tuple[str, str, str, str]


def card_differences(left: Tree, right: Tree) -> list[Line]:
    """Compare two cards."""
    ours, theirs = dict(_lines(left)), dict(_lines(right))
    order = list(ours)
    for place, key in enumerate(theirs):
        if key not in ours:
            order.insert(min(place, len(order)), key)
    return [(*key, ours.get(key, ""), theirs.get(key, "")) for key in order]


def write_diff(left: Tree, right: Tree, path: str | Path, *, names: tuple[str, str]) -> Path:
    """Write a page that shows two cards side by side, differences marked.

    Parameters
    ----------
    left, right : dict
        Cards.
    path : str or Path
        The page.
    names : (str, str)
        What to call them.

    Returns
    -------
    Path
        The file.
    """
    lines = card_differences(left, right)
    sections: dict[str, list[Line]] = {}
    for line in lines:
        sections.setdefault(line[0], []).append(line)
    template = make_environment().get_template("diff.html.j2")
    n_different = sum(line[2] != line[3] for line in lines)
    text = template.render(names=names, sections=sections, n=len(lines), n_different=n_different)
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text.strip() + "\n", encoding="utf-8")
    return path


def _lines(card: Tree) -> Iterator[tuple[tuple[str, str], str]]:
    yield ("Opening", "Title"), plain_text(card["title"])
    for line in card["summary"]:
        yield ("Opening", line["label"]), plain_text(line["parts"])
    for part in card["sections"]:
        for entry in part["items"]:
            yield (part["title"], entry["label"]), plain_text(entry["parts"])
        for table in part["tables"]:
            heads = list(map(plain_text, table["columns"]))
            for row in table["rows"]:
                cells = list(map(plain_text, row))
                n_labels = table["n_labels"]
                label = " ".join(filter(None, cells[:n_labels]))
                for head, text in list(zip(heads, cells, strict=True))[n_labels:]:
                    yield (part["title"], f"{label}: {head}"), text

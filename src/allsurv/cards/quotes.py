"""Quotations: every number of a card is a reference into one results file, and says so."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from allsurv.cards.words import FORMS
from allsurv.errors import ConfigError

__all__ = ["Part", "Quoter", "Tree", "parts_of", "plain_text", "resolve"]

Tree = dict[str, Any]
Part = str | Tree
"""Words, or a quotation: ``text``, ``refs`` into the results file, and the ``form`` between."""

NOT_EVALUATED = "Not evaluated"


def resolve(results: Tree, ref: str) -> Any:
    """Follow a reference into a results file.

    Examples
    --------
    >>> resolve({"tables": {"models": [{"model": "cox"}]}}, "/tables/models/0/model")
    'cox'
    """
    found: Any = results
    for step in ref.strip("/").split("/"):
        try:
            found = found[int(step)] if isinstance(found, list) else found[step]
        except (KeyError, IndexError, TypeError, ValueError):
            raise ConfigError(f"results file: nothing stands at {ref}.") from None
    return found


class Quoter:
    """Quotes a results file."""

    def __init__(self, results: Tree) -> None:
        self.results = results

    def __call__(self, form: str, *refs: str) -> Tree:
        """Quote values in one of the forms."""
        values = [resolve(self.results, ref) for ref in refs]
        return {"text": FORMS[form](*values), "refs": list(refs), "form": form}

    def rows(self, table: str, **where: Any) -> list[int]:
        """Find rows of a table."""
        records = self.results["tables"].get(table, [])
        return [
            k for k, row in enumerate(records) if all(row.get(c) == v for c, v in where.items())
        ]

    def cell(self, form: str, table: str, row: int, *columns: str) -> Tree:
        """Quote columns of one row of a table."""
        return self(form, *(f"/tables/{table}/{row}/{column}" for column in columns))

    def table(
        self,
        name: str,
        columns: Sequence[tuple[str, str, tuple[str, ...]]],
        *,
        caption: str,
        rows: Sequence[int] | None = None,
        n_labels: int = 1,
    ) -> Tree:
        """Quote a table."""
        chosen = self.rows(name) if rows is None else rows
        cells = [[self.cell(form, name, k, *of) for _, form, of in columns] for k in chosen]
        return {
            "caption": caption,
            "columns": [heading for heading, _, _ in columns],
            "n_labels": n_labels,
            "rows": cells,
        }


def plain_text(parts: Part | Sequence[Part]) -> str:
    """Read parts as one string.

    Examples
    --------
    >>> plain_text(["C is ", {"text": "0.65", "refs": [], "form": "number"}])
    'C is 0.65'
    """
    if isinstance(parts, str):
        return parts
    if isinstance(parts, Mapping):
        return str(parts["text"])
    return "".join(plain_text(part) for part in parts)


def parts_of(tree: Any, place: str = "card") -> Iterator[tuple[str, Part]]:
    """Walk through everything a card says."""
    if isinstance(tree, str) or (isinstance(tree, Mapping) and "refs" in tree):
        yield place, tree  # type: ignore[misc]
    elif isinstance(tree, Mapping):
        for key, value in tree.items():
            yield from parts_of(value, f"{place}/{key}")
    elif isinstance(tree, list | tuple):
        for k, value in enumerate(tree):
            yield from parts_of(value, f"{place}/{k}")

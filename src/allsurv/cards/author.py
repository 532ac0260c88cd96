"""What only an author can say of a model: contact, funding, intended use, ethics."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path

import yaml

from allsurv.cards.quotes import Tree, plain_text
from allsurv.errors import ConfigError
from allsurv.nearest import did_you_mean
from allsurv.study import Study
from allsurv.study.yamlfile import read_yaml

__all__ = [
    "NOT_PROVIDED",
    "Field",
    "author_fields",
    "author_words",
    "missing_fields",
    "read_author",
    "said_by_author",
]

NOT_PROVIDED = "Not provided by the author"


@dataclass(frozen=True)
class Field:
    """One thing an author is asked.

    Attributes
    ----------
    key, label : str
        Name in the author's file, and for readers.
    section : str
        Section of the card it stands in.
    required : bool
        Whether a release is blocked without it.
    default : str
        What is said unless the author or the study says otherwise.
    """

    key: str
    label: str
    section: str
    required: bool
    default: str = ""


@cache
def author_fields() -> tuple[Field, ...]:
    """Load the fields, in the order of the card."""
    text = files("allsurv.cards").joinpath("author.yaml").read_text(encoding="utf-8")
    return tuple(Field(**entry) for entry in yaml.safe_load(text))


def read_author(path: str | Path) -> dict[str, str]:
    """Read an author's file.

    Parameters
    ----------
    path : str or Path
        YAML: a key per field, its text as value.

    Returns
    -------
    dict of str to str
        Text by key.

    Raises
    ------
    ConfigError
        If the file is no such YAML, or holds a key that is no field; every fault is named.
    """
    path = Path(path)
    tree = read_yaml(path, error=ConfigError, as_text=True).value
    if not isinstance(tree, Mapping):
        raise ConfigError(f"{path}: holds no fields; give lines such as 'contact: ...'.")
    known = [field.key for field in author_fields()]
    faults = [
        f"  {key}: no field of a card.{did_you_mean(str(key), known)}"
        for key in tree
        if key not in known
    ]
    faults += [
        f"  {key}: is {type(value).__name__}; give text."
        for key, value in tree.items()
        if key in known and not isinstance(value, str)
    ]
    if faults:
        raise ConfigError("\n".join([f"{path}: {len(faults)} fault(s):", *faults]))
    return {str(key): str(value).strip() for key, value in tree.items()}


def author_words(study: Study, author: Mapping[str, str]) -> dict[str, str]:
    """Join what the author, the study file and the defaults say."""
    return {
        field.key: author.get(field.key) or study.card.get(field.key) or field.default
        for field in author_fields()
    }


def said_by_author(card: Tree) -> dict[str, str]:
    """Take out of a card what its author says in it."""
    items = {
        (part["id"], entry["key"]): entry for part in card["sections"] for entry in part["items"]
    }
    said = {
        field.key: plain_text(items[field.section, field.key]["parts"])
        for field in author_fields()
        if (field.section, field.key) in items
    }
    return {key: text for key, text in said.items() if text != NOT_PROVIDED}


def missing_fields(words: Mapping[str, str]) -> tuple[Field, ...]:
    """Find the required fields that nobody has filled."""
    return tuple(f for f in author_fields() if f.required and not words.get(f.key))

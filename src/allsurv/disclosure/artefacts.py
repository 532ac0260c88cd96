"""Open what a run has written and read every number and word in it, whatever the file."""

from __future__ import annotations

import csv
import io
import json
import re
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from allsurv.errors import DisclosureError

__all__ = ["Contents", "Record", "as_number", "open_artefact"]

Record = Mapping[str, Any]
TEXT = {".html", ".svg", ".md", ".txt", ".tex", ".xml", ".js", ".css", ".yaml", ".yml", ".log", ""}
PICTURES = {".png", ".pdf"}
_MARKUP = re.compile(
    r"<(?:style|path|use|clipPath|image)\b[^>]*>|base64,[A-Za-z0-9+/=]+|\bd=\"[^\"]*\""
)
_TOKEN = re.compile(r"[A-Za-z0-9_.+-]+")


@dataclass(frozen=True)
class Contents:
    """What a file holds.

    Attributes
    ----------
    words : frozenset of str
        Every token of its text.
    records : tuple of mapping
        Rows of tables and objects, by column or key.
    arrays : tuple of ndarray
        Numeric columns and arrays.
    """

    words: frozenset[str]
    records: tuple[Record, ...] = ()
    arrays: tuple[NDArray[np.float64], ...] = ()

    @property
    def columns(self) -> Iterator[NDArray[np.float64]]:
        """Every column of numbers, those of arrays too."""
        for array in self.arrays:
            yield from array.T if array.ndim == 2 else (array.ravel(),)


def open_artefact(file: Path) -> Contents:
    """Read a file of any kind that allsurv writes."""
    kind = file.suffix.lower()
    if kind == ".json":
        return _json(file.read_text(encoding="utf-8"))
    if kind == ".csv":
        return _csv(file.read_text(encoding="utf-8"))
    if kind == ".parquet":
        return _frame(pd.read_parquet(file))
    if kind == ".npz":
        with np.load(file, allow_pickle=False) as stored:
            return Contents(frozenset(), (), tuple(_columns(stored[name]) for name in stored.files))
    if kind == ".docx":
        with zipfile.ZipFile(file) as stored:
            pages = [stored.read(name) for name in stored.namelist() if name.endswith(".xml")]
        return Contents(_words(" ".join(re.sub(r"<[^>]*>", " ", p.decode()) for p in pages)))
    if kind in TEXT:
        return _text(file.read_text(encoding="utf-8"))
    if kind in PICTURES:
        return Contents(frozenset())
    raise DisclosureError(
        f"{file.name}: files of kind '{kind}' cannot be looked into, so they are not logged; "
        "write a kind that can be read."
    )


def _text(text: str) -> Contents:
    embedded = re.findall(
        r'<script type="application/json"[^>]*>(.*?)</script>', text, flags=re.DOTALL
    )
    inner = [_json(found) for found in embedded]
    words = _words(_MARKUP.sub(" ", text)).union(*(part.words for part in inner))
    records = tuple(record for part in inner for record in part.records)
    return Contents(words, records, tuple(array for part in inner for array in part.arrays))


def _json(text: str) -> Contents:
    nodes = list(_nodes(json.loads(text)))
    records = tuple(node for node in nodes if isinstance(node, dict))
    arrays = [node for node in nodes if isinstance(node, list) and len(node) > 4]
    numeric = tuple(
        np.array(array, dtype=float)
        for array in arrays
        if all(isinstance(v, int | float) and not isinstance(v, bool) for v in array)
    )
    listed = [node for node in nodes if isinstance(node, list)]
    return Contents(_words(text), records, (*numeric, *chain.from_iterable(map(_keyed, listed))))


def _keyed(nodes: list[Any]) -> Iterator[NDArray[np.float64]]:
    """Take the columns of numbers from records that stand in one list."""
    columns: dict[str, list[float]] = {}
    for node in nodes:
        if isinstance(node, dict):
            for key, value in node.items():
                columns.setdefault(key, []).append(as_number(value))
    for column in columns.values():
        numbers = np.array(column)
        yield numbers[np.isfinite(numbers)]


def _nodes(tree: Any) -> Iterator[Any]:
    yield tree
    children = tree.values() if isinstance(tree, dict) else tree if isinstance(tree, list) else ()
    for child in children:
        if isinstance(child, dict | list):
            yield from _nodes(child)


def _csv(text: str) -> Contents:
    rows = list(csv.DictReader(io.StringIO(text)))
    frame = pd.read_csv(io.StringIO(text)) if text.strip() else pd.DataFrame()
    return Contents(_words(text), tuple(rows), _numbers(frame))


def _numbers(frame: pd.DataFrame) -> tuple[NDArray[np.float64], ...]:
    return tuple(
        frame[name].dropna().to_numpy(dtype=float)
        for name in frame.columns
        if pd.api.types.is_numeric_dtype(frame[name])
    )


def _frame(frame: pd.DataFrame) -> Contents:
    words = frozenset(
        str(value) for name in frame.columns for value in frame[name].dropna().unique()
    )
    records = tuple({str(k): v for k, v in row.items()} for row in frame.to_dict(orient="records"))
    return Contents(words, records, _numbers(frame))


def _columns(array: NDArray[Any]) -> NDArray[np.float64]:
    return np.asarray(array, dtype=float) if array.dtype.kind in "fiu" else np.empty(0)


def as_number(value: Any) -> float:
    """Read a number; missing if it is none."""
    try:
        return float(value)
    except (TypeError, ValueError):
        return np.nan


def _words(text: str) -> frozenset[str]:
    return frozenset(_TOKEN.findall(text))

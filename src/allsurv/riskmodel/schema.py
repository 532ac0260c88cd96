"""The schema of ``risk_model.json``, held before anything else of a model is read.

Only what the schema uses of JSON Schema is here, so that a model can be read without a library.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Any

__all__ = ["KEYWORDS", "first_fault"]

_TYPES: Mapping[str, Callable[[Any], bool]] = {
    "object": lambda v: isinstance(v, dict),
    "array": lambda v: isinstance(v, list),
    "string": lambda v: isinstance(v, str),
    "boolean": lambda v: isinstance(v, bool),
    "null": lambda v: v is None,
    "integer": lambda v: isinstance(v, int) and not isinstance(v, bool),
    "number": lambda v: isinstance(v, int | float) and not isinstance(v, bool) and _is_finite(v),
}
_BOUNDS: Mapping[str, Callable[[Any, Any], bool]] = {
    "minimum": lambda value, bound: value >= bound,
    "maximum": lambda value, bound: value <= bound,
    "exclusiveMinimum": lambda value, bound: value > bound,
    "exclusiveMaximum": lambda value, bound: value < bound,
}
_ANNOTATIONS = {"$schema", "title", "description", "$defs"}
KEYWORDS = frozenset({
    *_ANNOTATIONS, *_BOUNDS, "type", "const", "enum", "anyOf", "$ref", "pattern", "properties",
    "required", "additionalProperties", "items", "minItems", "uniqueItems",
})  # fmt: skip
"""Keywords of JSON Schema that are understood; a test holds the schema to them."""


def first_fault(tree: Any) -> str:
    """Say where a tree breaks the schema first, and how; empty if it keeps it.

    Examples
    --------
    >>> first_fault([]), first_fault({"format": "another"})
    ("'' is not what the format allows", "'format_version' is missing")
    """
    return next(_faults(tree, _schema(), ""), "")


@cache
def _schema() -> dict[str, Any]:
    text = files("allsurv.riskmodel").joinpath("risk_model.schema.json").read_text("utf-8")
    found: dict[str, Any] = json.loads(text)
    return found


def _is_finite(value: float) -> bool:
    return isinstance(value, int) or math.isfinite(value)


def _faults(value: Any, schema: Mapping[str, Any], where: str) -> Iterator[str]:
    if "$ref" in schema:
        schema = _schema()["$defs"][schema["$ref"].rsplit("/", 1)[1]]
    if not _is_allowed(value, schema):
        yield f"'{where}' is not what the format allows"
    elif isinstance(value, dict):
        yield from _faults_of_object(value, schema, where)
    elif isinstance(value, list):
        yield from _faults_of_array(value, schema, where)


def _is_allowed(value: Any, schema: Mapping[str, Any]) -> bool:
    kinds = schema.get("type", [])
    kinds = [kinds] if isinstance(kinds, str) else kinds
    if kinds and not any(_TYPES[kind](value) for kind in kinds):
        return False
    if "const" in schema and value != schema["const"]:
        return False
    if "enum" in schema and value not in schema["enum"]:
        return False
    if isinstance(value, str) and not re.search(schema.get("pattern", ""), value):
        return False
    if isinstance(value, int | float) and not isinstance(value, bool):
        bounds = {name: schema[name] for name in _BOUNDS if name in schema}
        if not all(_BOUNDS[name](value, bound) for name, bound in bounds.items()):
            return False
    options = schema.get("anyOf")
    return options is None or any(not any(_faults(value, option, "")) for option in options)


def _faults_of_object(
    value: Mapping[str, Any], schema: Mapping[str, Any], where: str
) -> Iterator[str]:
    known = schema.get("properties", {})
    further = schema.get("additionalProperties", True)
    for name in schema.get("required", []):
        if name not in value:
            yield f"'{_at(where, name)}' is missing"
    for name, item in value.items():
        if name in known:
            yield from _faults(item, known[name], _at(where, name))
        elif further is False:
            yield f"'{_at(where, name[:40])}' is unknown"
        elif isinstance(further, dict):
            yield from _faults(item, further, _at(where, name[:40]))


def _faults_of_array(value: list[Any], schema: Mapping[str, Any], where: str) -> Iterator[str]:
    if len(value) < schema.get("minItems", 0):
        yield f"'{where}' is too short"
    if schema.get("uniqueItems") and len({json.dumps(item) for item in value}) < len(value):
        yield f"'{where}' holds something twice"
    items = schema.get("items", {})
    for k, item in enumerate(value):
        yield from _faults(item, items, f"{where}[{k}]")


def _at(where: str, name: str) -> str:
    return f"{where}.{name}" if where else name

"""The published JSON Schema of study files, and its verdicts in plain sentences."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path as FilePath
from typing import Any, TypeAlias

from allsurv.nearest import did_you_mean
from allsurv.study.faults import Fault

__all__ = ["schema_faults", "study_schema"]

Error: TypeAlias = Any  # jsonschema.ValidationError, imported only where a file is checked

_FILE = FilePath(__file__).with_name("study.schema.json")
_TYPES = {
    "object": "a mapping of keys to values",
    "array": "a list",
    "string": "text",
    "number": "a number",
    "integer": "a whole number",
    "boolean": "true or false",
}


def study_schema() -> dict[str, Any]:
    """Give the JSON Schema (draft 2020-12) by which editors complete and check study files.

    Returns
    -------
    dict
        The schema; a new copy at each call.

    Examples
    --------
    >>> study_schema()["required"][:2]
    ['name', 'title']
    """
    found: dict[str, Any] = json.loads(_FILE.read_text(encoding="utf-8"))
    return found


def schema_faults(value: Any, schema: dict[str, Any] | None = None) -> Iterator[Fault]:
    """Hold the content of a file against a JSON Schema.

    Examples
    --------
    >>> schema = {"type": "object", "properties": {"seed": {"type": "integer"}},
    ...           "additionalProperties": False}
    >>> [fault.message for fault in schema_faults({"sede": 1}, schema)]
    ["'sede' is not a key here. Did you mean 'seed'?"]
    """
    validator = _study_validator() if schema is None else _validator(schema)
    for error in validator.iter_errors(value):
        yield from _say(error)


def _validator(schema: dict[str, Any]) -> Any:
    from jsonschema import Draft202012Validator

    return Draft202012Validator(schema)


@lru_cache(maxsize=1)
def _study_validator() -> Any:
    return _validator(study_schema())


def _say(error: Error) -> Iterator[Fault]:
    path = tuple(error.absolute_path)
    if error.validator == "additionalProperties":
        yield from _unknown_keys(error)
    elif error.validator == "required":
        for key in error.validator_value:
            if key not in error.instance:
                yield Fault((*path, key), "is missing.")
    elif error.validator == "dependentRequired":
        for key in error.validator_value.keys() & error.instance.keys():
            for other in set(error.validator_value[key]) - error.instance.keys():
                yield Fault((*path, other), f"is missing; '{key}' needs it.")
    elif "propertyNames" in error.absolute_schema_path:
        yield Fault((*path, error.instance), _SENTENCES.get(error.validator, _other)(error))
    else:
        yield Fault(path, _SENTENCES.get(error.validator, _other)(error))


def _unknown_keys(error: Error) -> Iterator[Fault]:
    known = error.schema.get("properties", {})
    for key in error.instance:
        if key not in known:
            hint = did_you_mean(str(key), known) or f" Allowed: {', '.join(known)}."
            yield Fault((*error.absolute_path, key), f"'{key}' is not a key here.{hint}")


def _shown(value: Any) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    if isinstance(value, bool):
        return str(value).lower()
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _type(error: Error) -> str:
    wanted = error.validator_value
    names = [wanted] if isinstance(wanted, str) else list(wanted)
    allowed = " or ".join(_TYPES[name] for name in names)
    hint = ""
    if isinstance(error.instance, str) and names == ["boolean"]:
        hint = " Write true or false, without quotes."
    elif isinstance(error.instance, bool | int | float) and names == ["string"]:
        hint = f" Put it in quotes: '{_shown(error.instance)}'."
    return f"{_shown(error.instance)} is not {allowed}.{hint}"


def _enum(error: Error) -> str:
    allowed = [str(item) for item in error.validator_value]
    hint = did_you_mean(str(error.instance), allowed)
    return f"{_shown(error.instance)} is not one of {', '.join(allowed)}.{hint}"


def _pattern(error: Error) -> str:
    return f"{_shown(error.instance)} is not a name. {error.schema.get('description', '')}".strip()


def _count(noun: str) -> Callable[[Error], str]:
    def say(error: Error) -> str:
        return f"has {len(error.instance)} {noun}; at least {error.validator_value} needed."

    return say


def _limit(word: str) -> Callable[[Error], str]:
    def say(error: Error) -> str:
        return (
            f"{_shown(error.instance)} is not allowed; it must be {word} {error.validator_value}."
        )

    return say


def _other(error: Error) -> str:
    return f"{_shown(error.instance)} is not allowed here."


_SENTENCES: dict[str, Callable[[Error], str]] = {
    "type": _type,
    "enum": _enum,
    "pattern": _pattern,
    "minItems": _count("items"),
    "maxItems": lambda error: f"has {len(error.instance)} items; {error.validator_value} at most.",
    "minProperties": _count("entries"),
    "minLength": lambda error: "is empty text.",
    "uniqueItems": lambda error: "names something twice.",
    "minimum": _limit("at least"),
    "maximum": _limit("at most"),
    "exclusiveMinimum": _limit("above"),
    "exclusiveMaximum": _limit("below"),
    "anyOf": lambda error: f"{_other(error)} {error.schema.get('description', '')}".strip(),
}

"""Values that cannot be changed: a read-only mapping, and the base of a study's parts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any, NoReturn, TypeVar

__all__ = ["FrozenDict", "FrozenValue", "plain"]

K = TypeVar("K")
V = TypeVar("V")


class FrozenDict(dict[K, V]):
    """A dictionary that refuses every change; it can be hashed, pickled and written as JSON.

    Copies, shallow or deep, are the mapping itself. To start from one, make a ``dict`` of it.

    Examples
    --------
    >>> levels = FrozenDict({"low": 1, "high": 2})
    >>> levels["low"]
    1
    >>> levels["low"] = 3
    Traceback (most recent call last):
    TypeError: this mapping is read-only; change a copy: dict(mapping)
    """

    __slots__ = ()

    def _refuse(self, *args: object, **kwargs: object) -> NoReturn:
        raise TypeError("this mapping is read-only; change a copy: dict(mapping)")

    __setitem__ = _refuse
    __delitem__ = _refuse
    __ior__ = _refuse
    clear = _refuse
    pop = _refuse
    popitem = _refuse
    setdefault = _refuse
    update = _refuse

    def __hash__(self) -> int:  # type: ignore[override]
        return hash(frozenset(self.items()))

    def __copy__(self) -> FrozenDict[K, V]:
        return self

    def __deepcopy__(self, memo: object) -> FrozenDict[K, V]:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return (FrozenDict, (dict(self),))


class FrozenValue:
    """Base of the frozen data classes of a study: its mappings and lists are made read-only."""

    __slots__ = ()

    def __post_init__(self) -> None:
        """Turn every mapping and list among the fields into its read-only kind."""
        for part in fields(self):  # type: ignore[arg-type]
            value = getattr(self, part.name)
            if isinstance(value, dict | list | tuple) and not isinstance(value, FrozenDict):
                object.__setattr__(self, part.name, _frozen(value))

    def __copy__(self) -> FrozenValue:
        return self

    def __deepcopy__(self, memo: object) -> FrozenValue:
        return self


def _frozen(value: Any) -> Any:
    if isinstance(value, FrozenDict):
        return value
    if isinstance(value, Mapping):
        return FrozenDict({key: _frozen(item) for key, item in value.items()})
    if isinstance(value, list | tuple):
        return tuple(_frozen(item) for item in value)
    return value


def plain(value: Any) -> Any:
    """Turn a study, or a part of it, into plain dictionaries and lists, ready for JSON.

    Parameters
    ----------
    value : object
        A part of a study: data class, mapping, tuple, text, number, truth value or ``None``.

    Returns
    -------
    object
        The same content; fields and entries keep their order.

    Examples
    --------
    >>> plain(FrozenDict({"levels": (1, 2)}))
    {'levels': [1, 2]}
    """
    if is_dataclass(value) and not isinstance(value, type):
        return {part.name: plain(getattr(value, part.name)) for part in fields(value)}
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value

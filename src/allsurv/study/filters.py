"""Whether names and values written in a study exist in its data dictionary."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from allsurv.dictionary.variable import Filter, Scalar, Variable
from allsurv.nearest import did_you_mean
from allsurv.study.faults import Fault, Path

__all__ = ["filter_faults", "unknown", "value_fault", "written"]

Variables = Mapping[str, Variable]


def unknown(name: str, names: Iterable[str], what: str = "data dictionary") -> str:
    """Say that a name does not exist, with the near miss.

    Examples
    --------
    >>> unknown("rfs_month", ["os_months", "rfs_months"])
    "'rfs_month' is not in the data dictionary. Did you mean 'rfs_months'?"
    """
    names = list(names)
    hint = did_you_mean(name, names)
    if not hint and 0 < len(names) <= 8:
        hint = f" Known: {', '.join(names)}."
    return f"'{name}' is not in the {what}.{hint}"


def written(value: object) -> str:
    """Write a value as it stands in YAML.

    Examples
    --------
    >>> written(True), written("no"), written(3)
    ('true', "'no'", '3')
    """
    return str(value).lower() if isinstance(value, bool) else repr(value)


def value_fault(variable: Variable, value: Scalar) -> str:
    """Say what is wrong with a value that a study gives to a variable.

    Examples
    --------
    >>> sex = Variable("sex", "Sex", "nominal", "sex", levels=("female", "male"))
    >>> value_fault(sex, "femal")
    "'femal' is not a level of 'sex' ('female', 'male'). Did you mean 'female'?"
    """
    shown = written(value)
    if variable.is_yes_no:
        if isinstance(value, bool):
            return ""
        return f"{shown} is not a value of '{variable.name}'; write true or false."
    if variable.has_levels:
        if any(type(value) is type(level) and value == level for level in variable.levels):
            return ""
        levels = [str(level) for level in variable.levels]
        allowed = ", ".join(written(level) for level in variable.levels)
        hint = did_you_mean(str(value), levels)
        return f"{shown} is not a level of '{variable.name}' ({allowed}).{hint}"
    if variable.is_number:
        return _number_fault(variable, value)
    return ""


def _number_fault(variable: Variable, value: Scalar) -> str:
    if isinstance(value, bool | str):
        return f"{written(value)} is not a number, which '{variable.name}' is."
    low, high = variable.minimum, variable.maximum
    if (low is not None and value < low) or (high is not None and value > high):
        bounds = [
            f"{word} {limit:g}"
            for word, limit in (("at least", low), ("at most", high))
            if limit is not None
        ]
        return f"{value:g} is out of range of '{variable.name}' ({', '.join(bounds)})."
    return ""


def filter_faults(variables: Variables, entry: Filter, path: Path) -> Iterator[Fault]:
    """Hold a filter against the data dictionary."""
    for name, values in entry.items():
        if name not in variables:
            yield Fault((*path, name), unknown(name, variables))
            continue
        variable = variables[name]
        if variable.kind == "identifier":
            yield Fault((*path, name), "an identifier cannot select patients.")
            continue
        several = isinstance(values, tuple)
        for position, value in enumerate(values if isinstance(values, tuple) else (values,)):
            if message := value_fault(variable, value):
                yield Fault((*path, name, position) if several else (*path, name), message)

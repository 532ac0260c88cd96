"""Whether the lines of a data dictionary agree with themselves and with one another."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from allsurv.dictionary.codes import code_text, missing_texts
from allsurv.dictionary.units import UNITS
from allsurv.dictionary.variable import Derivation, Variable
from allsurv.study.faults import Fault, Path
from allsurv.study.filters import filter_faults, unknown, value_fault, written

__all__ = ["dictionary_faults"]

Variables = Mapping[str, Variable]

_KINDS = {
    "is_in": {"binary", "marker"},
    "at_least": {"binary", "marker"},
    "above": {"binary", "marker"},
    "below": {"binary", "marker"},
    "known": {"binary"},
    "any_of": {"binary", "marker"},
    "recode": {"nominal", "ordinal"},
    "cases": {"nominal", "ordinal"},
    "earliest": {"duration"},
}
_COMPARES = ("at_least", "above", "below")
_ARGUMENTS = {
    "is_in": "values",
    **dict.fromkeys(_COMPARES, "threshold"),
    "recode": "levels",
    "cases": "cases",
}
_TAKES_MISSING_AS = {"is_in", *_COMPARES, "any_of"}
_KNOWN_ORDER = ("baseline", "post-baseline", "outcome")


def dictionary_faults(variables: Variables) -> Iterator[Fault]:
    """Hold a data dictionary against its own rules."""
    yield from _shared_columns(variables)
    for variable in variables.values():
        path = ("variables", variable.name)
        yield from _line_faults(variable, path)
        yield from _only_if_faults(variables, variable, path)
        if variable.derivation is not None:
            yield from _derivation_faults(variables, variable, variable.derivation, path)
    yield from _cycles(variables)


def _shared_columns(variables: Variables) -> Iterator[Fault]:
    first: dict[str, str] = {}
    identifiers = [v.name for v in variables.values() if v.kind == "identifier"]
    for name in identifiers[1:]:
        message = f"is a second identifier beside '{identifiers[0]}'; a study has one."
        yield Fault(("variables", name, "kind"), message)
    for variable in variables.values():
        if variable.derivation is not None:
            continue
        other = first.setdefault(variable.column, variable.name)
        if other != variable.name:
            message = f"column '{variable.column}' already belongs to '{other}'."
            yield Fault(("variables", variable.name, "column"), message)


def _line_faults(variable: Variable, path: Path) -> Iterator[Fault]:
    low, high = variable.minimum, variable.maximum
    if not variable.is_number:
        for key in ("minimum", "maximum", "transform"):
            if getattr(variable, key) not in (None, ""):
                yield Fault((*path, key), f"is for numbers; '{variable.kind}' is none.")
    elif low is not None and high is not None and low > high:
        yield Fault((*path, "minimum"), f"{low:g} is above the maximum {high:g}.")
    if variable.is_number and variable.transform == "log" and not (low is not None and low > 0):
        yield Fault((*path, "transform"), "a logarithm needs a minimum above 0.")
    yield from _column_faults(variable, path)
    if not variable.has_levels:
        for key in ("levels", "reference"):
            if getattr(variable, key) not in ((), None):
                yield Fault((*path, key), f"is for nominal and ordinal; '{variable.kind}' is none.")
    elif variable.reference is not None and (message := value_fault(variable, variable.reference)):
        yield Fault((*path, "reference"), message)
    labelled = (True, False) if variable.is_yes_no else variable.levels
    for level in variable.level_labels:
        if not any(type(level) is type(known) and level == known for known in labelled):
            allowed = ", ".join(written(known) for known in labelled) or "none"
            message = f"'{level}' is not a level of '{variable.name}' ({allowed})."
            yield Fault((*path, "level_labels", str(level)), message)


def _column_faults(variable: Variable, path: Path) -> Iterator[Fault]:
    """Check how the file's column is turned into the variable."""
    if variable.column_unit:
        if not variable.is_number:
            yield Fault((*path, "column_unit"), f"is for numbers; '{variable.kind}' is none.")
        if variable.column == variable.name:
            message = (
                f"is in {variable.column_unit}, '{variable.name}' in {variable.unit or 'no unit'}: "
                "name the file's column by 'column' and give the variable another name."
            )
            yield Fault((*path, "column_unit"), message)
        both_times = variable.column_unit in UNITS and variable.unit in UNITS
        if both_times and variable.factor is not None:
            yield Fault((*path, "factor"), "is not needed; both units are units of time.")
        if not both_times and variable.factor is None:
            message = f"is missing; say how many {variable.unit or 'units'} one of the column is."
            yield Fault((*path, "factor"), message)
    if variable.zero_as is not None and variable.kind != "duration":
        yield Fault((*path, "zero_as"), f"is for durations; '{variable.kind}' is none.")
    if variable.derivation is not None:
        for key in ("column_unit", "zero_as", "missing_codes"):
            if getattr(variable, key) not in ("", None, ()):
                yield Fault((*path, key), "is for columns of files; a derived variable is in none.")
    clash = {code_text(level) for level in variable.levels} & missing_texts(variable)
    for level in sorted(clash):
        yield Fault((*path, "missing_codes"), f"'{level}' is a level too; keep one.")


def _only_if_faults(variables: Variables, variable: Variable, path: Path) -> Iterator[Fault]:
    yield from filter_faults(variables, variable.only_if, (*path, "only_if"))
    for name in variable.only_if:
        if name == variable.name:
            yield Fault((*path, "only_if", name), "a variable cannot depend on itself.")
        elif name in variables and variables[name].derivation is not None:
            message = f"'{name}' is derived; name the given variables it follows from."
            yield Fault((*path, "only_if", name), message)


def _derivation_faults(
    variables: Variables, variable: Variable, derivation: Derivation, path: Path
) -> Iterator[Fault]:
    here = (*path, "derivation")
    op = derivation.op
    if variable.kind not in _KINDS[op]:
        kinds = " or ".join(sorted(_KINDS[op]))
        yield Fault((*path, "kind"), f"'{op}' gives a {kinds} variable, not '{variable.kind}'.")
    if variable.required:
        yield Fault((*path, "required"), "a derived variable is in no file; leave this out.")
    for argument in set(_ARGUMENTS.values()) - {_ARGUMENTS.get(op)}:
        if getattr(derivation, argument) not in ((), None, {}):
            yield Fault((*here, argument), f"has no meaning for '{op}'.")
    if derivation.missing_as is not None and op not in _TAKES_MISSING_AS:
        yield Fault((*here, "missing_as"), f"has no meaning for '{op}'.")
    if op in {"is_in", *_COMPARES, "known", "recode"} and len(derivation.sources) != 1:
        yield Fault((*here, "sources"), f"'{op}' takes one source.")
    for position, name in enumerate(derivation.sources):
        at = (*here, "sources", position)
        if name not in variables:
            yield Fault(at, unknown(name, variables))
        else:
            yield from _source_faults(variable, derivation, variables[name], here, at)
    if op == "cases":
        yield from _case_faults(variables, derivation, here)
    new = tuple(derivation.levels) or tuple(derivation.cases)
    if new and variable.levels != new:
        yield Fault((*path, "levels"), "differ from those of the derivation; leave them out.")


def _source_faults(
    variable: Variable, derivation: Derivation, source: Variable, here: Path, at: Path
) -> Iterator[Fault]:
    op = derivation.op
    if _KNOWN_ORDER.index(source.known) > _KNOWN_ORDER.index(variable.known):
        message = f"'{source.name}' is {source.known}, so what follows from it is not"
        yield Fault(at, f"{message} {variable.known}; add 'known: {source.known}'.")
    if op == "is_in":
        for i, value in enumerate(derivation.values):
            if message := value_fault(source, value):
                yield Fault((*here, "values", i), message)
    elif op in _COMPARES:
        yield from _threshold_faults(derivation, source, here, at)
    elif op == "any_of" and not source.is_yes_no:
        yield Fault(at, f"'{source.name}' is not a yes/no variable.")
    elif op == "earliest" and (source.kind != "duration" or source.unit != variable.unit):
        yield Fault(at, f"'{source.name}' is not a duration in {variable.unit or 'this unit'}.")
    elif op == "recode":
        yield from _recode_faults(derivation, source, here)


def _threshold_faults(
    derivation: Derivation, source: Variable, here: Path, at: Path
) -> Iterator[Fault]:
    threshold = derivation.threshold
    if source.is_number:
        if threshold is not None and (message := value_fault(source, threshold)):
            yield Fault((*here, "threshold"), message)
    elif source.kind == "ordinal":
        if threshold not in source.levels:
            message = f"{threshold} is not a level of '{source.name}'."
            yield Fault((*here, "threshold"), message)
    else:
        yield Fault(at, f"'{source.name}' has no order; take a number or an ordinal variable.")


def _recode_faults(derivation: Derivation, source: Variable, here: Path) -> Iterator[Fault]:
    seen: dict[object, str] = {}
    for new, values in derivation.levels.items():
        for i, value in enumerate(values):
            at = (*here, "levels", new, i)
            if not (source.has_levels or source.is_yes_no):
                yield Fault(at, f"'{source.name}' has no levels to group.")
            elif message := value_fault(source, value):
                yield Fault(at, message)
            elif seen.setdefault(value, new) != new:
                yield Fault(at, f"{written(value)} already belongs to '{seen[value]}'.")


def _case_faults(variables: Variables, derivation: Derivation, here: Path) -> Iterator[Fault]:
    named: set[str] = set()
    for level, who in derivation.cases.items():
        yield from filter_faults(variables, who, (*here, "cases", level))
        named.update(who)
    for name in sorted(named - set(derivation.sources)):
        if name in variables:
            yield Fault((*here, "sources"), f"'{name}', which the cases name, is missing.")
    for position, name in enumerate(derivation.sources):
        if name not in named:
            yield Fault((*here, "sources", position), f"no case names '{name}'.")


def _cycles(variables: Variables) -> Iterator[Fault]:
    """Follow sources depth first; report each circle once, at its first variable."""
    done: set[str] = set()
    for start in variables:
        trail: list[str] = []
        stack = [(start, 0)]
        while stack:
            name, depth = stack.pop()
            del trail[depth:]
            if name in trail:
                circle = [*trail[trail.index(name) :], name]
                message = f"follows from itself: {' -> '.join(circle)}."
                yield Fault(("variables", name, "derivation", "sources"), message)
                done.update(circle)
                break
            trail.append(name)
            derivation = variables[name].derivation if name in variables else None
            if derivation is not None and name not in done:
                stack.extend((source, depth + 1) for source in derivation.sources)
        done.update(trail)

"""A risk model as a tree of plain values, and back; what the JSON file holds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, fields
from functools import partial
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from allsurv.dictionary.readonly import plain
from allsurv.dictionary.variable import Derivation, Variable
from allsurv.errors import RiskModelError
from allsurv.riskmodel.causes import CAUSE_MECHANISMS
from allsurv.riskmodel.development import Development
from allsurv.riskmodel.encoding import Term
from allsurv.riskmodel.instability import Instability
from allsurv.riskmodel.mechanisms import MECHANISMS
from allsurv.riskmodel.reach import Population, Reach

__all__ = ["FORMAT", "VERSION", "parts_of", "tree_of"]

FORMAT = "allsurv risk model"
VERSION = 2

T = TypeVar("T", Variable, Derivation, Term)
_KINDS = {**MECHANISMS, **CAUSE_MECHANISMS}


def tree_of(parts: Mapping[str, Any]) -> dict[str, Any]:
    """Write the parts of a risk model as plain values; its arrays are kept apart."""
    grid = parts["grid"]
    tree = {
        "format": FORMAT,
        "format_version": VERSION,
        "family": parts["family"],
        "mechanism": parts["mechanism"].kind,
        "study": parts["study"],
        "endpoint": {
            "name": parts["endpoint"],
            "label": parts["endpoint_label"],
            "origin": parts["origin"],
        },
        "time": {
            "unit": parts["time_unit"],
            "step": float(grid[1]),
            "n_steps": int(grid.size),
            "horizons": list(parts["horizons"]),
        },
        "population": _population_tree(parts["population"]),
        "variables": [_sparse(v) for v in parts["variables"].values()],
        "derived": [_sparse(v) for v in parts["derived"].values()],
        "predictors": list(parts["predictors"]),
        "terms": [_sparse(term) for term in parts["terms"]],
        "development": _development_tree(parts["development"], parts["reach"]),
        "provenance": dict(parts["provenance"]),
    }
    if parts["instability"] is not None:
        tree["instability"] = _instability_tree(parts["instability"])
    return tree


def parts_of(tree: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> dict[str, Any]:
    """Make the parts of a risk model from plain values and arrays."""
    readers: dict[str, Callable[[Any], dict[str, Any]]] = {
        "mechanism": lambda kind: {"mechanism": _KINDS[kind].from_arrays(arrays)},
        "time": _time,
        "population": _population,
        "variables": lambda found: {"variables": _by_name(found)},
        "derived": lambda found: {"derived": _by_name(found)},
        "terms": lambda found: {"terms": tuple(_dense(Term, term) for term in found)},
        "development": _development,
        "endpoint": lambda found: {
            "endpoint": found["name"],
            "endpoint_label": found["label"],
            "origin": found["origin"],
        },
        "predictors": lambda found: {"predictors": tuple(found)},
        **{name: partial(_as_it_is, name) for name in ("family", "study", "provenance")},
    }
    if "instability" in tree:
        readers["instability"] = _instability
    parts: dict[str, Any] = {}
    for name, read in readers.items():
        try:
            parts |= read(tree[name])
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise RiskModelError(
                f"risk_model.json: '{name}' cannot be read ({type(error).__name__}: {error}); "
                "export the model again."
            ) from None
    return parts


def _as_it_is(name: str, found: Any) -> dict[str, Any]:
    return {name: found}


def _time(found: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "time_unit": found["unit"],
        "grid": found["step"] * np.arange(found["n_steps"], dtype=float),
        "horizons": tuple(found["horizons"]),
    }


def _by_name(found: Sequence[Mapping[str, Any]]) -> dict[str, Variable]:
    return {entry["name"]: _variable(entry) for entry in found}


def _population_tree(population: Population) -> dict[str, Any]:
    return {
        "statement": population.statement,
        "condition": plain(population.condition),
        "variables": [_sparse(v) for v in population.variables.values()],
    }


def _population(found: Mapping[str, Any]) -> dict[str, Any]:
    condition = {name: _tuples(wanted) for name, wanted in found["condition"].items()}
    return {"population": Population(found["statement"], condition, _by_name(found["variables"]))}


def _development_tree(known: Development, reach: Reach) -> dict[str, Any]:
    return {
        "centiles": known.points.tolist(),
        "risk_scores": known.scores.tolist(),
        "risk_groups": list(known.labels),
        "cuts": list(known.cuts),
        "ranges": [{"variable": n, "low": a, "high": b} for n, (a, b) in reach.ranges.items()],
        "levels": [{"variable": n, "seen": list(seen)} for n, seen in reach.levels.items()],
        "typical": reach.typical.tolist(),
    }


def _development(found: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "development": Development(
            np.array(found["centiles"], dtype=float),
            np.array(found["risk_scores"], dtype=float),
            tuple(found["cuts"]),
            tuple(found["risk_groups"]),
        ),
        "reach": Reach(
            {entry["variable"]: (entry["low"], entry["high"]) for entry in found["ranges"]},
            {entry["variable"]: tuple(entry["seen"]) for entry in found["levels"]},
            np.array(found["typical"], dtype=float),
        ),
    }


def _instability_tree(band: Instability) -> dict[str, Any]:
    return {
        "level": band.level,
        "n_resamples": band.n_resamples,
        "steps": band.steps.tolist(),
        "survival": band.survival.tolist(),
        "below": band.below.tolist(),
        "above": band.above.tolist(),
    }


def _instability(found: Mapping[str, Any]) -> dict[str, Any]:
    tables = {n: np.array(found[n], dtype=float) for n in ("survival", "below", "above")}
    steps = np.array(found["steps"], dtype=np.intp)
    if any(table.shape != tables["survival"].shape or table.ndim != 2 for table in tables.values()):
        raise ValueError("its tables differ in shape")
    if steps.shape != tables["survival"].shape[:1] or steps.size < 1:
        raise ValueError("one row per step is needed")
    return {"instability": Instability(found["level"], found["n_resamples"], steps, **tables)}


def _sparse(value: Variable | Derivation | Term) -> dict[str, Any]:
    """Give the fields that are not at their default; labels of levels as pairs."""
    out: dict[str, Any] = {}
    for part in fields(value):
        item = getattr(value, part.name)
        default = part.default if part.default_factory is MISSING else part.default_factory()
        if part.name not in ("name", "kind") and type(item) is type(default) and item == default:
            continue
        if isinstance(item, Derivation):
            out[part.name] = _sparse(item)
        elif part.name == "level_labels":
            out[part.name] = [{"level": level, "label": label} for level, label in item.items()]
        else:
            out[part.name] = plain(item)
    return out


def _dense(kind: type[T], tree: Mapping[str, Any]) -> T:
    return kind(**{name: _tuples(item) for name, item in tree.items()})


def _variable(tree: Mapping[str, Any]) -> Variable:
    entries = dict(tree)
    if "level_labels" in entries:
        entries["level_labels"] = {e["level"]: e["label"] for e in entries["level_labels"]}
    if "derivation" in entries:
        entries["derivation"] = _dense(Derivation, entries["derivation"])
    return _dense(Variable, entries)


def _tuples(item: Any) -> Any:
    if isinstance(item, Sequence) and not isinstance(item, str):
        return tuple(_tuples(i) for i in item)
    if isinstance(item, Mapping):
        return {key: _tuples(value) for key, value in item.items()}
    return item

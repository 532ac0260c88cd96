"""A risk model as a tree of plain values, and back; what the JSON file holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import MISSING, fields
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from allsurv.errors import RiskModelError
from allsurv.features.encoding import Term
from allsurv.models.development import Development
from allsurv.models.mechanisms import MECHANISMS
from allsurv.models.riskmodel import RiskModel
from allsurv.study.dictionary import Derivation, Variable
from allsurv.study.readonly import plain

__all__ = ["FORMAT", "VERSION", "risk_model_of", "tree_of"]

FORMAT = "allsurv risk model"
VERSION = 1

T = TypeVar("T", Variable, Derivation, Term)


def tree_of(model: RiskModel) -> dict[str, Any]:
    """Write a risk model as plain values; its arrays are kept apart.

    Parameters
    ----------
    model : RiskModel
        What is written.

    Returns
    -------
    dict of str to object
        As ``risk_model.schema.json`` describes, without ``arrays`` and ``sha256``.
    """
    known = model.development
    return {
        "format": FORMAT,
        "format_version": VERSION,
        "family": model.family,
        "mechanism": model.mechanism.kind,
        "study": model.study,
        "endpoint": {
            "name": model.endpoint,
            "label": model.endpoint_label,
            "origin": model.origin,
        },
        "time": {
            "unit": model.time_unit,
            "step": float(model.grid[1]),
            "n_steps": int(model.grid.size),
            "horizons": list(model.horizons),
        },
        "variables": [_sparse(v) for v in model.variables.values()],
        "derived": [_sparse(v) for v in model.derived.values()],
        "predictors": list(model.predictors),
        "terms": [_sparse(term) for term in model.terms],
        "development": {
            "centiles": known.points.tolist(),
            "risk_scores": known.scores.tolist(),
            "risk_groups": list(known.labels),
            "cuts": list(known.cuts),
        },
        "provenance": dict(model.provenance),
    }


def risk_model_of(tree: Mapping[str, Any], arrays: Mapping[str, NDArray]) -> RiskModel:
    """Make a risk model from plain values and arrays.

    Parameters
    ----------
    tree : mapping
        As from :func:`tree_of`.
    arrays : mapping from str to ndarray
        Of the mechanism.

    Returns
    -------
    RiskModel
        Checked as far as it takes to predict safely.

    Raises
    ------
    RiskModelError
        If a part is absent or does not fit the others.
    """
    part = ""
    try:
        part = "mechanism"
        mechanism = MECHANISMS[tree[part]].from_arrays(arrays)
        part = "time"
        time = tree[part]
        grid = time["step"] * np.arange(time["n_steps"], dtype=float)
        part = "variables"
        given = {v["name"]: _variable(v) for v in tree[part]}
        part = "derived"
        derived = {v["name"]: _variable(v) for v in tree[part]}
        part = "terms"
        terms = tuple(_dense(Term, term) for term in tree[part])
        part = "development"
        known = tree[part]
        development = Development(
            np.array(known["centiles"], dtype=float),
            np.array(known["risk_scores"], dtype=float),
            tuple(known["cuts"]),
            tuple(known["risk_groups"]),
        )
        part = "endpoint"
        endpoint = tree[part]
        part = "the top level"
        model = RiskModel(
            family=tree["family"],
            study=tree["study"],
            endpoint=endpoint["name"],
            endpoint_label=endpoint["label"],
            origin=endpoint["origin"],
            time_unit=time["unit"],
            grid=grid,
            horizons=tuple(time["horizons"]),
            variables=given,
            derived=derived,
            predictors=tuple(tree["predictors"]),
            terms=terms,
            mechanism=mechanism,
            development=development,
            provenance=tree["provenance"],
        )
    except (KeyError, TypeError, ValueError) as error:
        raise RiskModelError(
            f"risk_model.json: '{part}' cannot be read ({type(error).__name__}: {error}); "
            "export the model again."
        ) from None
    _check_fit(model)
    return model


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


def _check_fit(model: RiskModel) -> None:
    known = {**model.variables, **model.derived}
    absent = [n for n in (*model.predictors, *(t.variable for t in model.terms)) if n not in known]
    if absent:
        raise RiskModelError(
            f"risk_model.json: '{absent[0]}' is a predictor but not among 'variables' or "
            "'derived'; export the model again."
        )
    if model.grid.size < 2 or not model.grid[1] > 0:
        raise RiskModelError("risk_model.json: 'time' holds no grid; export the model again.")
    if len(model.development.labels) != len(model.development.cuts) + 1:
        raise RiskModelError(
            "risk_model.json: 'development' needs one more risk group than cuts; "
            "export the model again."
        )
    model.mechanism.check(len(model.terms), model.grid.size)

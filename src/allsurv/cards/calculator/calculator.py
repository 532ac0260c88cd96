"""The risk model as a page that calculates: offline, without a server, equal to Python."""

from __future__ import annotations

import base64
import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np

from allsurv.dictionary.variable import Variable
from allsurv.riskmodel.model import RiskModel
from allsurv.study import Study
from allsurv.study.evidence import Finding

__all__ = ["make_calculator"]

KEPT = (
    "mechanism", "time", "variables", "derived", "terms", "development", "instability", "endpoint",
)  # fmt: skip


def make_calculator(folder: str | Path, study: Study) -> dict[str, Any]:
    """Make what the calculator's page shows and what its script computes with."""
    folder = Path(folder)
    model = RiskModel.read(folder)
    tree = json.loads((folder / "risk_model.json").read_text(encoding="utf-8"))
    given = list(model.variables.values())
    packed = {"model": {k: tree[k] for k in KEPT if k in tree}, **_pack(model)}
    return {
        "inputs": [_input(variable) for variable in given],
        "endpoint": model.endpoint_label,
        "origin": model.origin,
        "unit": model.time_unit,
        "horizons": [f"{time:g}" for time in model.horizons],
        "packed": packed,
        "findings": [
            _finding(finding)
            for finding in study.findings.values()
            if finding.variable in model.predictors and finding.endpoint == model.endpoint
        ],
    }


def _pack(model: RiskModel) -> dict[str, Any]:
    parts, index, offset = [], {}, 0
    for name, array in model.mechanism.arrays().items():
        kind = "<f8" if array.dtype.kind == "f" else "<i4"
        raw = np.ascontiguousarray(array, dtype=kind).tobytes()
        raw += b"\0" * (-len(raw) % 8)
        index[name] = {"dtype": kind, "shape": list(array.shape), "offset": offset}
        offset += len(raw)
        parts.append(raw)
    data = gzip.compress(b"".join(parts), compresslevel=9, mtime=0)
    return {"arrays": index, "data": base64.b64encode(data).decode()}


def _input(variable: Variable) -> dict[str, Any]:
    hint = variable.unit
    if variable.minimum is not None and variable.maximum is not None:
        hint = f"{variable.minimum:g} to {variable.maximum:g} {variable.unit}".strip()
    choices: list[tuple[str, str]] = []
    if variable.is_yes_no:
        choices = [("no", "No"), ("yes", "Yes")]
    elif variable.levels:
        choices = [(str(v), variable.level_labels.get(v, str(v))) for v in variable.levels]
    return {
        "name": variable.name,
        "label": variable.label,
        "hint": hint,
        "choices": choices,
        "minimum": variable.minimum,
        "maximum": variable.maximum,
        "whole": variable.kind == "integer",
        "optional": variable.missing == "allowed",
        "unknown": "Not tested" if variable.kind == "marker" else "Not known",
    }


def _finding(finding: Finding) -> dict[str, Any]:
    digits = finding.decimals
    return {
        "label": finding.label,
        "variable": finding.variable,
        "from": finding.contrast.from_,
        "to": finding.contrast.to,
        "per": finding.contrast.per,
        "unit": finding.unit,
        "estimate": finding.estimate,
        "text": f"hazard ratio {finding.estimate:.{digits}f} ({finding.lower:.{digits}f} to "
        f"{finding.upper:.{digits}f}) {finding.unit}",
    }

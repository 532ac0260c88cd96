"""The service described as OpenAPI: every variable with unit, range and levels."""

from __future__ import annotations

from typing import Any

from allsurv import __version__
from allsurv.dictionary.variable import Variable
from allsurv.riskmodel.model import RiskModel
from allsurv.scoring import RiskScorer

__all__ = ["describe_service"]


def describe_service(model: RiskModel, *, max_rows: int) -> dict[str, Any]:
    """Describe what the service takes and answers."""
    fault = _answer("What is wrong, without a patient's values.", "#/components/schemas/Faults")
    return {
        "openapi": "3.1.0",
        "info": {
            "title": f"Risk of: {model.endpoint_label} (study {model.study})",
            "version": __version__,
            "description": f"Research use only. {model.provenance['source']['statement']}",
        },
        "paths": {
            "/health": {"get": _get("health", "Whether the service answers.")},
            "/model": {"get": _get("model", "What the model is and where it comes from.")},
            "/score": {
                "post": {
                    "operationId": "score",
                    "summary": "Score patients.",
                    "requestBody": {
                        "required": True,
                        "content": _json("#/components/schemas/Request"),
                    },
                    "responses": {
                        "200": _answer(
                            "One row per patient, in order.", "#/components/schemas/Scores"
                        ),
                        "400": fault,
                        "401": fault,
                        "408": fault,
                        "413": fault,
                        "422": fault,
                    },
                }
            },
        },
        "components": {"schemas": _schemas(model, max_rows)},
    }


def _schemas(model: RiskModel, max_rows: int) -> dict[str, Any]:
    columns = RiskScorer(model).score(model.example()).drop(columns="fault")
    text: dict[str, Any] = {"type": "string"}
    number: dict[str, Any] = {"type": ["number", "null"]}
    return {
        "Patient": {
            "type": "object",
            "properties": {
                v.name: _variable(v) for v in [*model.variables.values(), *model.derived.values()]
            },
            "required": [v.name for v in model.variables.values() if v.missing == "refused"],
            "additionalProperties": False,
        },
        "Request": {
            "type": "object",
            "properties": {
                "patients": {
                    "type": "array",
                    "items": {"$ref": "#/components/schemas/Patient"},
                    "minItems": 1,
                    "maxItems": max_rows,
                },
                "horizons": {
                    "type": ["array", "null"],
                    "items": {"type": "number", "minimum": 0, "maximum": model.max_time},
                    "maxItems": 50,
                    "uniqueItems": True,
                    "description": f"In {model.time_unit}; {_listed(model.horizons)} otherwise.",
                },
                "explain": {"type": "boolean", "description": "What each variable adds."},
            },
            "required": ["patients"],
            "additionalProperties": False,
        },
        "Scores": {
            "type": "object",
            "properties": {
                "patients": {
                    "type": "array",
                    "items": {
                        "type": "object",
                        "properties": {
                            name: text if columns[name].dtype == "string" else number
                            for name in columns
                            if not name.startswith("survival")
                        },
                        "required": ["risk_score", "risk_centile", "risk_group"],
                    },
                },
                "statement": text,
                "use": text,
            },
            "required": ["patients", "statement", "use"],
        },
        "Faults": {
            "type": "object",
            "properties": {
                "faults": {
                    "type": "array",
                    "items": {
                        "type": "object",
                        "properties": {
                            "column": text,
                            "rule": text,
                            "rows": {"type": "array", "items": {"type": "integer", "minimum": 1}},
                        },
                        "required": ["column", "rule", "rows"],
                        "additionalProperties": False,
                    },
                }
            },
            "required": ["faults"],
            "additionalProperties": False,
        },
    }


def _variable(variable: Variable) -> dict[str, Any]:
    """Turn a line of the data dictionary into a schema."""
    schema: dict[str, Any]
    if variable.is_number:
        schema = {"type": "integer" if variable.kind == "integer" else "number"}
        limits = {"minimum": variable.minimum, "maximum": variable.maximum}
        schema |= {name: limit for name, limit in limits.items() if limit is not None}
    elif variable.is_yes_no:
        schema = {"type": "boolean"}
    else:
        schema = {"enum": list(variable.levels)}
    schema["title"] = variable.label
    unit = f"In {variable.unit}. " if variable.unit else ""
    schema["description"] = f"{unit}{variable.description}".strip() or variable.label
    if variable.unit:
        schema["x-unit"] = variable.unit
    if variable.missing == "allowed":
        if "enum" in schema:
            schema["enum"].append(None)
        else:
            schema["type"] = [schema["type"], "null"]
    return schema


def _listed(horizons: tuple[float, ...]) -> str:
    return ", ".join(f"{h:g}" for h in horizons)


def _json(reference: str) -> dict[str, Any]:
    return {"application/json": {"schema": {"$ref": reference}}}


def _answer(description: str, reference: str) -> dict[str, Any]:
    return {"description": description, "content": _json(reference)}


def _get(name: str, summary: str) -> dict[str, Any]:
    content = {"application/json": {"schema": {"type": "object"}}}
    return {
        "operationId": name,
        "summary": summary,
        "responses": {"200": {"description": summary, "content": content}},
    }

"""The scorer as a web service: checked, limited, described, and silent about patients."""

from __future__ import annotations

import json
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from allsurv import __version__
from allsurv.errors import AllsurvError, CohortError, Violation
from allsurv.scoring import RiskScorer
from allsurv.scoring.faults import rule_without_value
from allsurv.serving.openapi import describe_service

__all__ = ["make_service"]

PATIENTS, HORIZONS, EXPLAIN = "patients", "horizons", "explain"


def make_service(
    scorer: RiskScorer, *, max_rows: int = 1000, max_bytes: int = 1_000_000
) -> FastAPI:
    """Make the web application.

    Parameters
    ----------
    scorer : RiskScorer
        The model at work.
    max_rows : int, default=1000
        Patients in a request, at most.
    max_bytes : int, default=1000000
        Bytes in a request, at most.

    Returns
    -------
    FastAPI
        ``GET /health``, ``GET /model``, ``POST /score``; described at ``/openapi.json``.

    Notes
    -----
    A request that cannot be read is answered 400, one too large 413, patients who break the data
    dictionary 422 with all faults: column, rule, rows, and never a value.
    """
    model = scorer.risk_model
    service = FastAPI(
        title=f"allsurv risk model: {model.endpoint_label}, study {model.study}",
        version=__version__,
        docs_url=None,
        redoc_url=None,
    )
    description = describe_service(model, max_rows=max_rows)
    service.add_middleware(_SizeLimit, max_bytes=max_bytes)

    @service.get("/health")
    def health() -> dict[str, str]:
        return {"status": "ok", "study": model.study, "endpoint": model.endpoint}

    @service.get("/model")
    def about() -> dict[str, Any]:
        return about_model(scorer)

    @service.post("/score")
    async def score(request: Request) -> JSONResponse:
        return _answer(scorer, await request.body(), max_rows)

    def openapi() -> dict[str, Any]:
        return description

    service.openapi = openapi  # type: ignore[method-assign]
    return service


def about_model(scorer: RiskScorer) -> dict[str, Any]:
    """Say what the model is, for a machine or a person who asks."""
    model = scorer.risk_model
    source = model.provenance["source"]
    return {
        "study": model.study,
        "endpoint": model.endpoint_label,
        "origin": model.origin,
        "time_unit": model.time_unit,
        "horizons": list(model.horizons),
        "family": model.family,
        "population": model.population.statement,
        "n_patients": model.provenance["n_patients"],
        "n_events": model.provenance["n_events"],
        "statement": source["statement"],
        "use": "Research use only.",
    }


def _answer(scorer: RiskScorer, body: bytes, max_rows: int) -> JSONResponse:
    try:
        asked = json.loads(body, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        return _fault(400, "the request is no JSON")
    told = _shape_fault(asked, max_rows)
    if told:
        return _fault(422, *told)
    import pandas as pd

    frame = pd.DataFrame.from_records(asked[PATIENTS])
    for variable in scorer.risk_model.variables.values():
        if variable.missing == "allowed" and not {variable.name, variable.column} & set(frame):
            frame[variable.name] = None
    try:
        scored = scorer.score(frame, asked.get(HORIZONS), explain=bool(asked.get(EXPLAIN, False)))
    except CohortError as error:
        return JSONResponse({"faults": [_told(v) for v in error.violations]}, status_code=422)
    except AllsurvError as error:
        return _fault(422, str(error))
    rows = scored.drop(columns="fault").to_json(orient="records", double_precision=15)
    return JSONResponse(
        {
            "patients": json.loads(rows),
            "statement": scorer.risk_model.provenance["source"]["statement"],
            "use": "Research use only.",
        }
    )


def _shape_fault(asked: object, max_rows: int) -> tuple[str, ...]:
    """Say how a request differs from what is described."""
    if not isinstance(asked, dict) or not isinstance(asked.get(PATIENTS), list):
        return (f"the request has no list '{PATIENTS}' of patients",)
    patients, horizons = asked[PATIENTS], asked.get(HORIZONS)
    faults = []
    if unknown := sorted(set(asked) - {PATIENTS, HORIZONS, EXPLAIN}):
        faults.append(f"the request has {len(unknown)} entries beyond those described")
    if not 1 <= len(patients) <= max_rows:
        faults.append(f"{len(patients)} patients; 1 to {max_rows} are allowed in a request")
    if not all(isinstance(patient, dict) and patient for patient in patients):
        faults.append("a patient is not an object of variables")
    if horizons is not None and not (
        isinstance(horizons, list)
        and len(horizons) <= 50
        and len(set(map(str, horizons))) == len(horizons)
        and all(isinstance(h, int | float) and not isinstance(h, bool) for h in horizons)
    ):
        faults.append(f"'{HORIZONS}' is not a list of at most 50 different numbers")
    if not isinstance(asked.get(EXPLAIN, False), bool):
        faults.append(f"'{EXPLAIN}' is neither true nor false")
    return tuple(faults)


def _told(violation: Violation) -> dict[str, Any]:
    return {
        "column": violation.column,
        "rule": rule_without_value(violation.rule),
        "rows": list(violation.rows),
    }


def _fault(status: int, *rules: str) -> JSONResponse:
    faults = [{"column": "request", "rule": rule, "rows": []} for rule in rules]
    return JSONResponse({"faults": faults}, status_code=status)


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is no JSON")


class _SizeLimit:
    """Refuse a large request before it is held in memory."""

    def __init__(self, app: ASGIApp, max_bytes: int) -> None:
        self.app, self.max_bytes = app, max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        body, more = bytearray(), True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False) and len(body) <= self.max_bytes
        if len(body) > self.max_bytes:
            answer = _fault(413, f"more than {self.max_bytes} bytes; send fewer patients at a time")
            await answer(scope, receive, send)
            return
        waiting: list[Message] = [{"type": "http.request", "body": bytes(body), "more_body": False}]

        async def replay() -> Message:
            return waiting.pop() if waiting else await receive()

        await self.app(scope, replay, send)

"""The scorer as a web service: checked, limited, described, and silent about patients."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, JSONResponse, Response

from allsurv import __version__
from allsurv.scoring import RiskScorer
from allsurv.serving.guards import BodyLimits, SafeHeaders, TokenRequired
from allsurv.serving.openapi import describe_service
from allsurv.serving.page import describe_page
from allsurv.serving.requests import answer_request

__all__ = ["make_service"]

THREADS = 2
"""Requests scored at once; more would only take turns at the interpreter."""


def make_service(
    scorer: RiskScorer,
    *,
    max_rows: int = 1000,
    max_bytes: int = 1_000_000,
    body_timeout: float = 10.0,
    token: str = "",
    calculator: str = "",
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
    body_timeout : float, default=10.0
        Seconds within which a request must have arrived.
    token : str, default=""
        What a client must send as ``Authorization: Bearer TOKEN`` for everything but
        ``/health``; empty asks for none.
    calculator : str, default=""
        Page of the offline calculator, served at ``/``.

    Returns
    -------
    FastAPI
        ``GET /`` (calculator), ``/docs`` (for people, offline), ``/openapi.json``, ``/health``,
        ``/model``; ``POST /score``.

    Notes
    -----
    A request that cannot be read is answered 400, one without a valid token 401, one that does
    not arrive in time 408, one too large 413, patients who break the data dictionary 422 with all
    faults: column, rule, rows, and never a value. Scoring runs outside the event loop, so
    ``/health`` answers while it does.
    """
    model = scorer.risk_model
    service = FastAPI(
        title=f"allsurv risk model: {model.endpoint_label}, study {model.study}",
        version=__version__,
        docs_url=None,
        redoc_url=None,
    )
    description = describe_service(model, max_rows=max_rows)
    page = describe_page(scorer)
    pool = ThreadPoolExecutor(THREADS, thread_name_prefix="score")
    service.add_middleware(BodyLimits, max_bytes=max_bytes, timeout=body_timeout)
    if token:
        service.add_middleware(TokenRequired, token=token)
    service.add_middleware(SafeHeaders)

    @service.get("/")
    async def home() -> Response:
        return HTMLResponse(calculator or page)

    @service.get("/docs")
    async def docs() -> Response:
        return HTMLResponse(page)

    @service.get("/health")
    async def health() -> dict[str, str]:
        return {"status": "ok", "study": model.study, "endpoint": model.endpoint}

    @service.get("/model")
    async def about() -> dict[str, Any]:
        return about_model(scorer)

    @service.post("/score")
    async def score(request: Request) -> JSONResponse:
        body = await request.body()
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(pool, answer_request, scorer, body, max_rows)

    def openapi() -> dict[str, Any]:
        return description

    service.openapi = openapi  # type: ignore[method-assign]
    return service


def about_model(scorer: RiskScorer) -> dict[str, Any]:
    """Describe the model to a program or a person."""
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

"""Offer a saved risk model as a web service."""

from __future__ import annotations

import importlib.util

from allsurv.cli.models import open_scorer
from allsurv.errors import ConfigError

__all__ = ["serve_command"]


def serve_command(model: str, *, host: str, port: int, max_rows: int, max_bytes: int) -> None:
    """Serve until interrupted; requests are not logged, as addresses and times are data too."""
    missing = [name for name in ("fastapi", "uvicorn") if importlib.util.find_spec(name) is None]
    if missing:
        raise ConfigError(
            f"serve: {' and '.join(missing)} not installed; install the extra: allsurv[serve]."
        )
    import uvicorn

    from allsurv.serving import make_service

    service = make_service(open_scorer(model), max_rows=max_rows, max_bytes=max_bytes)
    print(
        f"http://{host}:{port}/health, /model, /score, /openapi.json. Research use only.",
        flush=True,
    )
    uvicorn.run(service, host=host, port=port, access_log=False, log_level="warning")

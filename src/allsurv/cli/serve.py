"""Offer a saved risk model as a web service."""

from __future__ import annotations

import ipaddress
import os

from allsurv.cli.models import open_scorer
from allsurv.errors import ConfigError

__all__ = ["TOKEN", "serve_command"]

TOKEN = "ALLSURV_TOKEN"
"""Environment variable of the token that clients must send."""


def serve_command(
    model: str, *, host: str, port: int, max_rows: int, max_bytes: int, without_token: bool
) -> None:
    """Serve until interrupted; requests are not logged, as addresses and times are data too."""
    token = os.environ.get(TOKEN, "")
    if not token and not without_token and not _is_loopback(host):
        raise ConfigError(
            f"serve: {host} can be reached from other machines and no token is set; set {TOKEN}, "
            "or give --without-token where something in front of it asks who is there."
        )
    import uvicorn

    from allsurv.serving import make_service

    service = make_service(
        open_scorer(model),
        max_rows=max_rows,
        max_bytes=max_bytes,
        token="" if without_token else token,
    )
    print(
        f"http://{host}:{port}/docs, /health, /model, /score, /openapi.json. Research use only.",
        flush=True,
    )
    uvicorn.run(
        service,
        host=host,
        port=port,
        access_log=False,
        log_level="warning",
        server_header=False,
        proxy_headers=True,
    )


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"

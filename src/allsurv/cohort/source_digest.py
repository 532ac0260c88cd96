"""The name of a cohort's content, in a form that does not let a stranger test who was in it.

A plain SHA-256 of a small cohort's file confirms a guess: who has all rows but one can try rows
until the digest agrees. For real patients the digest is keyed, and the key is in no artefact.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from typing import Any

from allsurv.cohort.table import Source
from allsurv.errors import ConfigError

__all__ = ["KEY_VARIABLE", "describe_source"]

KEY_VARIABLE = "ALLSURV_DIGEST_KEY"
_SHORTEST_KEY = 16
_KEY_OF_THIS_PROCESS = secrets.token_bytes(32)


def describe_source(source: Source) -> dict[str, Any]:
    """Say where patients come from, as an exported model may.

    Notes
    -----
    The key is the environment's ``ALLSURV_DIGEST_KEY``. Its holder can tell later which cohort a
    model was made from. Without it a key is drawn for this process and forgotten: exports of one
    process can be compared, and nothing else.
    """
    if source.is_synthetic:
        digest, kind = source.digest, "sha256"
    else:
        message = source.digest.encode()
        digest, kind = hmac.new(_key(), message, hashlib.sha256).hexdigest(), "hmac-sha256"
    return {
        "kind": source.kind,
        "name": source.name,
        "digest": digest,
        "digest_kind": kind,
        "statement": source.statement,
    }


def _key() -> bytes:
    text = os.environ.get(KEY_VARIABLE, "")
    if not text:
        return _KEY_OF_THIS_PROCESS
    if len(text) < _SHORTEST_KEY:
        raise ConfigError(
            f"{KEY_VARIABLE}: has {len(text)} characters; a key that cannot be guessed has at "
            f"least {_SHORTEST_KEY}. Make one with: python -c 'import secrets; "
            "print(secrets.token_hex())'"
        )
    return text.encode()

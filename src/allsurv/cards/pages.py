"""What all pages share: their templates, and figures held inside them."""

from __future__ import annotations

import base64
from pathlib import Path
from xml.etree import ElementTree

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

__all__ = ["embed", "make_environment"]

DESCRIBING = tuple(f"{{http://www.w3.org/2000/svg}}{name}" for name in ("title", "desc"))


def make_environment() -> Environment:
    """Open the templates of this package."""
    return Environment(
        loader=PackageLoader("allsurv.cards", "templates"),
        autoescape=select_autoescape(enabled_extensions=("html.j2",), default=False),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def embed(file: Path) -> Markup:
    """Hold a figure inside a page; its alternative text is the description inside it."""
    raw = file.read_bytes()
    said = [node.text or "" for node in ElementTree.fromstring(raw) if node.tag in DESCRIBING]
    data = base64.b64encode(raw).decode()
    alt = " ".join(filter(None, said)) or file.stem
    return Markup('<img src="data:image/svg+xml;base64,{}" alt="{}">').format(data, alt)

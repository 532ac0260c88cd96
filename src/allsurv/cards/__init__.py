"""Model cards: one tree of plain values, rendered as HTML, Markdown and JSON."""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach(
    __name__, submod_attrs={"card": ["make_card"], "render": ["write"]}
)

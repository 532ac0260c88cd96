"""The command line: one command per MLproject entry point."""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach(
    __name__,
    submod_attrs={
        "app": ["app", "main"],
    },
)

"""The scorer as a small web service; needs the extra ``serve``."""

import lazy_loader as lazy

__getattr__, __dir__, __all__ = lazy.attach(
    __name__,
    submod_attrs={
        "service": ["make_service"],
    },
)

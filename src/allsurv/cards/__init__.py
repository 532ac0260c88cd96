"""Documents: model cards, and the report and tables of a reproduced paper."""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach(
    __name__,
    submod_attrs={
        "card": ["make_card"],
        "contents": ["clear_previous", "write_contents"],
        "documents": ["write_documents"],
        "render": ["write"],
        "report": ["write_report"],
    },
)

"""Documents: model cards, and the report and tables of a reproduced paper."""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach(
    __name__,
    submod_attrs={
        "author": ["read_author"],
        "card": ["make_card"],
        "check": ["check_card", "read_card"],
        "report.contents": ["clear_previous", "write_contents"],
        "diff": ["write_diff"],
        "overview": ["write_overview"],
        "report.documents": ["write_documents"],
        "render": ["write", "write_calculator"],
        "report.report": ["write_report"],
        "review": ["read_review", "review_card"],
    },
)

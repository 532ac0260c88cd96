"""A paper's whole analysis on any cohort of its study: its numbers, printed and recomputed."""

import lazy_loader as lazy

__getattr__, __dir__, __all__ = lazy.attach(
    __name__,
    submod_attrs={
        "items": ["Item", "Reproduction", "safe"],
        "paper": ["reproduce"],
        "ledger": ["ledger_summary", "ledger_table", "unmet"],
        "recompute": ["Recomputed", "recompute"],
    },
)

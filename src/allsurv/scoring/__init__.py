"""Scoring new patients with a saved risk model; loads numpy and pandas only."""

import lazy_loader as lazy

__getattr__, __dir__, __all__ = lazy.attach(
    __name__,
    submod_attrs={
        "scorer": ["RiskScorer"],
    },
)

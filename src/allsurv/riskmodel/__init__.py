"""A fitted risk model as data: files of numbers, no code, no patients."""

import lazy_loader as lazy

__getattr__, __dir__, __all__ = lazy.attach(
    __name__,
    submod_attrs={
        "development": ["Development"],
        "encoding": ["Term", "encode"],
        "instability": ["Instability"],
        "model": ["RiskModel"],
        "reach": ["Population", "Reach"],
    },
)

"""Models of the risk of each of several causes, under one contract."""

import lazy_loader as lazy

__getattr__, __dir__, __all__ = lazy.attach(
    __name__,
    submod_attrs={
        "base": ["CompetingModel"],
        "cause_specific": ["CauseSpecific"],
        "fine_gray": ["FineGray"],
        "forest": ["CompetingForest"],
        "incidence": ["IncidenceModel"],
    },
)

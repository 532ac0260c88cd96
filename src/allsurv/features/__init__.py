"""From the variables of a study to the numbers a model takes."""

import lazy_loader as lazy

__getattr__, __dir__, __all__ = lazy.attach(
    __name__,
    submod_attrs={
        "columns": ["FeatureEncoder", "make_features"],
        "predictors": ["check_predictors"],
    },
)

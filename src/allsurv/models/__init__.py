"""Prognostic models: one contract over all families, and the form in which a model is handed on."""

import lazy_loader as lazy

__getattr__, __dir__, __all__ = lazy.attach(
    __name__,
    submod_attrs={
        "base": ["SurvivalModel"],
        "boosting": ["ComponentwiseBoosting", "GradientBoosting"],
        "catalog": ["COMPETING", "FAMILIES", "Family", "find_family", "register_family"],
        "challenger": ["Challenger"],
        "cox": ["CoxModel"],
        "coxnet": ["ElasticNetCox"],
        "export": ["export_model"],
        "forest": ["SurvivalForest"],
        "make": ["make_model"],
        "null": ["NullModel"],
        "tuning": ["TunedModel"],
    },
)

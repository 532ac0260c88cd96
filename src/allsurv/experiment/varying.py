"""Predictors in which patients differ: from the others nothing can be learned."""

from __future__ import annotations

from dataclasses import replace

from allsurv.cohort import Cohort
from allsurv.errors import ConfigError
from allsurv.experiment.config import Config
from allsurv.study.spec import Variable

__all__ = ["without_constant"]


def without_constant(cohort: Cohort, config: Config) -> tuple[Config, str]:
    """Leave out predictors that are the same in everybody, and say which."""
    study = cohort.study
    patients = cohort.eligible(config.endpoint)
    as_level = config.features.missing == "level"
    constant = [
        name
        for name in config.predictors
        if name in patients.frame.columns
        and _n_values(patients, study.variable(name), as_level=as_level) < 2
    ]
    if not constant:
        return config, ""
    labels = ", ".join(study.variable(name).label for name in constant)
    kept = tuple(name for name in config.predictors if name not in constant)
    if not kept:
        raise ConfigError(
            f"predictors: every patient has the same value of each ({labels}), so that there is "
            "nothing to predict from; choose others in the study file or the configuration."
        )
    return replace(config, predictors=kept), (
        f"Left out of every model, since all patients have the same value: {labels}."
    )


def _n_values(patients: Cohort, variable: Variable, *, as_level: bool) -> int:
    """Count the values a model would see; where not tested is one of them, that too."""
    tells = variable.kind == "marker" or (as_level and not variable.is_number)
    return int(patients.frame[variable.name].nunique(dropna=not tells))

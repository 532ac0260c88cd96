"""What a configuration chooses, part by part."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from allsurv.errors import ConfigError
from allsurv.experiment.plans import ExternalFile, plan_choices
from allsurv.models.catalog import find_family, trainable
from allsurv.nearest import did_you_mean
from allsurv.policy.rules import CMS, DisclosurePolicy, disclosure_policy
from allsurv.study.spec import Missing, Study
from allsurv.validation.plans import AnyPlan, Plan

__all__ = [
    "Config",
    "FeaturesPlan",
    "FindingsPlan",
    "ImportancePlan",
    "InstabilityPlan",
    "OptimismPlan",
    "TuningPlan",
]

ALL = "all"


def usual_models() -> dict[str, dict[str, Any]]:
    """Give the families trained unless a configuration chooses otherwise."""
    return {name: {} for name, family in trainable().items() if family.usual}


def corrected_models() -> tuple[str, ...]:
    """Give the families validated by bootstrap as well, where that is asked for."""
    return tuple(name for name, family in trainable().items() if family.corrected)


@dataclass(frozen=True)
class FindingsPlan:
    """How standardised hazard ratios get their intervals.

    Parameters
    ----------
    bootstrap : int
        Refits of the whole pipeline per model.
    simulated : int
        Refits per model to outcomes of known effect, by which its shrinkage is undone; 0 for none.
    margin : float
        Factor by which two hazard ratios may differ and still count as equivalent.
    """

    bootstrap: int = 25
    simulated: int = 25
    margin: float = 1.5


@dataclass(frozen=True)
class TuningPlan:
    """How parameters are chosen inside every fit.

    Parameters
    ----------
    spaces : mapping
        Family to the values tried per parameter; a family without is not tuned.
    folds : int
        Parts of the inner cross-validation.
    """

    spaces: Mapping[str, Mapping[str, Sequence[Any]]] = field(default_factory=dict)
    folds: int = 5


@dataclass(frozen=True)
class InstabilityPlan:
    """How it is seen how far predictions move with the sample of patients.

    Parameters
    ----------
    bootstrap : int
        Refits of the whole pipeline per model.
    """

    bootstrap: int = 25


@dataclass(frozen=True)
class ImportancePlan:
    """Over whom the importance of each variable is averaged.

    Parameters
    ----------
    patients : int or None
        A random sample of so many where there are more and the model is made of trees; everybody
        if ``None``.
    """

    patients: int | None = 500


@dataclass(frozen=True)
class OptimismPlan:
    """Bootstrap validation, beside the cross-validation.

    Parameters
    ----------
    bootstrap : int
        Refits of the whole pipeline per model; 0 for none.
    models : tuple of str
        Families it is done for.
    """

    bootstrap: int = 0
    models: tuple[str, ...] = field(default_factory=corrected_models)


@dataclass(frozen=True)
class FeaturesPlan:
    """How predictors enter all models.

    Parameters
    ----------
    missing : {"", "impute", "level", "complete cases", "refuse"}
        What becomes of a missing value where the dictionary allows one, as the study says where
        empty: filled in, by what was learned in each resample without the outcome; the same with
        a column that says whether the value is known; the patient left out; or not allowed.
    splines : mapping from str to int
        Numbers that enter as restricted cubic splines, with their knots.
    interactions : tuple of (str, str)
        Pairs of predictors whose product enters too.
    """

    missing: Missing | Literal[""] = ""
    splines: Mapping[str, int] = field(default_factory=dict)
    interactions: tuple[tuple[str, str], ...] = ()

    @property
    def parameters(self) -> dict[str, Any]:
        """As ``make_model`` takes them."""
        return {
            "features__missing": self.missing or "impute",
            "features__splines": dict(self.splines),
            "features__interactions": self.interactions,
        }


@dataclass(frozen=True)
class Config:
    """Every choice of a run.

    Parameters
    ----------
    name : str
        Name of the experiment: the folder of its configuration.
    question : str
        What is asked.
    study : str
        Bundled study or path of a study file.
    cohort : str or None
        Path of a file of patients; ``None`` for the cohort that comes with the study.
    endpoint : str
        Endpoint of the study.
    endpoints : tuple of str
        Several endpoints, each to be run by itself; empty for ``endpoint`` alone.
    horizons : tuple of float
        Times at which predictions are judged, in the study's unit.
    predictors : tuple of str
        Baseline variables that models use.
    models : mapping
        Model family, or import path of an estimator, to its parameters.
    trusted : tuple of str
        Packages, beside scikit-survival, whose estimators may be imported by path. Whoever starts
        the job says so; a configuration cannot.
    features : FeaturesPlan
        Missing values, splines and interactions.
    validation : Plan, Bootstrap, InternalExternal, External or ExternalFile
        How models are validated.
    draws : int
        Samples of patients behind the limits of calibration errors and net benefit.
    censoring : "auto", "marginal" or tuple of str
        What the weights for censoring depend on.
    tuning : TuningPlan
        What is tried for each family inside every fit.
    optimism : OptimismPlan
        Bootstrap validation.
    instability : InstabilityPlan
        Refits behind the instability of predictions.
    findings : FindingsPlan
        Refits behind the intervals of the findings.
    importance : ImportancePlan
        Patients over whom importance is averaged.
    preset : str
        Name of the preset; empty for none.
    seed : int
        All chance follows from it.
    jobs : int
        Processes; results do not depend on it.
    disclosure : {"cms", "acro", "journal", "off"}
        Policy of disclosure control of everything that is written or logged.
    """

    name: str
    question: str
    study: str
    cohort: str | None = None
    endpoint: str = ""
    endpoints: tuple[str, ...] = ()
    horizons: tuple[float, ...] = ()
    predictors: tuple[str, ...] = ()
    models: Mapping[str, Mapping[str, Any]] = field(default_factory=usual_models)
    trusted: tuple[str, ...] = ()
    features: FeaturesPlan = field(default_factory=FeaturesPlan)
    validation: AnyPlan | ExternalFile = field(default_factory=Plan)
    draws: int = 50
    censoring: str | tuple[str, ...] = "auto"
    tuning: TuningPlan = field(default_factory=TuningPlan)
    optimism: OptimismPlan = field(default_factory=OptimismPlan)
    instability: InstabilityPlan = field(default_factory=InstabilityPlan)
    findings: FindingsPlan = field(default_factory=FindingsPlan)
    importance: ImportancePlan = field(default_factory=ImportancePlan)
    preset: str = ""
    seed: int = 0
    jobs: int = field(default_factory=lambda: os.cpu_count() or 1)
    disclosure: str = CMS.name

    @property
    def policy(self) -> DisclosurePolicy:
        """What may be shown of the patients."""
        return disclosure_policy(self.disclosure)

    def each_endpoint(self, study: Study) -> tuple[Config, ...]:
        """Divide a configuration of several endpoints into one of each.

        Parameters
        ----------
        study : Study
            The study that is named.

        Returns
        -------
        tuple of Config
            In the order asked; this configuration where it has one endpoint.

        Raises
        ------
        ConfigError
            If an endpoint is not the study's.
        """
        if not self.endpoints:
            return (self,)
        alone = (replace(self, endpoint=name, endpoints=()) for name in self.endpoints)
        return tuple(config.complete(study) for config in alone)

    def complete(self, study: Study) -> Config:
        """Fill what was left open from the study, and hold the rest against it.

        Parameters
        ----------
        study : Study
            The study that is named.

        Returns
        -------
        Config
            With endpoint, horizons and predictors.

        Raises
        ------
        ConfigError
            If a name is not the study's, the message suggests the near miss; or if there is no
            model that could be recommended.
        """
        if not any(find_family(name).role == "trained" for name in self.models):
            raise ConfigError(
                f"{self.name}: models: none of {', '.join(self.models) or 'no model'} can be "
                f"recommended and exported; add one of {', '.join(trainable())}."
            )
        prediction = study.prediction
        endpoint = self.endpoint or prediction.endpoint
        if endpoint not in study.endpoints:
            raise ConfigError(
                f"{self.name}: endpoint '{endpoint}' is not one of study '{study.name}' "
                f"({', '.join(study.endpoints)}).{did_you_mean(endpoint, study.endpoints)}"
            )
        predictors = self.predictors or prediction.predictors
        unknown = [p for p in predictors if p not in study.variables]
        if unknown:
            raise ConfigError(
                f"{self.name}: predictor '{unknown[0]}' is not in the data dictionary of study "
                f"'{study.name}'.{did_you_mean(unknown[0], study.variables)}"
            )
        named = () if isinstance(self.censoring, str) else self.censoring
        foreign = [name for name in named if name not in predictors]
        if foreign:
            raise ConfigError(
                f"{self.name}: validation: censoring by '{foreign[0]}', which is none of the "
                f"predictors ({', '.join(predictors)}).{did_you_mean(foreign[0], predictors)}"
            )
        horizons = self.horizons or prediction.horizons
        return replace(
            self,
            endpoint=endpoint,
            predictors=tuple(predictors),
            horizons=tuple(horizons),
            features=replace(self.features, missing=self.features.missing or prediction.missing),
        )

    def to_dict(self) -> dict[str, Any]:
        """Turn the choices into plain values.

        Returns
        -------
        dict
            JSON-ready.
        """
        return {
            "study": self.study,
            "cohort": Path(self.cohort).name if self.cohort else "",
            "endpoint": self.endpoint,
            **({"endpoints": list(self.endpoints)} if self.endpoints else {}),
            "horizons": list(self.horizons),
            "predictors": list(self.predictors),
            "preset": self.preset,
            "seed": self.seed,
            "disclosure": self.disclosure,
            "features": {
                "missing": self.features.missing,
                "splines": dict(self.features.splines),
                "interactions": [list(pair) for pair in self.features.interactions],
            },
            "validation": plan_choices(self.validation)
            | {
                "draws": self.draws,
                "censoring": self.censoring
                if isinstance(self.censoring, str)
                else list(self.censoring),
            },
            "tuning": {
                "folds": self.tuning.folds,
                "spaces": {k: dict(v) for k, v in self.tuning.spaces.items() if k in self.models},
            },
            "optimism": vars(self.optimism) | {"models": list(self.optimism.models)},
            "instability": vars(self.instability).copy(),
            "findings": vars(self.findings).copy(),
            "importance": {"patients": self.importance.patients or ALL},
            "models": {name: dict(params) for name, params in self.models.items()},
        }

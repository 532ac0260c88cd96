"""The choices of a run, from YAML: command line over configuration over preset over study."""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from allsurv.errors import ConfigError, ModelError
from allsurv.experiment.choices import (
    ALL,
    Config,
    FeaturesPlan,
    FindingsPlan,
    ImportancePlan,
    InstabilityPlan,
    OptimismPlan,
    TuningPlan,
    corrected_models,
    usual_models,
)
from allsurv.experiment.plans import read_plan
from allsurv.experiment.presets import preset_folders
from allsurv.models.catalog import is_path, trainable
from allsurv.models.estimators import import_estimator
from allsurv.nearest import did_you_mean
from allsurv.policy.rules import CMS
from allsurv.riskmodel.horizons import read_horizons
from allsurv.study.faults import raise_faults
from allsurv.study.schema import schema_faults
from allsurv.study.yamlfile import read_yaml

__all__ = ["Config", "FindingsPlan", "config_schema", "read_config"]

STANDARD = "standard"
OF_A_STUDY = (
    "question",
    "cohort",
    "endpoint",
    "endpoints",
    "horizons",
    "predictors",
    "features",
)


def config_schema() -> dict[str, Any]:
    """Give the JSON Schema of configurations and presets."""
    file = Path(__file__).with_name("config.schema.json")
    schema: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    # An import path is told by its dot and is looked at when the estimator is imported.
    name = {"if": {"pattern": r"\."}, "else": {"enum": list(trainable())}}
    schema["properties"]["models"]["propertyNames"] = name
    schema["properties"]["optimism"]["properties"]["models"]["items"] = name
    return schema


def read_config(
    path: str | Path,
    asked: Mapping[str, str] | None = None,
    *,
    trusted: Collection[str] = (),
) -> Config:
    """Read the configuration of an experiment.

    Parameters
    ----------
    path : str or Path
        YAML file; ``preset`` in it names a file (``quick``, ``full``, or one of a folder
        ``configs/`` in this or a higher folder).
    asked : mapping from str to str, optional
        Choices of the command line, which win: ``study``, ``cohort``, ``models`` and ``horizons``
        (by comma), ``preset``. With another study, the file's own question, cohort, endpoint,
        horizons and predictors do not apply.
    trusted : collection of str, default=()
        Packages, beside scikit-survival, of which ``models`` may name estimators by import path.

    Returns
    -------
    Config
        Frozen; :meth:`Config.complete` fills what is the study's own.

    Raises
    ------
    ConfigError
        With file, line and key of every fault; or if a path is not that of an estimator of a
        trusted package.
    """
    path, asked = Path(path), dict(asked or {})
    chosen = _read(path)
    if asked.get("study", chosen.get("study")) != chosen.get("study"):
        chosen = {key: value for key, value in chosen.items() if key not in OF_A_STUDY}
    preset = asked.get("preset", chosen.get("preset", ""))
    if "endpoints" in asked:
        chosen = {key: value for key, value in chosen.items() if key != "endpoint"}
    merged = _merge(_preset(preset, path) if preset else {}, chosen, _from_command_line(asked))
    if "study" not in merged:
        raise ConfigError(f"{path} study: is missing; name a bundled study or a study file.")
    _import_challengers(merged["models"], path, trusted)
    name = path.resolve().parent.name
    validation = dict(merged.get("validation", {}))
    optimism = dict(merged.get("optimism", {}))
    if merged["study"] != chosen.get("study"):
        name = Path(merged["study"]).stem  # another study's question, so not this folder's name
    return Config(
        name=name,
        question=merged.get(
            "question", f"What predicts the outcome of study {Path(merged['study']).stem}?"
        ),
        study=_beside(path, merged["study"], asked, "study"),
        cohort=_beside(path, merged["cohort"], asked, "cohort") if "cohort" in merged else None,
        endpoint=merged.get("endpoint", ""),
        endpoints=_endpoints(merged, path),
        horizons=tuple(sorted(float(h) for h in merged.get("horizons", ()))),
        predictors=tuple(merged.get("predictors", ())),
        models=merged["models"],
        trusted=tuple(trusted),
        features=_features(merged.get("features", {})),
        draws=validation.pop("draws", 50),
        censoring=_names_or_word(validation.pop("censoring", "auto")),
        validation=read_plan(validation, path, asked),
        tuning=_tuning(merged.get("tuning", {}), path),
        optimism=OptimismPlan(
            **optimism | {"models": tuple(optimism.get("models", corrected_models()))}
        ),
        instability=InstabilityPlan(**merged.get("instability", {})),
        findings=FindingsPlan(**merged.get("findings", {})),
        importance=_importance(merged.get("importance", {})),
        preset=Path(preset).stem,
        seed=merged.get("seed", 0),
        jobs=merged.get("jobs", os.cpu_count() or 1),
        disclosure=merged.get("disclosure", CMS.name),
    )


def _read(path: Path) -> dict[str, Any]:
    document = read_yaml(path, error=ConfigError)
    if isinstance(document.value, dict) and "threshold" in document.value:
        raise ConfigError(
            f"{document.where}:{document.line(('threshold',))} threshold: is chosen by a policy; "
            "write 'disclosure: cms' (no count under 11), 'acro', 'journal' or 'off' instead."
        )
    faults = schema_faults(document.value, config_schema())
    raise_faults(document.where, map(document.located, faults), ConfigError)
    value: dict[str, Any] = document.value
    return value


def _features(chosen: Mapping[str, Any]) -> FeaturesPlan:
    pairs = tuple((first, second) for first, second in chosen.get("interactions", ()))
    return FeaturesPlan(**{**chosen, "interactions": pairs})


def _endpoints(merged: Mapping[str, Any], path: Path) -> tuple[str, ...]:
    """Give several endpoints; one alone is the endpoint."""
    names = tuple(merged.get("endpoints", ()))
    if names and merged.get("endpoint"):
        raise ConfigError(
            f"{path} endpoint: is given beside 'endpoints'; name all of them under 'endpoints'."
        )
    return names


def _importance(chosen: Mapping[str, Any]) -> ImportancePlan:
    patients = chosen.get("patients", ImportancePlan.patients)
    return ImportancePlan(None if patients == ALL else patients)


def _tuning(chosen: Mapping[str, Any], config_file: Path) -> TuningPlan:
    spaces = chosen.get("spaces", {})
    known = trainable()
    if spaces == STANDARD:
        spaces = {name: family.space for name, family in known.items() if family.space}
    elif isinstance(spaces, str):
        spaces = read_yaml(_find(spaces, config_file, "tuning.spaces"), error=ConfigError).value
    unknown = [name for name in spaces if name not in known]
    if unknown:
        raise ConfigError(
            f"{config_file} tuning.spaces: '{unknown[0]}' is not a model that is tuned; allowed "
            f"are {', '.join(known)}.{did_you_mean(unknown[0], known)}"
        )
    return TuningPlan(spaces, chosen.get("folds", 5))


def _import_challengers(models: Mapping[str, Any], file: Path, trusted: Collection[str]) -> None:
    """Refuse, before anything is computed, a path that is not an estimator's."""
    for name in models:
        if is_path(name):
            try:
                import_estimator(name, trusted=trusted)
            except ModelError as error:
                raise ConfigError(f"{file} models: {error}") from None


def _preset(name: str, config_file: Path) -> dict[str, Any]:
    return _read(_find(name, config_file, "preset"))


def _find(name: str, config_file: Path, key: str) -> Path:
    """Find a file of choices: a path, or a name among our own and those above the configuration."""
    if Path(name).suffix:
        beside = config_file.resolve().parent / name
        return beside if beside.exists() else Path(name)
    folders = preset_folders(config_file)
    found = [folder / f"{name}.yaml" for folder in folders if (folder / f"{name}.yaml").is_file()]
    if not found:
        known = sorted({p.stem for folder in folders for p in folder.glob("*.yaml")})
        raise ConfigError(
            f"{config_file} {key}: no '{name}.yaml' in a folder 'configs' above the configuration, "
            f"and none ships; there are: {', '.join(known)}.{did_you_mean(name, known)}"
        )
    return found[0]


def _from_command_line(asked: Mapping[str, str]) -> dict[str, Any]:
    said: dict[str, Any] = {k: v for k, v in asked.items() if k in ("study", "cohort")}
    if "models" in asked:
        names = [name.strip() for name in asked["models"].split(",") if name.strip()]
        known = trainable()
        unknown = [name for name in names if name not in known and not is_path(name)]
        if unknown or not names:
            wrong = unknown[0] if unknown else asked["models"]
            raise ConfigError(
                f"models: '{wrong}' is not a model; allowed are {', '.join(known)}, by comma."
                f"{did_you_mean(wrong, known)}"
            )
        said["models"] = {name: {} for name in names}
    if "endpoints" in asked:
        said["endpoints"] = [name.strip() for name in asked["endpoints"].split(",")]
    if "horizons" in asked:
        try:
            said["horizons"] = [float(h) for h in asked["horizons"].split(",")]
        except ValueError:
            raise ConfigError(
                f"horizons: '{asked['horizons']}' are not numbers by comma, such as 12,24,36."
            ) from None
        read_horizons(said["horizons"], where="--horizons", error=ConfigError)
    return said


def _merge(preset: dict[str, Any], *layers: dict[str, Any]) -> dict[str, Any]:
    """Later layers win; the last that names models chooses them, parameters add up."""
    merged: dict[str, Any] = dict(preset)
    chosen: Mapping[str, Any] = usual_models()
    for layer in layers:
        chosen = layer.get("models", chosen)
        for key, value in layer.items():
            merged[key] = merged.get(key, {}) | value if isinstance(value, dict) else value
    everything = (preset, *layers)
    merged["models"] = {
        name: {
            k: v for layer in everything for k, v in layer.get("models", {}).get(name, {}).items()
        }
        for name in chosen
    }
    return merged


def _beside(path: Path, named: str, asked: Mapping[str, str], key: str) -> str:
    """Resolve a file that the configuration names from where the configuration lies."""
    beside = path.resolve().parent / named
    return str(beside) if key not in asked and Path(named).suffix and beside.exists() else named


def _names_or_word(value: str | list[str]) -> str | tuple[str, ...]:
    return value if isinstance(value, str) else tuple(value)

"""The registry: the chosen risk model as a registered model with an alias."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path

import mlflow
from mlflow.exceptions import MlflowException
from mlflow.models import ModelSignature
from mlflow.tracking import MlflowClient
from mlflow.types import ColSpec, DataType, Schema, TensorSpec

import allsurv
from allsurv.errors import RiskModelError
from allsurv.experiment import Result
from allsurv.models.riskmodel import RiskModel
from allsurv.scoring import RiskScorer

__all__ = ["download_risk_model", "register", "registered_name"]

RISK_MODEL_FILE = "risk_model.json"
DESCRIPTION_LENGTH = 5000
RUNTIME = ("lazy-loader", "mlflow", "numpy", "pandas")


def registered_name(study: str, endpoint: str) -> str:
    """Name a registered model.

    Parameters
    ----------
    study : str
        Name of the study.
    endpoint : str
        Name of the endpoint.

    Returns
    -------
    str
        For example ``rr-all-os``.

    Examples
    --------
    >>> registered_name("rr-all", "os")
    'rr-all-os'
    """
    return f"{study}-{endpoint}"


def register(result: Result, folder: Path, *, alias: str = "candidate") -> str:
    """Register the chosen risk model of a result under an alias.

    Parameters
    ----------
    result : Result
        What was found; its chosen model is registered.
    folder : Path
        The folder the result was written to.
    alias : str, default="candidate"
        Alias that is moved to the new version.

    Returns
    -------
    str
        Address for :meth:`allsurv.scoring.RiskScorer.load`, ``models:/name@alias``.
    """
    risk_model = result.risk_models[result.chosen]
    name = registered_name(result.provenance.study, result.provenance.endpoint)
    example = risk_model.example()
    card = folder / "card.md"
    artifacts = {"risk_model": str(folder / "models" / result.chosen)}
    if card.is_file():
        artifacts["card"] = str(card)
    info = mlflow.pyfunc.log_model(
        name="risk_model",
        python_model=str(Path(__file__).with_name("pyfunc_entry.py")),
        code_paths=[str(Path(allsurv.__file__).parent)],
        artifacts=artifacts,
        signature=_signature(risk_model),
        input_example=example,
        pip_requirements=[f"{package}=={version(package)}" for package in RUNTIME],
        registered_model_name=name,
    )
    client = MlflowClient()
    number = str(info.registered_model_version)
    client.set_registered_model_alias(name, alias, number)
    for key, value in _tags(result).items():
        client.set_model_version_tag(name, number, key, value)
    description = "\n\n".join(result.statements.values())[:DESCRIPTION_LENGTH]
    client.update_model_version(name, number, description=description)
    return f"models:/{name}@{alias}"


def download_risk_model(uri: str) -> Path:
    """Fetch the folder of a risk model that MLflow keeps.

    Parameters
    ----------
    uri : str
        ``models:/name@alias``, ``models:/name/version`` or ``runs:/id/path``.

    Returns
    -------
    Path
        Folder that holds the risk model.

    Raises
    ------
    RiskModelError
        If MLflow has nothing under that address, or what it has holds no risk model.
    """
    try:
        folder = Path(mlflow.artifacts.download_artifacts(uri))
    except (MlflowException, OSError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise RiskModelError(
            f"{uri}: MLflow cannot fetch it ({reason}); check the address and MLFLOW_TRACKING_URI."
        ) from None
    found = sorted(folder.rglob(RISK_MODEL_FILE))
    if len(found) != 1:
        raise RiskModelError(
            f"{uri}: holds {len(found)} risk models; name the address of exactly one."
        )
    return found[0].parent


def _signature(risk_model: RiskModel) -> ModelSignature:
    inputs: list[ColSpec | TensorSpec] = [
        ColSpec(
            DataType.double if variable.is_number or variable.is_yes_no else DataType.string,
            variable.name,
            required=variable.missing == "refused",
        )
        for variable in risk_model.variables.values()
    ]
    scored = RiskScorer(risk_model).score(risk_model.example())
    outputs: list[ColSpec | TensorSpec] = [
        ColSpec(DataType.string if scored[c].dtype == "string" else DataType.double, c)
        for c in scored
    ]
    return ModelSignature(inputs=Schema(inputs), outputs=Schema(outputs))


def _tags(result: Result) -> dict[str, str]:
    origin = result.provenance
    return {
        "study": origin.study,
        "cohort_source": origin.source_kind,
        "cohort_digest": origin.source_digest,
        "endpoint": origin.endpoint,
        "model": result.chosen,
        "review_status": "not reviewed",
    }

"""The registry: the chosen risk model as a registered model with an alias."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path
from typing import Any

import mlflow
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient

import allsurv
from allsurv.errors import RiskModelError
from allsurv.experiment import Result
from allsurv.riskmodel.model import RiskModel
from allsurv.tracking.signature import describe_columns, signature_of

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
    artifacts = {"risk_model": str(folder / "models" / result.chosen)}
    for kind in ("card.json", "card.html", "card.md"):
        if (folder / kind).is_file():
            artifacts[kind.replace(".", "_")] = str(folder / kind)
    info = mlflow.pyfunc.log_model(
        name="risk_model",
        python_model=str(Path(__file__).with_name("pyfunc_entry.py")),
        code_paths=[str(Path(allsurv.__file__).parent)],
        artifacts=artifacts,
        signature=signature_of(risk_model),
        input_example=risk_model.example(),
        pip_requirements=[f"{package}=={version(package)}" for package in RUNTIME],
        registered_model_name=name,
        metadata=_metadata(result, risk_model),
    )
    client = MlflowClient()
    number = str(info.registered_model_version)
    client.set_registered_model_alias(name, alias, number)
    for key, value in _tags(result, risk_model).items():
        client.set_model_version_tag(name, number, key, value)
    client.update_model_version(name, number, description=_version_description(result, risk_model))
    return f"models:/{name}@{alias}"


def _version_description(result: Result, risk_model: RiskModel) -> str:
    """Statements, and what each input column is: MLflow's pages do not show it elsewhere."""
    columns = describe_columns(risk_model)["inputs"].items()
    said = [*result.statements.values(), "\n".join(f"- `{name}`: {what}" for name, what in columns)]
    return "\n\n".join(said)[:DESCRIPTION_LENGTH]


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


def _metadata(result: Result, risk_model: RiskModel) -> dict[str, Any]:
    return {
        "columns": describe_columns(risk_model),
        "statement": result.provenance.source_statement,
        "use": "Research use only.",
    }


def _tags(result: Result, risk_model: RiskModel) -> dict[str, str]:
    origin = result.provenance
    return {
        "study": origin.study,
        "cohort_source": origin.source_kind,
        "cohort_digest": risk_model.provenance["source"]["digest"],
        "endpoint": origin.endpoint,
        "model": result.chosen,
        "disclosure": str(result.config["disclosure"]),
        "review_status": "not reviewed",
        "statement": origin.source_statement,
    }

"""A run of an experiment in MLflow."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mlflow
import pandas as pd
from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param, RunTag
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient
from mlflow.utils.time import get_current_time_millis

from allsurv.errors import ConfigError
from allsurv.experiment import Result

__all__ = ["ExperimentRun", "add_to_run", "download_run", "open_endpoint_run", "open_run"]

PARAM_LENGTH = 6000
CHILD_TABLES = (
    "performance", "calibration", "findings", "findings_horizons", "findings_importance",
    "importance", "coefficients",
)  # fmt: skip
PROTOCOL = "published protocol"


@dataclass(frozen=True)
class ExperimentRun:
    """The open parent run.

    Parameters
    ----------
    run_id : str
        MLflow's id of the run.
    experiment_id : str
        MLflow's id of the experiment.
    """

    run_id: str
    experiment_id: str

    def log(self, result: Result, folder: Path) -> dict[str, str]:
        """Log a result and the folder it was written to.

        Parameters
        ----------
        result : Result
            What was found.
        folder : Path
            Its results file, tables, figures and card; logged as artifacts.

        Returns
        -------
        dict of str to str
            Id of the child run of each model.
        """
        client = MlflowClient()
        _log_dataset(client, self.run_id, result)
        client.log_batch(
            self.run_id,
            metrics=_metrics(result.tables["performance"], result.chosen),
            params=_params(_flatten(result.config)),
            tags=_tags(_description(result) | _verdicts(result, result.chosen)),
        )
        mlflow.log_artifacts(str(folder), run_id=self.run_id)
        children = {}
        for name in result.tables["models"]["model"]:
            children[name] = self._log_model_run(client, result, name)
        return children

    def _log_model_run(self, client: MlflowClient, result: Result, name: str) -> str:
        tags = _description(result) | {
            "mlflow.parentRunId": self.run_id,
            "allsurv.model": name,
            "allsurv.chosen": str(name == result.chosen).lower(),
            **_verdicts(result, name),
        }
        child = client.create_run(self.experiment_id, tags=tags, run_name=name)
        child_id: str = child.info.run_id
        client.log_batch(
            child_id,
            metrics=_metrics(result.tables["performance"], name),
            params=_params(_flatten({"model": result.config["models"].get(name, {})})),
        )
        for table_name in CHILD_TABLES:
            table = result.tables.get(table_name)
            if table is not None and "model" in table:
                text = table[table["model"] == name].to_csv(index=False)
                client.log_text(child_id, text, f"tables/{table_name}.csv")
        client.set_terminated(child_id)
        return child_id


@contextmanager
def open_run(experiment: str, name: str) -> Iterator[ExperimentRun]:
    """Open the parent run, adopting the one that ``mlflow run`` has opened.

    Parameters
    ----------
    experiment : str
        Name of the MLflow experiment; not used inside ``mlflow run``, which has chosen already.
    name : str
        Name of the run.

    Yields
    ------
    ExperimentRun
        Marked failed by MLflow if the body raises.
    """
    if "MLFLOW_RUN_ID" not in os.environ:
        mlflow.set_experiment(experiment)
    with mlflow.start_run(run_name=name) as run:
        yield ExperimentRun(run_id=run.info.run_id, experiment_id=run.info.experiment_id)


@contextmanager
def open_endpoint_run(parent: ExperimentRun, endpoint: str) -> Iterator[ExperimentRun]:
    """Open the run of one of several endpoints inside the parent run.

    Parameters
    ----------
    parent : ExperimentRun
        The open parent run.
    endpoint : str
        Name of the endpoint; empty where there is one alone, whose run the parent is.

    Yields
    ------
    ExperimentRun
        The run to log into.
    """
    if not endpoint:
        yield parent
        return
    with mlflow.start_run(run_name=endpoint, nested=True) as run:
        yield ExperimentRun(run_id=run.info.run_id, experiment_id=run.info.experiment_id)


def mark_killed(run_ids: Sequence[str], *, resumed_by: str) -> None:
    """Close the runs of jobs that were killed; MLflow shows them as running otherwise.

    Parameters
    ----------
    run_ids : sequence of str
        Those runs; one that the store does not know is left aside.
    resumed_by : str
        The run that goes on from what they had done.
    """
    client = MlflowClient()
    for run_id in run_ids:
        try:
            if client.get_run(run_id).info.status != "RUNNING":
                continue
        except MlflowException:
            continue
        client.set_tag(run_id, "allsurv.resumed_by", resumed_by)
        client.set_terminated(run_id, "KILLED")


def _log_dataset(client: MlflowClient, run_id: str, result: Result) -> None:
    origin = result.provenance
    dataset = Dataset(
        name=origin.source_name,
        digest=origin.source_digest[:32],
        source_type=origin.source_kind,
        source=json.dumps({"statement": origin.source_statement}, ensure_ascii=False),
        profile=json.dumps({"n": origin.n, "n_events": origin.n_events}),
    )
    client.log_inputs(
        run_id, [DatasetInput(dataset, [InputTag("mlflow.data.context", "training")])]
    )


def _description(result: Result) -> dict[str, str]:
    origin = result.provenance
    return {
        "allsurv.study": origin.study,
        "allsurv.study_digest": origin.study_digest,
        "allsurv.cohort": origin.source_name,
        "allsurv.cohort_source": origin.source_kind,
        "allsurv.cohort_digest": origin.source_digest,
        "allsurv.endpoint": origin.endpoint,
        "allsurv.statement": origin.source_statement,
        "allsurv.disclosure": str(result.config["disclosure"]),
    }


def _verdicts(result: Result, model: str) -> dict[str, str]:
    """Verdicts on each finding: of a model, and of the paper's protocol, with their sentence."""
    table = result.tables.get("findings")
    if table is None or not len(table):
        return {}
    tags = {"findings.statement": str(table["statement"].iloc[0])}
    for name, kind in ((model, "verdict"), (PROTOCOL, "protocol")):
        rows = table[table["model"] == name]
        pairs = zip(rows["finding"], rows["verdict"], strict=True)
        tags |= {f"findings.{finding}.{kind}": str(verdict) for finding, verdict in pairs}
    return {key: value for key, value in tags.items() if value}


def _metrics(performance: pd.DataFrame, model: str) -> list[Metric]:
    now = get_current_time_millis()
    rows = performance[(performance["model"] == model) & performance["estimate"].notna()]
    return [
        Metric(_metric_name(row.measure, row.horizon), float(row.estimate), now, 0)
        for row in rows.itertuples()
    ]


def _metric_name(measure: str, horizon: float | None) -> str:
    if horizon is None or pd.isna(horizon):
        return measure
    return f"{measure}_{horizon:g}"


def _flatten(tree: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    flat: dict[str, str] = {}
    for key, value in tree.items():
        if isinstance(value, Mapping):
            flat |= _flatten(value, f"{prefix}{key}.")
        else:
            flat[f"{prefix}{key}"] = str(value)
    return flat


def _params(flat: Mapping[str, str]) -> list[Param]:
    return [
        Param(key if "." in key else f"config.{key}", value[:PARAM_LENGTH])
        for key, value in flat.items()
        if value != ""
    ]


def _tags(tags: Mapping[str, str]) -> list[RunTag]:
    return [RunTag(key, value) for key, value in tags.items()]


def download_run(run_id: str) -> Path:
    """Fetch what a run has logged.

    Parameters
    ----------
    run_id : str
        MLflow's id of the parent run.

    Returns
    -------
    Path
        A folder with results file, figures, models and card.

    Raises
    ------
    ConfigError
        If the store has no such run.
    """
    try:
        return Path(mlflow.artifacts.download_artifacts(run_id=run_id, artifact_path=""))
    except (mlflow.exceptions.MlflowException, OSError):
        raise ConfigError(
            f"runs:/{run_id}: no such run in {mlflow.get_tracking_uri()}; "
            "see 'mlflow runs list', or give the folder."
        ) from None


def add_to_run(run_id: str, files: Iterable[Path]) -> None:
    """Log files beside what a run has logged, in the place of those of the same name.

    Parameters
    ----------
    run_id : str
        MLflow's id of the parent run.
    files : iterable of Path
        What to log.
    """
    client = MlflowClient()
    for file in files:
        client.log_artifact(run_id, str(file))

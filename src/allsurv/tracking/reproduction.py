"""A reproduced paper in MLflow: never more than the disclosure policy 'cms' shows."""

from __future__ import annotations

from pathlib import Path

import mlflow
from mlflow.entities import Metric, Param, RunTag
from mlflow.tracking import MlflowClient
from mlflow.utils.time import get_current_time_millis

from allsurv.errors import DisclosureError
from allsurv.policy.rules import CMS
from allsurv.reproduction.items import Reproduction

__all__ = ["log_reproduction"]


def log_reproduction(run_id: str, reproduction: Reproduction, folder: str | Path) -> None:
    """Log the report, tables and figures of a reproduced paper.

    Parameters
    ----------
    run_id : str
        MLflow's id of the open run.
    reproduction : Reproduction
        As from :func:`allsurv.reproduction.safe`.
    folder : str or Path
        What was written of it; logged as artifacts.

    Raises
    ------
    DisclosureError
        If its policy is not ``cms``, or an item shows single patients; nothing is logged.
    """
    single = [item.key for item in reproduction if item.local_only]
    if reproduction.policy != CMS.name or single:
        raise DisclosureError(
            f"log_reproduction: policy '{reproduction.policy}', items of single patients: "
            f"{', '.join(single) or 'none'}; only a reproduction made safe may be tracked."
        )
    study, source = reproduction.study, reproduction.source
    tags = {
        "allsurv.study": study.name,
        "allsurv.study_digest": study.digest,
        "allsurv.cohort": source.name,
        "allsurv.cohort_source": source.kind,
        "allsurv.cohort_digest": source.digest,
        "allsurv.disclosure": reproduction.policy,
        "allsurv.statement": reproduction.statement,
    }
    client = MlflowClient()
    client.log_batch(
        run_id,
        metrics=_metrics(reproduction),
        params=[Param("reproduce.disclosure_logged", reproduction.policy)],
        tags=[RunTag(key, value) for key, value in tags.items()],
    )
    mlflow.log_artifacts(str(folder), run_id=run_id)


def _metrics(reproduction: Reproduction) -> list[Metric]:
    """How many published numbers agree, where the study has a ledger."""
    now = get_current_time_millis()
    return [
        Metric(f"ledger_{verdict}", float(item.extra["tally"][verdict].sum()), now, 0)
        for item in reproduction
        if "tally" in item.extra
        for verdict in ("agree", "differ", "not_recomputed")
    ]

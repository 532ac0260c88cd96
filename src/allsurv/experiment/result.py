"""What an experiment found: tidy tables that may be shown, and where they come from."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from allsurv.errors import ConfigError

if TYPE_CHECKING:
    from allsurv.riskmodel.model import RiskModel
    from allsurv.study.spec import Study

__all__ = ["Provenance", "Result", "read_result"]

RESULT_FORMAT = "allsurv-result/1"


@dataclass(frozen=True)
class Provenance:
    """Where a result comes from.

    Parameters
    ----------
    study, study_digest : str
        Name and SHA-256 of the study.
    source_kind, source_name, source_digest, source_statement : str
        The cohort: ``file``, ``reconstructed`` or ``simulated``; its name, SHA-256, and the plain
        sentence that goes with everything made from it.
    n, n_events : int
        Patients and events of the endpoint.
    endpoint : str
        Name of the endpoint.
    seed : int
        Seed from which all chance in the run follows.
    started : str
        Time of start, UTC, ISO 8601.
    seconds : float
        Wall time of the computation.
    versions : mapping from str to str
        Packages that bear on the numbers.
    """

    study: str
    study_digest: str
    source_kind: str
    source_name: str
    source_digest: str
    source_statement: str
    n: int
    n_events: int
    endpoint: str
    seed: int
    started: str
    seconds: float
    versions: Mapping[str, str]

    @property
    def is_synthetic(self) -> bool:
        """Whether the patients are not real."""
        return self.source_kind != "file"


@dataclass(frozen=True, eq=False)
class Result:
    """Outcome of one experiment; every table has passed the disclosure rules.

    Parameters
    ----------
    name : str
        Name of the experiment.
    question : str
        What is asked.
    study : Study
        The facts the cohort was held against.
    config : mapping
        Every choice of the run, presets filled in.
    provenance : Provenance
        Where the numbers come from.
    tables : mapping from str to DataFrame
        Tidy tables by name; :mod:`allsurv.experiment.run` documents their columns.
    statements : mapping from str to str
        Sentences a reader must see, by topic: ``source``, ``sample_size``, ``choice``,
        ``disclosure``, ``validation``, ``findings``, ``importance``.
    chosen : str
        Name of the model recommended by the stated rule.
    risk_models : mapping from str to RiskModel
        Every trained model in exported form, by name.
    """

    name: str
    question: str
    study: Study
    config: Mapping[str, Any]
    provenance: Provenance
    tables: Mapping[str, pd.DataFrame]
    statements: Mapping[str, str]
    chosen: str
    risk_models: Mapping[str, RiskModel] = field(default_factory=dict, repr=False)

    def to_json(self) -> dict[str, Any]:
        """Turn the result into plain values.

        Returns
        -------
        dict
            JSON-ready; missing numbers are ``None``. The models are not in it.
        """
        return {
            "format": RESULT_FORMAT,
            "name": self.name,
            "question": self.question,
            "chosen": self.chosen,
            "config": dict(self.config),
            "provenance": asdict(self.provenance),
            "statements": dict(self.statements),
            "tables": {name: _records(table) for name, table in self.tables.items()},
        }

    def write(self, folder: str | Path) -> Path:
        """Write ``results.json``, one CSV a table, and every risk model.

        Parameters
        ----------
        folder : str or Path
            Made if need be.

        Returns
        -------
        Path
            The folder.
        """
        folder = Path(folder)
        (folder / "tables").mkdir(parents=True, exist_ok=True)
        text = json.dumps(self.to_json(), indent=1, ensure_ascii=False, allow_nan=False)
        (folder / "results.json").write_text(text + "\n", encoding="utf-8")
        for name, table in self.tables.items():
            table.to_csv(folder / "tables" / f"{name}.csv", index=False)
        for name, risk_model in self.risk_models.items():
            risk_model.write(folder / "models" / name)
        return folder


def read_result(path: str | Path, study: Study) -> Result:
    """Read a results file back, without its models.

    Parameters
    ----------
    path : str or Path
        ``results.json``, or the folder that holds it.
    study : Study
        The study it was made with.

    Returns
    -------
    Result
        With ``risk_models`` empty.

    Raises
    ------
    ConfigError
        If the file is missing, not a result, or made with another study.
    """
    path = Path(path)
    file = path / "results.json" if path.is_dir() else path
    if not file.is_file():
        raise ConfigError(f"{file}: no such results file; give the folder a run has written.")
    try:
        tree = json.loads(file.read_text(encoding="utf-8"))
    except (UnicodeDecodeError, json.JSONDecodeError):
        raise ConfigError(f"{file}: not a results file; it is no JSON.") from None
    if not isinstance(tree, dict) or tree.get("format") != RESULT_FORMAT:
        raise ConfigError(f"{file}: not a results file of format {RESULT_FORMAT}.")
    provenance = Provenance(**tree["provenance"])
    if provenance.study_digest != study.digest:
        raise ConfigError(
            f"{file}: made with another version of study '{provenance.study}' than the one given; "
            "give the study file it was made with, or run the experiment again."
        )
    return Result(
        name=tree["name"],
        question=tree["question"],
        study=study,
        config=tree["config"],
        provenance=provenance,
        tables={name: pd.DataFrame(rows) for name, rows in tree["tables"].items()},
        statements=tree["statements"],
        chosen=tree["chosen"],
    )


def _records(table: pd.DataFrame) -> list[dict[str, Any]]:
    return [
        {key: _plain(value) for key, value in row.items()}
        for row in table.to_dict(orient="records")
    ]


def _plain(value: Any) -> Any:
    if value is None or value is pd.NA:
        return None
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value

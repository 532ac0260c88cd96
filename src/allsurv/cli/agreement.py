"""Published findings against models: of a run that was made, or fitted now to a cohort."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from allsurv.cli.card import run_folder, run_study
from allsurv.cli.progress import Progress
from allsurv.cohort import Cohort, load_cohort, read_cohort
from allsurv.errors import ConfigError
from allsurv.experiment import read_result
from allsurv.experiment.choices import usual_models
from allsurv.experiment.evidence import evidence_statement
from allsurv.experiment.tables import labelled
from allsurv.findings import assess_findings
from allsurv.models import make_model
from allsurv.study import load_study

__all__ = ["AgreementOrder", "agreement_command"]

TABLES = ("findings", "findings_horizons", "findings_importance")


@dataclass(frozen=True)
class AgreementOrder:
    """Whose models are held against the findings.

    Attributes
    ----------
    run : str
        Folder a run has written, or ``runs:/ID``; where empty, models are fitted now.
    cohort : str
        CSV or Parquet file of patients; the study's own where empty.
    families : str
        Families of models, by comma; Cox, elastic net, forest and boosting where empty.
    refits : int
        Bootstrap refits and simulated outcomes behind the intervals of each model.
    seed : int
        The same seed gives the same numbers.
    jobs : int
        Processes.
    out : str
        Folder for tables and figure; none where empty.
    """

    run: str = ""
    cohort: str = ""
    families: str = ""
    refits: int = 25
    seed: int = 0
    jobs: int = 1
    out: str = ""


def agreement_command(study: str, order: AgreementOrder) -> None:
    """Print, per finding and model, how far they agree; write the tidy tables where asked."""
    tables, source, unit = _of_run(study, order) if order.run else _of_cohort(study, order)
    findings = tables.get("findings", pd.DataFrame())
    if findings.empty:
        raise ConfigError(
            "findings: the study has no published finding to hold models against; name some under "
            "'findings' in the study file."
        )
    print("\n".join(_told(findings, source)))
    if order.out:
        print(f"Tables and figure: {_written(tables, source, unit, Path(order.out))}")


def _of_run(study: str, order: AgreementOrder) -> tuple[dict[str, pd.DataFrame], str, str]:
    folder = run_folder(order.run)
    definition = run_study(study, folder)
    result = read_result(folder, definition)
    tables = {name: result.tables[name] for name in TABLES if name in result.tables}
    return tables, result.provenance.source_statement, definition.time.unit


def _of_cohort(study: str, order: AgreementOrder) -> tuple[dict[str, pd.DataFrame], str, str]:
    definition = load_study(study or "rr-all")
    cohort = read_cohort(order.cohort, definition) if order.cohort else load_cohort(definition)
    if not definition.findings:
        return {}, "", ""
    with Progress(sys.stderr) as progress:
        found = assess_findings(
            _fitted(cohort, order),
            cohort,
            n_bootstrap=order.refits,
            n_simulated=order.refits,
            random_state=order.seed,
            n_jobs=order.jobs,
            progress=lambda done, total: progress("refits", done, total),
        )
    tables = {
        name: labelled(table)
        for name, table in zip(
            TABLES, (found.findings, found.horizons, found.importance), strict=True
        )
    }
    return tables, cohort.source.statement, definition.time.unit


def _fitted(cohort: Cohort, order: AgreementOrder) -> dict[str, object]:
    endpoint = cohort.study.prediction.endpoint
    eligible = cohort.eligible(endpoint)
    names = [name.strip() for name in order.families.split(",") if name.strip()]
    return {
        name: make_model(name, cohort.study, random_state=order.seed).fit(
            eligible.X, eligible.y(endpoint)
        )
        for name in names or usual_models()
    }


def _told(findings: pd.DataFrame, source: str) -> Iterator[str]:
    yield source
    yield evidence_statement(findings)
    for _, part in findings.groupby("finding", sort=False):
        first = part.iloc[0]
        published = _ratio(first, "published")
        yield f"\n{first['label']}, {first['unit'] or first['contrast']}: published {published}"
        yield _shown(part).to_string(index=False)
    yield (
        "\nRatio: here over published, on one scale; P: of the test that both are one effect. "
        "Ranks among the predictors, with limits over refits."
    )


def _shown(part: pd.DataFrame) -> pd.DataFrame:
    rows = [row for _, row in part.iterrows()]
    return pd.DataFrame(
        {
            "model": part["model_label"],
            "here": [_ratio(row, "judged") for row in rows],
            "ratio": [_ratio(row, "ratio") for row in rows],
            "P": part["heterogeneity_p"].map(lambda p: "" if math.isnan(p) else f"{p:.2f}"),
            "rank, SHAP": [_rank(row, "shap_rank") for row in rows],
            "rank, permutation": [_rank(row, "permutation_rank") for row in rows],
            "verdict": part["verdict"] + ": " + part["reason"],
        }
    )


def _ratio(row: pd.Series, name: str) -> str:
    if math.isnan(row[name]):
        return ""
    digits = 3 if abs(row[name] - 1) < 0.1 else 2
    limits = [row[f"{name}_lower"], row[f"{name}_upper"]]
    if not all(map(math.isfinite, limits)):
        return f"{row[name]:.{digits}f} (no limits)"
    return f"{row[name]:.{digits}f} ({limits[0]:.{digits}f} to {limits[1]:.{digits}f})"


def _rank(row: pd.Series, name: str) -> str:
    if math.isnan(row[name]):
        return ""
    return f"{row[name]:.0f} ({row[f'{name}_lower']:.0f} to {row[f'{name}_upper']:.0f})"


def _written(tables: dict[str, pd.DataFrame], source: str, unit: str, folder: Path) -> Path:
    from allsurv.plots import write_figures

    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, table in tables.items():
            table.assign(source=source).to_csv(folder / f"{name}.csv", index=False)
        write_figures({"findings": tables["findings"]}, folder, caption=source, unit=unit)
    except OSError as problem:
        reason = problem.strerror or type(problem).__name__
        raise ConfigError(f"{folder}: cannot be written ({reason}).") from None
    return folder
